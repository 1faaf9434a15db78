"""What Vultr tells of things in words of ours, and how it is asked for more.

Its API: https://www.vultr.com/api/
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.compute.objects import a_key, a_location, a_node, a_size, a_volume, an_image, fingerprint
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

_STOPPED: Final = "stopped"
_INSTALLING: Final = "installing"
_FROM_A_SNAPSHOT: Final = 164
"""The operating system that Vultr says servers have that were made from a snapshot."""
_SNAPSHOT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATUSES: Final = MappingProxyType(
    {
        "active": Status.READY,
        _STOPPED: Status.READY,  # whoever stopped it did so on purpose: it isn't failed, and no reason to replace it
        "suspended": Status.READY,  # what isn't paid for comes back when it is
    }
)

_NAMES: Final = MappingProxyType(
    {"alma": "AlmaLinux", "debian": "Debian", "fedora": "Fedora", "rocky": "Rocky Linux", "ubuntu": "Ubuntu"}
)
_MARKS: Final = Marks(longest_name=255)
"""Servers had one tag once and have several now; the label is the same for both, and for volumes and keys."""


# -- servers


def _state(extra: Any) -> str:
    """Our word for the three that Vultr tells: its own unless that is ``active``."""
    if extra["status"] != "active":
        return str(extra["status"])
    if extra["power_status"] != "running":
        return _STOPPED
    return "active" if extra["server_status"] == "ok" else _INSTALLING


def _server(node: Any) -> Told:
    return Told(
        id=node.id,
        name=node.name,
        state=_state(node.extra),
        region=node.extra["location"],
        image=_image_of(node.extra),
        size=node.extra["plan"],
        private_ip=next(iter(node.private_ips), None),
        public_ip=next((one for one in node.public_ips if one != "0.0.0.0"), None),  # noqa: S104 - that is "none yet"
    )


def _image_of(extra: Any) -> str | None:
    """The snapshot or the operating system that it was made from; None if only that it was a snapshot is told."""
    system = None if extra["os_id"] == _FROM_A_SNAPSHOT else str(extra["os_id"])
    return extra["snapshot_id"] or system


def _launch(access: Access, launch: Launch) -> Told:
    is_snapshot = _SNAPSHOT_ID.fullmatch(launch.image) is not None
    if not is_snapshot and not launch.image.isdigit():
        raise InvalidRequestError(
            f"the image {launch.image!r} is neither the number of an operating system nor the id of a snapshot",
            sent=False,
            remedy="give one of them, or ask for an oc.Image",
        )
    node = access.driver.create_node(
        name=launch.name,
        size=a_size(access.driver, launch.size),
        location=a_location(access.driver, region(access)),
        image=None if is_snapshot else an_image(access.driver, int(launch.image)),
        ex_snapshot=launch.image if is_snapshot else None,
        ex_ssh_key_ids=[launch.key_pair] if launch.key_pair else None,
        ex_userdata=launch.user_data,
    )
    return _server(node)


def _resize(access: Access, told: Told, size: str) -> None:
    """Vultr restarts the server itself. Its disk grows too, so that there is no way back to a smaller one."""
    access.driver.ex_resize_node(node=a_node(access.driver, told.id), size=a_size(access.driver, size))


def _image(access: Access, system: str, version: str, architecture: str) -> str | None:
    name = re.compile(rf"{_NAMES.get(system, system)} {re.escape(version)}( LTS)? x64( \(.*\))?")
    found = [int(one.id) for one in access.driver.list_images() if name.fullmatch(one.name)]
    return str(max(found)) if found and architecture == "x86_64" else None


def _offers(access: Access) -> Iterator[Offer]:
    for one in access.driver.list_sizes(ex_list_bare_metals=False):
        if region(access) in one.extra["locations"]:
            yield Offer(id=one.id, cpus=one.extra["vcpu_count"], memory_mib=one.ram, price=one.price, disk_gb=one.disk)


# -- volumes


def _volume(volume: Any) -> Told:
    server = volume.extra["attached_to_instance"]
    return Told(
        id=volume.id,
        name=volume.name,
        state=volume.extra["status"],
        region=volume.extra["location"],
        size_gib=int(volume.size),
        servers=[server] if server else [],
    )


def _make_volume(access: Access, name: str, tags: Sequence[str], size: int, snapshot: str | None) -> Told:
    del tags, snapshot
    return _volume(
        access.driver.create_volume(size=size, name=name, location=a_location(access.driver, region(access)))
    )


def _as_volume(access: Access, told: Told) -> Any:
    """The volume as Libcloud's methods look at it."""
    return a_volume(access.driver, told.id, told.name)


