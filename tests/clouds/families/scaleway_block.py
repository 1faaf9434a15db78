"""Scaleway's block storage, in the forms of its reference: https://www.scaleway.com/en/developers/api/block/.

Nobody recorded it. What is under way has come to its end when it is read the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, RefusedError, Request
from tests.clouds.families.scaleway_keys import PROJECT, Keys

GB: Final = 10**9
_ZONE: Final = "/block/v1/zones/([a-z]+-[a-z]+-[0-9])"
_TIME: Final = "2025-05-22T12:57:22.514299Z"

Things = dict[str, dict[str, Any]]


class BlockStorage(Keys):
    """Volumes and snapshots of one project; what servers have of them is told by ``references``."""

    def __init__(self, page: int = 100) -> None:
        super().__init__(page)
        self.volumes: Things = {}
        self.snapshots: Things = {}

    def block_routes(self) -> Sequence[tuple[str, str, Answer]]:
        def both(name: str, things: Things, make: Answer) -> Sequence[tuple[str, str, Answer]]:
            return (
                ("GET", f"{_ZONE}/{name}", lambda request, zone: self.blocks(request, zone, name, things)),
                ("POST", f"{_ZONE}/{name}", make),
                ("GET", f"{_ZONE}/{name}/([^/]+)", lambda _, __, identity: (200, self.seen(things, identity))),
                ("DELETE", f"{_ZONE}/{name}/([^/]+)", lambda _, __, identity: self.drop_block(things, identity)),
            )

        return (
            *both("volumes", self.volumes, self.make_volume),
            ("PATCH", f"{_ZONE}/volumes/([^/]+)", self.change_volume),
            *both("snapshots", self.snapshots, self.make_snapshot),
            ("PATCH", f"{_ZONE}/snapshots/([^/]+)", self.change_snapshot),
        )

    # -- both

    def block(self, things: Things, identity: str) -> dict[str, Any]:
        if identity not in things:
            raise RefusedError(404, "resource is not found")
        return things[identity]

    def seen(self, things: Things, identity: str) -> dict[str, Any]:
        """One as it is told now; what is being done to it is done after that."""
        thing = self.block(things, identity)
        told = {
            **{name: value for name, value in thing.items() if name != "leaving"},
            "references": [dict(one) for one in thing["references"]],
        }
        if thing["status"] == "deleting":
            del things[identity]
        else:
            _settle(thing)
        return told

    def blocks(self, request: Request, zone: str, name: str, things: Things) -> tuple[int, Any]:
        if set(request.query) - {"tags"} != {"project_id", "page_size", "page"}:
            self.faults.append(f"{request.path}: {request.query}")
        wanted = request.query.get("tags")
        found = [one for one in things.values() if one["zone"] == zone and one["project_id"] == PROJECT]
        found = [one for one in found if wanted is None or wanted in one["tags"]]
        start, size = int(request.query["page"]) - 1, min(self.page, int(request.query["page_size"]))
        told = [self.seen(things, one["id"]) for one in found[start * size : (start + 1) * size]]
        return 200, {name: told, "total_count": len(found)}

    def drop_block(self, things: Things, identity: str) -> tuple[int, Any]:
        thing = self.block(things, identity)
        if thing["status"] not in ("available", "error"):
            raise RefusedError(412, f"resource is {thing['status']}")
        thing["status"] = "deleting"
        return 204, None

    def keep(self, things: Things, name: str, zone: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        if body["project_id"] != PROJECT:
            raise RefusedError(403, "no such project")
        common = {"created_at": _TIME, "updated_at": _TIME, "references": [], "status": "creating", "zone": zone}
        identity = f"{name}-{self.number()}"
        fields = {one: body[one] for one in ("name", "project_id", "tags")}
        things[identity] = {"id": identity, **fields, **common, "kms_key_id": None, **more}
        return dict(things[identity])

    # -- volumes

    def make_volume(self, request: Request, zone: str) -> tuple[int, Any]:
        body = self.check_body(
            request, needed=("name", "perf_iops", "project_id", "tags"), possible=("from_empty", "from_snapshot")
        )
        if ("from_empty" in body) == ("from_snapshot" in body):
            raise RefusedError(400, "one of from_empty and from_snapshot is needed")
        source = body.get("from_snapshot") or body["from_empty"]
        snapshot = source.get("snapshot_id")
        least = self.block(self.snapshots, snapshot)["size"] if snapshot else GB
        if source["size"] % GB or source["size"] < least:
            raise RefusedError(400, "wrong size")
        specs = {"perf_iops": body["perf_iops"], "class": "sbs"}
        made = {"type": "sbs_5k", "size": source["size"], "parent_snapshot_id": snapshot, "specs": specs}
        return 200, self.keep(self.volumes, "volume", zone, body, **made, last_detached_at=None)

    def change_volume(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=(), possible=("tags", "size"))
        volume = self.block(self.volumes, identity)
        if "size" in body:
            if body["size"] % GB or body["size"] <= volume["size"]:
                raise RefusedError(400, "a volume can only grow")
            volume["status"] = "resizing"
        volume.update(body)
        return 200, dict(volume)

    def attach(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("volume_id", "volume_type"))
        server, volume = self.owner_of_disks(identity), self.block(self.volumes, body["volume_id"])
        if body["volume_type"] != "sbs_volume" or volume["status"] != "available":
            raise RefusedError(400, f"the volume is {volume['status']}")
        place = str(max(map(int, server["volumes"])) + 1)
        server["volumes"][place] = {
            "id": volume["id"],
            "volume_type": "sbs_volume",
            "zone": volume["zone"],
            "boot": False,
        }
        volume["status"] = "in_use"
        volume["references"] = [
            self.reference(identity, "attaching"),
        ]
        return 200, {"server": server}

    def reference(self, server: str, status: str) -> dict[str, Any]:
        """What tells that a server has a volume."""
        return {
            "id": f"reference-{self.number()}",
            "product_resource_type": "instance_server",
            "product_resource_id": server,
            "created_at": _TIME,
            "type": "exclusive",
            "status": status,
        }

    def detach(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        gone = self.check_body(request, needed=("volume_id",))["volume_id"]
        server = self.owner_of_disks(identity)
        if gone not in {one["id"] for one in server["volumes"].values()}:
            raise RefusedError(400, "the volume isn't attached")
        server["volumes"] = {place: one for place, one in server["volumes"].items() if one["id"] != gone}
        self.volumes[gone]["references"][0]["status"] = "detaching"
        return 200, {"server": server}

    owner_of_disks: Callable[[str], dict[str, Any]]
    """The server with that id."""

    # -- snapshots

    def make_snapshot(self, request: Request, zone: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("volume_id", "name", "project_id", "tags"))
        volume = self.block(self.volumes, body["volume_id"])
        parent = {one: volume[one] for one in ("id", "name", "type", "status")}
        made = {"parent_volume": parent, "size": volume["size"], "class": "sbs", "public": False}
        return 200, self.keep(self.snapshots, "snapshot", zone, body, **made)

    def change_snapshot(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        snapshot = self.block(self.snapshots, identity)
        snapshot.update(self.check_body(request, needed=("tags",)))
        return 200, dict(snapshot)


def _settle(thing: dict[str, Any]) -> None:
    if thing.pop("leaving", False):
        thing["status"] = "available"
    if any(one["status"] == "detaching" for one in thing["references"]):
        thing.update(references=[], status="available")
    for one in thing["references"]:
        one["status"] = "attached"
    if thing["status"] in ("creating", "resizing"):
        thing["status"] = "in_use" if thing["references"] else "available"
