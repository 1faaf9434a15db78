"""Scaleway's API: servers in the recorded forms, under the paths that there are now, and its block storage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, RefusedError, Request, recorded
from tests.clouds.families.scaleway_block import GB, BlockStorage
from tests.clouds.families.scaleway_keys import PROJECT

SECRET: Final = "11111111-2222-3333-4444-555555555555"
REGION: Final = "fr-par-1"
_CLOUD: Final = "scaleway"
_ZONE: Final = "/instance/v1/zones/([a-z]+-[a-z]+-[0-9])"
_PASSING: Final = {"starting": "running", "stopping": "stopped"}


class Scaleway(BlockStorage):
    """Servers are made stopped, as recorded; what is under way has come to its end when it is read."""

    def __init__(self, page: int = 100) -> None:
        super().__init__(page)
        self.servers: dict[str, dict[str, Any]] = {}
        self.user_data: dict[str, str] = {}
        self.disks: dict[str, dict[str, Any]] = {}
        """The local disks."""
        self.own_images: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", f"{_ZONE}/products/servers", lambda request, _: (200, self.products(request))),
            (
                "GET",
                f"{_ZONE}/products/servers/availability",
                lambda _, __: (200, {"servers": {name: {"availability": "available"} for name in _SIZES}}),
            ),
            ("GET", f"{_ZONE}/images", self.list_images),
            ("POST", f"{_ZONE}/images", self.make_image),
            ("GET", f"{_ZONE}/images/([^/]+)", lambda _, __, name: (200, {"image": self.settled_image(name)})),
            ("PATCH", f"{_ZONE}/images/([^/]+)", self.retag_image),
            ("DELETE", f"{_ZONE}/images/([^/]+)", self.drop_image),
            ("GET", f"{_ZONE}/servers", self.listed),
            ("POST", f"{_ZONE}/servers", self.make_server),
            ("GET", f"{_ZONE}/servers/([^/]+)", lambda _, __, name: (200, {"server": self.settled(name)})),
            ("PATCH", f"{_ZONE}/servers/([^/]+)", self.change_server),
            ("DELETE", f"{_ZONE}/servers/([^/]+)", self.drop_server),
            ("POST", f"{_ZONE}/servers/([^/]+)/action", self.act),
            ("PATCH", f"{_ZONE}/servers/([^/]+)/user_data/cloud-init", self.take_user_data),
            ("POST", f"{_ZONE}/servers/([^/]+)/attach-volume", self.attach),
            ("POST", f"{_ZONE}/servers/([^/]+)/detach-volume", self.detach),
            ("GET", f"{_ZONE}/volumes", self.list_disks),
            ("PATCH", f"{_ZONE}/volumes/([^/]+)", self.retag_disk),
            ("DELETE", f"{_ZONE}/volumes/([^/]+)", self.drop_disk),
            *self.block_routes(),
            *self.key_routes(),
        )

    def authorize(self, request: Request) -> None:
        if request.headers.get("X-Auth-Token") != SECRET:
            raise RefusedError(401, recorded(_CLOUD, "error")["message"])

    def refusal(self, error: RefusedError) -> Any:
        return {**recorded(_CLOUD, "error"), "message": error.message}

    def headers(self, request: Request) -> dict[str, str]:
        """How many there are in all: https://www.scaleway.com/en/developers/api/#pagination."""
        if request.method == "GET" and re.fullmatch(f"{_ZONE}/images", request.path) and "project" in request.query:
            return {"X-Total-Count": str(len(self.own_images))}
        if request.method != "GET" or not (zone := re.fullmatch(f"{_ZONE}/servers", request.path)):
            return {}
        return {"X-Total-Count": str(sum(one["zone"] == zone[1] for one in self.servers.values()))}

    # -- what there is to choose

    def products(self, request: Request) -> Any:
        if request.query["page"] != "1":
            return {"servers": {}}
        recorded_one = recorded(_CLOUD, "list_sizes")["servers"]["START1-XS"]
        changed = {name: {**recorded_one, **one} for name, one in _SIZES.items()}
        return {"servers": changed}

    def images(self, request: Request) -> Any:
        recorded_one = recorded(_CLOUD, "list_images")["images"][0]
        found = [
            {**recorded_one, "id": f"image-{number}", "name": name, "arch": "x86_64", "creation_date": date}
            for number, (name, date) in enumerate(_IMAGES)
        ]
        return {"images": found if request.query["page"] == "1" else []}

    # -- images of the project, in the form of the reference where it has more than was recorded

    def list_images(self, request: Request, _: str) -> tuple[int, Any]:
        if "project" not in request.query:
            return 200, self.images(request)
        start, size = int(request.query["page"]) - 1, min(self.page, int(request.query["per_page"]))
        names = list(self.own_images)[start * size : (start + 1) * size]
        return 200, {"images": [self.settled_image(name) for name in names]}

    def settled_image(self, identity: str) -> dict[str, Any]:
        """As it is told; what is being made is there after that."""
        if identity not in self.own_images:
            raise RefusedError(404, "resource is not found")
        told = dict(self.own_images[identity])
        self.own_images[identity]["state"] = "available"
        return told

    def make_image(self, request: Request, zone: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "root_volume", "arch", "project", "tags"))
        snapshot = self.block(self.snapshots, body["root_volume"])
        if body["project"] != PROJECT or snapshot["status"] != "available":
            raise RefusedError(400, f"the snapshot is {snapshot['status']}")
        root = {"id": snapshot["id"], "name": snapshot["name"], "size": snapshot["size"], "volume_type": "sbs_snapshot"}
        image = recorded(_CLOUD, "create_image")["image"]
        image.update(body, id=f"98bf3ac2-{self.number()}", root_volume=root, state="creating", zone=zone)
        snapshot.update(status="in_use")
        self.own_images[image["id"]] = image
        return 201, {"image": dict(image)}

    def retag_image(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        self.settled_image(identity)
        self.own_images[identity].update(self.check_body(request, needed=("tags",)))
        return 200, {"image": self.own_images[identity]}

    def drop_image(self, _: Request, __: str, identity: str) -> tuple[int, Any]:
        """Its snapshot is free once it has been read after that."""
        image = self.settled_image(identity)
        del self.own_images[identity]
        self.snapshots[image["root_volume"]["id"]]["leaving"] = True
        return 204, None

    # -- servers

    def known(self, identity: str) -> dict[str, Any]:
        if identity not in self.servers:
            raise RefusedError(404, "resource is not found")
        return self.servers[identity]

    def owner_of_disks(self, identity: str) -> dict[str, Any]:
        return self.known(identity)

    def settled(self, identity: str) -> dict[str, Any]:
        server = self.known(identity)
        server["state"] = _PASSING.get(server["state"], server["state"])
        if server["state"] == "running" and server["public_ip"] is None:
            number = int(identity.rpartition("-")[2])
            server["public_ip"] = {"address": f"198.18.0.{number % 250 + 2}", "dynamic": True}
        return server

    def listed(self, request: Request, zone: str) -> tuple[int, Any]:
        start, size = (int(request.query["page"]) - 1), min(self.page, int(request.query["per_page"]))
        names = [name for name, one in self.servers.items() if one["zone"] == zone]
        return 200, {"servers": [self.settled(name) for name in names[start * size : (start + 1) * size]]}

    def make_server(self, request: Request, zone: str) -> tuple[int, Any]:
        body = self.check_body(
            request, needed=("name", "commercial_type", "image", "project", "tags", "dynamic_ip_required")
        )
        if body["project"] != PROJECT:
            raise RefusedError(403, "no such project")
        number = self.number()
        server = recorded(_CLOUD, "create_node")["server"]
        disk = f"d9257116-6919-49b4-a420-{number:012}"
        server.update(
            id=f"741db378-{number}",
            name=body["name"],
            zone=zone,
            commercial_type=body["commercial_type"],
            image={"id": body["image"], "name": "image"},
            tags=body["tags"],
        )
        if body["image"] in self.own_images and self.settled_image(body["image"])["state"] != "available":
            raise RefusedError(400, "the image is not available")
        if body["commercial_type"].startswith("PLAY2"):
            server["volumes"]["0"] = self.boot_from_block(server, disk)
        else:
            server["volumes"]["0"]["id"] = disk
            owner = {"id": server["id"], "name": server["name"]}
            self.disks[disk] = {**server["volumes"]["0"], "server": owner, "state": "available", "tags": []}
        self.servers[server["id"]] = server
        return 201, {"server": server}

    def boot_from_block(self, server: dict[str, Any], disk: str) -> dict[str, Any]:
        """The disk of a size that has no local one, as the server tells it."""
        fields = {"name": f"{server['name']}-0", "project_id": PROJECT, "tags": []}
        made = {"id": disk, "size": 10 * GB, "zone": server["zone"], "parent_snapshot_id": None, "type": "sbs_5k"}
        reference = self.reference(server["id"], "attached")
        self.volumes[disk] = {**fields, **made, "status": "in_use", "references": [reference], "kms_key_id": None}
        return {"id": disk, "volume_type": "sbs_volume", "zone": server["zone"], "boot": False, "state": "available"}

    def change_server(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=(), possible=("tags", "commercial_type"))
        server = self.known(identity)
        if "commercial_type" in body and server["state"] != "stopped":
            raise RefusedError(400, "the server must be stopped")
        server.update(body)
        return 200, {"server": server}

    def act(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        action = self.check_body(request, needed=("action",))["action"]
        server = self.settled(identity)
        wanted = {"poweron": "stopped", "poweroff": "running", "terminate": "running"}[action]
        if server["state"] != wanted:
            raise RefusedError(400, f"the server must be {wanted}")
        if action == "terminate":
            self.lose_disks(server)
        else:
            server["state"] = "starting" if action == "poweron" else "stopping"
        return 202, {"task": {"description": action, "status": "pending"}}

    def take_user_data(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        self.known(identity)
        self.user_data[identity] = request.body
        return 204, None

    def drop_server(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        if self.settled(identity)["state"] != "stopped":
            raise RefusedError(400, "the server must be stopped")
        if any(place != "0" for place in self.servers[identity]["volumes"]):
            self.faults.append(f"{identity} is deleted with what is attached to it")
        root = self.servers.pop(identity)["volumes"]["0"]["id"]
        if root in self.volumes:
            self.let_go(root)
        else:
            self.disks[root]["server"] = None
        return 204, None

    def let_go(self, volume: str) -> None:
        for one in self.volumes[volume]["references"]:
            one["status"] = "detaching"

    def lose_disks(self, server: dict[str, Any]) -> None:
        """All that are local, and all that are attached, as Scaleway did with the block storage too at one time.

        What it starts from in the block storage is detached only.
        """
        for place, one in server["volumes"].items():
            self.disks.pop(one["id"], None)
            if place == "0" and one["id"] in self.volumes:
                self.let_go(one["id"])
            else:
                self.volumes.pop(one["id"], None)
        del self.servers[server["id"]]

    # -- local disks

    def list_disks(self, request: Request, _: str) -> tuple[int, Any]:
        if set(request.query) != {"project", "tags", "per_page", "page"}:
            self.faults.append(f"{request.path}: {request.query}")
        found = [one for one in self.disks.values() if request.query["tags"] in one["tags"]]
        return 200, {"volumes": found if request.query["page"] == "1" else []}

    def retag_disk(self, request: Request, _: str, identity: str) -> tuple[int, Any]:
        self.disks[identity].update(self.check_body(request, needed=("tags",)))
        return 200, {"volume": self.disks[identity]}

    def drop_disk(self, _: Request, __: str, identity: str) -> tuple[int, Any]:
        if self.disks[identity]["server"]:
            raise RefusedError(400, "the volume is attached")
        del self.disks[identity]
        return 204, None


_SIZES: Final[dict[str, dict[str, Any]]] = {
    "DEV1-S": {"ncpus": 2, "ram": 2 * 2**30, "hourly_price": 0.01},
    "DEV1-M": {"ncpus": 3, "ram": 4 * 2**30, "hourly_price": 0.02},
    "DEV1-L": {"ncpus": 4, "ram": 8 * 2**30, "hourly_price": 0.04},
    "PLAY2-NANO": {"ncpus": 2, "ram": 8 * 2**30, "hourly_price": 0.03},
    "ARM-S": {"ncpus": 8, "ram": 32 * 2**30, "hourly_price": 0.001, "arch": "arm64"},
}
_IMAGES: Final = (
    ("Debian Bookworm", "2023-06-01T12:00:00.000000+00:00"),
    ("Debian Bookworm", "2024-06-01T12:00:00.000000+00:00"),
    ("Debian Bullseye", "2024-07-01T12:00:00.000000+00:00"),
    ("Ubuntu 22.04 Jammy Jellyfish", "2024-01-01T12:00:00.000000+00:00"),
)
