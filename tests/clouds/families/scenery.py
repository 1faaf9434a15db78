"""What the tests of the families stand on: for each its imitation, what to choose, and a case for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

import orchestra as oc
from orchestra.clouds import FamilyCloud, digitalocean, linode, scaleway, upcloud, vultr
from orchestra.contracts import Cloud, Inputs, Observation, Update
from orchestra.testing import ProviderCase
from tests.clouds.families.digitalocean import DigitalOcean
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.linode import Linode
from tests.clouds.families.scaleway import PROJECT, SECRET, Scaleway
from tests.clouds.families.upcloud import UpCloud
from tests.clouds.families.vultr import Vultr
from tests.clouds.owned import owner, provider

LABELS: Final = {"env": "test", "Owner": "Ünï & <co>"}
KEYS: Final = tuple(
    f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlN{number:02} one@example"
    for number in range(6)
)
KINDS: Final = (
    "compute.Server",
    "compute.KeyPair",
    "compute.Volume",
    "compute.VolumeAttachment",
    "compute.Snapshot",
    "compute.CustomImage",
    "network.Network",
    "network.Firewall",
    "balancing.LoadBalancer",
    "compute.FloatingIp",
)
WRONG: Final = "wrong-credentials"


@attrs.frozen(kw_only=True)
class Family:
    """One family.

    ``make`` makes its cloud for a region, a credential and an endpoint, ``bare`` without a credential; that is then in
    the ``environment``. ``image`` and ``sizes`` are wishes that the
    recorded answers fulfil, the second size larger. ``creations`` are the paths to which creations go, servers first,
    ``imaging`` those to which the creation of an image of a server goes.
    ``imaged`` is the size of servers that images can be made of, where that isn't any.
    ``labels`` and ``user_data``: whether it has any; ``resizes``: whether it can, in place.
    ``long_names``: whether the name of a key has room for a long address. ``owned``: whether a server tells
    whose it is, ``keys_owned``: whether a key does. ``disks_at_once``: whether a server takes several at one moment.
    """

    name: str
    imitation: Callable[[], Any]
    make: Callable[[str, str, str], FamilyCloud]
    bare: Callable[[str, str], FamilyCloud]
    environment: Mapping[str, str]
    region: str
    credential: str
    image: oc.Image
    sizes: tuple[oc.Size, oc.Size]
    creations: tuple[str, ...]
    imaging: tuple[str, ...] = ()
    imaged: oc.Size | None = None
    labels: bool = True
    resizes: bool = True
    user_data: bool = True
    long_names: bool = True
    owned: bool = True
    keys_owned: bool = True
    disks_at_once: bool = True

    def cloud(self, server: Imitation, credential: str = "") -> FamilyCloud:
        """Its cloud, at an imitation."""
        return self.make(self.region, credential or self.credential, server.endpoint)

    def encrypts(self, cloud: Cloud) -> bool:
        """Whether a volume says that it is encrypted; some clouds can't tell."""
        fixed = provider(cloud, "compute.Volume").capabilities.fixed.get("encrypted", (True, ""))
        return bool(fixed[0])

    def server(self, **more: Any) -> oc.Server:
        """One of its servers."""
        return oc.Server(**{"image": self.image, "size": self.sizes[0], **more})