# -- images


def _snapshot(snapshot: Mapping[str, Any]) -> Told:
    """Vultr doesn't tell of which server it is."""
    return Told(
        id=snapshot["id"],
        name=snapshot["description"],
        state=snapshot["status"],
        size_gib=math.ceil(snapshot["size"] / 2**30) or None,
    )


def _make_snapshot(access: Access, server: str, name: str, tags: Sequence[str]) -> Told:
    del tags
    body = {"instance_id": server, "description": name}
    return _snapshot(access.driver.send("POST", "/v2/snapshots", body)["snapshot"])


# -- keys and the account


def _key(key: Any) -> Told:
    return Told(id=key.extra["id"], name=key.name, fingerprint=fingerprint(key.public_key))


def _regions(access: Access) -> Iterable[str]:
    """The regions; anybody may see them, so the keys are asked for too."""
    access.driver.list_key_pairs()
    return (one.id for one in access.driver.list_locations())


TRAITS: Final = Traits(
    family="Vultr",
    provider="vultr",
    regions=_regions,
    lacking={
        "compute.Snapshot": "Vultr has no snapshots of volumes",
    },
    servers=Servers(
        marks=_MARKS,
        all=lambda access: map(_server, access.driver.instances()),
        one=lambda access, identity: _server(access.driver.instance(identity)),
        launch=_launch,
        destroy=lambda access, told: access.driver.destroy_node(a_node(access.driver, told.id)),
        offers=_offers,
        image=_image,
        statuses=_STATUSES,
        resize=_resize,
        unsupported={
            "subnet": "Libcloud's driver creates private networks with nothing that says whose they are",
            "firewalls": "Libcloud's driver has no firewalls",
            "labels": "whose a server is takes the only place that there is, its label",
        },
        fixed={"public_address": (True, "every server has a public address")},
    ),
    key_pairs=KeyPairs(
        marks=_MARKS,
        all=lambda access: map(_key, access.driver.list_key_pairs()),
        one=lambda access, identity: _key(access.driver.get_key_pair(identity)),
        create=lambda access, name, key: _key(access.driver.import_key_pair_from_string(name=name, key_material=key)),
        destroy=lambda access, told: access.driver.delete_key_pair(a_key(access.driver, told.id, told.name)),
    ),
    volumes=Volumes(
        marks=_MARKS,
        all=lambda access: map(_volume, access.driver.blocks()),
        one=lambda access, identity: _volume(access.driver.ex_get_volume(identity)),
        create=_make_volume,
        destroy=lambda access, told: access.driver.destroy_volume(_as_volume(access, told)),
        attach=lambda access, told, server: access.driver.attach_volume(
            node=a_node(access.driver, server), volume=_as_volume(access, told)
        ),
        detach=lambda access, told, _: access.driver.detach_volume(_as_volume(access, told)),
        grow=lambda access, told, size: access.driver.ex_resize_volume(volume=_as_volume(access, told), size=size),
        statuses={"active": Status.READY},
        unsupported={
            "labels": "whose a volume is takes the only place that there is, its label",
            "snapshot": "Vultr has no snapshots of volumes",
            "type": "Libcloud's driver can't ask for one",
        },
        fixed={"encrypted": (False, "Vultr doesn't say that its volumes are")},
    ),
    images=Images(
        marks=_MARKS,
        all=lambda access: map(_snapshot, access.driver.snapshots()),
        one=lambda access, identity: _snapshot(access.driver.send("GET", f"/v2/snapshots/{identity}")["snapshot"]),
        create=_make_snapshot,
        destroy=lambda access, told: access.driver.send("DELETE", f"/v2/snapshots/{told.id}"),
        statuses={"complete": Status.READY},
        gone=frozenset({"deleted"}),
        unsupported={"description": "whose an image is takes the only place that there is, its description"},
    ),
)
