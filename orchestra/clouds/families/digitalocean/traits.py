"""What DigitalOcean tells of things in words of ours, and how it is asked for more.

Its API: https://docs.digitalocean.com/reference/api/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.compute.objects import a_key, a_node, a_volume
from orchestra.clouds.base.compute.traits import (
    Access,
    KeyPairs,
    Launch,
    Marks,
    Offer,
    Rest,
    Servers,
    Snapshots,
    Told,
    Traits,
    Volumes,
    region,
)
from orchestra.clouds.families.digitalocean import networks
from orchestra.clouds.families.digitalocean.addresses import ADDRESSES
from orchestra.clouds.families.digitalocean.balancers import BALANCERS
from orchestra.clouds.families.digitalocean.images import IMAGES
from orchestra.contracts import Status
from orchestra.errors import InvalidRequestError

_STATUSES: Final = MappingProxyType(
    {
        "new": Status.PENDING,
        "active": Status.READY,
        "off": Status.READY,  # whoever stopped it did so on purpose: it isn't failed, and no reason to replace it
    }
)
_BUSY: Final = "busy"
"""Our word for one that is off and has an action under way, such as a resize."""

_NAMES: Final = MappingProxyType({"alma": "almalinux", "rocky": "rockylinux"})
_MARKS: Final = Marks(longest_tag=255, longest_name=63)


# -- droplets


def _droplet(node: Any, by_tag: Mapping[str, str]) -> Told:
    is_busy = node.extra["status"] == "off" and node.extra.get("locked")
    image = node.extra.get("image") or {}
    return Told(
        id=str(node.id),
        name=node.name,
        state=_BUSY if is_busy else node.extra["status"],
        region=node.extra["region_slug"],
        tags=node.extra.get("tags") or [],
        image=str(image["id"]) if image else None,
        size=node.extra.get("size_slug"),
        private_ip=next(iter(node.private_ips), None),
        public_ip=next(iter(node.public_ips), None),
        firewalls=[by_tag[tag] for tag in node.extra.get("tags") or () if tag in by_tag],
    )


def _droplets(access: Access) -> Iterator[Told]:
    """All droplets. If one has firewalls, those are listed too: a droplet tells but their tags."""
    by_tag: Mapping[str, str] | None = None
    for node in access.driver.droplets():
        if by_tag is None and _is_guarded(node):
            by_tag = networks.guards(access)
        yield _droplet(node, by_tag or {})


def _one_droplet(access: Access, identity: str) -> Told:
    node = access.driver.droplet(identity)
    return _droplet(node, networks.guards(access) if _is_guarded(node) else {})


def _is_guarded(node: Any) -> bool:
    return any(map(networks.is_guard, node.extra.get("tags") or ()))


def _guard(access: Access, told: Told, firewalls: Sequence[str]) -> None:
    kept = [tag for tag in told.tags if not networks.is_guard(tag)]
    _retag(access, told, [*kept, *networks.guard_tags(access, firewalls)], "droplet")


def _launch(access: Access, launch: Launch) -> Told:
    if not launch.image.isdigit():
        raise InvalidRequestError(
            f"the image {launch.image!r} is no number: a slug means another image from time to time",
            sent=False,
            remedy="give the number of the image, or ask for an oc.Image",
        )
    guards = networks.guard_tags(access, launch.firewalls)
    node = access.driver.make_droplet(
        name=launch.name,
        region=region(access),
        size=launch.size,
        image=int(launch.image),
        user_data=launch.user_data,
        tags=[*launch.tags, *guards],
        **({"ssh_keys": [int(launch.key_pair)]} if launch.key_pair else {}),
        **({"vpc_uuid": launch.subnet} if launch.subnet else {}),
    )
    return _droplet(node, dict(zip(guards, launch.firewalls, strict=True)))


def _resize(access: Access, told: Told, size: str) -> None:
    """Processors and memory alone: a disk that has grown could never shrink again."""
    access.driver.act("droplets", told.id, "resize", size=size, disk=False)


def _image(access: Access, system: str, version: str, architecture: str) -> str | None:
    slug = f"{_NAMES.get(system, system)}-{version.replace('.', '-')}-x64"
    found = [
        (one.extra["created_at"], int(one.id))
        for one in access.driver.list_images()
        if one.extra["slug"] == slug and region(access) in one.extra["regions"]
    ]
    return str(max(found)[1]) if found and architecture == "x86_64" else None


def _offers(access: Access) -> Iterator[Offer]:
    for one in access.driver.list_sizes():
        if region(access) in one.extra["regions"] and one.extra["available"]:
            yield Offer(id=one.id, cpus=one.extra["vcpus"], memory_mib=one.ram, price=one.price, disk_gb=one.disk)


# -- volumes and snapshots


def _volume(volume: Any) -> Told:
    return Told(
        id=volume.id,
        name=volume.name,
        region=volume.extra["region_slug"],
        tags=volume.extra["tags"],
        size_gib=int(volume.size),
        servers=[str(one) for one in volume.extra["droplet_ids"]],
    )


def _make_volume(access: Access, name: str, tags: Sequence[str], size: int, snapshot: str | None) -> Told:
    body: dict[str, Any] = {"name": name, "size_gigabytes": size, "region": region(access), "tags": list(tags)}
    return _volume(access.driver.make_volume(**body, **({"snapshot_id": snapshot} if snapshot else {})))


def _attach(access: Access, told: Told, server: str) -> None:
    access.driver.act("volumes", told.id, "attach", droplet_id=int(server), region=told.region)


def _detach(access: Access, told: Told, server: str) -> None:
    access.driver.act("volumes", told.id, "detach", droplet_id=int(server), region=told.region)


def _grow(access: Access, told: Told, size: int) -> None:
    access.driver.act("volumes", told.id, "resize", size_gigabytes=size, region=told.region)


def _snapshot(snapshot: Any) -> Told:
    return Told(
        id=str(snapshot.id),
        name=snapshot.name,
        region=next(iter(snapshot.extra["regions"]), None),
        tags=snapshot.extra["tags"],
        source=str(snapshot.extra["resource_id"]),
        size_gib=int(snapshot.extra["min_disk_size"]),
    )


# -- keys


def _key(key: Any) -> Told:
    return Told(id=str(key.extra["id"]), name=key.name, fingerprint=key.fingerprint)


def _one_key(access: Access, identity: str) -> Told:
    driver = access.driver
    return _key(driver._to_key_pair(driver.send("GET", f"/v2/account/keys/{identity}")["ssh_key"]))


# -- tags


def _retag(access: Access, told: Told, tags: Sequence[str], kind: str) -> None:
    for name in sorted(set(tags) - set(told.tags)):
        access.driver.tag(name, told.id, kind)
    for name in sorted(set(told.tags) - set(tags)):
        access.driver.untag(name, told.id, kind)


def _regions(access: Access) -> Iterable[str]:
    return (one.id for one in access.driver.list_locations())


TRAITS: Final = Traits(
    family="DigitalOcean",
    provider="digitalocean",
    regions=_regions,
    lacking={
        "network.Subnet": "a VPC is one range that has no parts: servers and balancers are put into the network, "
        "subnet=network.id",
    },
    networks=networks.NETWORKS,
    firewalls=networks.FIREWALLS,
    balancers=BALANCERS,
    images=IMAGES,
    addresses=ADDRESSES,
    servers=Servers(
        marks=_MARKS,
        all=_droplets,
        one=_one_droplet,
        launch=_launch,
        destroy=lambda access, told: access.driver.destroy_node(a_node(access.driver, told.id)),
        offers=_offers,
        image=_image,
        statuses=_STATUSES,
        gone=frozenset({"archive"}),
        retag=lambda access, told, tags: _retag(access, told, tags, "droplet"),
        resize=_resize,
        rest=Rest(
            running="active",
            stopped="off",
            stop=lambda access, told: access.driver.act("droplets", told.id, "shutdown"),
            start=lambda access, told: access.driver.ex_power_on_node(a_node(access.driver, told.id)),
        ),
        guard=_guard,
        fixed={"public_address": (True, "every droplet has a public address")},
    ),
    key_pairs=KeyPairs(
        marks=Marks(longest_name=255),
        all=lambda access: map(_key, access.driver.list_key_pairs()),
        one=_one_key,
        create=lambda access, name, key: _key(access.driver.create_key_pair(name=name, public_key=key)),
        destroy=lambda access, told: access.driver.delete_key_pair(a_key(access.driver, told.id, told.name)),
    ),
    volumes=Volumes(
        marks=_MARKS,
        all=lambda access: map(_volume, access.driver.volumes()),
        one=lambda access, identity: _volume(access.driver.volume(identity)),
        create=_make_volume,
        destroy=lambda access, told: access.driver.destroy_volume(a_volume(access.driver, told.id)),
        attach=_attach,
        detach=_detach,
        grow=_grow,
        retag=lambda access, told, tags: _retag(access, told, tags, "volume"),
        unsupported={"type": "there is one type of volume, on SSDs"},
        fixed={"encrypted": (True, "every volume is encrypted at rest")},
    ),
    snapshots=Snapshots(
        marks=_MARKS,
        all=lambda access: map(_snapshot, access.driver.snapshots()),
        one=lambda access, identity: _snapshot(access.driver.snapshot(identity)),
        create=lambda access, volume, name, tags: _snapshot(
            access.driver.make_snapshot(volume, name=name, tags=list(tags))
        ),
        destroy=lambda access, told: access.driver.send("DELETE", f"/v2/snapshots/{told.id}"),
        retag=lambda access, told, tags: _retag(access, told, tags, "volume_snapshot"),
        unsupported={"description": "a snapshot has but a name, which says whose it is"},
    ),
)
