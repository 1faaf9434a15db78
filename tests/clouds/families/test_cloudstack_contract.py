"""Every provider of CloudStack keeps the contract, over HTTP, against an imitation in the recorded form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import CloudStackCloud, cloudstack
from orchestra.clouds.families.cloudstack.cloud import CALLS
from orchestra.clouds.families.cloudstack.cloud import GUARDED as GUARDED_CALLS
from orchestra.contracts import Inputs, Provider, Status
from orchestra.resources.network import Rule
from orchestra.testing import ProviderCase, VirtualClock, check_provider
from tests.clouds.families.cloudstack import KEY, SECRET, CloudStack
from tests.clouds.families.scenery import KEYS, LABELS
from tests.clouds.owned import owner

IMAGE = oc.Image(os="ubuntu", version="10.04")
SIZES = (oc.Size(cpus=1, memory_gib=0.25), oc.Size(cpus=2, memory_gib=2))
ZONE = "Sydney"
PLAIN = (
    "network.Network",
    "network.Subnet",
    "compute.KeyPair",
    "compute.Server",
    "compute.CustomImage",
    "compute.Volume",
    "compute.VolumeAttachment",
    "compute.Snapshot",
    "compute.FloatingIp",
    "balancing.LoadBalancer",
)
GUARDED = ("network.Firewall", "compute.Server")
"""What zones with security groups have code of their own for."""
BALANCING = "DefaultIsolatedNetworkOfferingForVpcNetworks"
"""The network offering of the one subnet of a VPC that may have balancers."""


def cloud_at(server: CloudStack, secret: str = SECRET, **more: Any) -> CloudStackCloud:
    return cloudstack(
        zone=ZONE,
        key=KEY,
        secret=secret,
        endpoint=f"{server.endpoint}/client/api",
        security_groups=server.guarded,
        encrypted_disk_offering="Encrypted",
        **more,
    )


def provider(cloud: CloudStackCloud, kind: str) -> Provider:
    found = cloud.provider(kind)
    assert found is not None
    return found


class Made:
    """What others need, made before."""

    def __init__(self, cloud: CloudStackCloud) -> None:
        self.cloud = cloud

    def make(self, kind: str, address: str, **inputs: Any) -> str:
        made = provider(self.cloud, kind).create(Inputs({"labels": {}, **inputs}), owner(address))
        return made.external_id

    def subnet(self) -> str | None:
        if self.cloud.provider("network.Subnet") is None:
            return None
        network = self.make("network.Network", "network", cidr="10.0.0.0/16", internet=True)
        given = {"network": network, "zone": None, "public": False}
        return self.make("network.Subnet", "subnet", cidr="10.0.1.0/24", **given)

    def server(self, subnet: str | None, number: int = 0) -> str:
        choose = provider(self.cloud, "compute.Server").choose
        image = choose("image", {"os": "ubuntu", "version": "10.04"})
        chosen = {"image": {"id": image}, "size": {"id": choose("size", {"cpus": 1, "memory_gib": 0.25})}}
        plain: dict[str, Any] = {"firewalls": [], "key_pair": None, "user_data": None, "public_address": None}
        return self.make("compute.Server", f"machine[{number}]", subnet=subnet, **chosen, **plain)

    def volume(self, number: int) -> str:
        given = {"size_gib": 10, "zone": ZONE, "type": None, "encrypted": True, "snapshot": None}
        return self.make("compute.Volume", f"volume[{number}]", **given)


def networks(made: Made) -> Iterator[ProviderCase]:
    del made
    yield ProviderCase(
        make=lambda _: oc.Network(cidr="10.0.0.0/16", labels=LABELS),
        changes={"labels": {"env": "Prod"}},
    )


def subnets(made: Made) -> Iterator[ProviderCase]:
    network = made.make("network.Network", "network", cidr="10.0.0.0/16", internet=True)
    yield ProviderCase(
        make=lambda n: oc.Subnet(network=network, cidr=f"10.0.{n}.0/24", public=False, labels=LABELS),
        changes={"labels": {"env": "Prod", "new": "one"}},
    )


def firewalls(made: Made) -> Iterator[ProviderCase]:
    other = made.make("network.Firewall", "other", description="another", ingress=[], egress=[_plain("all")])
    for egress in ([oc.allow("all")], [oc.allow("udp", 53), oc.allow("tcp", 443, source="10.0.0.0/8")]):
        yield ProviderCase(
            make=lambda _, egress=egress: oc.Firewall(  # type: ignore[misc]
                network="shared",
                description="Web servers",
                ingress=[oc.allow("tcp", 80), oc.allow("tcp", (0, 65535), source="10.0.0.0/8"), oc.allow("icmp")],
                egress=egress,
                labels=LABELS,
            ),
            changes={
                "ingress": [oc.allow("tcp", 80), Rule(protocol="tcp", from_port=22, to_port=22, firewall=other)],
                "egress": [oc.allow("tcp", (1000, 2000), source="::/0")],
                "labels": {},
            },
        )


def _plain(protocol: str) -> dict[str, Any]:
    return {"protocol": protocol, "from_port": None, "to_port": None, "cidr": "0.0.0.0/0", "firewall": None}


def key_pairs(made: Made) -> Iterator[ProviderCase]:
    del made
    yield ProviderCase(make=lambda n: oc.KeyPair(public_key=KEYS[n]), owned=False)
    yield ProviderCase(make=lambda n: oc.KeyPair(public_key=KEYS[n], name=f"key-{n}"), owned=False)


def servers(made: Made) -> Iterator[ProviderCase]:
    subnet = made.subnet()
    key = made.make("compute.KeyPair", "key", public_key=KEYS[0], name="key")
    more: dict[str, Any] = {"key_pair": key, "user_data": "#!/bin/sh\necho 'Grüße~[]*'\n", "labels": LABELS}
    yield ProviderCase(
        make=lambda _: oc.Server(image=IMAGE, size=SIZES[0], subnet=subnet, **more),
        changes={"size": SIZES[1], "labels": {"env": "Prod"}},
    )


def images(made: Made) -> Iterator[ProviderCase]:
    machine = made.server(made.subnet())
    for more in ({}, {"description": "Golden, of 'it'"}):
        yield ProviderCase(
            make=lambda _, more=more: oc.CustomImage(server=machine, labels=LABELS, **more),  # type: ignore[misc]
            changes={"labels": {"env": "Prod"}},
        )
    yield ProviderCase(make=lambda n: oc.CustomImage(server=machine, name=f"golden-{n}"))


def volumes(made: Made) -> Iterator[ProviderCase]:
    del made
    for encrypted in (True, False):
        yield ProviderCase(
            make=lambda _, encrypted=encrypted: oc.Volume(  # type: ignore[misc]
                size_gib=10, zone=ZONE, encrypted=encrypted, labels=LABELS
            ),
            changes={"size_gib": 20, "labels": {"env": "Prod"}},
        )


def attachments(made: Made) -> Iterator[ProviderCase]:
    disks = [made.volume(number) for number in range(6)]
    machine = made.server(made.subnet())
    yield ProviderCase(make=lambda n: oc.VolumeAttachment(volume=disks[n], server=machine), owned=False)


def snapshots(made: Made) -> Iterator[ProviderCase]:
    disk = made.volume(0)
    yield ProviderCase(make=lambda _: oc.Snapshot(volume=disk, labels=LABELS), changes={"labels": {"env": "Prod"}})


def addresses(made: Made) -> Iterator[ProviderCase]:
    subnet = made.subnet()
    machines = [made.server(subnet, number) for number in range(7)]
    yield ProviderCase(
        make=lambda n: oc.FloatingIp(server=machines[n], labels=LABELS),
        changes={"labels": {"env": "Prod"}, "server": machines[6]},
    )


def balancers(made: Made) -> Iterator[ProviderCase]:
    subnet = made.subnet()
    assert subnet is not None
    machines = [made.server(subnet, number) for number in range(3)]
    assert all(one.status is Status.READY for one in provider(made.cloud, "compute.Server").list())
    yield ProviderCase(
        make=lambda _: oc.LoadBalancer(
            port=80, member_port=8080, members=machines[:2], subnets=[subnet], labels=LABELS
        ),
        changes={"labels": {"env": "Prod"}, "members": machines[1:]},
    )


CASES: dict[str, Callable[[Made], Iterator[ProviderCase]]] = {
    "network.Network": networks,
    "network.Subnet": subnets,
    "network.Firewall": firewalls,
    "compute.KeyPair": key_pairs,
    "compute.Server": servers,
    "compute.CustomImage": images,
    "compute.Volume": volumes,
    "compute.VolumeAttachment": attachments,
    "compute.Snapshot": snapshots,
    "compute.FloatingIp": addresses,
    "balancing.LoadBalancer": balancers,
}
KINDS = [(False, kind) for kind in PLAIN] + [(True, kind) for kind in GUARDED]


@pytest.mark.parametrize(("guarded", "kind"), KINDS, ids=str)
def test_providers_keep_the_contract(guarded: bool, kind: str) -> None:
    server = CloudStack(security_groups=guarded)
    with server.running():
        cloud = cloud_at(server)
        checked = check_provider(
            lambda: provider(cloud, kind),
            CASES[kind](Made(cloud_at(server, subnet_offering=BALANCING))),
            unreachable=lambda: provider(cloud_at(server, "wrong"), kind),
            clock=VirtualClock(),
        )
        assert checked.left_out == ()


def test_every_kind_is_tried() -> None:
    able = oc.clouds.capabilities()
    assert set(able["cloudstack"]) == set(PLAIN)
    assert set(able["cloudstack:security_groups"]) == {*GUARDED, *PLAIN[2:-2]}


def test_other_kinds_are_served_alike_with_security_groups_and_without() -> None:
    plain, guarded = ({one.kind: one for one in calls} for calls in (CALLS, GUARDED_CALLS))
    for kind in guarded.keys() - set(GUARDED):
        assert (type(guarded[kind]), vars(guarded[kind])) == (type(plain[kind]), vars(plain[kind]))
