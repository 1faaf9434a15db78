"""DigitalOcean's API as far as droplets, volumes, snapshots, keys and tags go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

TOKEN: Final = "dop_v1_made_up"
REGION: Final = "nyc1"
_CLOUD: Final = "digitalocean"


class DigitalOcean(Imitation):
    """Droplets are ``new`` until they are read once. Each thing has the fields of the recorded one."""

    def __init__(self, page: int = 200) -> None:
        super().__init__()
        self.page = page
        self.droplets: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, Any]] = {}
        self.domains: dict[str, dict[str, Any]] = {}
        self.tags: set[str] = set()
        self.stays_off_for = 0
        """For how many more reads a droplet that is shut down is still ``active``."""

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/v2/regions", lambda _: (200, recorded(_CLOUD, "list_locations"))),
            ("GET", "/v2/sizes", lambda _: (200, recorded(_CLOUD, "list_sizes"))),
            ("GET", "/v2/images", lambda _: (200, recorded(_CLOUD, "list_images"))),
            ("GET", "/v2/droplets", lambda request: self.listed(request, "droplets", self.droplets)),
            ("POST", "/v2/droplets", self.make_droplet),
            ("GET", "/v2/droplets/([^/]+)", lambda _, name: self.one("droplet", self.droplets, name)),
            ("DELETE", "/v2/droplets/([^/]+)", lambda _, name: self.drop_droplet(name)),
            ("POST", "/v2/droplets/([^/]+)/actions", self.act_on_droplet),
            ("GET", "/v2/volumes", lambda request: self.listed(request, "volumes", self.volumes)),
            ("POST", "/v2/volumes", self.make_volume),
            ("GET", "/v2/volumes/([^/]+)", lambda _, name: self.one("volume", self.volumes, name)),
            ("DELETE", "/v2/volumes/([^/]+)", lambda _, name: self.drop_volume(name)),
            ("POST", "/v2/volumes/([^/]+)/actions", self.act_on_volume),
            ("POST", "/v2/volumes/([^/]+)/snapshots", self.make_snapshot),
            ("GET", "/v2/snapshots", lambda request: self.listed(request, "snapshots", self.snapshots)),
            ("GET", "/v2/snapshots/([^/]+)", lambda _, name: self.one("snapshot", self.snapshots, name)),
            ("DELETE", "/v2/snapshots/([^/]+)", lambda _, name: self.drop(self.snapshots, name)),
            ("GET", "/v2/account/keys", lambda request: self.listed(request, "ssh_keys", self.keys)),
            ("POST", "/v2/account/keys", self.make_key),
            ("GET", "/v2/account/keys/([^/]+)", lambda _, name: self.one("ssh_key", self.keys, name)),
            ("DELETE", "/v2/account/keys/([^/]+)", lambda _, name: self.drop(self.keys, name)),
            ("GET", "/v2/domains", lambda request: self.listed(request, "domains", self.domains)),
            ("POST", "/v2/domains", self.make_domain),
            ("GET", "/v2/domains/([^/]+)", lambda _, name: self.one("domain", self.domains, name)),
            ("GET", "/v2/domains/([^/]+)/records", lambda request, _: self.listed(request, "domain_records", {})),
            ("POST", "/v2/tags", self.make_tag),
            ("POST", "/v2/tags/([^/]+)/resources", self.tag),
            ("DELETE", "/v2/tags/([^/]+)/resources", self.untag),
        )

    def authorize(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusedError(401, recorded(_CLOUD, "error")["message"])

    def refusal(self, error: RefusedError) -> Any:
        return {**recorded(_CLOUD, "error_invalid_image"), "message": error.message}

    # -- shared

    def listed(self, request: Request, name: str, things: dict[str, dict[str, Any]]) -> tuple[int, Any]:
        """A page, with the link to the last one in the form of ``list_nodes_page_1.json``."""
        number, size = int(request.query.get("page", 1)), min(self.page, int(request.query["per_page"]))
        last = max(1, math.ceil(len(things) / size))
        found = list(things.values())[(number - 1) * size : number * size]
        for one in found:
            self.boot(one)
        address = f"{self.endpoint}{request.path}?page={last}"
        links = {} if number == last else {"pages": {"last": address, "next": address}}
        return 200, {name: found, "links": links, "meta": {"total": len(things)}}

    def one(self, name: str, things: dict[str, dict[str, Any]], identity: str) -> tuple[int, Any]:
        self.boot(self.known(things, identity))
        return 200, {name: things[identity]}

    def known(self, things: dict[str, dict[str, Any]], identity: str) -> dict[str, Any]:
        if identity not in things:
            raise RefusedError(404, "The resource you were accessing could not be found.")
        return things[identity]

    def drop(self, things: dict[str, dict[str, Any]], identity: str) -> tuple[int, Any]:
        self.known(things, identity)
        del things[identity]
        return 204, None

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        return {"droplet": self.droplets, "volume": self.volumes, "volume_snapshot": self.snapshots}[kind]

    def check_tags(self, tags: Sequence[str]) -> list[str]:
        for tag in tags:
            if len(tag) > 255 or not set(tag.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789:-_"):
                raise RefusedError(422, f"{tag!r} is no valid name of a tag")
        self.tags.update(tags)
        return list(tags)

    # -- droplets

    def boot(self, thing: dict[str, Any]) -> None:
        """What a read sees: a new droplet has come up, one that is shut down has stopped in the end."""
        if thing.get("status") == "new":
            thing["status"] = "active"
            address = {"netmask": "255.255.255.0", "gateway": "198.18.0.1"}
            thing["networks"]["v4"] = [
                {"type": "public", "ip_address": f"198.18.0.{thing['id'] % 250 + 2}", **address},
                {"type": "private", "ip_address": f"10.108.0.{thing['id'] % 250 + 2}", **address},
            ]
        elif thing.get("stopping"):
            self.stays_off_for -= 1
            if self.stays_off_for < 0:
                thing["status"] = "off"
                del thing["stopping"]

    def make_droplet(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(
            request, needed=("name", "region", "size", "image", "user_data", "tags"), possible=("ssh_keys",)
        )
        sizes = {one["slug"]: one for one in recorded(_CLOUD, "list_sizes")["sizes"]}
        images = {one["id"]: one for one in recorded(_CLOUD, "list_images")["images"]}
        if body["image"] not in images:
            raise RefusedError(422, recorded(_CLOUD, "error_invalid_image")["message"])
        if not {str(key) for key in body.get("ssh_keys", [])} <= set(self.keys):
            raise RefusedError(422, "these SSH keys are invalid")
        droplet = recorded(_CLOUD, "list_node")["droplet"]
        size, number = sizes[body["size"]], self.number()
        regions = {one["slug"]: one for one in recorded(_CLOUD, "list_locations")["regions"]}
        droplet.update(
            id=number,
            name=body["name"],
            status="new",
            locked=False,
            size=size,
            size_slug=size["slug"],
            memory=size["memory"],
            vcpus=size["vcpus"],
            image=images[body["image"]],
            region=regions[body["region"]],
            networks={"v4": [], "v6": []},
            tags=self.check_tags(body["tags"]),
        )
        self.droplets[str(number)] = droplet
        return 202, {"droplet": droplet, "links": {}}

    def drop_droplet(self, identity: str) -> tuple[int, Any]:
        for volume in self.volumes.values():
            volume["droplet_ids"] = [one for one in volume["droplet_ids"] if str(one) != identity]
        return self.drop(self.droplets, identity)

    def act_on_droplet(self, request: Request, identity: str) -> tuple[int, Any]:
        droplet = self.known(self.droplets, identity)
        kind = request.body["type"]
        if kind == "shutdown":
            self.check_body(request, needed=("type",))
            droplet["stopping"] = True
        elif kind == "power_on":
            self.check_body(request, needed=("type",))
            droplet["status"] = "active"
        elif kind == "resize":
            body = self.check_body(request, needed=("type", "size"), possible=("disk",))
            if droplet["status"] != "off":
                raise RefusedError(422, "Droplet must be off for a resize")
            sizes = {one["slug"]: one for one in recorded(_CLOUD, "list_sizes")["sizes"]}
            if body["size"] not in sizes:
                raise RefusedError(422, "You specified an invalid size for Droplet resize.")
            droplet.update(size=sizes[body["size"]], size_slug=body["size"])
        else:
            raise RefusedError(422, f"{kind!r} is no action")
        action = recorded(_CLOUD, "ex_resize_node")["action"]
        return 201, {"action": {**action, "type": kind, "resource_id": droplet["id"]}}

    # -- volumes and snapshots

    def make_volume(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "size_gigabytes", "region", "tags"), possible=("snapshot_id",))
        if any(one["name"] == body["name"] for one in self.volumes.values()):
            raise RefusedError(409, "a volume with this name already exists in this region")
        volume = recorded(_CLOUD, "create_volume")["volume"]
        volume.update(
            id=f"62766883-2c28-11e6-b8e6-{self.number():012}",
            name=body["name"],
            size_gigabytes=body["size_gigabytes"],
            tags=self.check_tags(body["tags"]),
        )
        volume["region"]["slug"] = body["region"]
        self.volumes[volume["id"]] = volume
        return 201, {"volume": volume}

    def drop_volume(self, identity: str) -> tuple[int, Any]:
        if self.known(self.volumes, identity)["droplet_ids"]:
            raise RefusedError(409, "failed to delete: volume is in use")
        return self.drop(self.volumes, identity)

    def act_on_volume(self, request: Request, identity: str) -> tuple[int, Any]:
        volume = self.known(self.volumes, identity)
        kind = request.body["type"]
        if kind == "resize":
            body = self.check_body(request, needed=("type", "size_gigabytes", "region"))
            if body["size_gigabytes"] <= volume["size_gigabytes"]:
                raise RefusedError(422, "a volume can only grow")
            volume["size_gigabytes"] = body["size_gigabytes"]
        else:
            body = self.check_body(request, needed=("type", "droplet_id", "region"))
            droplet = self.known(self.droplets, str(body["droplet_id"]))
            if kind == "attach" and volume["droplet_ids"]:
                raise RefusedError(422, "the volume is already attached")
            volume["droplet_ids"] = [droplet["id"]] if kind == "attach" else []
        return 202, recorded(_CLOUD, "attach_volume")

    def make_snapshot(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "tags"))
        volume = self.known(self.volumes, identity)
        snapshot = recorded(_CLOUD, "create_volume_snapshot")["snapshot"]
        snapshot.update(
            id=f"c0def940-9324-11e6-9a56-{self.number():012}",
            name=body["name"],
            resource_id=identity,
            min_disk_size=volume["size_gigabytes"],
            tags=self.check_tags(body["tags"]),
        )
        self.snapshots[snapshot["id"]] = snapshot
        return 201, {"snapshot": snapshot}

    # -- domains, keys and tags

    def make_domain(self, request: Request) -> tuple[int, Any]:
        name = self.check_body(request, needed=("name",))["name"]
        self.domains[name] = {"name": name, "ttl": 1800, "zone_file": ""}
        return 201, {"domain": self.domains[name]}

    def make_key(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "public_key"))
        if any(one["public_key"] == body["public_key"] for one in self.keys.values()):
            raise RefusedError(422, "SSH Key is already in use on your account")
        key = recorded(_CLOUD, "create_key_pair")["ssh_key"]
        key.update(id=self.number(), **body)
        self.keys[str(key["id"])] = key
        return 201, {"ssh_key": key}

    def make_tag(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name",))
        self.check_tags([body["name"]])
        return 201, {"tag": {"name": body["name"], "resources": {"count": 0}}}

    def tag(self, request: Request, name: str) -> tuple[int, Any]:
        for thing in self.tagged(request, name):
            thing["tags"] = [*thing["tags"], name]
        return 204, None

    def untag(self, request: Request, name: str) -> tuple[int, Any]:
        for thing in self.tagged(request, name):
            thing["tags"] = [one for one in thing["tags"] if one != name]
        return 204, None

    def tagged(self, request: Request, name: str) -> list[dict[str, Any]]:
        if name not in self.tags:
            raise RefusedError(404, "no such tag")
        resources = self.check_body(request, needed=("resources",))["resources"]
        return [self.known(self.of_kind(one["resource_type"]), one["resource_id"]) for one in resources]
