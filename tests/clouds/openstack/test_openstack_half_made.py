"""What a killed process left half made, or somebody took a part of, is put right: on an imitation and a real one."""

from __future__ import annotations

import collections
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

import orchestra as oc
from orchestra.contracts import Inputs, Status, Update
from orchestra.testing import VirtualClock
from tests.clouds.openstack.dying import Site, deployed
from tests.clouds.openstack.neutron import IMAGE, PROJECT, Neutron
from tests.clouds.openstack.scenarios import Scene, cloud_at, owner
from tests.openstack_server import HINT, OpenStackServer, find_server

ROOT = Path(__file__).parents[3]
WHOLE = {"networks": 1, "subnets": 1, "routers": 1, "servers": 1, "floatingips": 1, "ports": 2}
"""What there is of a site: one port is the server's, one the router's."""

pytestmark = pytest.mark.timeout(600)


@attrs.frozen
class Place:
    """An OpenStack: where it is, what it has, and how to take a router out of a subnet behind orchestra's back."""

    endpoint: str
    project: str
    image: str
    census: Callable[[], collections.Counter[str]]
    take_out: Callable[[str], None]


@pytest.fixture
def neutron() -> Iterator[Neutron]:
    made = Neutron()
    with made.running():
        yield made


@pytest.fixture(params=["imitation", "openstack"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "openstack":
        yield _real()
        return
    neutron: Neutron = request.getfixturevalue("neutron")

    def take_out(subnet: str) -> None:
        ports = neutron.things["ports"]
        del ports[next(name for name, port in ports.items() if port["fixed_ips"][0]["subnet_id"] == subnet)]

    yield Place(f"{neutron.endpoint}/v3", PROJECT, IMAGE, lambda: collections.Counter(neutron.census()), take_out)


def _real() -> Place:
    server = find_server("half-made")
    if server is None:
        pytest.skip(HINT)
    scene = Scene(cloud_at(server.endpoint, project=server.project), VirtualClock())
    image = scene.provider("compute.Server").choose("image", {"os": "debian", "version": "12"})
    return Place(server.endpoint, server.project, image, server.census, lambda subnet: _take_out(server, subnet))


def _take_out(server: OpenStackServer, subnet: str) -> None:
    [port] = server.ask("GET", "network", f"ports?fixed_ips=subnet_id={subnet}")["ports"]
    server.ask("PUT", "network", f"routers/{port['device_id']}/remove_router_interface", {"subnet_id": subnet})


@pytest.mark.parametrize("words", ["/networks", "/routers", "/subnets", "/ports", "/floatingips", "/servers"])
def test_what_a_killed_process_left_is_found_and_finished(place: Place, tmp_path: Path, words: str) -> None:
    before = place.census()
    state = tmp_path / "state.db"
    given = (place.endpoint, place.project, place.image, state, words)
    died = subprocess.run([sys.executable, "-m", "tests.clouds.openstack.dying", *given], cwd=ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    left = place.census() - before
    assert left[words[1:]]
    assert (left == collections.Counter(WHOLE)) is (words == "/servers"), "only the last request makes it whole"
    site = Site(image=place.image)
    with deployed(place.endpoint, place.project, site, state) as deployment:
        deployment.apply()
        assert place.census() - before == collections.Counter(WHOLE)
        assert deployment.value(site.web[0].public_ip) is not None
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty
        deployment.destroy()
        assert deployment.resources == {}
    assert place.census() == before


def test_a_router_that_somebody_takes_out_is_let_in_again(place: Place, tmp_path: Path) -> None:
    before = place.census()
    empty, full = Site(image=place.image, servers=0), Site(image=place.image)
    with deployed(place.endpoint, place.project, empty, tmp_path / "state.db") as deployment:
        deployment.apply()
        place.take_out(str(deployment.value(empty.subnet.id)))
        [change] = deployment.plan().changes
        assert (change.address, change.action, change.reason) == ("network", oc.Action.UPDATE, oc.Reason.DRIFTED)
        assert [one.path for one in change.properties] == [("internet",)]
    with deployed(place.endpoint, place.project, full, tmp_path / "state.db") as deployment:
        deployment.apply()  # the server is made at the same time, and gets its address all the same
        assert place.census() - before == collections.Counter(WHOLE)
        assert deployment.value(full.web[0].public_ip) is not None
        assert deployment.plan().is_empty
        deployment.destroy()
    assert place.census() == before


@pytest.fixture
def scene(neutron: Neutron) -> Scene:
    return Scene(cloud_at(f"{neutron.endpoint}/v3", project=PROJECT), VirtualClock())


def laid(scene: Scene, **other: object) -> dict[str, object]:
    """The wishes for a server in a subnet that is there."""
    network = scene.create("network.Network", "network", cidr="10.0.0.0/16", internet=True, labels={})
    wishes = {"network": network, "cidr": "10.0.1.0/24", "zone": None, "public": True, "labels": {}}
    subnet = scene.create("network.Subnet", "subnet", **{**wishes, **other})
    return {"image": {"id": IMAGE}, "size": {"id": "m1.tiny"}, "subnet": subnet, "labels": {}}


def cut_off(neutron: Neutron) -> None:
    """Take the routers out of all subnets."""
    ports = neutron.things["ports"]
    for name in [name for name, port in ports.items() if port["device_owner"] == "network:router_interface"]:
        del ports[name]


def test_a_server_gets_its_address_although_the_router_was_taken_out(neutron: Neutron, scene: Scene) -> None:
    wishes = laid(scene)
    cut_off(neutron)
    for router in neutron.things["routers"].values():
        router["external_gateway_info"] = None
    assert scene.provider("compute.Server").create(Inputs(wishes), owner("web")).outputs["public_ip"] is not None
    assert neutron.census() == WHOLE


@pytest.mark.parametrize("explicit", [None, True])
def test_without_a_way_out_there_is_no_address(neutron: Neutron, scene: Scene, explicit: bool | None) -> None:
    wishes = {**laid(scene), "public_address": explicit}
    cut_off(neutron)
    neutron.things["routers"].clear()
    servers = scene.provider("compute.Server")
    if explicit:
        with pytest.raises(oc.InvalidRequestError, match="not reachable"):
            servers.create(Inputs(wishes), owner("web"))
        assert not neutron.things["servers"]
    else:
        assert servers.create(Inputs(wishes), owner("web")).outputs["public_ip"] is None


@pytest.mark.parametrize("public", [True, False])
def test_of_a_gap_the_network_tells_and_the_subnet_closes_it(neutron: Neutron, scene: Scene, public: bool) -> None:
    subnet = str(laid(scene, public=public)["subnet"])
    [network] = [one.external_id for one in scene.provider("network.Network").list()]
    assert scene.ready("network.Network", network).inputs["internet"] is True
    cut_off(neutron)
    assert scene.ready("network.Network", network).inputs["internet"] is False
    wishes = {"network": network, "cidr": "10.0.1.0/24", "zone": "nova", "public": public, "labels": {}}
    scene.update("network.Subnet", subnet, wishes, public=not public)
    assert scene.ready("network.Network", network).inputs["internet"] is True


def test_a_subnet_of_somebody_elses_is_no_gap(neutron: Neutron, scene: Scene) -> None:
    laid(scene)
    [network] = [one.external_id for one in scene.provider("network.Network").list()]
    neutron.put("subnets", "subnet-apart", network_id=network, cidr="10.0.7.0/24", gateway_ip="10.0.7.1")
    assert scene.ready("network.Network", network).inputs["internet"] is True


def test_a_port_without_its_server_has_failed_and_is_taken_away(neutron: Neutron, scene: Scene) -> None:
    wishes = laid(scene)
    neutron.failing.append(("POST", "/servers", 403))
    servers = scene.provider("compute.Server")
    with pytest.raises(oc.CloudError):
        servers.create(Inputs(wishes), owner("web"))
    found = servers.find(owner("web"), Inputs(wishes))
    assert found is not None
    assert found.external_id.startswith("port:")
    assert (found.status, found.ownership) == (Status.FAILED, owner("web"))
    assert servers.observe([found.external_id]).found[found.external_id].status is Status.FAILED
    servers.delete(found.external_id)
    assert neutron.census() == {name: 1 for name in WHOLE if name not in ("servers", "floatingips")}
    assert servers.observe([found.external_id]).gone == {found.external_id}


def test_a_new_size_is_confirmed_although_nova_tells_it_before_it_has_moved_the_server(
    neutron: Neutron, scene: Scene
) -> None:
    wishes = {**laid(scene), "user_data": None, "key_pair": None, "firewalls": [], "public_address": None}
    server = scene.create("compute.Server", "web", **wishes)
    larger = Update(
        before=Inputs(wishes), after=Inputs({**wishes, "size": {"id": "m1.small"}}), changed=frozenset({"size"})
    )
    servers = scene.provider("compute.Server")
    with pytest.raises(oc.InProgressError, match="RESIZE"):
        servers.update(server, larger)
    assert servers.update(server, larger).inputs["size"] == {"id": "m1.small"}
    assert neutron.things["servers"][server]["status"] == "ACTIVE"
    asked = [one.body for one in neutron.requests if one.path == f"/servers/{server}/action"]
    assert asked == [{"resize": {"flavorRef": "flavor-2"}}, {"confirmResize": None}]
