"""Clusters and tasks of Amazon ECS through Libcloud's driver, over AWS's API by moto."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import LibcloudCloud, libcloud
from orchestra.clouds.families.libcloud.containers import ecs as raw
from orchestra.clouds.families.libcloud.containers.tasks import _is_ended, _told
from orchestra.contracts import Inputs, Provider, Status, Update
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds import owned
from tests.clouds.owned import owner
from tests.moto_server import MotoServer

REGION = "eu-west-1"
LABELS = {"env": "test", "Owner": "web"}
PLACE = {"launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}


def ecs(aws: MotoServer, secret: str = "") -> LibcloudCloud:
    return libcloud(
        "ecs",
        region=REGION,
        key=aws.access_key,
        secret=secret or aws.secret_key,
        endpoint=aws.endpoint,
        options={"run_task": PLACE},
        consistency_seconds=0,
    )


def provider(cloud: LibcloudCloud, kind: str) -> Provider:
    return owned.provider(cloud, f"containers.{kind}")


def a_task(**more: Any) -> Inputs:
    values = {
        "image": "nginx:1.27",
        "cluster": "shop",
        "command": [],
        "environment": {},
        "ports": [],
        "memory_mib": 64,
        "cpus": None,
        "stop_seconds": 10,
        "name": None,
        "labels": {},
    }
    return Inputs({**values, **more})


def ask(aws: MotoServer, action: str, **asked: Any) -> Any:
    return raw.ask(ecs(aws)._session.driver(), action, **asked)


@pytest.fixture
def shop(aws: MotoServer) -> str:
    """A cluster to run tasks in."""
    made = provider(ecs(aws), "Cluster").create(Inputs({"name": "shop", "labels": {}}), owner("shop"))
    return made.external_id


def a_container(**more: Any) -> oc.Container:
    return oc.Container(image="nginx:1.27", cluster="shop", memory_mib=64, **more)


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        (
            "Cluster",
            ProviderCase(make=lambda _: oc.Cluster(labels=LABELS), changes={"labels": {"env": "prod"}}, copies=3),
        ),
        ("Container", ProviderCase(make=lambda _: a_container(labels=LABELS), copies=3)),
        ("Container", ProviderCase(make=lambda _: a_container(command=["sleep", "9"], cpus=0.5, name="web"), copies=3)),
    ],
)
@pytest.mark.usefixtures("shop")
def test_providers_keep_the_contract(aws: MotoServer, kind: str, case: ProviderCase) -> None:
    checked = check_provider(
        lambda: provider(ecs(aws), kind),
        [case],
        unreachable=lambda: provider(ecs(aws, "a-secret-that-is-wrong"), kind),
        clock=VirtualClock(),
    )
    assert checked.left_out == ()
    assert not ask(aws, "ListTaskDefinitions")["taskDefinitionArns"], "no definition is left in use"


class Shop(oc.Stack):
    """Containers in a cluster of their own."""

    containers: int = 2

    def build(self) -> None:
        self.cluster = oc.Cluster()
        self.web = [
            oc.Container(image="nginx:1.27", cluster=self.cluster, memory_mib=64, environment={"N": str(number)})
            for number in range(self.containers)
        ]


def test_a_whole_life(aws: MotoServer, tmp_path: Path) -> None:
    def deploy(count: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        shop = Shop(containers=count)
        return oc.Deployment(shop, name="shop", cloud=ecs(aws), state=state, progress=False, clock=VirtualClock())

    for action in ("CreateCluster", "RegisterTaskDefinition", "RunTask", "DeregisterTaskDefinition"):
        aws.fault(action=action, mode="drop_after")
    tasks = provider(ecs(aws), "Container")
    with deploy(2) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
        assert len(list(tasks.list())) == 2, "lost answers made nothing twice"
    with deploy(3) as deployment:
        assert deployment.plan().counts[oc.Action.CREATE] == 1
        deployment.apply()
        tasks.delete(str(deployment.resources["web[0]"].external_id))
        deployment.apply()
        assert deployment.plan().is_empty
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy(3) as deployment:
        deployment.rebuild()
        assert {str(address): record.external_id for address, record in deployment.resources.items()} == known
        deployment.destroy()
    assert not list(tasks.list())
    assert not list(provider(ecs(aws), "Cluster").list())
    assert not ask(aws, "ListTaskDefinitions")["taskDefinitionArns"]


def test_what_is_asked_for(aws: MotoServer, shop: str) -> None:
    ports = [{"container": 80, "host": 8080, "protocol": "tcp", "address": "0.0.0.0"}]
    more = {"command": ["serve"], "environment": {"B": "2", "A": "1"}, "ports": ports, "cpus": 0.25, "labels": LABELS}
    made = provider(ecs(aws), "Container").create(a_task(**more), owner("web"))
    told = ask(aws, "DescribeTasks", cluster=shop, tasks=[made.external_id], include=["TAGS"])["tasks"][0]
    assert told["startedBy"] == owner("web").token
    assert {one["key"]: one["value"] for one in told["tags"]} == {**LABELS, **owner("web").tags()}
    assert f":task/{shop}/" in told["taskArn"], "in the cluster that was asked for, not in the default one"
    definition = ask(aws, "DescribeTaskDefinition", taskDefinition=told["taskDefinitionArn"])["taskDefinition"]
    assert definition["status"] == "INACTIVE"
    container = definition["containerDefinitions"][0]
    assert (container["image"], container["memory"], container["cpu"]) == ("nginx:1.27", 64, 256)
    assert container["environment"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert container["portMappings"] == [{"containerPort": 80, "hostPort": 8080, "protocol": "tcp"}]
    assert container["command"] == ["serve"]
    with pytest.raises(oc.InvalidRequestError, match=r"127\.0\.0\.1 alone"):
        provider(ecs(aws), "Container").create(a_task(ports=[{**ports[0], "address": "127.0.0.1"}]), owner("other"))


@pytest.mark.usefixtures("shop")
def test_a_creation_that_was_broken_off_goes_on_where_it_was(aws: MotoServer) -> None:
    aws.fault(action="RunTask", mode="drop_before")
    tasks = provider(ecs(aws), "Container")
    with pytest.raises(oc.TransientError):
        tasks.create(a_task(), owner("web"))
    assert len(ask(aws, "ListTaskDefinitions")["taskDefinitionArns"]) == 1
    assert tasks.find(owner("web"), a_task()) is None
    made = tasks.create(a_task(), owner("web"))
    assert aws.stats()["RegisterTaskDefinition"] == 1, "the definition that was there is used"
    assert tasks.create(a_task(), owner("web")).external_id == made.external_id
    assert not ask(aws, "ListTaskDefinitions")["taskDefinitionArns"]


def test_somebody_elses_cluster_is_not_taken_over(aws: MotoServer) -> None:
    ask(aws, "CreateCluster", clusterName="theirs", tags=[{"key": "team", "value": "other"}])
    ask(aws, "CreateCluster", clusterName="bare")
    for name in ("theirs", "bare"):
        with pytest.raises(oc.ConflictError, match="already"):
            provider(ecs(aws), "Cluster").create(Inputs({"name": name, "labels": {}}), owner("mine"))


def task(**told: Any) -> dict[str, Any]:
    return {
        "taskArn": f"arn:aws:ecs:{REGION}:123456789012:task/shop/1",
        "lastStatus": "RUNNING",
        "desiredStatus": "RUNNING",
        "containers": [{"name": "web"}],
        **told,
    }


@pytest.mark.parametrize(
    ("told", "status", "detail"),
    [
        ({}, Status.READY, ""),
        ({"lastStatus": "PROVISIONING"}, Status.PENDING, "PROVISIONING"),
        ({"lastStatus": "STOPPED", "stoppedReason": "no such image"}, Status.FAILED, "no such image"),
        ({"lastStatus": "STOPPED", "containers": [{"name": "web", "exitCode": 3}]}, Status.FAILED, "code 3"),
        ({"lastStatus": "STOPPED"}, Status.FAILED, "it ended"),
    ],
)
def test_how_far_a_task_is(told: dict[str, Any], status: Status, detail: str) -> None:
    found = _told(task(**told))
    assert found.status is status
    assert detail in found.detail
    assert found.inputs["cluster"] == "shop"


def test_what_was_ended_on_purpose_is_gone_and_what_ended_by_itself_has_failed() -> None:
    assert _is_ended(task(desiredStatus="STOPPED", stopCode="UserInitiated"))
    assert not _is_ended(task(desiredStatus="STOPPED", stopCode="EssentialContainerExited"))
    assert not _is_ended(task(desiredStatus="STOPPED"))
    assert not _is_ended(task())


@pytest.mark.usefixtures("shop")
def test_what_a_task_can_not_change_is_refused(aws: MotoServer) -> None:
    tasks = provider(ecs(aws), "Container")
    made = tasks.create(a_task(), owner("web"))
    update = Update(before=a_task(), after=a_task(memory_mib=128), changed=frozenset({"memory_mib"}))
    with pytest.raises(oc.InvalidRequestError, match="can't change memory_mib"):
        tasks.update(made.external_id, update)


def test_what_can_not_be_had_is_a_plan_error(aws: MotoServer) -> None:
    class Bad(oc.Stack):
        def build(self) -> None:
            self.bare = oc.Container(image="nginx")
            self.job = oc.Container(image="nginx", memory_mib=64, once=True)

    with (
        oc.Deployment(Bad(), name="bad", cloud=ecs(aws), state="sqlite://:memory:", progress=False) as bad,
        pytest.raises(oc.UnsupportedError, match=r"(?s)without memory_mib.*once.*forgets a task"),
    ):
        bad.plan()


def test_verify(aws: MotoServer) -> None:
    ecs(aws).verify()
    with pytest.raises(oc.CredentialsError):
        ecs(aws, "a-secret-that-is-wrong").verify()
