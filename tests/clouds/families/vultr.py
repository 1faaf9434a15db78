"""Vultr's API as far as servers, volumes and keys go."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, RefusedError, Request, Things, TokenImitation, recorded

TOKEN: Final = "MADEUPKEY"
REGION: Final = "ams"
_CLOUD: Final = "vultr"


class Vultr(TokenImitation):
    """Servers are ``pending`` until they are read once. Each thing has the fields of the recorded one."""

    token = TOKEN
    public = ("/v2/regions", "/v2/plans", "/v2/os")
    wrong_token = "Invalid API token."

    def __init__(self, page: int = 500) -> None:
        super().__init__(page)
        self.servers: Things = {}
        self.volumes: Things = {}
        self.keys: Things = {}
        self.snapshots: Things = {}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/v2/regions", lambda _: (200, recorded(_CLOUD, "list_locations"))),
            ("GET", "/v2/plans", lambda _: (200, recorded(_CLOUD, "list_sizes"))),
            ("GET", "/v2/os", lambda _: (200, recorded(_CLOUD, "list_images"))),
            ("GET", "/v2/domains", lambda request: self.listed(request, "domains", self.domains)),
            ("POST", "/v2/domains", self.make_domain),
            *self.kept("/v2/domains/([^/]+)", self.domains, "domain"),
            (
                "GET",
                "/v2/domains/([^/]+)/records",
                lambda request, zone: self.listed(request, "records", self.records_of(zone)),
            ),
            ("GET", "/v2/instances", lambda request: self.listed(request, "instances", self.servers)),
            ("POST", "/v2/instances", self.make_server),
            ("GET", "/v2/instances/([^/]+)", lambda _, name: self.one(self.servers, name, "instance")),
            ("PATCH", "/v2/instances/([^/]+)", self.resize_server),
            ("DELETE", "/v2/instances/([^/]+)", lambda _, name: self.drop_server(name)),
            ("GET", "/v2/blocks", lambda request: self.listed(request, "blocks", self.volumes)),
            ("POST", "/v2/blocks", self.make_volume),
            ("GET", "/v2/blocks/([^/]+)", lambda _, name: self.one(self.volumes, name, "block")),
            ("PATCH", "/v2/blocks/([^/]+)", self.grow),
            ("DELETE", "/v2/blocks/([^/]+)", lambda _, name: self.drop_volume(name)),
            ("POST", "/v2/blocks/([^/]+)/attach", self.attach),
            ("POST", "/v2/blocks/([^/]+)/detach", self.detach),
            ("GET", "/v2/snapshots", lambda request: self.listed(request, "snapshots", self.snapshots)),
            ("POST", "/v2/snapshots", self.make_snapshot),
            *self.kept("/v2/snapshots/([^/]+)", self.snapshots, "snapshot"),
            ("GET", "/v2/ssh-keys", lambda request: self.listed(request, "ssh_keys", self.keys)),
            ("POST", "/v2/ssh-keys", self.make_key),
            *self.kept("/v2/ssh-keys/([^/]+)", self.keys, "ssh_key"),
        )

    def refusal(self, error: RefusedError) -> Any:
        return {"error": error.message, "status": error.status}

    # -- shared

    def listed(self, request: Request, name: str, things: Things) -> tuple[int, Any]:
        """A page; the cursor is where the next one starts."""
        start, size = int(request.query.get("cursor", 0)), min(self.page, int(request.query["per_page"]))
        found = self.slice(things, start, size)
        following = str(start + size) if start + size < len(things) else ""
        return 200, {name: found, "meta": {"total": len(things), "links": {"next": following, "prev": ""}}}

    def settle(self, thing: dict[str, Any]) -> None:
        """What a read sees: what was under way has come to its end."""
        if thing.get("status") == "pending" and "app_id" in thing and "size" in thing:
            thing.update(status="complete", size=26843545600)
        elif thing.get("status") in ("pending", "resizing"):
            thing["status"] = "active"
            if "plan" in thing:
                number = int(thing["id"].rpartition("-")[2])
                thing.update(server_status="ok", power_status="running", main_ip=f"198.18.0.{number % 250 + 2}")

    # -- servers

    def make_server(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(
            request,
            needed=("region", "plan", "label", "enable_ipv6", "activation_email"),
            possible=("sshkey_id", "user_data", "os_id", "snapshot_id"),
        )
        if ("os_id" in body) == ("snapshot_id" in body):
            raise RefusedError(400, "One of os_id and snapshot_id is needed")
        if "snapshot_id" in body:
            if self.known(self.snapshots, body.pop("snapshot_id"))["status"] != "complete":
                raise RefusedError(400, "The snapshot is not complete")
            body["os_id"] = 164
        base64.b64decode(body.get("user_data", ""), validate=True)
        systems = {one["id"]: one["name"] for one in recorded(_CLOUD, "list_images")["os"]}
        systems[164] = "Snapshot"
        if body["os_id"] not in systems:
            raise RefusedError(400, "Invalid OS")
        if not set(body.get("sshkey_id", [])) <= set(self.keys):
            raise RefusedError(400, "Invalid SSH key")
        server = recorded(_CLOUD, "create_node")["instance"]
        server.update(
            {name: body[name] for name in ("region", "plan", "os_id", "label")},
            id=f"instance-{self.number()}",
            os=systems[body["os_id"]],
            tag="",
            internal_ip="",
        )
        self.servers[server["id"]] = server
        return 202, {"instance": server}

    def resize_server(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("plan",))
        server = self.known(self.servers, identity)
        if server["status"] != "active":
            raise RefusedError(400, "the server is locked")
        server.update(plan=body["plan"], status="resizing", server_status="locked")
        return 202, {"instance": server}

    def drop_server(self, identity: str) -> tuple[int, Any]:
        for volume in self.volumes.values():
            if volume["attached_to_instance"] == identity:
                volume["attached_to_instance"] = ""
        return self.drop(self.servers, identity)

    def make_snapshot(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("instance_id", "description"))
        self.known(self.servers, body["instance_id"])
        snapshot = recorded(_CLOUD, "ex_create_snapshot")["snapshot"]
        snapshot.update(id=f"cb676a46-66fd-4dfb-b839-{self.number():012}", description=body["description"])
        self.snapshots[snapshot["id"]] = snapshot
        return 201, {"snapshot": snapshot}

    # -- volumes

    def make_volume(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("label", "size_gb", "region"))
        volume = recorded(_CLOUD, "create_volume")["block"]
        volume.update(body, id=f"block-{self.number()}")
        self.volumes[volume["id"]] = volume
        return 202, {"block": volume}

    def drop_volume(self, identity: str) -> tuple[int, Any]:
        if self.known(self.volumes, identity)["attached_to_instance"]:
            raise RefusedError(400, "the block is attached")
        return self.drop(self.volumes, identity)

    def attach(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("instance_id", "live"))
        volume = self.known(self.volumes, identity)
        if volume["attached_to_instance"]:
            raise RefusedError(400, "the block is attached already")
        self.known(self.servers, body["instance_id"])
        volume["attached_to_instance"] = body["instance_id"]
        return 204, None

    def detach(self, request: Request, identity: str) -> tuple[int, Any]:
        self.check_body(request, needed=("live",))
        self.known(self.volumes, identity)["attached_to_instance"] = ""
        return 204, None

    def grow(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("label", "size_gb"))
        volume = self.known(self.volumes, identity)
        if body["size_gb"] <= volume["size_gb"]:
            raise RefusedError(400, "a block can only grow")
        volume.update(body)
        return 204, None

    # -- keys

    def make_key(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "ssh_key"))
        key = recorded(_CLOUD, "get_key_pair")["ssh_key"]
        key.update(body, id=f"key-{self.number()}")
        self.keys[key["id"]] = key
        return 201, {"ssh_key": key}

    # -- domains

    def make_domain(self, request: Request) -> tuple[int, Any]:
        domain = self.check_body(request, needed=("domain",))["domain"]
        self.domains[domain] = {"domain": domain, "date_created": "2021-09-02T08:27:19+00:00"}
        self.records[domain] = {}
        return 201, {"domain": self.domains[domain]}
