"""UpCloud's backups as snapshots of volumes, and its templates as images of servers.

A template is made of a disk that no running server has. So that the server goes on, its disk is backed up, the backup
is cloned to a disk of nobody's, and the template is made of that; the two go when it is there. Each has a title made
from the token, so that a crash leaves nothing that isn't found.

https://developers.upcloud.com/1.3/9-storages/: backup, clone, templatize
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from libcloud.common.exceptions import BaseHTTPError

from orchestra.clouds.base.compute.traits import Access, Images, Marks, Snapshots, Told, region
from orchestra.clouds.base.tolerance import tolerating
from orchestra.contracts import Status
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError, NotReadyError

PART: Final = " for image"
"""How the titles end of what an image is made by way of."""
TIER: Final = "maxiops"

_BACKUP: Final = "backup"
_DISK: Final = "normal"
_HALF: Final = "half made"
_ONLINE: Final = "online"
_BEGUN: Final = "begun:"
"""Begins the id of an image of which only what it is made by way of is there; its title follows."""
_LONGEST: Final = 255
_STATUSES: Final = MappingProxyType({_ONLINE: Status.READY, "cloning": Status.READY, "error": Status.FAILED})
SOON: Final = 5.0
"""Seconds after which a server or storage that is in another state is looked at again."""
_LATER: Final = 20.0
"""Seconds after which it is worth looking whether a copy is there."""
_CONFLICT: Final = 409


@contextlib.contextmanager
def one_at_a_time(thing: str) -> Iterator[None]:
    """What something else is done to at the same moment is asked again later: UpCloud refuses with a conflict."""
    try:
        yield
    except BaseHTTPError as error:
        if error.code != _CONFLICT:
            raise
        raise InProgressError(f"{thing} is being changed: {error.message}", sent=False, retry_after=SOON) from error


def _told(storage: Mapping[str, Any], *, is_half: bool = False) -> Told:
    return Told(
        id=storage["uuid"],
        name=storage["title"],
        state=_HALF if is_half else storage["state"],
        region=storage["zone"],
        size_gib=int(storage["size"]),
        source=storage.get("origin") if storage["type"] == _BACKUP else None,
    )


def _listed(access: Access, kind: str) -> Iterator[Mapping[str, Any]]:
    """The storages of the account of a kind, in the zone."""
    rows = access.driver.listed(f"storage/{kind}", "storages", "storage")
    return (one for one in rows if one["access"] == "private" and one["zone"] == region(access))


def _storage(access: Access, identity: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = access.driver.send("GET", f"storage/{identity}")["storage"]
    return found


def _make(access: Access, identity: str, what: str, **fields: str) -> Mapping[str, Any]:
    """What is made of a storage; ``what`` is UpCloud's word for it."""
    with one_at_a_time(f"storage {identity}"):
        answer = access.driver.send("POST", f"storage/{identity}/{what}", {"storage": fields})
    made: Mapping[str, Any] = answer["storage"]
    return made


def drop(access: Access, identity: str) -> None:
    """Delete a storage of whatever kind."""
    with one_at_a_time(f"storage {identity}"):
        access.driver.send("DELETE", f"storage/{identity}")


# -- snapshots


def _back_up(access: Access, volume: str, name: str, tags: Sequence[str]) -> Told:
    del tags
    return _told(_make(access, volume, _BACKUP, title=name))


def snapshots(marks: Marks) -> Snapshots:
    """The backups that were made by hand or by a rule, and not for an image."""
    return Snapshots(
        marks=marks,
        all=lambda access: (_told(one) for one in _listed(access, _BACKUP) if not one["title"].endswith(PART)),
        one=lambda access, identity: _told(_storage(access, identity)),
        create=_back_up,
        destroy=lambda access, told: drop(access, told.id),
        statuses=_STATUSES,
        unsupported={
            "labels": "whose a snapshot is takes the only place that there is, its title",
            "description": "whose a snapshot is takes the only place that there is, its title",
        },
    )


def cloned(access: Access, snapshot: str, name: str, size: int) -> Mapping[str, Any]:
    """A volume that is made of a backup. It is as large as that."""
    there = int(_storage(access, snapshot)["size"])
    if there != size:
        raise InvalidRequestError(
            f"UpCloud makes a volume of a backup as large as that is: {there} GiB, not {size}",
            sent=False,
            remedy=f"give size_gib={there}, and a larger size once it is there",
        )
    return _make(access, snapshot, "clone", title=name, zone=region(access), tier=TIER)