FAMILIES: Final = (
    Family(
        name="digitalocean",
        imitation=DigitalOcean,
        make=lambda region, token, endpoint: digitalocean(region=region, token=token, endpoint=endpoint),
        bare=lambda region, endpoint: digitalocean(region=region, endpoint=endpoint),
        environment={"DIGITALOCEAN_TOKEN": "dop_v1_made_up"},
        region="nyc1",
        credential="dop_v1_made_up",
        image=oc.Image(os="ubuntu", version="14.04"),
        sizes=(oc.Size(cpus=1, memory_gib=0.5), oc.Size(cpus=1, memory_gib=1)),
        creations=(
            "/v2/droplets",
            "/v2/volumes",
            "/v2/volumes/[^/]+/snapshots",
            "/v2/account/keys",
            "/v2/vpcs",
            "/v2/firewalls",
            "/v2/load_balancers",
            "/v2/reserved_ips",
        ),
        imaging=("/v2/droplets/[^/]+/actions",),
    ),
    Family(
        name="linode",
        imitation=Linode,
        make=lambda region, token, endpoint: linode(region=region, token=token, endpoint=endpoint),
        bare=lambda region, endpoint: linode(region=region, endpoint=endpoint),
        environment={"LINODE_TOKEN": "made-up-token"},
        region="eu-west",
        credential="made-up-token",
        image=oc.Image(os="debian", version="10"),
        sizes=(oc.Size(cpus=1, memory_gib=1), oc.Size(cpus=2, memory_gib=4)),
        creations=("/v4/linode/instances", "/v4/volumes", "/v4/profile/sshkeys"),
        imaging=("/v4/images",),
        long_names=False,
    ),
    Family(
        name="vultr",
        imitation=Vultr,
        make=lambda region, token, endpoint: vultr(region=region, token=token, endpoint=endpoint),
        bare=lambda region, endpoint: vultr(region=region, endpoint=endpoint),
        environment={"VULTR_API_KEY": "MADEUPKEY"},
        region="ams",
        credential="MADEUPKEY",
        image=oc.Image(os="debian", version="11"),
        sizes=(oc.Size(cpus=1, memory_gib=1), oc.Size(cpus=2, memory_gib=4)),
        creations=("/v2/instances", "/v2/blocks", "/v2/ssh-keys"),
        imaging=("/v2/snapshots",),
        labels=False,
    ),
    Family(
        name="scaleway",
        imitation=Scaleway,
        make=lambda region, key, endpoint: scaleway(region=region, secret_key=key, project=PROJECT, endpoint=endpoint),
        bare=lambda region, endpoint: scaleway(region=region, endpoint=endpoint),
        environment={"SCW_SECRET_KEY": SECRET, "SCW_DEFAULT_PROJECT_ID": PROJECT},
        region="fr-par-1",
        credential=SECRET,
        image=oc.Image(os="debian", version="12"),
        sizes=(oc.Size(cpus=2, memory_gib=2), oc.Size(cpus=2, memory_gib=4)),
        creations=(
            "/instance/v1/zones/fr-par-1/servers",
            "/block/v1/zones/fr-par-1/volumes",
            "/block/v1/zones/fr-par-1/snapshots",
            "/iam/v1alpha1/ssh-keys",
        ),
        imaging=("/block/v1/zones/fr-par-1/snapshots", "/instance/v1/zones/fr-par-1/images"),
        imaged=oc.Size(cpus=2, memory_gib=8),
    ),
    Family(
        name="upcloud",
        imitation=UpCloud,
        make=lambda region, password, endpoint: upcloud(
            region=region, username="somebody", password=password, endpoint=endpoint
        ),
        bare=lambda region, endpoint: upcloud(region=region, endpoint=endpoint),
        environment={"UPCLOUD_USERNAME": "somebody", "UPCLOUD_PASSWORD": "made-up-password"},
        region="fi-hel1",
        credential="made-up-password",
        image=oc.Image(os="debian", version="8"),
        sizes=(oc.Size(cpus=1, memory_gib=1), oc.Size(cpus=2, memory_gib=2)),
        creations=("/1.2/server", "/1.3/storage", "/1.3/storage/[^/]+/backup"),
        imaging=tuple(f"/1.3/storage/[^/]+/{what}" for what in ("backup", "clone", "templatize")),
        labels=False,
        resizes=False,
        user_data=False,
        disks_at_once=False,
    ),
)


def family_of(name: str) -> Family:
    """The family of a name."""
    return next(one for one in FAMILIES if one.name == name)


def server_inputs(family: Family, cloud: Cloud, **more: Any) -> dict[str, Any]:
    """The inputs of a server as its provider gets them."""
    chosen = provider(cloud, "compute.Server").choose
    wish, size = attrs.asdict(family.image), attrs.asdict(family.sizes[0])
    return {**plain_server(chosen("image", wish), chosen("size", size)), **more}


def plain_server(image: str, size: str, /, **more: Any) -> dict[str, Any]:
    """The inputs of a server with nothing that it can do without."""
    plain = {"subnet": None, "firewalls": [], "key_pair": None, "user_data": None, "public_address": None, "labels": {}}
    return {"image": {"id": image}, "size": {"id": size}, **plain, **more}


def made_and_seen(cloud: Cloud, kind: str, address: str, inputs: Mapping[str, Any]) -> str:
    """The external id of what is made, and ready: it is so when it has been looked at."""
    made = create(cloud, kind, address, inputs)
    provider(cloud, kind).observe([made])
    return made


def volume_inputs(family: Family, **more: Any) -> dict[str, Any]:
    """The inputs of a volume as its provider gets them."""
    return {
        "size_gib": 10,
        "zone": family.region,
        "type": None,
        "encrypted": None,
        "snapshot": None,
        "labels": {},
        **more,
    }


def create(cloud: Cloud, kind: str, address: str, inputs: Mapping[str, Any]) -> str:
    """The external id of what is made."""
    return provider(cloud, kind).create(Inputs(inputs), owner(address)).external_id


def change(cloud: FamilyCloud, kind: str, identity: str, before: Mapping[str, Any], **changes: Any) -> Observation:
    """Bring it to ``before`` with ``changes``."""
    update = Update(before=Inputs(before), after=Inputs({**before, **changes}), changed=frozenset(changes))
    return provider(cloud, kind).update(identity, update)


