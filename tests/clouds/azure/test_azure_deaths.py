"""Whoever calls dies between two requests of one creation or deletion: nothing is lost, doubled, or left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import AzureCloud
from orchestra.contracts import Inputs, Status
from orchestra.testing import VirtualClock
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import DEBIAN, KEYS, SMALL, Scene, census, observed, owner, provider

PARTS = (
    "publicIPAddresses",
    "networkInterfaces",
    "virtualMachines",
    "applicationSecurityGroups",
    "networkSecurityGroups",
)


class Site(oc.Stack):
    """What takes more than one request each."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/24")
        self.firewall = oc.Firewall(network=self.network, ingress=[oc.allow("tcp", 22)])
        self.key = oc.KeyPair(public_key=KEYS[0])
        self.web = oc.Server(
            image=DEBIAN,
            size=SMALL,
            subnet=self.subnet,
            firewalls=[self.firewall],
            key_pair=self.key,
        )


def deployment(cloud: AzureCloud, folder: Path) -> oc.Deployment:
    state = folder / "state.db"
    return oc.Deployment(Site(), name="site", cloud=cloud, state=state, progress=False, clock=VirtualClock())


WHOLE = {
    "network.Network": 1,
    "network.Subnet": 1,
    "network.Firewall": 1,
    "compute.KeyPair": 1,
    "compute.Server": 1,
    "compute.CustomImage": 0,
    "compute.Volume": 0,
    "compute.VolumeAttachment": 0,
    "compute.Snapshot": 0,
    "compute.FloatingIp": 0,
}


@pytest.mark.parametrize("is_served", [False, True])
@pytest.mark.parametrize("kind", PARTS)
def test_a_creation(cloud: AzureCloud, server: Azure, tmp_path: Path, kind: str, is_served: bool) -> None:
    server.deaths = [("PUT", f"/{kind}/", is_served)]
    with deployment(cloud, tmp_path) as first, pytest.raises(oc.OrchestraError):
        first.apply()
    server.revive()
    with deployment(cloud, tmp_path) as second:
        second.apply()
        assert second.plan().is_empty
        assert census(cloud) == WHOLE
        assert {part: len(server.of(part)) for part in PARTS} == dict.fromkeys(PARTS, 1), "no part is left of the first"
        second.destroy()
    assert server.things == {}


@pytest.mark.parametrize("is_served", [False, True])
@pytest.mark.parametrize("kind", ["virtualMachines", "applicationSecurityGroups", "networkSecurityGroups"])
def test_a_deletion(cloud: AzureCloud, server: Azure, tmp_path: Path, kind: str, is_served: bool) -> None:
    with deployment(cloud, tmp_path) as first:
        first.apply()
        server.deaths = [("DELETE", f"/{kind}/", is_served)]
        with pytest.raises(oc.OrchestraError):
            first.destroy()
    server.revive()
    with deployment(cloud, tmp_path) as second:
        second.destroy()
    assert server.things == {}


def test_what_is_half_made_is_seen_found_and_taken_away(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    inputs = Inputs(scene.server_inputs(firewalls=[scene.firewall()]))
    servers = provider(cloud, "compute.Server")
    server.deaths = [("PUT", "/virtualMachines/", False)]
    with pytest.raises(oc.CloudError):
        servers.create(inputs, owner("web[0]"))
    server.revive()
    found = servers.find(owner("web[0]"), inputs)
    assert found is not None
    assert (found.status, found.detail) == (Status.FAILED, "only its networkInterfaces was made")
    assert found.ownership == owner("web[0]")
    assert [one.external_id for one in servers.list()] == [found.external_id]
    assert observed(cloud, "compute.Server", found.external_id) == found
    servers.delete(found.external_id)
    assert server.of("networkInterfaces") == server.of("publicIPAddresses") == []
    assert servers.observe([found.external_id]).gone == {found.external_id}
    assert servers.find(owner("web[0]"), inputs) is None


def test_the_same_call_goes_on_from_where_it_was_broken_off(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    inputs = Inputs(scene.server_inputs())
    servers = provider(cloud, "compute.Server")
    server.deaths = [("PUT", "/networkInterfaces/", True)]
    with pytest.raises(oc.CloudError):
        servers.create(inputs, owner("web[0]"))
    server.revive()
    made = servers.create(inputs, owner("web[0]"))
    assert made.external_id.endswith(f"/virtualMachines/prod-web-0-{owner('web[0]').token[:10]}")
    assert (len(server.of("networkInterfaces")), len(server.of("publicIPAddresses"))) == (1, 1)


def test_somebody_elses_of_that_name_is_not_taken_for_ours(cloud: AzureCloud, server: Azure, scene: Scene) -> None:
    web = scene.server()
    (machine,) = server.of("virtualMachines")
    machine["tags"] = {"theirs": "yes"}
    servers = provider(cloud, "compute.Server")
    for call in (servers.create, lambda inputs, whose: servers.find(whose, inputs)):
        with pytest.raises(oc.ConflictError, match="isn't from here"):
            call(Inputs(scene.server_inputs()), owner("web[0]"))
    assert observed(cloud, "compute.Server", web).ownership is None
