"""What is particular to compute drivers without a family: which are served, and how far a list is trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from libcloud.compute.base import NodeDriver

import orchestra as oc
from orchestra.clouds import LibcloudCloud
from orchestra.clouds.families.libcloud.compute.drivers import PLAIN, REFUSED
from orchestra.clouds.families.libcloud.compute.plain import has
from orchestra.clouds.families.libcloud.services import providers
from orchestra.contracts import Inputs
from tests.clouds.anydriver import equinix
from tests.clouds.anydriver.scenery import DRIVERS
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import Family, create, owner, provider, server_inputs

EQUINIX = next(one for one in DRIVERS if one.name == "equinixmetal")


@pytest.fixture
def metal() -> Iterator[equinix.EquinixMetal]:
    server = equinix.EquinixMetal()
    with server.running():
        yield server


@pytest.fixture
def racks(metal: equinix.EquinixMetal) -> LibcloudCloud:
    found: Any = EQUINIX.cloud(metal)
    assert isinstance(found, LibcloudCloud)
    return found


def test_every_driver_of_libclouds_is_served_or_refused_with_a_reason() -> None:
    assert not PLAIN.keys() & REFUSED.keys()
    assert {*PLAIN, *REFUSED} == set(providers("compute"))
    assert all(REFUSED.values())


def test_what_a_driver_has_is_seen_on_its_class() -> None:
    class Driver(NodeDriver):
        def create_node(self, **_: Any) -> Any:
            """Make none."""

    assert has(Driver, "create_node")
    assert not has(Driver, "create_node", "create_volume")
    kinds = oc.clouds.capabilities()
    assert set(kinds["libcloud:ec2"]) == {"compute.Server", "compute.KeyPair"}
    assert "compute.Volume" in kinds["libcloud:ovh"]
    assert set(kinds["libcloud:cloudscale"]) == {"compute.Server"}


def test_a_server_is_gone_only_if_two_lists_leave_it_out(metal: equinix.EquinixMetal, racks: LibcloudCloud) -> None:
    servers = provider(racks, "compute.Server")
    made = create(racks, "compute.Server", "web", server_inputs(EQUINIX, racks))
    metal.hidden = 2
    assert set(servers.observe([made]).found) == {made}, "two lists forgot it, the third tells of it"
    metal.hidden = 3
    assert servers.observe([made]).gone == {made}
    metal.failing.append(("GET", f"/metal/v1/projects/{equinix.PROJECT}/devices", 404))
    reading = servers.observe([made])
    assert not reading.gone
    assert set(reading.unread) == {made}, "an error is never taken for gone"


def test_a_list_that_is_full_tells_nothing(metal: equinix.EquinixMetal, racks: LibcloudCloud) -> None:
    servers = provider(racks, "compute.Server")
    inputs = server_inputs(EQUINIX, racks)
    made = create(racks, "compute.Server", "web", inputs)
    first = metal.devices[made]
    metal.devices.update({f"other-{n}": {**first, "id": f"other-{n}", "description": None} for n in range(999)})
    reading = servers.observe(["unknown"])
    assert set(reading.unread) == {"unknown"}
    assert "there may be more" in str(reading.unread["unknown"])
    with pytest.raises(oc.CloudError, match="there may be more"):
        servers.create(Inputs(inputs), owner("web"))
    assert len(metal.sent("POST")) == 1, "what can't be looked for isn't made"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"project": equinix.PROJECT}, "where a server is to be made"),
        ({"location": equinix.METRO}, "which project servers are in"),
    ],
)
def test_what_a_cloud_must_be_told_is_asked_for(
    metal: equinix.EquinixMetal, options: dict[str, str], message: str
) -> None:
    cloud = oc.clouds.libcloud("equinixmetal", key=equinix.TOKEN, endpoint=metal.endpoint, options=options)
    wanted = {"image": {"id": "debian_7"}, "size": {"id": "baremetal_1"}, "labels": {}}
    servers = cloud.provider("compute.Server")
    assert servers is not None
    with pytest.raises(oc.InvalidRequestError, match=message):
        servers.create(Inputs({**wanted, "key_pair": None, "user_data": None}), owner("web"))
    assert not metal.sent("POST")


def test_further_arguments_go_into_the_request(metal: equinix.EquinixMetal) -> None:
    options = {"location": equinix.METRO, "project": equinix.PROJECT, "create_node": {"cloud_init": "#cloud-config"}}
    cloud = oc.clouds.libcloud("equinixmetal", key=equinix.TOKEN, endpoint=metal.endpoint, options=options)
    create(cloud, "compute.Server", "web", server_inputs(EQUINIX, cloud))
    assert metal.sent("POST")[0].body["userdata"] == "#cloud-config"


def test_what_the_base_api_has_not_is_a_plan_error_that_names_who_can(
    family: Family, cloud: LibcloudCloud, server: Imitation
) -> None:
    class Web(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")

    with (
        oc.Deployment(Web(), name="web", cloud=cloud, state="sqlite://:memory:", progress=False) as deployment,
        pytest.raises(oc.UnsupportedError, match=r"network\.Network.*oc\.clouds\.aws"),
    ):
        deployment.plan()
    assert not server.requests


@pytest.mark.parametrize("name", ["subnet", "firewalls", "labels"])
def test_inputs_without_a_place_are_refused(name: str) -> None:
    for provider_name in PLAIN:
        assert name in oc.clouds.capabilities()[f"libcloud:{provider_name}"]["compute.Server"].unsupported


def test_wrong_credentials_are_told_by_verify(family: Family, server: Imitation) -> None:
    verify: Callable[[], None] = family.cloud(server, "wrong-credentials").verify
    with pytest.raises(oc.CloudError) as refused:
        verify()
    assert "wrong-credentials" not in f"{refused.value}{refused.value.__cause__}"
    family.cloud(server).verify()
