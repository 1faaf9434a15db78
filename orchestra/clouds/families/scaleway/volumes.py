"""Scaleway's block storage: volumes, their attachments and snapshots.

Libcloud's driver makes volumes of the interface for instances, which makes local disks alone by now; these are of the
one for block storage: https://www.scaleway.com/en/developers/api/block/. Attaching is the server's:
https://www.scaleway.com/en/developers/api/instances/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.compute.marking import MARK
from orchestra.clouds.base.compute.traits import Access, Marks, Snapshots, Told, Volumes
from orchestra.contracts import Status
from orchestra.errors import InProgressError, NotFoundError

BLOCK: Final = "sbs_volume"
"""What a server calls a disk of the block storage."""
ROOT: Final = "0"
"""The place of the disk that a server starts from."""
OF_IMAGE: Final = f"{MARK}:of-image:1"
"""The tag of a snapshot that was made for an image, and is none of its own."""

_GB: Final = 10**9
"""Bytes in which sizes are asked for: Scaleway takes whole ones."""
GIB: Final = 2**30
_IOPS: Final = 5000
"""Of the two that Scaleway has, the one that every server can use."""
FREE: Final = "available"
GONE: Final = frozenset({"deleting", "deleted"})
_HELD: Final = frozenset({"attaching", "attached", "creating"})
"""The states of a reference that count as attached: a detaching one is on its way out."""
SOON: Final = 5.0
"""Seconds after which a volume to which something is being done is looked at again."""


def size_in_bytes(gib: int) -> int:
    """The smallest size in whole GB that has ``gib`` GiB; it is less than a GiB larger, so that it tells them still."""
    return -(-gib * GIB // _GB) * _GB


def _volume(volume: Mapping[str, Any]) -> Told:
    held = [one for one in volume["references"] if one["status"] in _HELD]
    return Told(
        id=volume["id"],
        name=volume["name"],
        state=volume["status"],
        region=volume["zone"],
        tags=volume["tags"],
        size_gib=volume["size"] // GIB,
        servers=[one["product_resource_id"] for one in held if one["product_resource_type"] == "instance_server"],
    )


def root_of(server: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The disk that a server starts from, as the server tells it."""
    found: Mapping[str, Any] | None = server["volumes"].get(ROOT)
    return found


def _snapshot(snapshot: Mapping[str, Any]) -> Told:
    """The volume that it is of is told for as long as there is that."""
    parent = snapshot["parent_volume"]
    return Told(
        id=snapshot["id"],
        name=snapshot["name"],
        state=snapshot["status"],
        region=snapshot["zone"],
        tags=snapshot["tags"],
        size_gib=snapshot["size"] // GIB,
        source=parent["id"] if parent else None,
    )


def _volumes(access: Access) -> Iterator[Told]:
    """All of them. What a server starts from comes with that, as only the server tells."""
    told = [one for one in map(_volume, access.driver.blocks.rows("volumes", "volumes")) if one.state not in GONE]
    servers = access.driver.rows("servers", "servers") if any(one.servers for one in told) else ()
    roots = {root["id"]: server["id"] for server in servers if (root := root_of(server))}
    return (attrs.evolve(one, comes_with=roots.get(one.id, "")) for one in told)


def _one(access: Access, identity: str) -> Told:
    told = _volume(access.driver.blocks.send("GET", f"volumes/{identity}"))
    if told.state in GONE:
        raise NotFoundError(f"volume {identity} is {told.state}")
    return told


def _create(access: Access, name: str, tags: Sequence[str], size: int, snapshot: str | None) -> Told:
    room = size_in_bytes(size)
    source = {"from_snapshot": {"size": room, "snapshot_id": snapshot}} if snapshot else {"from_empty": {"size": room}}
    body = {"name": name, "perf_iops": _IOPS, "project_id": access.driver.project, "tags": list(tags), **source}
    return _volume(access.driver.blocks.send("POST", "volumes", body))


def _idle(told: Told, wanted: str) -> None:
    """Raise `InProgressError` while something is being done to a volume, such as detaching it."""
    if told.state not in (FREE, "error"):
        problem = f"volume {told.id} is {told.state}: it can't be {wanted} yet"
        raise InProgressError(problem, sent=False, retry_after=SOON)


def _destroy(access: Access, told: Told) -> None:
    _idle(told, "deleted")
    access.driver.blocks.send("DELETE", f"volumes/{told.id}")


def _attach(access: Access, told: Told, server: str) -> None:
    """One request that adds it, and not one with all the server's disks: that would take away what came meanwhile."""
    _idle(told, "attached")
    body = {"volume_id": told.id, "volume_type": BLOCK}
    access.driver.send("POST", f"servers/{server}/attach-volume", body)


def detach(access: Access, volume: str, server: str) -> Mapping[str, Any]:
    """Take a volume from a server, and return what that is then as Scaleway tells it."""
    answer: Mapping[str, Any] = access.driver.send("POST", f"servers/{server}/detach-volume", {"volume_id": volume})
    found: Mapping[str, Any] = answer["server"]
    return found


def _change(access: Access, path: str, **fields: Any) -> None:
    access.driver.blocks.send("PATCH", path, fields)


def _copy(access: Access, volume: str, name: str, tags: Sequence[str]) -> Told:
    body = {"volume_id": volume, "name": name, "project_id": access.driver.project, "tags": list(tags)}
    return _snapshot(access.driver.blocks.send("POST", "snapshots", body))


def _snapshots(access: Access) -> Iterator[Told]:
    """Those that weren't made for an image."""
    rows = access.driver.blocks.rows("snapshots", "snapshots")
    return (_snapshot(one) for one in rows if OF_IMAGE not in one["tags"])


def volumes(marks: Marks) -> Volumes:
    """The volumes of Scaleway's block storage."""
    return Volumes(
        marks=marks,
        all=_volumes,
        one=_one,
        create=_create,
        destroy=_destroy,
        attach=_attach,
        detach=lambda access, told, server: detach(access, told.id, server),
        grow=lambda access, told, size: _change(access, f"volumes/{told.id}", size=size_in_bytes(size)),
        retag=lambda access, told, tags: _change(access, f"volumes/{told.id}", tags=list(tags)),
        statuses=MappingProxyType(
            {FREE: Status.READY, "in_use": Status.READY, "error": Status.FAILED, "locked": Status.FAILED}
        ),
        fixed={
            "type": ("ssd", "all of Scaleway's block storage is"),
            "encrypted": (False, "Scaleway encrypts with a key of its Key Manager, and no kind makes one"),
        },
    )


def snapshots(marks: Marks) -> Snapshots:
    """The snapshots of such volumes."""
    return Snapshots(
        marks=marks,
        all=lambda access: (
            _snapshot(one) for one in access.driver.blocks.rows("snapshots", "snapshots") if OF_IMAGE not in one["tags"]
        ),
        one=lambda access, identity: _snapshot(access.driver.blocks.send("GET", f"snapshots/{identity}")),
        create=_copy,
        destroy=lambda access, told: access.driver.blocks.send("DELETE", f"snapshots/{told.id}"),
        retag=lambda access, told, tags: _change(access, f"snapshots/{told.id}", tags=list(tags)),
        statuses=MappingProxyType(
            {
                FREE: Status.READY,
                "in_use": Status.READY,
                "exporting": Status.READY,
                "error": Status.FAILED,
                "locked": Status.FAILED,
            }
        ),
        gone=GONE,
    )
