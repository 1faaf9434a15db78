"""The disks that a server was made with and that Scaleway leaves behind.

Those are the ones in block storage, always, and local ones of a server that is stopped.
Before the server is deleted, each gets a tag that names it. So what is left is found by that, whenever a deletion is
broken off, and a server isn't gone while it has left a disk.

https://www.scaleway.com/en/developers/api/instances/#path-instances-perform-action
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from orchestra.clouds.base.compute.marking import MARK, owner_in_tags
from orchestra.clouds.base.compute.traits import Access
from orchestra.clouds.families.scaleway.volumes import BLOCK, FREE, GONE, ROOT, SOON
from orchestra.errors import InProgressError

_OF: Final = f"{MARK}:disk-of:"
"""Begins the tag that names the server."""


@attrs.frozen
class Disk:
    """One disk: its id, its state, and whether it is in block storage."""

    id: str
    state: str
    is_block: bool


def attached(server: Mapping[str, Any]) -> list[str]:
    """The volumes of the block storage that a server has, but for the one that it starts from."""
    return [one["id"] for place, one in server["volumes"].items() if place != ROOT and one["volume_type"] == BLOCK]


def name_server(access: Access, server: Mapping[str, Any]) -> None:
    """Write on the disks that Scaleway will leave whose they are.

    What the block storage tells to be a declared volume isn't one of them; nor are local disks of a server that runs,
    which go with it.
    """
    mark, runs = f"{_OF}{server['id']}", server["state"] == "running"
    for place, one in server["volumes"].items():
        path = f"volumes/{one['id']}"
        if one["volume_type"] != BLOCK and not runs:
            access.driver.send("PATCH", path, {"tags": [mark]})
        elif one["volume_type"] == BLOCK and place == ROOT:
            tags = access.driver.blocks.send("GET", path)["tags"]
            if owner_in_tags(tags) is None:
                access.driver.blocks.send("PATCH", path, {"tags": sorted({*tags, mark})})


def left_by(access: Access, server: str) -> Iterator[Disk]:
    """The disks that name a server."""
    mark = f"{_OF}{server}"
    for one in access.driver.blocks.rows("volumes", "volumes", tags=mark):
        if mark in one["tags"] and one["status"] not in GONE:
            yield Disk(one["id"], one["status"], True)
    for one in access.driver.rows(f"volumes?project={access.driver.project}&tags={mark}", "volumes"):
        if mark in one["tags"]:
            yield Disk(one["id"], "attached" if one["server"] else one["state"], False)


def drop_left(access: Access, server: str) -> None:
    """Delete the disks that a server has left; raises `InProgressError` while one is being detached still."""
    for one in left_by(access, server):
        if one.state not in (FREE, "error"):
            raise InProgressError(f"disk {one.id}, which server {server} leaves, is {one.state}", retry_after=SOON)
        (access.driver.blocks.send if one.is_block else access.driver.send)("DELETE", f"volumes/{one.id}")