# -- images


def _parts(access: Access) -> dict[str, dict[str, Mapping[str, Any]]]:
    """What images are being made by way of: by the title of the image, then by the kind."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for kind in (_BACKUP, _DISK):
        for one in _listed(access, kind):
            if one["title"].endswith(PART):
                found.setdefault(one["title"].removesuffix(PART), {})[kind] = one
    return found


def _images(access: Access) -> Iterator[Told]:
    """The templates of the account, and those of which there are only parts or parts still."""
    parts = _parts(access)
    for one in _listed(access, "template"):
        yield _told(one, is_half=parts.pop(one["title"], None) is not None)
    for title in parts:
        yield Told(id=f"{_BEGUN}{title}", name=title, state=_HALF)


def _image(access: Access, identity: str) -> Told:
    if not identity.startswith(_BEGUN):
        found = _storage(access, identity)
        return _told(found, is_half=found["title"] in _parts(access))
    title = identity.removeprefix(_BEGUN)
    if title not in _parts(access):
        raise NotFoundError(f"nothing is there of an image {title!r} that was begun")
    return Told(id=identity, name=title, state=_HALF)


def _drop_image(access: Access, told: Told) -> None:
    """The template last: by its title what it was made by way of is found."""
    for part in _parts(access).get(told.name, {}).values():
        drop(access, part["uuid"])
    if not told.id.startswith(_BEGUN):
        drop(access, told.id)


def _ready(access: Access, storage: Mapping[str, Any], what: str) -> str:
    """The id of a storage that is there as a whole. One that failed is taken away, so that it is made again."""
    state = _storage(access, storage["uuid"])["state"]
    if state == "error":
        drop(access, storage["uuid"])
        raise NotReadyError(f"the {what} for an image failed")
    if state != _ONLINE:
        raise InProgressError(f"the {what} for an image is being made: it is in {state}", retry_after=_LATER)
    return str(storage["uuid"])


def _own_disk(access: Access, server: str) -> str:
    """The disk that a server was made with; the first of one that isn't ours."""
    told = access.driver.server(server)
    disks = [one for one in told["storage_devices"]["storage_device"] if one["type"] == "disk"]
    own = [one for one in disks if one["storage_title"].startswith(f"{told['title']} ")] or disks
    if not own:
        raise InvalidRequestError(f"server {server} has no disk that an image could be made of")
    return str(own[0]["storage"])


def _make_image(access: Access, server: str, name: str, tags: Sequence[str]) -> Told:
    """Go on from what is there of it. `InProgressError` says when to call again."""
    del tags
    title, parts = f"{name}{PART}", _parts(access).get(name, {})
    template = next((one for one in _listed(access, "template") if one["title"] == name), None)
    if template is None:
        template = _make(access, _free_disk(access, server, title, parts), "templatize", title=name)
    made = _ready(access, template, "template")
    for kind in (_BACKUP, _DISK):
        for part in (one for one in _listed(access, kind) if one["title"] == title):
            with tolerating(NotFoundError):
                drop(access, part["uuid"])
    return _told(_storage(access, made))


def _free_disk(access: Access, server: str, title: str, parts: Mapping[str, Mapping[str, Any]]) -> str:
    """The id of a copy of the server's disk that no server has."""
    copy = parts.get(_DISK)
    if copy is None:
        backup = parts.get(_BACKUP) or _make(access, _own_disk(access, server), _BACKUP, title=title)
        source = _ready(access, backup, "backup of the disk")
        copy = _make(access, source, "clone", title=title, zone=region(access), tier=TIER)
    return _ready(access, copy, "copy of the disk")


def images() -> Images:
    """The templates of the account."""
    why = "whose an image is takes the only place that there is, its title"
    return Images(
        marks=Marks(longest_name=_LONGEST - len(PART)),
        all=_images,
        one=_image,
        create=_make_image,
        destroy=_drop_image,
        statuses={**_STATUSES, _HALF: Status.FAILED},
        half=_HALF,
        unsupported={"description": why},
    )
