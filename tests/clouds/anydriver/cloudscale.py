"""cloudscale.ch's API as far as servers go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

TOKEN: Final = "made-up-cloudscale-token"
_CLOUD: Final = "cloudscale"


class Cloudscale(Imitation):
    """Servers are ``changing`` until they are read once. Each has the fields of the recorded one."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/v1/flavors", lambda _: (200, recorded(_CLOUD, "list_sizes"))),
            ("GET", "/v1/images", lambda _: (200, recorded(_CLOUD, "list_images"))),
            ("GET", "/v1/servers", lambda _: (200, [self.settled(one) for one in self.servers.values()])),
            ("POST", "/v1/servers", self.make),
            ("GET", "/v1/servers/([^/]+)", lambda _, name: (200, self.settled(self.known(name)))),
            ("DELETE", "/v1/servers/([^/]+)", lambda _, name: self.drop(name)),
        )

    def authorize(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusedError(401, "Invalid token.")

    def refusal(self, error: RefusedError) -> Any:
        return {"detail": error.message}

    def settled(self, server: dict[str, Any]) -> dict[str, Any]:
        server["status"] = "running"
        return server

    def known(self, identity: str) -> dict[str, Any]:
        if identity not in self.servers:
            raise RefusedError(404, "Not found.")
        return self.servers[identity]

    def drop(self, identity: str) -> tuple[int, Any]:
        self.known(identity)
        del self.servers[identity]
        return 204, None

    def make(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "image", "flavor"), possible=("ssh_keys", "user_data"))
        flavors = {one["slug"]: one for one in recorded(_CLOUD, "list_sizes")}
        images = {one["slug"]: one for one in recorded(_CLOUD, "list_images")}
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", body["name"]):
            raise RefusedError(400, "a name of a host is needed")
        if body["flavor"] not in flavors or body["image"] not in images:
            raise RefusedError(400, "no such flavor or image")
        server: dict[str, Any] = recorded(_CLOUD, "create_node")
        number = self.number()
        server.update(
            uuid=f"47cec963-fcd2-482f-bdb6-{number:012}",
            name=body["name"],
            flavor=flavors[body["flavor"]],
            image=images[body["image"]],
        )
        server["interfaces"][0]["addresses"][0]["address"] = f"198.18.0.{number % 250 + 2}"
        self.servers[server["uuid"]] = server
        return 201, server
