"""A whole life, through Libcloud's connection and over HTTP: made, changed, mended, taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import orchestra as oc
from examples.webshop import WebShop
from orchestra.clouds import AzureCloud
from orchestra.testing import VirtualClock
from tests.clouds.azure.arm import AzureRefusal
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import DEBIAN, KEYS, LABELS, LARGE, SMALL, census, cloud_at, provider


class Shop(oc.Stack):
    """One of each kind, and some servers in the zones of the region."""

    servers: int = 2
    large: bool = False
    port: int = 443

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", labels=LABELS)
        self.subnets = [
            oc.Subnet(network=self.network, cidr=f"10.0.{n}.0/24", zone=oc.AvailabilityZone(n)) for n in range(2)
        ]
        self.key = oc.KeyPair(public_key=KEYS[0])
        self.web_firewall = oc.Firewall(network=self.network, ingress=[oc.allow("tcp", self.port)])
        self.database_firewall = oc.Firewall(
            network=self.network, ingress=[oc.allow("tcp", 3306, source=self.web_firewall)]
        )
        self.database = self.a_server(0, firewalls=[self.database_firewall], public_address=False)
        self.web = [
            self.a_server(
                number % 2, firewalls=[self.web_firewall], user_data=f"#!/bin/sh\n# {self.database.private_ip}"
            )
            for number in range(self.servers)
        ]
        self.disk = oc.Volume(size_gib=10, zone=self.database.zone)
        self.attachment = oc.VolumeAttachment(volume=self.disk, server=self.database)
        self.copy = oc.Snapshot(volume=self.disk)
        self.floating = oc.FloatingIp(server=self.database)
        self.address = oc.Output(f"ssh azureuser@{self.web[0].public_ip}")

    def a_server(self, subnet: int, **more: object) -> oc.Server:
        size = LARGE if self.large else SMALL
        return oc.Server(image=DEBIAN, size=size, subnet=self.subnets[subnet], key_pair=self.key, labels=LABELS, **more)


Deploy = Callable[..., oc.Deployment]


@pytest.fixture
def deploy(cloud: AzureCloud, tmp_path: Path) -> Deploy:
    def made(**parameters: object) -> oc.Deployment:
        state = tmp_path / "state.db"
        shop = Shop(**parameters)
        return oc.Deployment(shop, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    return made


def apply(deployment: oc.Deployment) -> oc.Plan:
    """Apply what there is to do, and see that nothing is left."""
    plan = deployment.plan()
    deployment.apply(plan)
    after = deployment.plan()
    assert after.is_empty, str(after)
    return plan


def test_a_whole_life(cloud: AzureCloud, server: Azure, deploy: Deploy) -> None:
    with deploy() as deployment:
        made = apply(deployment)
        assert set(made.counts) == {oc.Action.CREATE}
        assert deployment.value(deployment.stack.address).startswith("ssh azureuser@198.18.0.")
        assert census(cloud)["compute.Server"] == 3
        assert deployment.drift().is_empty
        assert {one["zones"][0] for one in server.of("virtualMachines")} == {"1", "2"}
    with deploy(servers=4, port=8443) as deployment:
        assert apply(deployment).counts == {
            oc.Action.CREATE: 2,
            oc.Action.UPDATE: 1,
            oc.Action.READ: 1,  # the database has got its floating address
            oc.Action.NO_OP: sum(made.counts.values()) - 2,
        }
        gone = str(deployment.resources["web[3]"].external_id)
        provider(cloud, "compute.Server").delete(gone)
        while gone in provider(cloud, "compute.Server").observe([gone]).found:
            pass
        drifted = [str(one.address) for one in deployment.drift().changes if one.action is not oc.Action.NO_OP]
        assert drifted == ["web[3]"]
        assert apply(deployment).counts[oc.Action.CREATE] == 1
        assert census(cloud)["compute.Server"] == 5
    with deploy(servers=1, port=8443) as deployment:
        assert apply(deployment).counts[oc.Action.DELETE] == 3
        deployment.destroy()
    assert census(cloud) == dict.fromkeys(census(cloud), 0)
    assert server.things == {}, "no part of anything is left"


def test_another_size(cloud: AzureCloud, server: Azure, deploy: Deploy) -> None:
    with deploy() as deployment:
        apply(deployment)
        before = {one.external_id for one in provider(cloud, "compute.Server").list()}
    server.lasting["stopping"] = 3
    with deploy(large=True) as deployment:
        assert apply(deployment).counts[oc.Action.UPDATE] == 3
    assert {one.external_id for one in provider(cloud, "compute.Server").list()} == before
    assert {one["power"] for one in server.of("virtualMachines")} == {"running"}
    assert not [one for one in server.of("virtualMachines") if "orchestra:resizing" in one["tags"]]


def test_answers_that_are_lost_make_nothing_twice(cloud: AzureCloud, server: Azure, deploy: Deploy) -> None:
    types = {one.partition("/providers/")[2].split("/")[1] for one in CREATIONS}
    server.lost += [("PUT", one) for one in CREATIONS] + [("POST", ".*/attachDetachDataDisks")]
    with deploy() as deployment:
        made = apply(deployment)
    assert not server.lost, "each was made once, and nobody was told"
    assert len(types) == 9
    wanted = {kind: sum(one.kind == kind for one in made.changes) for kind in census(cloud)}
    assert census(cloud) == wanted


CREATIONS = (
    ".*/providers/Microsoft.Network/virtualNetworks/[^/]+",
    ".*/providers/Microsoft.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    ".*/providers/Microsoft.Network/applicationSecurityGroups/[^/]+",
    ".*/providers/Microsoft.Network/networkSecurityGroups/[^/]+",
    ".*/providers/Microsoft.Network/publicIPAddresses/[^/]+",
    ".*/providers/Microsoft.Network/networkInterfaces/[^/]+",
    ".*/providers/Microsoft.Compute/sshPublicKeys/[^/]+",
    ".*/providers/Microsoft.Compute/virtualMachines/[^/]+",
    ".*/providers/Microsoft.Compute/disks/[^/]+",
    ".*/providers/Microsoft.Compute/snapshots/[^/]+",
)


def test_what_fails_is_made_by_the_next_run(cloud: AzureCloud, server: Azure, deploy: Deploy) -> None:
    refusal = AzureRefusal(409, "QuotaExceeded", "no more of these")
    server.refusing += [("PUT", "/virtualMachines/shop-web-0", refusal)]
    with deploy() as deployment:
        with pytest.raises(oc.ApplyError):
            deployment.apply()
        assert apply(deployment).counts[oc.Action.REPLACE] == 1
    assert census(cloud)["compute.Server"] == 3
    assert len(server.of("networkInterfaces")) == 3, "what was half made is gone"


def test_what_is_busy_is_asked_again(cloud: AzureCloud, server: Azure, deploy: Deploy) -> None:
    busy = AzureRefusal(429, "AnotherOperationInProgress", "Another operation on this or dependent resource.")
    conflict = AzureRefusal(409, "Conflict", "The request failed due to conflict with a concurrent request.")
    server.refusing += [("PUT", "/subnets/", busy), ("POST", "/attachDetachDataDisks", conflict)]
    server.lasting["/publicIPAddresses/"] = 2
    with deploy() as deployment:
        apply(deployment)
    assert not server.refusing
    assert census(cloud)["compute.Server"] == 3


def test_a_lost_state_is_rebuilt_from_the_cloud(deploy: Deploy, tmp_path: Path) -> None:
    with deploy() as deployment:
        apply(deployment)
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deploy() as deployment:
        deployment.rebuild()
        found = {str(address): record.external_id for address, record in deployment.resources.items()}
        assert found == known
        assert deployment.plan().is_empty


def test_the_web_shop_is_told_what_it_lacks(server: Azure, tmp_path: Path) -> None:
    deployment = oc.Deployment(WebShop(), name="shop", cloud=cloud_at(server), state=tmp_path / "state.db")
    with deployment, pytest.raises(oc.PlanError) as refused:
        deployment.plan()
    for lacking in ("balancing.LoadBalancer", "dns.Zone", "dns.Record", "storage.Bucket"):
        assert lacking in str(refused.value)
    assert "compute.Server" not in str(refused.value)


def test_what_azure_lacks_is_a_plan_error_that_names_it(server: Azure, tmp_path: Path) -> None:
    class Balanced(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16", internet=False)
            self.zone = oc.Zone(domain="shop.example")

    deployment = oc.Deployment(Balanced(), name="shop", cloud=cloud_at(server), state=tmp_path / "state.db")
    with deployment, pytest.raises(oc.PlanError) as refused:
        deployment.plan()
    assert "dns.Zone" in str(refused.value)
    assert "system route to the internet" in str(refused.value)
