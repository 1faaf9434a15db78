"""UpCloud's storages as volumes; Libcloud's driver has none: https://developers.upcloud.com/1.3/9-storages/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from libcloud.common.exceptions import BaseHTTPError

from orchestra.clouds.base.compute.traits import Access, Marks, Told, Volumes, region
from orchestra.clouds.families.upcloud.copies import PART, SOON, TIER, cloned, drop, one_at_a_time
from orchestra.contracts import Status
from orchestra.errors import InProgressError, InUseError

_STATUSES: Final = MappingProxyType(
    {
        "online": Status.READY,
        "backuping": Status.READY,  # a backup every night is no reason to wait
        "cloning": Status.READY,
        "error": Status.FAILED,
    }
)
_SETTLED: Final = frozenset({"started", "stopped"})
"""The states in which a server takes a disk or gives one back: one at a time."""
_NOT_FOUND: Final = 404
_OF_A_SERVER: Final = re.compile(r".* [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The title of a disk that a server was made with: it ends with the image."""


def _volume(storage: Mapping[str, Any]) -> Told:
    return Told(
        id=storage["uuid"],
        name=storage["title"],
        state=storage["state"],
        region=storage["zone"],
        size_gib=int(storage["size"]),
        servers=storage["servers"]["server"],
    )


def _one(access: Access, identity: str) -> Told:
    return _volume(access.driver.send("GET", f"storage/{identity}")["storage"])


def _volumes(access: Access) -> Iterator[Told]:
    """Those of the zone. The list doesn't tell to which server each is attached, so each is asked for."""
    for one in access.driver.listed("storage/normal", "storages", "storage"):
        of_no_server = not _OF_A_SERVER.fullmatch(one["title"])
        if one["zone"] == region(access) and of_no_server and not one["title"].endswith(PART):
            try:
                yield _one(access, one["uuid"])
            except BaseHTTPError as error:
                if error.code != _NOT_FOUND:  # such a one went after the list was made
                    raise


def _create(access: Access, name: str, tags: Sequence[str], size: int, snapshot: str | None) -> Told:
    del tags
    if snapshot:
        return _volume(cloned(access, snapshot, name, size))
    body = {"storage": {"title": name, "size": size, "tier": TIER, "zone": region(access)}}
    return _volume(access.driver.send("POST", "storage", body)["storage"])


def _settled(access: Access, server: str) -> Mapping[str, Any]:
    """The server as UpCloud tells it, unless something is being done to it, such as taking another disk."""
    found: Mapping[str, Any] = access.driver.server(server)
    if found["state"] not in _SETTLED:
        problem = f"server {server} is in the state {found['state']}: its disks can't be changed yet"
        raise InProgressError(problem, sent=False, retry_after=SOON)
    return found


def _attach(access: Access, told: Told, server: str) -> None:
    if told.servers:
        raise InUseError(f"volume {told.id} is attached to {', '.join(told.servers)}", sent=False)
    _settled(access, server)
    device = {"type": "disk", "address": "virtio", "storage": told.id}
    with one_at_a_time(f"server {server}"):
        access.driver.send("POST", f"server/{server}/storage/attach", {"storage_device": device})


def _detach(access: Access, told: Told, server: str) -> None:
    """By its address, which only the server tells."""
    devices = _settled(access, server)["storage_devices"]["storage_device"]
    for one in devices:
        if one["storage"] == told.id:
            with one_at_a_time(f"server {server}"):
                access.driver.detach(server, one["address"])


def volumes(marks: Marks) -> Volumes:
    """The disks of UpCloud that no server was made with."""
    return Volumes(
        marks=marks,
        all=_volumes,
        one=_one,
        create=_create,
        destroy=lambda access, told: drop(access, told.id),
        attach=_attach,
        detach=_detach,
        grow=lambda access, told, size: access.driver.send("PUT", f"storage/{told.id}", {"storage": {"size": size}}),
        statuses=_STATUSES,
        unsupported={
            "labels": "whose a volume is takes the only place that there is, its title",
        },
        fixed={
            "type": ("ssd", "every volume is made in UpCloud's tier MaxIOPS"),
            "encrypted": (False, "encryption isn't asked for"),
        },
    )
