"""Namespaces and pods, through Libcloud's driver and over HTTP, against an imitation of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Observation, Provider, Status, Update
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds import owned
from tests.clouds.anydriver.kubernetes import TOKEN, Kubernetes
from tests.clouds.owned import owner

LABELS = {"env": "test", "team": "web"}


@pytest.fixture
def server() -> Iterator[Kubernetes]:
    server = Kubernetes()
    with server.running():
        yield server


def kubernetes(server: Kubernetes, token: str = TOKEN) -> LibcloudCloud:
    return libcloud("kubernetes", key=token, endpoint=server.endpoint)


def provider(cloud: LibcloudCloud, kind: str) -> Provider:
    return owned.provider(cloud, f"containers.{kind}")


def a_container(**more: Any) -> Inputs:
    values = {
        "image": "nginx:1.27",
        "cluster": None,
        "command": [],
        "environment": {},
        "ports": [],
        "restart": "no",
        "memory_mib": None,
        "cpus": None,
        "stop_seconds": 10,
        "once": False,
        "running": True,
        "name": None,
        "labels": {},
    }
    return Inputs({**values, **more})


def create(server: Kubernetes, address: str = "web", **more: Any) -> Observation:
    return provider(kubernetes(server), "Container").create(a_container(**more), owner(address))


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        ("Cluster", ProviderCase(make=lambda _: oc.Cluster(labels=LABELS), changes={"labels": {"env": "prod"}})),
        ("Container", ProviderCase(make=lambda _: oc.Container(image="nginx:1.27", labels=LABELS))),
        (
            "Container",
            ProviderCase(
                make=lambda _: oc.Container(image="nginx:1.27", command=["sleep", "9"], memory_mib=64, cpus=0.5)
            ),
        ),
    ],
)
def test_providers_keep_the_contract(server: Kubernetes, kind: str, case: ProviderCase) -> None:
    checked = check_provider(
        lambda: provider(kubernetes(server), kind),
        [case],
        unreachable=lambda: provider(kubernetes(server, "a-token-that-is-wrong"), kind),
        clock=VirtualClock(),
    )
    assert checked.left_out == ()


class Shop(oc.Stack):
    """Containers in a namespace of their own."""

    containers: int = 2

    def build(self) -> None:
        self.space = oc.Cluster()
        self.web = [
            oc.Container(image="nginx:1.27", cluster=self.space, ports=[oc.Port(container=80, host=8080 + number)])
            for number in range(self.containers)
        ]


def test_a_whole_life(server: Kubernetes, tmp_path: Path) -> None:
    def deploy(count: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        shop = Shop(containers=count)
        return oc.Deployment(
            shop, name="shop", cloud=kubernetes(server), state=state, progress=False, clock=VirtualClock()
        )

    server.lost += [("POST", "/api/v1/namespaces"), ("POST", "/api/v1/namespaces/[^/]+/pods")]
    with deploy(2) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
    assert not server.lost
    assert (len(server.namespaces), len(server.pods)) == (2, 2), "lost answers made nothing twice"
    with deploy(3) as deployment:
        assert deployment.plan().counts[oc.Action.CREATE] == 1
        deployment.apply()
        gone = str(deployment.resources["web[0]"].external_id)
        provider(kubernetes(server), "Container").delete(gone)
        deployment.apply()
        assert deployment.plan().is_empty
        assert len([one for one in server.pods.values() if "deletionTimestamp" not in one["metadata"]]) == 3
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy(3) as deployment:
        deployment.rebuild()
        assert {str(address): record.external_id for address, record in deployment.resources.items()} == known
        deployment.destroy()
        assert list(provider(kubernetes(server), "Container").list()) == []
        assert [one.external_id for one in provider(kubernetes(server), "Cluster").list()] == ["default"]


def test_what_is_asked_for(server: Kubernetes) -> None:
    create(
        server,
        command=["serve", "--all"],
        environment={"B": "2", "A": "1"},
        ports=[{"container": 80, "host": 8080, "protocol": "tcp", "address": "0.0.0.0"}],
        memory_mib=64,
        cpus=0.25,
        restart="on-failure",
        labels=LABELS,
        once=True,
    )
    body = server.sent("POST")[0].body
    assert body["spec"] == {
        "containers": [
            {
                "name": body["metadata"]["name"],
                "image": "nginx:1.27",
                "args": ["serve", "--all"],
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": 80, "hostPort": 8080, "protocol": "TCP", "hostIP": "0.0.0.0"}],
                "resources": {"limits": {"memory": "64Mi", "cpu": "250m"}},
            }
        ],
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 10,
    }
    token = owner("web").token
    assert body["metadata"]["labels"] == {**LABELS, "orchestra.internal/token": token}
    assert body["metadata"]["annotations"] == {
        "orchestra.internal/deployment": "prod",
        "orchestra.internal/address": "web",
        "orchestra.internal/token": token,
        "orchestra.internal/once": "yes",
    }


def state(name: str, **what: Any) -> Mapping[str, Any]:
    return {"name": "web", "ready": False, "state": {name: what}}


@pytest.mark.parametrize(
    ("once", "phase", "states", "status", "detail"),
    [
        (False, "Pending", [], Status.PENDING, "pending"),
        (False, "Running", [state("running")], Status.PENDING, "running"),
        (False, "Running", [{**state("running"), "ready": True}], Status.READY, ""),
        (True, "Running", [{**state("running"), "ready": True}], Status.PENDING, "it runs"),
        (True, "Succeeded", [state("terminated", exitCode=0)], Status.READY, ""),
        (False, "Succeeded", [state("terminated", exitCode=0)], Status.FAILED, "code 0"),
        (True, "Failed", [state("terminated", exitCode=3)], Status.FAILED, "code 3"),
        (False, "Pending", [state("waiting", reason="ImagePullBackOff")], Status.PENDING, "ImagePullBackOff"),
        (False, "Pending", [state("waiting", reason="InvalidImageName")], Status.FAILED, "InvalidImageName"),
        (False, "Unknown", [], Status.PENDING, "unknown"),
    ],
)
def test_how_far_a_pod_is(
    server: Kubernetes, once: bool, phase: str, states: list[Any], status: Status, detail: str
) -> None:
    made = create(server, once=once)
    pod = next(iter(server.pods.values()))
    pod["status"] = {"phase": phase, "containerStatuses": states}
    server.settle = lambda thing: thing  # type: ignore[method-assign]
    found = provider(kubernetes(server), "Container").observe([made.external_id]).found[made.external_id]
    assert found.status is status
    assert detail in found.detail


def test_another_pod_of_the_name_is_another_thing(server: Kubernetes) -> None:
    made = create(server)
    key = next(iter(server.pods))
    pods = provider(kubernetes(server), "Container")
    server.pods[key]["metadata"].update(uid="somebody-elses", annotations={}, labels={})
    assert pods.observe([made.external_id]).gone == {made.external_id}
    pods.delete(made.external_id)
    assert "deletionTimestamp" not in server.pods[key]["metadata"], "what isn't ours is left alone"
    with pytest.raises(oc.ConflictError, match="already exists"):
        pods.create(a_container(), owner("web"))
    adopted = pods.observe([key]).found
    assert next(iter(adopted.values())).external_id.endswith("somebody-elses")


def test_one_that_is_going_is_gone_and_its_name_not_free_yet(server: Kubernetes) -> None:
    made = create(server)
    pods = provider(kubernetes(server), "Container")
    pods.delete(made.external_id)
    assert len(server.pods) == 1
    with pytest.raises(oc.TransientError, match="still being deleted"):
        pods.create(a_container(), owner("web"))
    assert pods.create(a_container(), owner("web")).status is Status.PENDING


def test_lists_are_read_to_their_last_page(server: Kubernetes) -> None:
    server.page = 2
    made = [create(server, f"web[{number}]").external_id for number in range(5)]
    pods = provider(kubernetes(server), "Container")
    assert set(pods.observe(made).found) == set(made)
    assert len(list(pods.list())) == 5
    server.failing.append(("GET", "/api/v1/namespaces/default/pods", 410))
    reading = pods.observe(made)
    assert not reading.gone
    assert set(reading.unread) == set(made), "a list that breaks off tells of nothing that is gone"


def test_a_namespace_with_something_in_it_stays(server: Kubernetes) -> None:
    spaces = provider(kubernetes(server), "Cluster")
    space = spaces.create(Inputs({"name": None, "labels": {}}), owner("space")).external_id
    made = create(server, cluster=space)
    with pytest.raises(oc.InUseError, match="has pods in it"):
        spaces.delete(space)
    provider(kubernetes(server), "Container").delete(made.external_id)
    server.claims[space] = ["data"]
    with pytest.raises(oc.InUseError, match="persistentvolumeclaims in it: data"):
        spaces.delete(space)
    server.claims.clear()
    spaces.delete(space)
    assert spaces.observe([space]).gone == {space}


def test_somebody_elses_namespace_is_not_taken_over(server: Kubernetes) -> None:
    spaces = provider(kubernetes(server), "Cluster")
    with pytest.raises(oc.ConflictError, match="already exists"):
        spaces.create(Inputs({"name": "default", "labels": {}}), owner("space"))


def test_what_a_pod_can_not_change_is_refused_with_what_to_do(server: Kubernetes) -> None:
    made = create(server)
    update = Update(before=a_container(), after=a_container(memory_mib=64), changed=frozenset({"memory_mib"}))
    with pytest.raises(oc.InvalidRequestError, match="can't change memory_mib") as refused:
        provider(kubernetes(server), "Container").update(made.external_id, update)
    assert "replace" in str(refused.value.remedy)
    with pytest.raises(oc.InvalidRequestError, match="no such rule"):
        create(server, "other", restart="unless-stopped")


def test_what_can_not_be_had_is_a_plan_error(server: Kubernetes) -> None:
    class Bad(oc.Stack):
        def build(self) -> None:
            self.web = oc.Container(image="nginx", mounts=[oc.Mount(source="/a", target="/b")])

    with (
        oc.Deployment(Bad(), name="bad", cloud=kubernetes(server), state="sqlite://:memory:", progress=False) as bad,
        pytest.raises(oc.UnsupportedError, match=r"mounts.*oc\.clouds\.docker"),
    ):
        bad.plan()


def test_a_certificate_is_asked_for_where_one_is_given(server: Kubernetes) -> None:
    options = {"ca_cert": "ca.pem", "cert_file": "me.pem", "key_file": "me.key"}
    cloud = libcloud("kubernetes", key=TOKEN, endpoint=server.endpoint, options=options)
    connection = cloud._session.driver().driver.connection
    connection.connect()
    assert connection.connection.ca_cert == "ca.pem"
    assert connection.connection.session.cert == ("me.pem", "me.key")


def test_verify(server: Kubernetes) -> None:
    kubernetes(server).verify()
    with pytest.raises(oc.CredentialsError):
        kubernetes(server, "a-token-that-is-wrong").verify()
