"""Containers and images of LXD: on LXD itself, and on an imitation that loses answers and fails when it is told to."""

from __future__ import annotations

import http.client
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import orchestra as oc
from orchestra.clouds import LibcloudCloud, libcloud
from orchestra.contracts import Inputs, Observation, Ownership, Provider, Status, Update, fresh_token
from orchestra.engine.clock import SystemClock
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds import owned
from tests.clouds.anydriver.lxd import Lxd
from tests.clouds.owned import owner
from tests.servers.certificates import write_certificates
from tests.servers.docker import CannotStartError, free_port
from tests.servers.lxd import LxdServer, image_by_url, lxd_server

pytestmark = pytest.mark.timeout(300)  # containers boot, and a busy machine is slow

LABELS = {"env": "test", "team": "web"}
REMOTE = "images.example/busybox/1"

Server: TypeAlias = "Lxd | LxdServer"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("certificates")
    write_certificates(found)
    return found


@pytest.fixture
def imitation(folder: Path) -> Iterator[Lxd]:
    server = Lxd(folder)
    server.make_image("busybox")
    server.catalogue[f"https://{REMOTE}"] = "from elsewhere"
    with server.running():
        yield server


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[LxdServer, LxdServer]]:
    """A server, and another that has images for it."""
    try:
        with lxd_server() as images, lxd_server(trusting=images) as server:
            yield server, images
    except CannotStartError as error:
        pytest.skip(str(error))


@pytest.fixture
def real(running: tuple[LxdServer, LxdServer]) -> LxdServer:
    for one in running:
        one.clear()
    running[0].make_image("busybox")
    return running[0]


@pytest.fixture
def boots(real: LxdServer) -> LxdServer:
    """A server whose containers can boot: not every machine permits that."""
    made = create(real, "probe", stop_seconds=0)
    provider(lxd(real), "Container").delete(made.external_id)
    if made.status is Status.FAILED:
        pytest.skip(f"no container can boot here: {made.detail}")
    return real