def cases(family: Family, cloud: FamilyCloud) -> Iterator[tuple[str, ProviderCase]]:
    """A case for each kind that the family has, with what that needs made before."""
    labels = {"labels": LABELS} if family.labels else {}
    yield from _network_cases(cloud)
    if cloud.provider("balancing.LoadBalancer"):
        yield "balancing.LoadBalancer", _balancer_case(family, cloud)
    changes: dict[str, object] = {"labels": {"env": "Prod"}} if family.labels else {}
    sizes: dict[str, object] = {"size": family.sizes[1]} if family.resizes else {}
    servers = ProviderCase(make=lambda _: family.server(**labels), changes={**changes, **sizes}, owned=family.owned)
    yield "compute.Server", servers
    if cloud.provider("compute.KeyPair"):
        yield (
            "compute.KeyPair",
            ProviderCase(make=lambda number: oc.KeyPair(public_key=KEYS[number]), owned=family.long_names),
        )
        named = ProviderCase(make=lambda number: oc.KeyPair(public_key=KEYS[number], name=f"key-{number}"), owned=False)
        yield "compute.KeyPair", named
    if cloud.provider("compute.Volume"):
        encrypted = family.encrypts(cloud)
        yield (
            "compute.Volume",
            ProviderCase(
                make=lambda _: oc.Volume(size_gib=10, zone=family.region, encrypted=encrypted, **labels),
                changes={"size_gib": 20, **changes},
            ),
        )
        volumes = [create(cloud, "compute.Volume", f"volume[{n}]", volume_inputs(family)) for n in range(6)]
        several = 1 if family.disks_at_once else len(volumes)
        machines = [
            create(cloud, "compute.Server", f"machine[{n}]", server_inputs(family, cloud)) for n in range(several)
        ]
        attachment = ProviderCase(
            make=lambda number: oc.VolumeAttachment(volume=volumes[number], server=machines[number % several]),
            owned=False,
        )
        yield "compute.VolumeAttachment", attachment
        if cloud.provider("compute.Snapshot"):
            yield (
                "compute.Snapshot",
                ProviderCase(make=lambda _: oc.Snapshot(volume=volumes[0], **labels), changes=changes),
            )
    if cloud.provider("compute.FloatingIp"):
        led = [create(cloud, "compute.Server", f"led[{n}]", server_inputs(family, cloud)) for n in range(7)]
        yield (
            "compute.FloatingIp",
            ProviderCase(
                make=lambda number: oc.FloatingIp(server=led[number]), changes={"server": led[6]}, owned=False
            ),
        )
    if cloud.provider("compute.CustomImage"):
        machine = server_inputs(family, cloud)
        if family.imaged is not None:
            size = provider(cloud, "compute.Server").choose("size", attrs.asdict(family.imaged))
            machine["size"] = {"id": size}
        builders = [create(cloud, "compute.Server", f"builder[{n}]", machine) for n in range(6)]
        provider(cloud, "compute.Server").observe(builders)  # they are ready when they have been looked at
        tagged = "labels" not in provider(cloud, "compute.CustomImage").capabilities.unsupported
        yield (
            "compute.CustomImage",
            ProviderCase(
                make=lambda number: oc.CustomImage(server=builders[number], **(labels if tagged else {})),
                changes=changes if tagged else {},
                timeout=7200.0,
            ),
        )


def _network_cases(cloud: FamilyCloud) -> Iterator[tuple[str, ProviderCase]]:
    """A case for networks and one for firewalls, where a family has those."""
    if cloud.provider("network.Network"):
        yield "network.Network", ProviderCase(make=lambda number: oc.Network(cidr=f"10.{number}.0.0/16"))
    if cloud.provider("network.Firewall"):
        ingress = [
            oc.allow("tcp", 443),
            oc.allow("udp", (60000, 61000), source="10.1.0.0/16"),
            oc.allow("icmp", source="10.2.0.0/16"),
            oc.allow("tcp", (0, 65535), source="10.4.0.0/16"),
        ]
        yield (
            "network.Firewall",
            ProviderCase(
                make=lambda _: oc.Firewall(network="network-1", ingress=ingress),
                changes={"ingress": [oc.allow("tcp", 80), oc.allow("all", source="10.3.0.0/16")], "egress": []},
            ),
        )


def _balancer_case(family: Family, cloud: FamilyCloud) -> ProviderCase:
    network = create(cloud, "network.Network", "balanced", {"cidr": "10.200.0.0/16"})
    members = [create(cloud, "compute.Server", f"member[{n}]", server_inputs(family, cloud)) for n in range(2)]
    check = oc.HealthCheck(protocol="http", port=8080, path="/health", interval=10)
    return ProviderCase(
        make=lambda _: oc.LoadBalancer(port=80, subnets=[network], members=members[:1], member_port=8080),
        changes={"members": members, "health_check": check},
    )


def census(cloud: Cloud) -> dict[str, int]:
    """How many of each kind there are."""
    found = {kind: cloud.provider(kind) for kind in KINDS}
    return {kind: len(list(one.list())) for kind, one in found.items() if one is not None}
