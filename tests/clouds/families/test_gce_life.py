"""A whole life on Compute Engine, over HTTP: made, changed, mended, lost, rebuilt, taken away."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import GceCloud
from orchestra.testing import VirtualClock
from tests.clouds.families.gce import PROJECT, Gce
from tests.clouds.families.gce_scenery import connect, provider

API = f"/compute/v1/projects/{PROJECT}/"


class Shop(oc.Stack):
    """One of everything, and some servers."""

    servers: int = 2
    memory: float = 1.0

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.key = oc.KeyPair(public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1r admin@example")
        self.web_firewall = oc.Firewall(
            network=self.network, description="Web servers", ingress=[oc.allow("tcp", 80), oc.allow("tcp", 22)]
        )
        self.database_firewall = oc.Firewall(
            network=self.network, description="Database", ingress=[oc.allow("tcp", 3306, source=self.web_firewall)]
        )
        self.database = oc.Server(
            image=oc.Image(os="debian", version="12"),
            size=oc.Size(cpus=2, memory_gib=4),
            subnet=self.subnet,
            firewalls=[self.database_firewall],
            public_address=False,
            key_pair=self.key,
            user_data="#!/bin/sh\napt-get install -y mariadb-server\n",
            labels={"role": "database"},
        )
        self.disk = oc.Volume(size_gib=10, zone=self.database.zone)
        self.attachment = oc.VolumeAttachment(volume=self.disk, server=self.database)
        self.copy = oc.Snapshot(volume=self.disk, depends_on=[self.attachment])
        self.web = [
            oc.Server(
                image=oc.Image(os="debian", version="12"),
                size=oc.Size(cpus=1, memory_gib=self.memory),
                subnet=self.subnet,
                firewalls=[self.web_firewall],
                key_pair="admin:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1r admin@example",
                user_data=f"#!/bin/sh\necho DB_HOST={self.database.private_ip} > /etc/shop.env\n",
                labels={"role": "web"},
            )
            for _ in range(self.servers)
        ]
        self.ip = oc.FloatingIp(server=self.web[0])
        self.balancer = oc.LoadBalancer(
            port=80,
            members=self.web,
            subnets=[self.subnet],
            health_check=oc.HealthCheck(protocol="http", port=80, path="/health"),
        )
        self.url = oc.Output(f"http://{self.balancer.address}/")


@pytest.fixture
def server() -> Iterator[Gce]:
    server = Gce()
    with server.running():
        yield server


@pytest.fixture
def cloud(server: Gce) -> GceCloud:
    return connect(server)


Deploy = Callable[..., oc.Deployment]


@pytest.fixture
def deploy(cloud: GceCloud, tmp_path: Path) -> Deploy:
    def made(**parameters: float) -> oc.Deployment:
        state = tmp_path / "state.db"
        shop = Shop(**parameters)  # type: ignore[arg-type]
        return oc.Deployment(shop, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    return made


def apply(deployment: oc.Deployment) -> oc.Plan:
    """Apply what there is to do, and see that nothing is left."""
    plan = deployment.plan()
    deployment.apply(plan)
    after = deployment.plan()
    assert after.is_empty, str(after)
    return plan


def census(server: Gce) -> dict[str, int]:
    """How many there are in each collection."""
    found: dict[str, int] = {}
    for place in server.things:
        collection = place.split("/")[-2]
        found[collection] = found.get(collection, 0) + 1
    return {**found, "keys": len([one for one in server.metadata["items"] if one["key"].startswith("orchestra-key-")])}


WHOLE = {
    "networks": 1,
    "routes": 1,
    "subnetworks": 1,
    "firewalls": 2 + 3 + 2,  # what denies, what may come in, what may go out
    "instances": 3,
    "disks": 4,
    "snapshots": 1,
    "addresses": 1,
    "httpHealthChecks": 1,
    "targetPools": 1,
    "forwardingRules": 1,
    "keys": 1,
}
NOTHING = {"keys": 0}


def test_a_whole_life(cloud: GceCloud, server: Gce, deploy: Deploy) -> None:
    with deploy() as deployment:
        made = apply(deployment)
        assert set(made.counts) == {oc.Action.CREATE}
        assert deployment.value(deployment.stack.url).startswith("http://198.18.2.")
        assert census(server) == WHOLE
        assert deployment.drift().is_empty
    with deploy(servers=3) as deployment:
        counts = apply(deployment).counts
        assert (counts[oc.Action.CREATE], counts[oc.Action.UPDATE]) == (1, 1)
        gone = str(deployment.resources["web[2]"].external_id)
        provider(cloud, "compute.Server").delete(gone)
        provider(cloud, "compute.Server").observe([gone])
        rule = next(place for place in server.things if place.startswith("global/firewalls/shop-web-firewall-"))
        server.things[rule]["labels"] = {}
        apply(deployment)
        assert census(server)["instances"] == 4
    with deploy(servers=3, memory=4.0) as deployment:
        before = {place for place in server.things if "/instances/" in place}
        assert apply(deployment).counts[oc.Action.UPDATE] == 3, "another size, in place"
        assert {place for place in server.things if "/instances/" in place} == before
    with deploy(servers=1) as deployment:
        assert apply(deployment).counts[oc.Action.DELETE] == 2
        deployment.destroy()
    assert census(server) == NOTHING


def test_answers_that_are_lost_make_nothing_twice(server: Gce, deploy: Deploy) -> None:
    places = ("global/[a-zA-Z]+", "regions/[^/]+/[a-zA-Z]+", "zones/[^/]+/instances", "zones/[^/]+/disks")
    server.lost += [("POST", API + place) for place in places for _ in range(3)]
    server.lost += [("POST", API + r".*/wait"), ("POST", API + "setCommonInstanceMetadata")] * 3
    with deploy() as deployment:
        apply(deployment)
        assert census(server) == WHOLE
        deployment.destroy()
    assert census(server) == NOTHING


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


def test_want_of_machines_is_got_over(server: Gce, deploy: Deploy) -> None:
    server.troubles["instances"] = [("ZONE_RESOURCE_POOL_EXHAUSTED", 503, "no machines")] * 3
    with deploy() as deployment:
        apply(deployment)
    assert census(server) == WHOLE


def test_a_quota_ends_what_hangs_on_it_and_the_next_run_goes_on(server: Gce, deploy: Deploy) -> None:
    server.troubles["instances"] = [("QUOTA_EXCEEDED", 403, "Quota 'CPUS' exceeded.")]
    with deploy() as deployment:
        with pytest.raises(oc.ApplyError) as failed:
            deployment.apply()
        assert [type(one) for one in failed.value.exceptions] == [oc.errors.QuotaError]
        apply(deployment)
    assert census(server) == WHOLE


def test_the_web_shop_of_the_examples_names_what_is_missing(cloud: GceCloud, tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples" / "webshop.py"
    spec = importlib.util.spec_from_file_location("webshop_on_gce", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    deployment = oc.Deployment(module.WebShop(), name="shop", cloud=cloud, state=tmp_path / "state.db")
    with deployment, pytest.raises(oc.UnsupportedError) as caught:
        deployment.plan()
    del sys.modules[spec.name]
    assert "KeyPair" not in str(caught.value)
    for missing in ("protocol", "firewalls", "labels"):
        assert missing in str(caught.value)