@pytest.fixture(params=["real", "imitation"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["boots", "imitation"])
def booting(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def lxd(server: Server, **more: Any) -> LibcloudCloud:
    return libcloud("lxd", endpoint=server.endpoint, options={**server.options, **more})


def stranger(server: Server) -> LibcloudCloud:
    """Somebody without a certificate."""
    return libcloud("lxd", endpoint=server.endpoint, options={"ca_cert": server.options["ca_cert"]})


def provider(cloud: LibcloudCloud, kind: str) -> Provider:
    return owned.provider(cloud, f"containers.{kind}")


def a_container(**more: Any) -> Inputs:
    values = {
        "image": "busybox",
        "environment": {},
        "ports": [],
        "mounts": [],
        "network": None,
        "memory_mib": None,
        "cpus": None,
        "stop_seconds": 5,
        "running": True,
        "name": None,
        "labels": {},
    }
    return Inputs({**values, **more})


def create(server: Server, address: str = "web", **more: Any) -> Observation:
    return provider(lxd(server), "Container").create(a_container(**more), owner(address))


def seen(server: Server, external_id: str) -> Observation:
    return provider(lxd(server), "Container").observe([external_id]).found[external_id]


def held(server: Server, name: str) -> dict[str, Any]:
    """What the server holds of an instance, by its own socket or its books."""
    found: dict[str, Any]
    found = server.instances[name] if isinstance(server, Lxd) else server.ask("GET", f"/1.0/instances/{name}")
    return found


def names(server: Server) -> set[str]:
    """The instances that there are."""
    if isinstance(server, Lxd):
        return set(server.instances)
    return {path.rpartition("/")[2] for path in server.ask("GET", "/1.0/instances")}


def aliases(server: Server) -> dict[str, str]:
    """Which image each name stands for."""
    told = server.aliases.values() if isinstance(server, Lxd) else server.ask("GET", "/1.0/images/aliases?recursion=1")
    return {one["name"]: one["target"] for one in told}


def images(server: Server) -> set[str]:
    """The images that there are."""
    if isinstance(server, Lxd):
        return set(server.images)
    return {path.rpartition("/")[2] for path in server.ask("GET", "/1.0/images")}


@pytest.fixture
def running_web() -> Iterator[str]:
    """The URL of an image."""
    with image_by_url("by url") as url:
        yield url


# -- the contract


@pytest.mark.parametrize(
    "case",
    [
        ProviderCase(
            make=lambda _: oc.Container(image="busybox", labels=LABELS, running=False, memory_mib=32, cpus=0.25),
            changes={"memory_mib": 64, "cpus": 1 / 3},
            copies=3,
        ),
        ProviderCase(
            make=lambda n: oc.Container(
                image="busybox",
                name=f"web-{n}",
                running=False,
                network="none",
                environment={"A": "1"},
                ports=[oc.Port(container=80, host=18000 + n)],
                mounts=[oc.Mount(source="/etc", target="/files", read_only=True)],
            ),
            copies=3,
        ),
    ],
)
def test_containers_keep_the_contract(server: Server, case: ProviderCase) -> None:
    checked = check_provider(
        lambda: provider(lxd(server), "Container"),
        [case],
        unreachable=lambda: provider(stranger(server), "Container"),
        clock=VirtualClock() if isinstance(server, Lxd) else None,
        threads=3,
    )
    assert checked.left_out == ()


def test_those_that_run_keep_the_contract(booting: Server) -> None:
    check_provider(
        lambda: provider(lxd(booting), "Container"),
        [
            ProviderCase(
                make=lambda _: oc.Container(image="busybox", stop_seconds=1),
                changes={"running": False, "memory_mib": 64, "cpus": 1.5},
                copies=2,
            )
        ],
        clock=VirtualClock() if isinstance(booting, Lxd) else None,
        threads=2,
    )


def test_images_keep_the_contract(server: Server, running_web: str) -> None:
    if isinstance(server, Lxd):
        server.catalogue[running_web] = "by url"
    checked = check_provider(
        lambda: provider(lxd(server), "ContainerImage"),
        [
            ProviderCase(make=lambda _: oc.ContainerImage(name="busybox"), copies=3),
            ProviderCase(make=lambda _: oc.ContainerImage(name=running_web), copies=3),
        ],
        unreachable=lambda: provider(stranger(server), "ContainerImage"),
        clock=VirtualClock() if isinstance(server, Lxd) else None,
        threads=3,
    )
    assert checked.left_out == ()
    assert set(aliases(server)) == {"busybox"}
    assert len(images(server)) == 1, "what was copied went with the last that had it copied"


# -- whole lives


class Shop(oc.Stack):
    """Containers of an image that is copied for them."""

    containers: int = 2

    def build(self) -> None:
        self.image = oc.ContainerImage(name=REMOTE)
        self.web = [
            oc.Container(image=self.image, stop_seconds=1, environment={"N": str(number)})
            for number in range(self.containers)
        ]


def test_a_whole_life(imitation: Lxd, tmp_path: Path) -> None:
    def deploy(count: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        shop = Shop(containers=count)
        return oc.Deployment(shop, name="shop", cloud=lxd(imitation), state=state, progress=False, clock=VirtualClock())

    imitation.lost += [("POST", "/1.0/images"), ("POST", "/1.0/instances"), ("PUT", "/1.0/instances/[^/]+/state")]
    with deploy(2) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
    assert not imitation.lost
    assert (len(imitation.instances), len(imitation.images)) == (2, 2), "lost answers made nothing twice"
    assert {one["status"] for one in imitation.instances.values()} == {"Running"}
    with deploy(3) as deployment:
        assert deployment.plan().counts[oc.Action.CREATE] == 1
        deployment.apply()
        gone = str(deployment.resources["web[0]"].external_id).partition("/")[0]
        del imitation.instances[gone]
        imitation._act(str(deployment.resources["web[1]"].external_id).partition("/")[0], "stop")
        counts = deployment.plan().counts
        assert (counts[oc.Action.CREATE], counts[oc.Action.UPDATE]) == (1, 1)
        deployment.apply()
        assert deployment.plan().is_empty
        assert len(imitation.instances) == 3
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy(3) as deployment:
        deployment.rebuild()
        assert {str(address): record.external_id for address, record in deployment.resources.items()} == known
        deployment.destroy()
    assert (imitation.instances, set(imitation.aliases), len(imitation.images)) == ({}, {"busybox"}, 1)


def test_a_whole_life_on_lxd_itself(boots: LxdServer, running: tuple[LxdServer, LxdServer], tmp_path: Path) -> None:
    """The image comes from another server; the page is served out of a folder of the machine."""
    running[1].make_image("busybox/1", mark="from elsewhere", public=True)
    remote = f"{running[1].endpoint.removeprefix('https://')}/busybox/1"
    port, www, out = free_port(), boots.folder / "www", boots.folder / "out"
    www.mkdir()
    out.mkdir()
    out.chmod(0o777)  # a container's users are others than the machine's
    (www / "index.html").write_text("hello\n")

    class Site(oc.Stack):
        memory: int = 64

        def build(self) -> None:
            self.image = oc.ContainerImage(name=remote)
            self.web = oc.Container(
                image=self.image,
                stop_seconds=5,
                memory_mib=self.memory,
                cpus=0.5,
                environment={"GREETING": "good day, ü"},
                ports=[oc.Port(container=80, host=port, address="127.0.0.1")],
                mounts=[
                    oc.Mount(source=str(www), target="/www", read_only=True),
                    oc.Mount(source=str(out), target="/out"),
                ],
            )

    def deploy(memory: int) -> oc.Deployment:
        state = tmp_path / "state.db"
        return oc.Deployment(
            Site(memory=memory), name="site", cloud=lxd(boots, image_protocol="lxd"), state=state, progress=False
        )

    with deploy(64) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert _page(port) == b"hello\n"
        assert deployment.drift().is_empty
        assert (out / "greeting").read_text() == "good day, ü\n"
        assert deployment.value(deployment.stack.image.digest).removeprefix("sha256:") in images(boots)
    with deploy(96) as deployment:
        assert deployment.plan().counts[oc.Action.UPDATE] == 1
        deployment.apply()
        assert deployment.plan().is_empty
        (name,) = names(boots)
        assert held(boots, name)["config"]["limits.memory"] == "96MiB"
        boots.ask("PUT", f"/1.0/instances/{name}/state", {"action": "stop", "force": True})
        assert deployment.plan().counts[oc.Action.UPDATE] == 1
        deployment.apply()
        assert _page(port) == b"hello\n"
        deployment.destroy()
    assert (names(boots), set(aliases(boots)), len(images(boots))) == (set(), {"busybox"}, 1)


def _page(port: int) -> bytes:
    """What the container's server answers; it takes a moment to start."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=10) as answer:
                found: bytes = answer.read()
                return found
        except (OSError, http.client.HTTPException):
            SystemClock().sleep(0.1)
    raise AssertionError("nothing answers")


# -- containers


def test_what_is_asked_for(server: Server) -> None:
    made = create(
        server,
        running=False,
        environment={"B": "2 ü", "A": "1"},
        ports=[{"container": 80, "host": 8080, "protocol": "tcp", "address": "127.0.0.1"}],
        mounts=[{"source": "/etc", "target": "/files", "read_only": True}],
        network="none",
        memory_mib=64,
        cpus=0.25,
        stop_seconds=7,
        labels=LABELS,
    )
    found = held(server, made.name)
    ours = {key: value for key, value in found["config"].items() if not key.startswith(("volatile.", "image."))}
    assert ours == {
        "boot.host_shutdown_timeout": "7",
        "environment.A": "1",
        "environment.B": "2 ü",
        "limits.cpu.allowance": "25ms/100ms",
        "limits.memory": "64MiB",
        "user.label.env": "test",
        "user.label.team": "web",
        "user.orchestra.address": "web",
        "user.orchestra.cpus": "0.25",
        "user.orchestra.deployment": "prod",
        "user.orchestra.image": "busybox",
        "user.orchestra.memory_mib": "64",
        "user.orchestra.token": owner("web").token,
    }
    assert found["devices"] == {
        "port-0": {"type": "proxy", "listen": "tcp:127.0.0.1:8080", "connect": "tcp:127.0.0.1:80"},
        "mount-0": {"type": "disk", "source": "/etc", "path": "/files", "readonly": "true"},
        "eth0": {"type": "none"},
    }
    assert made.inputs == {
        "name": made.name,
        "image": "busybox",
        "labels": LABELS,
        "running": False,
        "network": "none",
        "memory_mib": 64,
        "cpus": 0.25,
    }
    assert made.external_id == f"{made.name}/{found['config']['volatile.uuid']}"
    assert made.ownership == owner("web")


def test_an_image_by_its_digest(server: Server) -> None:
    fingerprint = aliases(server)["busybox"]
    made = create(server, image=f"busybox@sha256:{fingerprint}", running=False)
    assert held(server, made.name)["config"]["volatile.base_image"] == fingerprint


def test_one_whose_deployment_begins_with_a_digit_has_a_name_that_lxd_takes(server: Server) -> None:
    containers = provider(lxd(server), "Container")
    made = containers.create(a_container(running=False), Ownership("2nd", "web", fresh_token("2nd")))
    assert made.name.startswith("c-2nd-web-")


def test_what_lxd_says_of_one_that_can_not_be_made(server: Server) -> None:
    with pytest.raises(oc.InvalidRequestError, match="it can't be made: Image alias not found") as refused:
        create(server, image="none")
    assert "ContainerImage" in str(refused.value.remedy)
    missing = {"source": "/none/such", "target": "/a", "read_only": False}
    with pytest.raises(
        oc.InvalidRequestError, match=r"it can't be made: Failed creating instance record: .*/none/such"
    ):
        create(server, mounts=[missing])
    containers = provider(lxd(server, profiles="none"), "Container")
    with pytest.raises(oc.CloudError, match='Requested profile "none"'):
        containers.create(a_container(), owner("web"))
    assert names(server) == set()


def test_a_name_that_is_another_s_is_a_conflict(server: Server) -> None:
    create(server, "theirs", name="taken", running=False)
    with pytest.raises(oc.ConflictError, match="there is an instance taken already"):
        create(server, "ours", name="taken", running=False)
    assert provider(lxd(server), "Container").find(owner("ours"), a_container(name="taken")) is None
    assert names(server) == {"taken"}


def test_what_was_made_and_not_started_is_pending_and_then_started(booting: Server) -> None:
    made = create(booting, running=False)
    found = provider(lxd(booting), "Container").find(owner("web"), a_container())
    assert found is not None
    assert (found.status, found.detail) == (Status.PENDING, "it isn't started yet")
    assert create(booting).external_id == made.external_id
    assert held(booting, made.name)["status"] == "Running"


def test_one_that_can_not_be_started_has_failed_with_lxd_s_text(boots: LxdServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = {"container": 80, "host": taken.getsockname()[1], "protocol": "tcp", "address": "127.0.0.1"}
        made = create(boots, ports=[port])
    assert made.status is Status.FAILED
    assert "it can't be started" in made.detail
    assert "address already in use" in made.detail


def test_its_address_is_told(booting: Server) -> None:
    made = create(booting)
    for _ in range(100):
        found = seen(booting, made.external_id).outputs
        if found["ip"] is not None:
            break
        SystemClock().sleep(0.1)
    assert found == {"ip": "10.0.3.7", "state": "running"}


def test_another_container_of_the_name_is_another_thing(server: Server) -> None:
    made = create(server, name="web", running=False)
    containers = provider(lxd(server), "Container")
    containers.delete(made.external_id)
    theirs = create(server, "theirs", name="web", running=False)
    assert theirs.external_id != made.external_id
    assert containers.observe([made.external_id]).gone == {made.external_id}
    containers.delete(made.external_id)
    assert names(server) == {"web"}, "what isn't ours is left alone"
    assert set(containers.observe(["web"]).found) == {"web"}, "one that is adopted may go by its name"


def test_many_that_were_adopted_by_their_names_are_read_in_one_list(imitation: Lxd) -> None:
    adopted = [create(imitation, f"web[{number}]", running=False).name for number in range(30)]
    imitation.requests.clear()
    assert set(provider(lxd(imitation), "Container").observe(adopted).found) == set(adopted)
    assert len(imitation.requests) == 1


def test_one_that_is_frozen_is_thawed(boots: LxdServer) -> None:
    made = create(boots, stop_seconds=1)
    boots.ask("PUT", f"/1.0/instances/{made.name}/state", {"action": "freeze"})
    assert seen(boots, made.external_id).inputs["running"] is False
    update = Update(before=a_container(running=False), after=a_container(), changed=frozenset({"running"}))
    assert provider(lxd(boots), "Container").update(made.external_id, update).inputs["running"] is True
    boots.ask("PUT", f"/1.0/instances/{made.name}/state", {"action": "freeze"})
    provider(lxd(boots), "Container").delete(made.external_id)
    assert names(boots) == set()


def test_a_limit_that_only_somebody_else_set_is_theirs(server: Server) -> None:
    made = create(server, running=False, memory_mib=64)
    config = {"config": {"limits.memory": "128MiB", "limits.cpu.allowance": "50ms/100ms"}}
    if isinstance(server, Lxd):
        held(server, made.name)["config"].update(config["config"])
    else:
        server.ask("PATCH", f"/1.0/instances/{made.name}", config)
    told = seen(server, made.external_id).inputs
    assert told["memory_mib"] == 128
    assert "cpus" not in told


def test_one_that_lxd_can_not_tell_of_is_unread_and_never_gone(imitation: Lxd) -> None:
    """So it is where the machine of a cluster that it is on can't be reached."""
    made, other = create(imitation), create(imitation, "other")
    imitation.instances[made.name].update(status="Error", status_code=112, config={}, devices={})
    containers = provider(lxd(imitation), "Container")
    reading = containers.observe([made.external_id, other.external_id])
    assert set(reading.unread) == {made.external_id}
    assert set(reading.found) == {other.external_id}
    with pytest.raises(oc.TransientError, match="can't be reached"):
        containers.delete(made.external_id)
    with pytest.raises(oc.TransientError, match="can't be reached"):
        create(imitation)
    assert len(imitation.instances) == 2


def test_a_list_that_fails_tells_of_nothing_that_is_gone(imitation: Lxd) -> None:
    made = create(imitation)
    imitation.failing.append(("GET", "/1.0/instances", 500))
    reading = provider(lxd(imitation), "Container").observe([made.external_id, "none/such"])
    assert not reading.gone
    assert set(reading.unread) == {made.external_id, "none/such"}


def test_one_that_is_there_and_is_no_container_is_left_out(imitation: Lxd) -> None:
    create(imitation)
    next(iter(imitation.instances.values()))["type"] = "virtual-machine"
    assert list(provider(lxd(imitation), "Container").list()) == []


def test_it_is_found_while_it_is_being_made(imitation: Lxd) -> None:
    """The answer to the creation is lost, and what it began still goes on when it is looked for."""
    imitation.lost.append(("POST", "/1.0/images"))
    wanted = Inputs({"name": REMOTE})
    kinds = provider(lxd(imitation), "ContainerImage")
    with pytest.raises(oc.TransientError):
        kinds.create(wanted, owner("image"))
    assert set(aliases(imitation)) == {"busybox"}
    found = kinds.find(owner("image"), wanted)
    assert found is not None
    assert found.inputs == {"name": REMOTE}
    assert kinds.create(wanted, owner("image")).external_id == found.external_id


def test_what_takes_long_is_asked_for_again_and_goes_on(imitation: Lxd, tmp_path: Path) -> None:
    containers = provider(lxd(imitation), "Container")
    imitation.slow = 8
    for _ in range(2):
        with pytest.raises(oc.InProgressError, match="LXD is still at it: Creating instance"):
            containers.create(a_container(), owner("web"))
    made = containers.create(a_container(), owner("web"))
    assert held(imitation, made.name)["status"] == "Running"
    imitation.slow = 20
    state = tmp_path / "state.db"
    shop = oc.Deployment(
        Shop(), name="shop", cloud=lxd(imitation), state=state, progress=False, clock=VirtualClock(), width=1
    )
    with shop:
        run = shop.apply()
        assert [step.attempts for step in run.steps] == [1, 1, 1]
    assert len(imitation.sent("POST", "/1.0/images")) == 1
    assert len(imitation.instances) == 3


def test_a_project_goes_with_every_request(imitation: Lxd) -> None:
    cloud = lxd(imitation, project="shop")
    made = provider(cloud, "Container").create(a_container(), owner("web"))
    provider(cloud, "Container").delete(made.external_id)
    assert {one.query.get("project") for one in imitation.requests} == {"shop"}


# -- images


def test_whose_an_image_is_goes_with_the_copy(server: Server, running_web: str) -> None:
    if isinstance(server, Lxd):
        server.catalogue[running_web] = "by url"
    kinds = provider(lxd(server), "ContainerImage")
    made = kinds.create(Inputs({"name": running_web}), owner("image"))
    assert made.external_id == f"orchestra-{owner('image').token}"
    assert made.outputs == {"digest": f"sha256:{aliases(server)[made.external_id]}"}
    assert made.ownership == owner("image")
    if isinstance(server, Lxd):
        body = server.sent("POST", "/1.0/images")[0].body
        assert [one["name"] for one in body["aliases"]] == [made.external_id]


def test_an_image_that_several_use_stays_until_the_last_has_gone(server: Server, running_web: str) -> None:
    if isinstance(server, Lxd):
        server.catalogue[running_web] = "by url"
    kinds = provider(lxd(server), "ContainerImage")
    first, second = (kinds.create(Inputs({"name": running_web}), owner(one)) for one in ("first", "second"))
    assert first.outputs == second.outputs
    kinds.delete(first.external_id)
    assert kinds.observe([first.external_id, second.external_id]).gone == {first.external_id}
    assert len(images(server)) == 2
    kinds.delete(second.external_id)
    assert set(aliases(server)) == {"busybox"}
    assert len(images(server)) == 1


def test_an_image_that_was_there_before_stays(server: Server) -> None:
    kinds = provider(lxd(server), "ContainerImage")
    digest = aliases(server)["busybox"]
    for name in ("busybox", f"busybox@sha256:{digest}"):
        made = kinds.create(Inputs({"name": name}), owner(name))
        assert made.outputs == {"digest": f"sha256:{digest}"}
        kinds.delete(made.external_id)
    assert images(server) == {digest}
    assert set(aliases(server)) == {"busybox"}


def test_one_that_was_there_without_a_name_stays_too(imitation: Lxd) -> None:
    imitation.make_image(mark="from elsewhere")
    kinds = provider(lxd(imitation), "ContainerImage")
    kinds.delete(kinds.create(Inputs({"name": REMOTE}), owner("image")).external_id)
    assert len(imitation.images) == 2


def test_a_name_that_has_come_to_mean_another_image_is_told(server: Server) -> None:
    kinds = provider(lxd(server), "ContainerImage")
    made = kinds.create(Inputs({"name": "busybox"}), owner("image"))
    old = aliases(server)["busybox"]
    if isinstance(server, Lxd):
        del server.aliases["busybox"]
    else:
        server.ask("DELETE", "/1.0/images/aliases/busybox")
    new = server.make_image("busybox", mark="another")
    found = kinds.observe([made.external_id]).found[made.external_id]
    assert found.inputs == {"name": f"busybox@sha256:{old}"}
    assert new != old


def test_an_image_that_can_not_be_had_is_told(server: Server) -> None:
    kinds = provider(lxd(server), "ContainerImage")
    with pytest.raises(oc.InvalidRequestError, match="there is no image none") as refused:
        kinds.create(Inputs({"name": "none"}), owner("image"))
    assert "name its server too" in str(refused.value.remedy)
    with pytest.raises(oc.InvalidRequestError, match="can't be copied: Failed getting remote image") as refused:
        kinds.create(Inputs({"name": "localhost:9/none"}), owner("image"))
    assert "image_protocol" in str(refused.value.remedy)
    assert set(aliases(server)) == {"busybox"}


# -- the cloud


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"mounts": [oc.Mount(source="data", target="/b")]}, "mounts: 'data' is a volume"),
        ({"name": "a_b"}, "name='a_b': LXD wants the name of a host"),
        ({"command": ["serve"]}, "command"),
        ({"once": True}, "once"),
        ({"restart": "always"}, "restart"),
    ],
)
def test_what_can_not_be_had_is_a_plan_error(imitation: Lxd, given: dict[str, Any], why: str) -> None:
    class Bad(oc.Stack):
        def build(self) -> None:
            self.web = oc.Container(image="busybox", **given)

    with (
        oc.Deployment(Bad(), name="bad", cloud=lxd(imitation), state="sqlite://:memory:", progress=False) as bad,
        pytest.raises(oc.UnsupportedError, match=why),
    ):
        bad.plan()


@pytest.mark.parametrize("half", ["cert_file", "key_file"])
def test_half_a_pair_of_certificate_and_key_is_refused(half: str) -> None:
    with pytest.raises(oc.InvalidRequestError, match=f"{half} is of no use alone"):
        libcloud("lxd", endpoint="https://127.0.0.1:8443", options={half: "file"})


def test_verify(server: Server) -> None:
    lxd(server).verify()
    with pytest.raises(oc.CloudError):
        stranger(server).verify()


def test_a_server_that_nobody_vouches_for_is_sent_nothing(server: Server) -> None:
    """Libcloud's own driver would trust any."""
    cloud = libcloud(
        "lxd", endpoint=server.endpoint, options={key: server.options[key] for key in ("cert_file", "key_file")}
    )
    with pytest.raises(oc.CloudError, match="can't be trusted") as refused:
        cloud.verify()
    assert refused.value.sent is False
