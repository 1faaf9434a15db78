"""Brightbox's API as far as load balancers and their addresses go.

Answers have the fields of those recorded for Libcloud; how a client logs in, that what is deleted is told for a while,
and the names of addresses are as in https://github.com/brightbox/gobrightbox and
https://github.com/brightbox/terraform-provider-brightbox, the cloud's own.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

CLIENT: Final = "cli-xxxxx"
SECRET: Final = "made-up & secret/"
SERVERS: Final = tuple(f"srv-lv42{number}" for number in range(8))
_CLOUD: Final = "brightbox"
_TOKEN: Final = recorded(_CLOUD, "token")["access_token"]
_CHECK: Final = {"type", "port", "request", "interval", "timeout", "threshold_up", "threshold_down"}


class Brightbox(Imitation):
    """A balancer is ``creating``, and an address not mapped yet, until that was asked for ``lag`` times."""

    def __init__(self) -> None:
        super().__init__()
        self.balancers: dict[str, dict[str, Any]] = {}
        self.addresses: dict[str, dict[str, Any]] = {}
        self.lag = 1
        self.late: dict[str, int] = {}
        self.logins = 0

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        one, address = "/1.0/load_balancers/([^/]+)", "/1.0/cloud_ips/([^/]+)"
        return (
            ("POST", "/token/", self.log_in),
            ("GET", "/1.0/load_balancers", lambda _: (200, [self.told(name) for name in self.listed()])),
            ("POST", "/1.0/load_balancers", self.make),
            ("GET", one, lambda _, name: (200, self.told(self.known(name)))),
            ("PUT", one, self.change),
            ("DELETE", one, lambda _, name: self.drop(name)),
            ("POST", f"{one}/add_nodes", self.add),
            ("POST", f"{one}/remove_nodes", self.remove),
            ("GET", "/1.0/cloud_ips", lambda _: (200, [self.address(name) for name in self.addresses])),
            ("POST", "/1.0/cloud_ips", self.acquire),
            ("GET", address, lambda _, name: (200, self.address(self.held(name)))),
            ("DELETE", address, lambda _, name: self.release(name)),
            ("POST", f"{address}/map", self.map),
            ("POST", f"{address}/unmap", lambda _, name: self.unmap(name)),
        )

    def read(self, raw: bytes, content_type: str) -> Any:
        if content_type == "application/x-www-form-urlencoded":
            return dict(parse_qsl(raw.decode()))
        return super().read(raw, content_type)

    def refusal(self, error: RefusedError) -> Any:
        if error.status == 401:
            return {"error": "invalid_token", "error_description": error.message}
        return {"error_name": "missing_resource" if error.status == 404 else "invalid", "errors": [error.message]}

    # -- credentials

    def authorize(self, request: Request) -> None:
        if request.path != "/token/" and request.headers.get("Authorization") != f"Bearer {_TOKEN}":
            raise RefusedError(401, "the token is wrong")

    def log_in(self, request: Request) -> tuple[int, Any]:
        self.logins += 1
        pair = base64.b64encode(f"{CLIENT}:made-up%20%26%20secret%2F".encode()).decode()
        if request.body != {"grant_type": "client_credentials"}:
            self.faults.append(f"logged in with {request.body!r}")
        if request.headers.get("Authorization") != f"Basic {pair}":
            raise RefusedError(401, "the client is wrong")
        return 200, recorded(_CLOUD, "token")

    # -- time

    def has_come(self, what: str) -> bool:
        """Whether it was asked for often enough by now."""
        self.late[what] = self.late.get(what, 0) + 1
        return self.late[what] > self.lag

    # -- balancers

    def listed(self) -> list[str]:
        return [name for name, one in self.balancers.items() if one["status"] != "deleted"]

    def known(self, name: str) -> str:
        if name not in self.balancers:
            raise RefusedError(404, "Resource not found using supplied identifier")
        return name

    def told(self, name: str) -> dict[str, Any]:
        one = self.balancers[name]
        if one["status"] == "creating" and self.has_come(name):
            one["status"] = "active"
        answer = {**one, "cloud_ips": [self.address(ip) for ip in self.addresses if self.address(ip)["to"] == name]}
        if one["status"] == "deleting":
            one["status"] = "deleted"
        return answer

    def make(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "policy", "listeners", "healthcheck", "nodes"))
        (listener,) = body["listeners"]
        if set(listener) != {"in", "out", "protocol"} or set(body["healthcheck"]) != _CHECK:
            self.faults.append(f"{body}")
        one: dict[str, Any] = recorded(_CLOUD, "load_balancers_post")
        name = f"lba-{self.number()}"
        one.update(body, id=name, nodes=[self.node(node) for node in body["nodes"]])
        self.balancers[name] = one
        return 202, self.told(name)

    def node(self, node: dict[str, str]) -> dict[str, Any]:
        if set(node) != {"node"} or node["node"] not in SERVERS:
            raise RefusedError(422, f"{node} is no server")
        recorded_node: dict[str, Any] = recorded(_CLOUD, "load_balancers_post")["nodes"][0]
        return {**recorded_node, "id": node["node"]}

    def change(self, request: Request, name: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("healthcheck",))
        self.balancers[self.known(name)]["healthcheck"] = body["healthcheck"]
        return 200, self.told(name)

    def add(self, request: Request, name: str) -> tuple[int, Any]:
        nodes = [self.node(one) for one in self.check_body(request, needed=("nodes",))["nodes"]]
        there = self.balancers[self.known(name)]["nodes"]
        if not nodes or {one["id"] for one in nodes} & {one["id"] for one in there}:
            raise RefusedError(422, "it has these nodes already")
        there += nodes
        return 202, None

    def remove(self, request: Request, name: str) -> tuple[int, Any]:
        nodes = {one["node"] for one in self.check_body(request, needed=("nodes",))["nodes"]}
        one = self.balancers[self.known(name)]
        if not nodes or nodes - {node["id"] for node in one["nodes"]}:
            raise RefusedError(422, "it hasn't these nodes")
        one["nodes"] = [node for node in one["nodes"] if node["id"] not in nodes]
        return 202, None

    def drop(self, name: str) -> tuple[int, Any]:
        one = self.balancers[self.known(name)]
        if one["status"] == "deleted":
            raise RefusedError(404, "Resource not found using supplied identifier")
        one["status"] = "deleting"
        for address in self.addresses.values():
            if address["to"] == name:
                address.update(to=None, status="unmapped", load_balancer=None)
        return 202, one

    # -- addresses

    def held(self, name: str) -> str:
        if name not in self.addresses:
            raise RefusedError(404, "Resource not found using supplied identifier")
        return name

    def address(self, name: str) -> dict[str, Any]:
        one = self.addresses[name]
        if one["next"] != one["to"] and self.has_come(f"{name} {one['next']}"):
            one.update(to=one["next"], status="mapped" if one["next"] else "unmapped")
            one["load_balancer"] = {"id": one["next"]} if one["next"] else None
        return one

    def acquire(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name",))
        one: dict[str, Any] = recorded(_CLOUD, "create_cloud_ip")
        number = self.number()
        one.update(id=f"cip-{number}", name=body["name"], public_ip=f"109.107.37.{number % 256}", to=None, next=None)
        self.addresses[one["id"]] = one
        return 202, one

    def map(self, request: Request, name: str) -> tuple[int, Any]:
        self.addresses[self.held(name)]["next"] = self.known(
            self.check_body(request, needed=("destination",))["destination"]
        )
        return 202, None

    def unmap(self, name: str) -> tuple[int, Any]:
        if self.addresses[self.held(name)]["next"] is not None:
            self.late.clear()
            self.addresses[name]["next"] = None
        return 202, None

    def release(self, name: str) -> tuple[int, Any]:
        if self.address(self.held(name))["status"] == "mapped":
            raise RefusedError(409, "it is mapped")
        del self.addresses[name]
        return 200, None
