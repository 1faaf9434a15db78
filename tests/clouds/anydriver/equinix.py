"""Equinix Metal's API as far as devices go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

TOKEN: Final = "made-up-metal-token"
PROJECT: Final = "4b653fce-6405-4300-9f7d-c587b7888fe5"
METRO: Final = "da"
_CLOUD: Final = "equinixmetal"


class EquinixMetal(Imitation):
    """Devices are ``queued`` until they are listed once. Each has the fields of the recorded one."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[str, dict[str, Any]] = {}
        self.hidden = 0
        """How many lists leave everything out."""

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/metal/v1/locations/metros", lambda _: (200, recorded(_CLOUD, "metros"))),
            ("GET", "/metal/v1/operating-systems", lambda _: (200, recorded(_CLOUD, "operatingsystems"))),
            ("GET", f"/metal/v1/projects/{PROJECT}/plans", lambda _: (200, recorded(_CLOUD, "plans"))),
            ("GET", f"/metal/v1/projects/{PROJECT}/devices", self.listed),
            ("POST", f"/metal/v1/projects/{PROJECT}/devices", self.make),
            ("DELETE", "/metal/v1/devices/([^/]+)", lambda _, name: self.drop(name)),
        )

    def authorize(self, request: Request) -> None:
        if request.headers.get("X-Auth-Token") != TOKEN:
            raise RefusedError(401, "Invalid authentication token")

    def refusal(self, error: RefusedError) -> Any:
        return {"error": error.message} if error.status == 401 else {"errors": [error.message]}

    def listed(self, request: Request) -> tuple[int, Any]:
        size = int(request.query["per_page"])
        start = (int(request.query["page"]) - 1) * size
        if self.hidden:
            self.hidden -= 1
            return 200, {"devices": []}
        found = list(self.devices.values())[start : start + size]
        for one in found:
            one["state"] = "active"
        return 200, {"devices": found}

    def drop(self, identity: str) -> tuple[int, Any]:
        if identity not in self.devices:
            raise RefusedError(404, "Not found")
        del self.devices[identity]
        return 204, None

    def make(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(
            request,
            needed=("hostname", "plan", "operating_system", "metro", "include", "billing_cycle", "description"),
            possible=("userdata", "user_ssh_keys"),
        )
        plans = {one["slug"]: one for one in recorded(_CLOUD, "plans")["plans"]}
        systems = {one["slug"]: one for one in recorded(_CLOUD, "operatingsystems")["operating_systems"]}
        metros = {one["code"]: one for one in recorded(_CLOUD, "metros")["metros"]}
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", body["hostname"]):
            raise RefusedError(422, "Hostname is invalid")
        if body["plan"] not in plans or body["operating_system"] not in systems or body["metro"] not in metros:
            raise RefusedError(422, "no such plan, operating system or metro")
        device: dict[str, Any] = recorded(_CLOUD, "device_create")
        number = self.number()
        device.update(
            id=f"9f7eafab-6f6b-4ae4-988d-{number:012}",
            hostname=body["hostname"],
            description=body["description"],
            plan=plans[body["plan"]],
            operating_system=systems[body["operating_system"]],
            metro=metros[body["metro"]],
            ip_addresses=[
                {"address": f"198.18.0.{number % 250 + 2}", "public": True, "address_family": 4},
                {"address": f"10.0.0.{number % 250 + 2}", "public": False, "address_family": 4},
            ],
        )
        self.devices[device["id"]] = device
        return 201, device
