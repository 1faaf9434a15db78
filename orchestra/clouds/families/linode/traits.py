"""What Linode tells of things in words of ours, and how it is asked for more.

Its API: https://techdocs.akamai.com/linode-api/reference/
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.compute.objects import a_location, a_node, a_size, a_volume, an_image, fingerprint
from orchestra.clouds.base.compute.traits import (
    Access,
    Images,
    KeyPairs,
    Launch,
    Marks,
    Offer,
    Servers,
    Told,
    Traits,
    Volumes,
    region,
)
from orchestra.contracts import Status
from orchestra.errors import InvalidRequestError

_STATUSES: Final = MappingProxyType(
    {
        "running": Status.READY,
        "offline": Status.READY,  # whoever stopped it did so on purpose: it isn't failed, and no reason to replace it
        "stopped": Status.READY,
    }
)
_VOLUME_STATUSES: Final = MappingProxyType({"active": Status.READY, "contact_support": Status.FAILED})

_NAMES: Final = MappingProxyType({"alma": "almalinux", "centos-stream": "centos-stream"})
_LONGEST_TAG: Final = 50


# -- servers


def _server(node: Any) -> Told:
    return Told(
        id=str(node.id),
        name=node.name,
        state=node.extra["status"],
        region=node.extra["location"],
        tags=node.extra["tags"],
        image=node.extra["image"],
        size=node.extra["type"],
        private_ip=next(iter(node.private_ips), None),
        public_ip=next(iter(node.public_ips), None),
    )


def _launch(access: Access, launch: Launch) -> Told:
    """The password of root is wanted with every image: one that nobody knows, for keys are how to get in."""
    key = [access.driver.profile_key(launch.key_pair).public_key] if launch.key_pair else None
    node = access.driver.create_node(
        location=a_location(access.driver, region(access)),
        name=launch.name,
        size=a_size(access.driver, launch.size),
        image=an_image(access.driver, launch.image),
        root_pass=secrets.token_urlsafe(48),
        ex_authorized_keys=key,
        ex_tags=launch.tags,
        ex_userdata=launch.user_data,
    )
    return _server(node)


def _resize(access: Access, told: Told, size: str) -> None:
    """Linode shuts the server down and starts it again itself; the disk stays as it is, so that it can go back."""
    access.driver.ex_resize_node(node=a_node(access.driver, told.id), size=a_size(access.driver, size))


def _image(access: Access, system: str, version: str, architecture: str) -> str | None:
    wanted = f"linode/{_NAMES.get(system, system)}{version}"
    found = [one for one in access.driver.list_images() if one.id in (wanted, f"{wanted}lts")]
    newest = max(found, key=lambda one: (one.extra["created"], one.id), default=None)
    return str(newest.id) if newest is not None and architecture == "x86_64" else None


def _offers(access: Access) -> Iterator[Offer]:
    for one in access.driver.list_sizes():
        yield Offer(
            id=one.id,
            cpus=one.extra["vcpus"],
            memory_mib=one.ram,
            price=one.price,
            disk_gb=one.disk / 1000,  # told in MB
            gpus=one.extra["gpus"],
        )


# -- volumes


def _volume(volume: Any) -> Told:
    server = volume.extra["linode_id"]
    return Told(
        id=str(volume.id),
        name=volume.name,
        state=volume.extra["status"],
        region=volume.extra["location"],
        tags=volume.extra["tags"],
        size_gib=int(volume.size),
        servers=[] if server is None else [str(server)],
    )


def _make_volume(access: Access, name: str, tags: Sequence[str], size: int, snapshot: str | None) -> Told:
    del snapshot
    place = a_location(access.driver, region(access))
    return _volume(access.driver.create_volume(name=name, size=size, location=place, tags=tags))


def _as_volume(access: Access, told: Told) -> Any:
    """The volume as Libcloud's methods look at it."""
    server = next(iter(told.servers), None)
    size = told.size_gib or 0
    return a_volume(access.driver, told.id, told.name, size, linode_id=server, location=told.region)


def _attach(access: Access, told: Told, server: str) -> None:
    node = a_node(access.driver, server, location=told.region)
    access.driver.attach_volume(node=node, volume=_as_volume(access, told))


# -- images


