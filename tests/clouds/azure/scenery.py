"""What the tests of the family stand on: a cloud at the imitation, what kinds need, and a case for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

import orchestra as oc
from orchestra.clouds import AzureCloud, azure
from orchestra.contracts import Inputs, Observation, Status, Update
from orchestra.testing import ProviderCase
from tests.clouds.azure.arm import CLIENT, GROUP, REGION, SECRET, SUBSCRIPTION, TENANT
from tests.clouds.azure.machines import Azure
from tests.clouds.owned import owner, provider

LABELS: Final = {"env": "test", "Owner": "Ünï & <co>"}
KEYS: Final = tuple(
    f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlN{number:02} one@example"
    for number in range(6)
)
DEBIAN: Final = oc.Image(os="debian", version="12")
SMALL: Final = oc.Size(cpus=1, memory_gib=1)
LARGE: Final = oc.Size(cpus=2, memory_gib=8)
KINDS: Final = (
    "network.Network",
    "network.Subnet",
    "network.Firewall",
    "compute.KeyPair",
    "compute.Server",
    "compute.CustomImage",
    "compute.Volume",
    "compute.VolumeAttachment",
    "compute.Snapshot",
    "compute.FloatingIp",
)
WRONG: Final = "wrong-credentials"


def cloud_at(server: Azure, **more: Any) -> AzureCloud:
    """The cloud at an imitation."""
    given = {
        "subscription": SUBSCRIPTION,
        "resource_group": GROUP,
        "region": "West Europe",
        "tenant": TENANT,
        "client_id": CLIENT,
        "secret": SECRET,
        "endpoint": server.endpoint,
        "login_endpoint": server.endpoint,
        "consistency_seconds": 0,
        **more,
    }
    return azure(**given)


def rule(protocol: str, port: int | None = None, *, cidr: str | None = None, firewall: str | None = None) -> Any:
    """A firewall rule as providers get it."""
    return {"protocol": protocol, "from_port": port, "to_port": port, "cidr": cidr, "firewall": firewall}


EVERYTHING: Final = rule("all", cidr="0.0.0.0/0")


def observed(cloud: AzureCloud, kind: str, identity: str) -> Observation:
    """What is observed of one thing."""
    return provider(cloud, kind).observe([identity]).found[identity]


def settled(cloud: AzureCloud, kind: str, identity: str) -> str:
    """The id of a thing that is ready."""
    for _ in range(5):
        if observed(cloud, kind, identity).status is Status.READY:
            return identity
    raise AssertionError(f"{identity} doesn't become ready")


def create(cloud: AzureCloud, kind: str, address: str, inputs: Mapping[str, Any]) -> str:
    """The external id of what is made, when it is ready."""
    made = provider(cloud, kind).create(Inputs(inputs), owner(address))
    return settled(cloud, kind, made.external_id)


def change(cloud: AzureCloud, kind: str, identity: str, before: Mapping[str, Any], **changes: Any) -> Observation:
    """Bring it to ``before`` with ``changes``."""
    update = Update(before=Inputs(before), after=Inputs({**before, **changes}), changed=frozenset(changes))
    return provider(cloud, kind).update(identity, update)


class Scene:
    """A cloud with what servers and the like need, each made when it is first asked for."""

    def __init__(self, cloud: AzureCloud) -> None:
        self.cloud = cloud
        self._made: dict[str, str] = {}

    def make(self, kind: str, address: str, inputs: Mapping[str, Any]) -> str:
        if address not in self._made:
            self._made[address] = create(self.cloud, kind, address, inputs)
        return self._made[address]

    def network(self) -> str:
        inputs = {"cidr": "10.0.0.0/16", "internet": True, "labels": {}}
        return self.make("network.Network", "network", inputs)

    def subnet(self, zone: str | None = None) -> str:
        cidr = f"10.0.{int(zone or 0) + 1}.0/24"
        inputs = {"network": self.network(), "cidr": cidr, "zone": zone, "public": True, "labels": {}}
        return self.make("network.Subnet", f"subnet[{zone}]", inputs)

    def firewall(self, number: int = 0, ingress: Any = ()) -> str:
        return self.make("network.Firewall", f"firewall[{number}]", self.firewall_inputs(ingress=list(ingress)))

    def firewall_inputs(self, **more: Any) -> dict[str, Any]:
        plain = {"network": self.network(), "description": "Web", "egress": [EVERYTHING], "labels": {}}
        return {**plain, "ingress": [], **more}

    def key(self) -> str:
        return self.make("compute.KeyPair", "key", {"public_key": KEYS[0], "name": None})

    def server_inputs(self, **more: Any) -> dict[str, Any]:
        chosen = provider(self.cloud, "compute.Server").choose
        return {
            "image": {"id": chosen("image", attrs.asdict(DEBIAN))},
            "size": {"id": chosen("size", attrs.asdict(SMALL))},
            "subnet": self.subnet(),
            "firewalls": [],
            "key_pair": self.key(),
            "user_data": None,
            "public_address": None,
            "labels": {},
            **more,
        }

    def server(self, address: str = "web[0]", **more: Any) -> str:
        return self.make("compute.Server", address, self.server_inputs(**more))

    def image(self, address: str = "golden") -> str:
        inputs = {"server": self.server("builder"), "name": None, "description": "", "labels": {}}
        return self.make("compute.CustomImage", address, inputs)

    def volume(self, address: str = "disk", **more: Any) -> str:
        return self.make("compute.Volume", address, volume_inputs(**more))


def volume_inputs(**more: Any) -> dict[str, Any]:
    """The inputs of a volume as its provider gets them."""
    plain = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": True, "snapshot": None, "labels": {}}
    return {**plain, **more}


def cases(scene: Scene, kind: str) -> list[ProviderCase]:
    """The cases for a kind, with what that needs made before."""
    return {
        "network.Network": _networks,
        "network.Subnet": _subnets,
        "network.Firewall": _firewalls,
        "compute.KeyPair": _keys,
        "compute.Server": _servers,
        "compute.CustomImage": _images,
        "compute.Volume": _volumes,
        "compute.VolumeAttachment": _attachments,
        "compute.Snapshot": _snapshots,
        "compute.FloatingIp": _addresses,
    }[kind](scene)


_RELABELLED: Final[Mapping[str, object]] = {"labels": {"env": "Prod"}}


def _networks(scene: Scene) -> list[ProviderCase]:
    return [ProviderCase(make=lambda n: oc.Network(cidr=f"10.{n}.0.0/16", labels=LABELS), changes=_RELABELLED)]


def _subnets(scene: Scene) -> list[ProviderCase]:
    network = scene.network()
    return [
        ProviderCase(make=lambda n: oc.Subnet(network=network, cidr=f"10.0.{n + 10}.0/24"), owned=False),
        ProviderCase(
            make=lambda n: oc.Subnet(network=network, cidr=f"10.0.{n + 20}.0/24", zone=oc.AvailabilityZone(n)),
            owned=False,
        ),
    ]


def _keys(scene: Scene) -> list[ProviderCase]:
    return [
        ProviderCase(make=lambda n: oc.KeyPair(public_key=KEYS[n])),
        ProviderCase(make=lambda n: oc.KeyPair(public_key=KEYS[n], name=f"Key-{n}")),
    ]


def _servers(scene: Scene) -> list[ProviderCase]:
    subnet, key, web, other = scene.subnet(), scene.key(), scene.firewall(), scene.firewall(1)
    given = {"image": DEBIAN, "size": SMALL, "subnet": subnet, "key_pair": key, "firewalls": [web], "labels": LABELS}
    changes = {"labels": {"env": "Prod"}, "size": LARGE, "firewalls": [other]}
    own = {**given, "key_pair": None, "image": scene.image()}
    return [
        ProviderCase(make=lambda _: oc.Server(**given), changes=changes, copies=3),
        ProviderCase(make=lambda _: oc.Server(**own)),
    ]


def _images(scene: Scene) -> list[ProviderCase]:
    server = scene.server("builder")
    return [
        ProviderCase(
            make=lambda _: oc.CustomImage(server=server, description="Golden", labels=LABELS), changes=_RELABELLED
        ),
        ProviderCase(make=lambda n: oc.CustomImage(server=server, name=f"Golden_{n}.x")),
    ]


def _volumes(scene: Scene) -> list[ProviderCase]:
    changes = {"size_gib": 20, "type": "hdd", **_RELABELLED}
    return [ProviderCase(make=lambda _: oc.Volume(size_gib=10, zone=REGION, labels=LABELS), changes=changes)]


def _attachments(scene: Scene) -> list[ProviderCase]:
    volumes, machine = [scene.volume(f"volume[{n}]") for n in range(4)], scene.server("machine")
    return [
        ProviderCase(
            make=lambda n: oc.VolumeAttachment(volume=volumes[n], server=machine), owned=False, copies=len(volumes)
        )
    ]


def _snapshots(scene: Scene) -> list[ProviderCase]:
    volume = scene.volume()
    return [
        ProviderCase(
            make=lambda _: oc.Snapshot(volume=volume, description="Before", labels=LABELS), changes=_RELABELLED
        )
    ]


def _addresses(scene: Scene) -> list[ProviderCase]:
    changes = {**_RELABELLED, "server": scene.server()}
    return [ProviderCase(make=lambda _: oc.FloatingIp(labels=LABELS), changes=changes)]


def _firewalls(scene: Scene) -> list[ProviderCase]:
    network, web = scene.network(), scene.firewall(9)
    ingress = [oc.allow("tcp", 443), oc.allow("udp", (5000, 5010), source="10.0.0.0/8"), oc.allow("icmp")]
    sourced = attrs.evolve(oc.allow("tcp", 3306), cidr=None, firewall=web)
    changes = {
        "labels": {"env": "Prod"},
        "ingress": [oc.allow("tcp", 443), oc.allow("tcp", (0, 65535), source="::/0"), sourced],
        "egress": [oc.allow("tcp", 53, source="10.0.0.0/16")],
    }
    return [ProviderCase(make=lambda _: oc.Firewall(network=network, ingress=ingress, labels=LABELS), changes=changes)]


def census(cloud: AzureCloud) -> dict[str, int]:
    """How many of each kind there are, without what comes with others."""
    return {kind: sum(not one.comes_with for one in provider(cloud, kind).list()) for kind in KINDS}
