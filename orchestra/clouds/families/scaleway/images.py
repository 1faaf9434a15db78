"""Images of servers that start from block storage: each is made of a snapshot, which goes with it.

The snapshot has the image's tags, and one that says what it is for; so one that a crash leaves is found, and the next
call goes on from it. Before an image is deleted its snapshot gets a tag that names it, so that it isn't gone while that
is left.

https://www.scaleway.com/en/developers/api/instances/#path-images and …/block/#path-snapshot
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orchestra.clouds.base.compute.marking import owner_in_tags
from orchestra.clouds.base.compute.traits import Access, Images, Marks, Told
from orchestra.clouds.base.tolerance import if_there, tolerating
from orchestra.clouds.families.scaleway.volumes import BLOCK, FREE, GIB, GONE, OF_IMAGE, SOON, root_of
from orchestra.contracts import Status
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError, NotReadyError

_HALF: Final = "half made"
_SNAPSHOT: Final = "snapshot:"
"""Begins the id of an image of which only the snapshot is there."""
_WHOLE: Final = frozenset({FREE, "in_use", "exporting"})
"""The states of a snapshot that is there as a whole."""
_LATER: Final = 20.0
"""Seconds after which it is worth looking whether a snapshot is there."""


def _named(image: str) -> str:
    """The tag of a snapshot whose image is being deleted."""
    return f"{OF_IMAGE.rpartition(':')[0]}:{image}"


def _told(image: Mapping[str, Any]) -> Told:
    return Told(
        id=image["id"],
        name=image["name"],
        state=image["state"],
        region=image["zone"],
        tags=image["tags"],
        size_gib=image["root_volume"]["size"] // GIB,
        source=image["from_server"] or None,
    )


def _half(snapshot: Mapping[str, Any], identity: str) -> Told:
    return Told(
        id=identity, name=snapshot["name"], state=_HALF, region=snapshot["zone"], tags=_tags(snapshot), source=None
    )


def _tags(snapshot: Mapping[str, Any]) -> list[str]:
    """Those that the image has too."""
    stem = _named("")
    return [tag for tag in snapshot["tags"] if not tag.startswith(stem)]


def _snapshots(access: Access) -> Iterator[Mapping[str, Any]]:
    """Those that were made for an image."""
    for one in access.driver.blocks.rows("snapshots", "snapshots", tags=OF_IMAGE):
        if OF_IMAGE in one["tags"] and one["status"] not in GONE:
            yield one


def _images(access: Access) -> Iterator[Told]:
    """The images of the project, and those of which only the snapshot is there."""
    used = set()
    for one in access.driver.rows(f"images?project={access.driver.project}", "images"):
        if not one["public"]:
            used.add(one["root_volume"]["id"])
            yield _told(one)
    for one in _snapshots(access):
        if one["id"] not in used:
            yield _half(one, f"{_SNAPSHOT}{one['id']}")


def _one(access: Access, identity: str) -> Told:
    """One, which isn't gone while its snapshot is left."""
    if identity.startswith(_SNAPSHOT):
        for told in _images(access):
            if told.id == identity:
                return told
        raise NotFoundError(f"{identity} isn't that of an image that was left half made")
    found = if_there(lambda: access.driver.send("GET", f"images/{identity}")["image"])
    if found is not None:
        return _told(found)
    for snapshot in _snapshots(access):
        if _named(identity) in snapshot["tags"]:
            return _half(snapshot, identity)
    raise NotFoundError(f"image {identity} isn't there")


def _make(access: Access, server: str, name: str, tags: Sequence[str]) -> Told:
    """The image, of the snapshot that was made for it; `InProgressError` says when to call again."""
    there = access.driver.send("GET", f"servers/{server}")["server"]
    body = {
        "name": name,
        "root_volume": _snapshot(access, there, name, tags),
        "arch": there["arch"],
        "project": access.driver.project,
        "tags": list(tags),
    }
    return _told(access.driver.send("POST", "images", body)["image"])


def _snapshot(access: Access, server: Mapping[str, Any], name: str, tags: Sequence[str]) -> str:
    """The id of the snapshot that was made for the image with these tags, of the disk that the server starts from."""
    owner, root = owner_in_tags(tags), root_of(server)
    found = next((one for one in _snapshots(access) if owner_in_tags(one["tags"]) == owner), None)
    if found is None:
        if root is None or root["volume_type"] != BLOCK:
            raise InvalidRequestError(
                f"server {server['id']} starts from a local disk, and Scaleway has snapshots of block storage only",
                remedy="make it of a size that starts from block storage, or of an image for such",
            )
        body = {"volume_id": root["id"], "name": name, "project_id": access.driver.project}
        found = access.driver.blocks.send("POST", "snapshots", {**body, "tags": [*tags, OF_IMAGE]})
    told: Mapping[str, Any] = access.driver.blocks.send("GET", f"snapshots/{found['id']}")
    if told["status"] == "error":
        access.driver.blocks.send("DELETE", f"snapshots/{told['id']}")
        raise NotReadyError(f"the snapshot of server {server['id']} failed")
    if told["status"] not in _WHOLE:
        raise InProgressError(f"server {server['id']}: its disk is being copied ({told['status']})", retry_after=_LATER)
    return str(told["id"])


def _destroy(access: Access, told: Told) -> None:
    """The image, and then the snapshot, which names it."""
    if told.id.startswith(_SNAPSHOT):
        _drop(access, access.driver.blocks.send("GET", f"snapshots/{told.id.removeprefix(_SNAPSHOT)}"))
        return
    named = _named(told.id)
    if told.state != _HALF:
        root = access.driver.send("GET", f"images/{told.id}")["image"]["root_volume"]["id"]
        for snapshot in _snapshots(access):
            if snapshot["id"] == root:
                access.driver.blocks.send("PATCH", f"snapshots/{root}", {"tags": sorted({*snapshot["tags"], named})})
        access.driver.send("DELETE", f"images/{told.id}")
    for snapshot in list(_snapshots(access)):
        if named in snapshot["tags"]:
            _drop(access, snapshot)


def _drop(access: Access, snapshot: Mapping[str, Any]) -> None:
    if snapshot["status"] not in (FREE, "error"):
        raise InProgressError(f"the snapshot {snapshot['id']} of an image is {snapshot['status']}", retry_after=SOON)
    with tolerating(NotFoundError):
        access.driver.blocks.send("DELETE", f"snapshots/{snapshot['id']}")


def images(marks: Marks) -> Images:
    """The images that the project has made of servers."""
    return Images(
        marks=marks,
        all=_images,
        one=_one,
        create=_make,
        destroy=_destroy,
        retag=lambda access, told, tags: access.driver.send("PATCH", f"images/{told.id}", {"tags": list(tags)}),
        statuses={FREE: Status.READY, "error": Status.FAILED, _HALF: Status.FAILED},
        half=_HALF,
        unsupported={"description": "an image is described by its tags"},
    )
