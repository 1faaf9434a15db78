"""Stacks put together from parts that are plain values, so that they can be drawn, changed, printed and made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.model.resource import Resource
from orchestra.model.stack import Stack
from orchestra.resources.balancing import HealthCheck, LoadBalancer
from orchestra.resources.compute import (
    CustomImage,
    FloatingIp,
    Image,
    KeyPair,
    Server,
    Size,
    Snapshot,
    Volume,
    VolumeAttachment,
)
from orchestra.resources.dns import Record, Zone
from orchestra.resources.network import Firewall, Network, Subnet, allow
from orchestra.resources.storage import Blob, Bucket

CHOICES: Final = 4
"""`Part.choice` counts below this."""

NEEDS: Final = MappingProxyType(
    {
        "Network": (),
        "Subnet": ("Network",),
        "Firewall": ("Network",),
        "KeyPair": (),
        "Server": ("Subnet",),
        "CustomImage": ("Server",),
        "Volume": (),
        "VolumeAttachment": ("Volume", "Server"),
        "Snapshot": ("Volume",),
        "FloatingIp": (),
        "LoadBalancer": ("Subnet",),
        "Zone": (),
        "Record": ("Zone",),
        "Bucket": (),
        "Blob": ("Bucket",),
    }
)
"""For each kind, the kinds of which at least one must be there; in an order in which they can be made."""

_KEYS: Final = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one@example",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILE0g8pQq1GfZ5Nt0vqHqJ6lX1H9pGv8vRr3kQe1rLkD two@example",
)


@attrs.frozen
class Part:
    """One resource of a `PartsStack`: the ``number``-th of its ``kind``, such as ``Server``.

    ``choice`` (0 to 3) and ``flag`` vary its inputs; ``uses`` picks what it refers to among what is there, so that
    every combination is a valid stack.
    """

    kind: str
    number: int = 0
    choice: int = 0
    flag: bool = False
    uses: tuple[int, ...] = (0,)

    @property
    def name(self) -> str:
        """The attribute, and so the address, that it has in the stack."""
        return f"{self.kind.lower()}_{self.number}"


def complete(parts: Iterable[Part]) -> tuple[Part, ...]:
    """``parts``, each name once, with the simplest of what they need where it is missing; in order."""
    named = {part.name: part for part in parts}
    for kind in reversed(NEEDS):
        if any(part.kind == kind for part in named.values()):
            for needed in NEEDS[kind]:
                if not any(part.kind == needed for part in named.values()):
                    named[Part(needed).name] = Part(needed)
    order = list(NEEDS)
    return tuple(sorted(named.values(), key=lambda part: (order.index(part.kind), part.number)))


class PartsStack(Stack):
    """The stack of ``parts``, and of the simplest of what they need where it isn't among them.

    ``zones`` are two availability zones of the cloud. An attachment whose volume (the one of the same number) isn't
    there is left out.
    """

    parts: tuple[Part, ...]
    zones: tuple[str, str] = ("sim-1a", "sim-1b")

    def build(self) -> None:
        """Declare every part, each as an attribute of its name."""
        assembly = _Assembly(self.zones)
        for part in complete(self.parts):
            made = _MAKERS[part.kind](assembly, part)
            if made is not None:
                setattr(self, part.name, made)
                assembly.made.append((part, made))


@attrs.define
class _Assembly:
    """What has been made so far."""

    zones: tuple[str, str]
    made: list[tuple[Part, Resource]] = attrs.field(factory=list)

    def all(self, kind: str) -> list[Any]:
        """Those of ``kind``, in order."""
        return [resource for part, resource in self.made if part.kind == kind]

    def one(self, part: Part, kind: str) -> Any:
        """The one of ``kind`` that ``part`` uses; None if there is none."""
        found = self.all(kind)
        return found[part.uses[0] % len(found)] if found and part.uses else None

    def several(self, part: Part, kind: str, network: object) -> list[Any]:
        """Those of ``kind`` in ``network`` that ``part`` uses."""
        found = self.all(kind)
        picked = {index % len(found): None for index in part.uses} if found else {}
        return [found[index] for index in sorted(picked) if _network(found[index]) is network]

    # -- one for each kind

    def make_network(self, part: Part) -> Resource:
        return Network(cidr=("10.0.0.0/16", "10.0.0.0/17")[part.choice % 2], internet=part.flag, labels=_labels(part))

    def make_subnet(self, part: Part) -> Resource:
        return Subnet(
            network=self.one(part, "Network"),
            cidr=f"10.0.{part.number * 2 + part.choice % 2}.0/24",
            zone=self.zones[0] if part.choice > 1 else None,
            public=part.flag,
        )

    def make_firewall(self, part: Part) -> Resource:
        ingress = ([], [allow("tcp", 22)], [allow("tcp", (80, 90)), allow("icmp")], [allow("udp", 53)])[part.choice]
        egress = [allow("tcp", 443)] if part.flag else [allow("all")]
        return Firewall(network=self.one(part, "Network"), ingress=ingress, egress=egress)

    def make_key_pair(self, part: Part) -> Resource:
        return KeyPair(public_key=_KEYS[part.choice % 2])

    def make_server(self, part: Part) -> Resource:
        subnet = self.one(part, "Subnet")
        return Server(
            image=Image(os="debian", version="12") if part.choice < 3 else Image(os="ubuntu", version="22.04"),
            size=Size(cpus=1, memory_gib=1) if part.choice % 2 == 0 else Size(cpus=2, memory_gib=4),
            subnet=subnet,
            firewalls=self.several(part, "Firewall", subnet.network),
            key_pair=self.one(part, "KeyPair") if part.flag else None,
            user_data=f"NETWORK={subnet.network.id}" if part.flag else None,
            labels=_labels(part),
        )

    def make_custom_image(self, part: Part) -> Resource:
        return CustomImage(
            server=self.one(part, "Server"), description=("", "golden")[part.choice % 2], labels=_labels(part)
        )

    def make_volume(self, part: Part) -> Resource:
        server = self.one(part, "Server")
        return Volume(
            size_gib=10 + 5 * part.choice,
            zone=server.zone if server is not None else self.zones[0],
            type="hdd" if part.flag else None,
        )

    def make_attachment(self, part: Part) -> Resource | None:
        for other, volume in self.made:
            if other.kind == "Volume" and other.number == part.number:
                server, device = self.one(other, "Server"), f"/dev/sd{'fghijklm'[part.number % 8]}"
                return VolumeAttachment(volume=volume, server=server, device=device)  # type: ignore[arg-type]
        return None

    def make_snapshot(self, part: Part) -> Resource:
        return Snapshot(volume=self.one(part, "Volume"), labels=_labels(part))

    def make_floating_ip(self, part: Part) -> Resource:
        return FloatingIp(server=self.one(part, "Server") if part.flag else None, labels=_labels(part))

    def make_balancer(self, part: Part) -> Resource:
        subnet = self.one(part, "Subnet")
        return LoadBalancer(
            port=(80, 8080)[part.choice % 2],
            subnets=[subnet],
            members=self.several(part, "Server", subnet.network),
            firewalls=self.several(part, "Firewall", subnet.network),
            health_check=HealthCheck(port=80, interval=10) if part.flag else None,
            labels=_labels(part),
        )

    def make_zone(self, part: Part) -> Resource:
        return Zone(domain=f"d{part.number}-{part.choice % 2}.example")

    def make_record(self, part: Part) -> Resource:
        server = self.one(part, "Server") if part.flag else None
        value = server.private_ip if server is not None else f"192.0.2.{part.choice}"
        return Record(
            zone=self.one(part, "Zone"), name=f"r{part.number}", type="A", values=[value], ttl=60 + part.choice
        )

    def make_bucket(self, part: Part) -> Resource:
        return Bucket(versioned=part.flag, encrypted=part.choice % 2 == 0, labels=_labels(part))

    def make_blob(self, part: Part) -> Resource:
        server = self.one(part, "Server") if part.flag else None
        content = f"for {server.id}" if server is not None else f"text {part.choice}"
        return Blob(bucket=self.one(part, "Bucket"), key=f"k{part.number}", content=content)


def _network(one: Any) -> object:
    """The network of a server, or of a firewall."""
    return getattr(one, "subnet", one).network


def _labels(part: Part) -> dict[str, str]:
    return {"choice": str(part.choice)} if part.choice > 1 else {}


_MAKERS: Final[MappingProxyType[str, Callable[[_Assembly, Part], Resource | None]]] = MappingProxyType(
    {
        "Network": _Assembly.make_network,
        "Subnet": _Assembly.make_subnet,
        "Firewall": _Assembly.make_firewall,
        "KeyPair": _Assembly.make_key_pair,
        "Server": _Assembly.make_server,
        "CustomImage": _Assembly.make_custom_image,
        "Volume": _Assembly.make_volume,
        "VolumeAttachment": _Assembly.make_attachment,
        "Snapshot": _Assembly.make_snapshot,
        "FloatingIp": _Assembly.make_floating_ip,
        "LoadBalancer": _Assembly.make_balancer,
        "Zone": _Assembly.make_zone,
        "Record": _Assembly.make_record,
        "Bucket": _Assembly.make_bucket,
        "Blob": _Assembly.make_blob,
    }
)


def count_of(parts: Sequence[Part]) -> dict[str, int]:
    """How many things of each kind the simulated cloud holds once a stack of ``parts`` is there: see `inventory`."""
    stack = PartsStack(parts=tuple(parts))
    counts: dict[str, int] = {}
    for part in complete(parts):
        resource = getattr(stack, part.name, None)
        if isinstance(resource, Resource):
            counts[resource.kind.name] = counts.get(resource.kind.name, 0) + 1
            if isinstance(resource, Network) and resource.internet:
                counts["network.Gateway"] = counts.get("network.Gateway", 0) + 1
    return dict(sorted(counts.items()))
