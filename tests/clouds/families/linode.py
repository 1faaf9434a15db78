"""Linode's API as far as servers, volumes and keys go."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, RefusedError, Request, Things, TokenImitation, recorded

TOKEN: Final = "made-up-token"
REGION: Final = "eu-west"
_CLOUD: Final = "linode"
_PASSING: Final = {"provisioning": "running", "resizing": "running", "creating": "active"}


class Linode(TokenImitation):
    """Servers are ``provisioning`` until they are read once. Each thing has the fields of the recorded one."""

    token = TOKEN
    public = ("/v4/regions",)
    wrong_token = "Invalid Token"
    dropped = (200, {})

    def __init__(self, page: int = 500) -> None:
        super().__init__(page)
        self.servers: Things = {}
        self.volumes: Things = {}
        self.keys: Things = {}
        self.images: Things = {}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/v4/regions", lambda _: (200, recorded(_CLOUD, "list_locations"))),
            ("GET", "/v4/linode/types", lambda _: (200, recorded(_CLOUD, "list_types"))),
            ("GET", "/v4/images", self.list_images),
            ("POST", "/v4/images", self.make_image),
            ("PUT", "/v4/images/(private/[^/]+)", lambda request, name: self.retag(request, self.images, name)),
            *self.kept("/v4/images/(private/[^/]+)", self.images),
            ("GET", "/v4/linode/instances/([^/]+)/disks", lambda _, name: self.disks(name)),
            ("GET", "/v4/domains", lambda request: self.listed(request, self.domains)),
            ("POST", "/v4/domains", self.make_domain),
            *self.kept("/v4/domains/([^/]+)", self.domains),
            ("GET", "/v4/domains/([^/]+)/records", lambda request, zone: self.listed(request, self.records_of(zone))),
            ("GET", "/v4/linode/instances", lambda request: self.listed(request, self.servers)),
            ("POST", "/v4/linode/instances", self.make_server),
            ("GET", "/v4/linode/instances/([^/]+)", lambda _, name: self.one(self.servers, name)),
            ("PUT", "/v4/linode/instances/([^/]+)", lambda request, name: self.retag(request, self.servers, name)),
            ("DELETE", "/v4/linode/instances/([^/]+)", lambda _, name: self.drop_server(name)),
            ("POST", "/v4/linode/instances/([^/]+)/resize", self.resize_server),
            ("GET", "/v4/volumes", lambda request: self.listed(request, self.volumes)),
            ("POST", "/v4/volumes", self.make_volume),
            ("GET", "/v4/volumes/([^/]+)", lambda _, name: self.one(self.volumes, name)),
            ("PUT", "/v4/volumes/([^/]+)", lambda request, name: self.retag(request, self.volumes, name)),
            ("DELETE", "/v4/volumes/([^/]+)", lambda _, name: self.drop_volume(name)),
            ("POST", "/v4/volumes/([^/]+)/attach", self.attach),
            ("POST", "/v4/volumes/([^/]+)/detach", lambda _, name: self.detach(name)),
            ("POST", "/v4/volumes/([^/]+)/resize", self.grow),
            ("GET", "/v4/profile/sshkeys", lambda request: self.listed(request, self.keys)),
            ("POST", "/v4/profile/sshkeys", self.make_key),
            *self.kept("/v4/profile/sshkeys/([^/]+)", self.keys),
        )

    def refusal(self, error: RefusedError) -> Any:
        return {"errors": [{"reason": error.message}]}

    # -- shared

    def of(self, kind: str) -> Things:
        return {"compute.Server": self.servers, "compute.Volume": self.volumes, "compute.KeyPair": self.keys}[kind]

    def listed(self, request: Request, things: Things) -> tuple[int, Any]:
        number, size = int(request.query.get("page", 1)), min(self.page, int(request.query["page_size"]))
        found = self.slice(things, (number - 1) * size, size)
        pages = max(1, math.ceil(len(things) / size))
        return 200, {"data": found, "page": number, "pages": pages, "results": len(things)}

    def settle(self, thing: dict[str, Any]) -> None:
        """What a read sees: what was under way has come to its end."""
        if "status" in thing:
            passing = {**_PASSING, "creating": "available"} if "is_public" in thing else _PASSING
            thing["status"] = passing.get(thing["status"], thing["status"])

    def retag(self, request: Request, things: Things, identity: str) -> tuple[int, Any]:
        thing = self.known(things, identity)
        thing["tags"] = self.check_tags(self.check_body(request, needed=("tags",))["tags"])
        return 200, thing

    def check_tags(self, tags: Sequence[str]) -> list[str]:
        for tag in tags:
            if not 3 <= len(tag) <= 50:
                raise RefusedError(400, "Length must be 3-50 characters")
        return list(tags)

    def check_label(self, label: str, longest: int, things: Things) -> None:
        if not 1 <= len(label) <= longest:
            raise RefusedError(400, f"Length must be 1-{longest} characters")
        if any(one["label"] == label for one in things.values()):
            raise RefusedError(400, "Label must be unique among your things")

    # -- servers

    def make_server(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(
            request,
            needed=("region", "type", "image", "root_pass", "label", "tags", "private_ip", "backups_enabled"),
            possible=("authorized_keys", "metadata"),
        )
        if "metadata" in body:
            base64.b64decode(body["metadata"]["user_data"], validate=True)
        if body["image"] not in {*self.images, *(one["id"] for one in recorded(_CLOUD, "list_images")["data"])}:
            raise RefusedError(400, "image is not valid")
        self.check_label(body["label"], 64, self.servers)
        server, number = recorded(_CLOUD, "create_node"), self.number()
        server.update(
            {name: body[name] for name in ("region", "type", "image", "label")},
            id=number,
            status="provisioning",
            tags=self.check_tags(body["tags"]),
            ipv4=[f"198.18.0.{number % 250 + 2}"],
        )
        self.servers[str(number)] = server
        return 200, server

    def drop_server(self, identity: str) -> tuple[int, Any]:
        for volume in self.volumes.values():
            if str(volume["linode_id"]) == identity:
                volume.update(linode_id=None, linode_label=None)
        return self.drop(self.servers, identity)

    def resize_server(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("type", "allow_auto_disk_resize"))
        server = self.known(self.servers, identity)
        if server["status"] not in ("running", "offline"):
            raise RefusedError(400, "Linode busy.")
        server.update(type=body["type"], status="resizing")
        return 200, {}

    # -- images

    def list_images(self, request: Request) -> tuple[int, Any]:
        public = {one["id"]: one for one in recorded(_CLOUD, "list_images")["data"]}
        return self.listed(request, {**public, **self.images})

    def disks(self, server: str) -> tuple[int, Any]:
        number = int(self.known(self.servers, server)["id"])
        disks = recorded(_CLOUD, "list_disks")
        disks["data"].reverse()  # the one for swapping may be the first
        disks["data"][1]["id"] = number + 500000
        return 200, disks

    def make_image(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("disk_id", "label", "tags"))
        self.known(self.servers, str(body["disk_id"] - 500000))
        if len(body["label"]) > 50:
            raise RefusedError(400, "Length must be 1-50 characters")
        image = {**recorded(_CLOUD, "create_image"), "status": "creating", "is_public": False, "type": "manual"}
        image.update(id=f"private/{self.number()}", label=body["label"], tags=self.check_tags(body["tags"]))
        self.images[image["id"]] = image
        return 200, image

    # -- volumes

    def make_volume(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("label", "size", "region", "tags"))
        self.check_label(body["label"], 32, self.volumes)
        if body["size"] < 10:
            raise RefusedError(400, "Must be 10-10240")
        volume, number = recorded(_CLOUD, "create_volume"), self.number()
        volume.update(body, id=number, status="creating", linode_id=None, linode_label=None)
        volume["tags"] = self.check_tags(body["tags"])
        self.volumes[str(number)] = volume
        return 200, volume

    def drop_volume(self, identity: str) -> tuple[int, Any]:
        if self.known(self.volumes, identity)["linode_id"] is not None:
            raise RefusedError(400, "Volume is attached")
        return self.drop(self.volumes, identity)

    def attach(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("linode_id", "persist_across_boots"))
        volume, server = self.known(self.volumes, identity), self.known(self.servers, str(body["linode_id"]))
        if volume["linode_id"] is not None:
            raise RefusedError(400, "Volume is already attached")
        volume.update(linode_id=server["id"], linode_label=server["label"])
        return 200, volume

    def detach(self, identity: str) -> tuple[int, Any]:
        self.known(self.volumes, identity).update(linode_id=None, linode_label=None)
        return 200, {}

    def grow(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("size",))
        volume = self.known(self.volumes, identity)
        if body["size"] <= volume["size"]:
            raise RefusedError(400, "A volume can only grow")
        volume["size"] = body["size"]
        return 200, volume

    # -- keys

    def make_key(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("label", "ssh_key"))
        if len(body["label"]) > 64:
            raise RefusedError(400, "Length must be 0-64 characters")
        key = recorded(_CLOUD, "create_key_pair")
        key.update(body, id=self.number())
        self.keys[str(key["id"])] = key
        return 200, key

    # -- domains

    def make_domain(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("domain", "type", "soa_email", "description"))
        domain = {**recorded(_CLOUD, "zone"), **body, "id": self.number()}
        self.domains[str(domain["id"])] = domain
        self.records[str(domain["id"])] = {}
        return 200, domain
