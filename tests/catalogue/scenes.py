"""For every kind: a scene that it can stand in, its inputs at first, and another value for each input.

A test fails if the catalogue has an input that is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

import orchestra as oc
from orchestra.model.resource import Resource
from orchestra.resources import balancing, compute, containers, dns, network, storage

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one@example"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILE0g8pQq1GfZ5Nt0vqHqJ6lX1H9pGv8vRr3kQe1rLkD two@example"

IMAGE = "orchestra-test:1"
OTHER_IMAGE = "orchestra-test:2"

Make = Callable[["Scene"], Any]


@attrs.frozen(kw_only=True)
class Case:
    """How one kind is tried: ``base`` inputs, and another value for each in ``changes``; a function gets the scene."""

    kind: type[Resource]
    base: Mapping[str, Any]
    changes: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    """The parts of the scene that must be there."""


class Scene(oc.Stack):
    """What a subject needs, and the subject. ``zones`` are two zones of the cloud."""

    case: Case
    inputs: dict[str, Any]
    zones: tuple[str, ...]

    def build(self) -> None:
        for name in self.case.needs:
            if not hasattr(self, name):
                PARTS[name](self)
        given = {name: value(self) if callable(value) else value for name, value in self.inputs.items()}
        self.subject = self.case.kind(**given)


def _network(scene: Scene) -> None:
    scene.network = oc.Network(cidr="10.0.0.0/16")
    scene.other_network = oc.Network(cidr="10.0.0.0/16")


def _subnet(scene: Scene) -> None:
    _network(scene)
    scene.subnet = oc.Subnet(network=scene.network, cidr="10.0.1.0/24", zone=scene.zones[0])
    scene.other_subnet = oc.Subnet(network=scene.network, cidr="10.0.2.0/24", zone=scene.zones[0])


def _far_subnet(scene: Scene) -> None:
    scene.far_subnet = oc.Subnet(network=scene.network, cidr="10.0.3.0/24", zone=scene.zones[1])


def _firewall(scene: Scene) -> None:
    scene.firewall = oc.Firewall(network=scene.network, description="one")
    scene.other_firewall = oc.Firewall(network=scene.network, description="two")


def _server(scene: Scene) -> None:
    scene.server = _small(scene)
    scene.other_server = _small(scene)


def _small(scene: Scene) -> oc.Server:
    image = oc.Image(os="debian", version="12")
    return oc.Server(image=image, size=oc.Size(cpus=1, memory_gib=1), subnet=scene.subnet)


def _custom_image(scene: Scene) -> None:
    scene.custom_image = oc.CustomImage(server=scene.server)


def _volume(scene: Scene) -> None:
    scene.volume = oc.Volume(size_gib=200, zone=scene.zones[0])
    scene.other_volume = oc.Volume(size_gib=200, zone=scene.zones[0])


def _snapshot(scene: Scene) -> None:
    scene.snapshot = oc.Snapshot(volume=scene.volume)


def _key(scene: Scene) -> None:
    scene.key = oc.KeyPair(public_key=KEY)


def _zone(scene: Scene) -> None:
    scene.zone = oc.Zone(domain="shop.example")
    scene.other_zone = oc.Zone(domain="other.example")


def _bucket(scene: Scene) -> None:
    scene.bucket = oc.Bucket()
    scene.other_bucket = oc.Bucket()


def _image(scene: Scene) -> None:
    scene.image = oc.ContainerImage(name=IMAGE)
    scene.other_image = oc.ContainerImage(name=OTHER_IMAGE)


def _cluster(scene: Scene) -> None:
    scene.cluster = oc.Cluster()


PARTS: Mapping[str, Callable[[Scene], None]] = {
    "network": _network,
    "subnet": _subnet,
    "far_subnet": _far_subnet,
    "firewall": _firewall,
    "server": _server,
    "custom image": _custom_image,
    "volume": _volume,
    "snapshot": _snapshot,
    "key": _key,
    "zone": _zone,
    "bucket": _bucket,
    "image": _image,
    "cluster": _cluster,
}

LABELS = {"env": "test", "owner": "Ünïcode & <co>"}

CASES: tuple[Case, ...] = (
    Case(
        kind=oc.Network,
        base={"cidr": "10.0.0.0/16"},
        changes={"cidr": "10.1.0.0/16", "internet": False, "labels": LABELS},
    ),
    Case(
        kind=oc.Subnet,
        needs=("network",),
        base={"network": lambda scene: scene.network, "cidr": "10.0.1.0/24"},
        changes={
            "network": lambda scene: scene.other_network,
            "cidr": "10.0.3.0/24",
            "zone": lambda scene: scene.zones[1],
            "public": False,
            "labels": LABELS,
        },
    ),
    Case(
        kind=oc.Firewall,
        needs=("subnet", "firewall"),
        base={"network": lambda scene: scene.network, "ingress": [oc.allow("tcp", 22)]},
        changes={
            "network": lambda scene: scene.other_network,
            "description": "Guards the shop",
            "ingress": lambda scene: [
                oc.allow("tcp", (8000, 8080), source="10.0.0.0/8"),
                oc.allow("udp", 53),
                oc.allow("icmp"),
                oc.allow("tcp", 443, source="::/0"),
            ],
            "egress": [oc.allow("tcp", 443), oc.allow("udp", 123, source="192.0.2.0/24")],
            "labels": LABELS,
        },
    ),
    Case(
        kind=oc.KeyPair,
        base={"public_key": KEY},
        changes={"public_key": OTHER_KEY, "name": "a-name-of-my-own"},
    ),
    Case(
        kind=oc.Server,
        needs=("subnet", "firewall", "key"),
        base={
            "image": oc.Image(os="debian", version="12"),
            "size": oc.Size(cpus=1, memory_gib=1),
            "subnet": lambda scene: scene.subnet,
            "firewalls": lambda scene: [scene.firewall],
        },
        changes={
            "image": oc.Image(os="ubuntu", version="22.04"),
            "size": oc.Size(cpus=2, memory_gib=8),
            "subnet": lambda scene: scene.other_subnet,
            "firewalls": lambda scene: [scene.other_firewall, scene.firewall],
            "key_pair": lambda scene: scene.key,
            "user_data": "#!/bin/sh\necho 'Grüße' > /etc/motd\n",
            "public_address": False,
            "labels": LABELS,
        },
    ),
    Case(
        kind=oc.CustomImage,
        needs=("subnet", "server"),
        base={"server": lambda scene: scene.server},
        changes={
            "server": lambda scene: scene.other_server,
            "name": "a-name-of-my-own",
            "description": "before the move",
            "labels": LABELS,
        },
    ),
    Case(
        kind=oc.Volume,
        needs=("subnet", "volume", "snapshot"),
        base={"size_gib": 200, "zone": lambda scene: scene.zones[0]},
        changes={
            "size_gib": 250,
            "zone": lambda scene: scene.zones[1],
            "type": "hdd",
            "encrypted": False,
            "snapshot": lambda scene: scene.snapshot,
            "labels": LABELS,
        },
    ),
    Case(
        kind=oc.VolumeAttachment,
        needs=("subnet", "server", "volume"),
        base={"volume": lambda scene: scene.volume, "server": lambda scene: scene.server},
        changes={
            "volume": lambda scene: scene.other_volume,
            "server": lambda scene: scene.other_server,
            "device": "/dev/sdg",
        },
    ),
    Case(
        kind=oc.Snapshot,
        needs=("subnet", "volume"),
        base={"volume": lambda scene: scene.volume},
        changes={"volume": lambda scene: scene.other_volume, "description": "before the move", "labels": LABELS},
    ),
    Case(
        kind=oc.FloatingIp,
        needs=("subnet", "server"),
        base={},
        changes={"server": lambda scene: scene.server, "labels": LABELS},
    ),
    Case(
        kind=oc.LoadBalancer,
        needs=("subnet", "firewall", "server"),
        base={"port": 80, "protocol": "http", "subnets": lambda scene: [scene.subnet]},
        changes={
            "port": 8080,
            "protocol": "tcp",
            "member_port": 9090,
            "members": lambda scene: [scene.server, scene.other_server],
            "subnets": lambda scene: [scene.other_subnet],
            "firewalls": lambda scene: [scene.firewall],
            "health_check": oc.HealthCheck(protocol="http", port=8080, path="/well", interval=10, timeout=3),
            "labels": LABELS,
        },
    ),
    Case(kind=oc.Zone, base={"domain": "shop.example"}, changes={"domain": "other.example"}),
    Case(
        kind=oc.Record,
        needs=("zone",),
        base={"zone": lambda scene: scene.zone, "name": "www", "type": "A", "values": ["192.0.2.1"]},
        changes={
            "zone": lambda scene: scene.other_zone,
            "name": "web",
            "type": "TXT",
            "values": ["192.0.2.7", "192.0.2.5"],
            "ttl": 60,
        },
    ),
    Case(
        kind=oc.Bucket,
        base={},
        changes={
            "name": "orchestra-a-name-of-my-own",
            "encrypted": False,
            "public": True,
            "versioned": True,
            "labels": LABELS,
        },
    ),
    Case(
        kind=oc.Blob,
        needs=("bucket",),
        base={"bucket": lambda scene: scene.bucket, "key": "a/b c.txt", "content": "one"},
        changes={
            "bucket": lambda scene: scene.other_bucket,
            "key": "Grüße.txt",
            "content": "zwei\n",
            "content_type": "text/html; charset=utf-8",
        },
    ),
    Case(kind=oc.Cluster, base={}, changes={"name": "a-cluster-of-my-own", "labels": LABELS}),
    Case(kind=oc.ContainerImage, base={"name": IMAGE}, changes={"name": OTHER_IMAGE}),
    Case(
        kind=oc.Container,
        needs=("image", "cluster"),
        base={
            "image": lambda scene: scene.image,
            "command": ["sleep", "1000"],
            "network": "none",
            "stop_seconds": 0,
            "environment": {"A": "1"},
        },
        changes={
            "image": lambda scene: scene.other_image,
            "cluster": lambda scene: scene.cluster,
            "command": ["sleep", "2000"],
            "environment": {"A": "Grüße & more", "B": ""},
            "ports": [
                oc.Port(container=80, host=18099, address="127.0.0.1"),
                oc.Port(container=53, host=53, protocol="udp"),
            ],
            "mounts": [oc.Mount(source="files", target="/files"), oc.Mount(source="/tmp", target="/t", read_only=True)],
            "network": "host",
            "restart": "always",
            "memory_mib": 64,
            "cpus": 0.5,
            "stop_seconds": 1,
            "once": True,
            "running": False,
            "name": "a-name-of-my-own",
            "labels": LABELS,
        },
    ),
)

EXTRA: tuple[tuple[type[Resource], dict[str, Any], str, Any, oc.Action], ...] = (
    (oc.Volume, {}, "size_gib", 150, oc.Action.REPLACE),
    (oc.LoadBalancer, {"health_check": oc.HealthCheck(port=80)}, "health_check", None, oc.Action.UPDATE),
    (oc.Record, {"type": "TXT", "values": ['say "hi"']}, "values", ["v=spf1 -all", "a;b"], oc.Action.UPDATE),
    (oc.Record, {"name": ""}, "ttl", 77, oc.Action.UPDATE),
    (oc.Server, {"labels": LABELS}, "labels", {"env": "prod"}, oc.Action.UPDATE),
    (oc.Firewall, {"egress": []}, "egress", [oc.allow("all")], oc.Action.UPDATE),
    (
        oc.Firewall,
        {},
        "ingress",
        lambda scene: [oc.allow("tcp", 5432, source=scene.firewall), oc.allow("tcp", 22)],
        oc.Action.UPDATE,
    ),
    (oc.Bucket, {"versioned": True, "public": True}, "versioned", False, oc.Action.UPDATE),
    (oc.Container, {"memory_mib": 64}, "memory_mib", 32, oc.Action.UPDATE),
    (oc.Container, {"cpus": 0.5}, "cpus", None, oc.Action.REPLACE),
    (oc.Container, {"running": False}, "running", True, oc.Action.UPDATE),
    (oc.Container, {"labels": LABELS}, "labels", {"env": "prod"}, oc.Action.REPLACE),
    (oc.FloatingIp, {"server": lambda scene: scene.server}, "server", None, oc.Action.UPDATE),
    (
        oc.FloatingIp,
        {"server": lambda scene: scene.server},
        "server",
        lambda scene: scene.other_server,
        oc.Action.UPDATE,
    ),
)
"""Changes beyond one for each input: (kind, further base inputs, input, new value, what it must take)."""


def serving(cloud: Any, cases: tuple[Case, ...] = CASES) -> tuple[Case, ...]:
    """The cases for kinds that ``cloud`` serves, without the inputs that it can't do and what only those need."""
    found = []
    for case in cases:
        provider = cloud.provider(case.kind.kind.name)
        if provider is not None:
            without = provider.capabilities.unsupported
            changes = {name: value for name, value in case.changes.items() if name not in without}
            needs = tuple(one for one in case.needs if one not in without)
            found.append(attrs.evolve(case, changes=changes, needs=needs))
    return tuple(found)


def catalogue() -> dict[str, type[Resource]]:
    """Every kind of the catalogue, by name."""
    found = {}
    for module in (balancing, compute, containers, dns, network, storage):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, Resource) and one.__module__ == module.__name__:
                found[one.kind.name] = one
    return found