def _own_image(image: Mapping[str, Any]) -> Told:
    """Linode doesn't tell of which server it is, and has it for all regions."""
    return Told(
        id=image["id"],
        name=image["label"],
        state=image.get("status") or "",
        tags=image.get("tags") or [],
        size_gib=math.ceil(image["size"] / 1024) or None,  # told in MB
    )


def _make_image(access: Access, server: str, name: str, tags: Sequence[str]) -> Told:
    disk = access.driver.disk_of(server)
    if disk is None:
        raise InvalidRequestError(f"server {server} has no disk that an image could be made of")
    body = {"disk_id": disk, "label": name, "tags": list(tags)}
    return _own_image(access.driver.send("POST", "/v4/images", body))


# -- keys and the account


def _key(key: Any) -> Told:
    return Told(id=str(key.extra["id"]), name=key.name, fingerprint=fingerprint(key.public_key))


def _regions(access: Access) -> Iterable[str]:
    """The regions; anybody may see them, so the keys are asked for too."""
    access.driver.list_key_pairs()
    return (one.id for one in access.driver.list_locations())


TRAITS: Final = Traits(
    family="Linode",
    provider="linode",
    regions=_regions,
    lacking={
        "compute.Snapshot": "Linode has no snapshots of volumes",
    },
    servers=Servers(
        marks=Marks(longest_tag=_LONGEST_TAG, longest_name=63),
        all=lambda access: map(_server, access.driver.instances()),
        one=lambda access, identity: _server(access.driver.ex_get_node(identity)),
        launch=_launch,
        destroy=lambda access, told: access.driver.destroy_node(a_node(access.driver, told.id)),
        offers=_offers,
        image=_image,
        statuses=_STATUSES,
        gone=frozenset({"deleting"}),
        retag=lambda access, told, tags: access.driver.send(
            "PUT", f"/v4/linode/instances/{told.id}", {"tags": list(tags)}
        ),
        resize=_resize,
        unsupported={
            "subnet": "Libcloud's driver has no private networks",
            "firewalls": "Libcloud's driver has no firewalls",
        },
        fixed={"public_address": (True, "every server has a public address")},
    ),
    key_pairs=KeyPairs(
        marks=Marks(longest_name=64),
        all=lambda access: map(_key, access.driver.list_key_pairs()),
        one=lambda access, identity: _key(access.driver.profile_key(identity)),
        create=lambda access, name, key: _key(access.driver.create_key_pair(name=name, public_key=key)),
        destroy=lambda access, told: access.driver.send("DELETE", f"/v4/profile/sshkeys/{told.id}"),
    ),
    volumes=Volumes(
        marks=Marks(longest_tag=_LONGEST_TAG, longest_name=32),
        all=lambda access: map(_volume, access.driver.volumes()),
        one=lambda access, identity: _volume(access.driver.ex_get_volume(identity)),
        create=_make_volume,
        destroy=lambda access, told: access.driver.destroy_volume(_as_volume(access, told)),
        attach=_attach,
        detach=lambda access, told, _: access.driver.detach_volume(_as_volume(access, told)),
        grow=lambda access, told, size: access.driver.ex_resize_volume(volume=_as_volume(access, told), size=size),
        retag=lambda access, told, tags: access.driver.send("PUT", f"/v4/volumes/{told.id}", {"tags": list(tags)}),
        statuses=_VOLUME_STATUSES,
        unsupported={
            "snapshot": "Linode has no snapshots of volumes",
            "type": "there is one type of volume",
        },
        fixed={"encrypted": (False, "Libcloud's driver can't ask for encryption")},
    ),
    images=Images(
        marks=Marks(longest_tag=_LONGEST_TAG, longest_name=50),
        all=lambda access: map(_own_image, access.driver.own_images()),
        one=lambda access, identity: _own_image(access.driver.send("GET", f"/v4/images/{identity}")),
        create=_make_image,
        destroy=lambda access, told: access.driver.send("DELETE", f"/v4/images/{told.id}"),
        retag=lambda access, told, tags: access.driver.send("PUT", f"/v4/images/{told.id}", {"tags": list(tags)}),
        statuses={"available": Status.READY},
        unsupported={"description": "an image is described by its tags"},
    ),
)
