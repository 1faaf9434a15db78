"""Every provider of Compute Engine keeps the contract, over HTTP, against an imitation in the recorded form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import GceCloud
from orchestra.resources.network import Rule
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds.families.gce import REGION, Gce
from tests.clouds.families.gce_scenery import ZONE, connect, disk, machine, make, network, provider, subnet

pytestmark = pytest.mark.timeout(600)

LABELS = {"env": "test", "team": "web_1"}


@pytest.fixture
def server() -> Iterator[Gce]:
    server = Gce()
    with server.running():
        yield server


def networks(cloud: GceCloud) -> Iterator[ProviderCase]:
    del cloud
    yield ProviderCase(make=lambda _: oc.Network(cidr="10.0.0.0/16"), changes={"internet": False})
    yield ProviderCase(make=lambda _: oc.Network(cidr="10.0.0.0/16", internet=False), changes={"internet": True})


def subnets(cloud: GceCloud) -> Iterator[ProviderCase]:
    home = network(cloud)
    yield ProviderCase(make=lambda n: oc.Subnet(network=home, cidr=f"10.0.{n}.0/24"), changes={"public": False})
    zone = f"{REGION}-b"
    yield ProviderCase(make=lambda n: oc.Subnet(network=home, cidr=f"10.1.{n}.0/24", zone=zone, public=False))


def firewalls(cloud: GceCloud) -> Iterator[ProviderCase]:
    home = network(cloud)
    other = make(cloud, "network.Firewall", "other", network=home, description="Other", ingress=[], egress=[])
    rules = [
        oc.allow("tcp", 443),
        oc.allow("udp", (1000, 2000), source="10.0.0.0/8"),
        Rule(protocol="tcp", from_port=0, to_port=65535, firewall=other),
        oc.allow("icmp", source="fd00::/8"),
        Rule(protocol="all", from_port=None, to_port=None, firewall=other),
    ]
    yield ProviderCase(
        make=lambda _: oc.Firewall(network=home, ingress=rules),
        changes={"ingress": rules[1:3], "egress": [oc.allow("tcp", 53, source="10.0.0.2/32")]},
    )
    yield ProviderCase(make=lambda _: oc.Firewall(network=home, egress=[]))


def keys(cloud: GceCloud) -> Iterator[ProviderCase]:
    del cloud
    yield ProviderCase(make=lambda n: oc.KeyPair(public_key=f"ssh-ed25519 AAAAC3NzaC1l{n}w== admin@example"))
    yield ProviderCase(make=lambda n: oc.KeyPair(public_key="ssh-rsa AAAAB3Nz me", name=f"Team_{n}"))


def servers(cloud: GceCloud) -> Iterator[ProviderCase]:
    home = subnet(cloud)
    guard = make(cloud, "network.Firewall", "guard", network=network(cloud), description="x", ingress=[], egress=[])
    given: dict[str, Any] = {
        "image": oc.Image(os="debian", version="12"),
        "size": oc.Size(cpus=1, memory_gib=2),
        "subnet": home,
        "labels": LABELS,
        "user_data": "#!/bin/sh",
        "key_pair": "me:ssh-ed25519 AAAA x",
    }
    yield ProviderCase(
        make=lambda _: oc.Server(**given),
        changes={"labels": {"env": "prod"}, "firewalls": [guard], "size": oc.Size(cpus=2, memory_gib=8)},
    )
    key = make(cloud, "compute.KeyPair", "key", public_key="ssh-ed25519 AAAA admin@example", name=None)
    yield ProviderCase(make=lambda _: oc.Server(**{**given, "key_pair": key}))


def volumes(cloud: GceCloud) -> Iterator[ProviderCase]:
    del cloud
    yield ProviderCase(
        make=lambda _: oc.Volume(size_gib=10, zone=oc.AvailabilityZone(1), labels=LABELS),
        changes={"size_gib": 20, "labels": {}},
    )
    yield ProviderCase(make=lambda _: oc.Volume(size_gib=10, zone=ZONE, type="hdd"))


def attachments(cloud: GceCloud) -> Iterator[ProviderCase]:
    disks = [disk(cloud, f"disk[{number}]") for number in range(6)]
    server = machine(cloud, "machine", subnet(cloud))
    yield ProviderCase(
        make=lambda n: oc.VolumeAttachment(volume=disks[n], server=server, device=f"/dev/sd{'bcdefg'[n]}"),
        owned=False,
    )


def snapshots(cloud: GceCloud) -> Iterator[ProviderCase]:
    source = disk(cloud, "disk")
    yield ProviderCase(
        make=lambda _: oc.Snapshot(volume=source, description="Nightly", labels=LABELS),
        changes={"labels": {"env": "prod"}},
    )
    yield ProviderCase(make=lambda _: oc.Snapshot(volume=source))


def images(cloud: GceCloud) -> Iterator[ProviderCase]:
    server = machine(cloud, "machine", subnet(cloud))
    yield ProviderCase(
        make=lambda _: oc.CustomImage(server=server, description="Golden", labels=LABELS),
        changes={"labels": {"env": "prod"}},
    )
    yield ProviderCase(make=lambda n: oc.CustomImage(server=server, name=f"golden-{n}"))


def addresses(cloud: GceCloud) -> Iterator[ProviderCase]:
    home = subnet(cloud)
    server, other = (machine(cloud, f"machine[{n}]", home, public_address=bool(n)) for n in range(2))
    yield ProviderCase(make=lambda _: oc.FloatingIp(labels=LABELS), changes={"server": other, "labels": {}})
    led = ProviderCase(make=lambda n: oc.FloatingIp(server=None if n else server), changes={"server": None})
    yield led


def balancers(cloud: GceCloud) -> Iterator[ProviderCase]:
    home = subnet(cloud)
    members = [machine(cloud, f"member[{number}]", home) for number in range(2)]
    check = oc.HealthCheck(protocol="http", port=80, path="/health")
    given: dict[str, Any] = {"port": 80, "subnets": [home], "health_check": check, "labels": LABELS}
    yield ProviderCase(
        make=lambda _: oc.LoadBalancer(members=members[:1], **given),
        changes={
            "members": members[1:],
            "labels": {"env": "prod"},
            "health_check": oc.HealthCheck(protocol="http", port=8080, interval=60),
        },
    )


KINDS = {
    "network.Network": networks,
    "network.Subnet": subnets,
    "network.Firewall": firewalls,
    "compute.KeyPair": keys,
    "compute.Server": servers,
    "compute.CustomImage": images,
    "compute.Volume": volumes,
    "compute.VolumeAttachment": attachments,
    "compute.Snapshot": snapshots,
    "compute.FloatingIp": addresses,
    "balancing.LoadBalancer": balancers,
}


@pytest.mark.parametrize("kind", KINDS)
def test_providers_keep_the_contract(server: Gce, kind: str) -> None:
    cloud, far = connect(server), connect(server, project="another-project")
    for case in KINDS[kind](cloud):
        made = connect(server)
        checked = check_provider(
            lambda made=made: provider(made, kind),  # type: ignore[misc]
            [case],
            unreachable=lambda: provider(far, kind),
            clock=VirtualClock(),
            threads=3,
        )
        assert checked.left_out == ()


def test_every_kind_but_those_of_the_base_is_tried() -> None:
    others = {"dns.Zone", "dns.Record", "storage.Bucket", "storage.Blob"}
    assert set(oc.clouds.capabilities()["gce"]) == set(KINDS) | others
