"""UpCloud's API as far as servers and volumes go; what is done to storages is in the forms of its reference.

https://developers.upcloud.com/1.3/9-storages/
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

USERNAME: Final = "somebody"
PASSWORD: Final = "made-up-password"
REGION: Final = "fi-hel1"
_CLOUD: Final = "upcloud"
_BRIEF: Final = (
    "core_number",
    "hostname",
    "license",
    "memory_amount",
    "plan",
    "plan_ipv4_bytes",
    "plan_ipv6_bytes",
    "state",
    "tags",
    "title",
    "uuid",
    "zone",
)
_BRIEF_DISK: Final = ("access", "license", "size", "state", "tier", "title", "type", "uuid", "zone")


class UpCloud(Imitation):
    """Servers are in ``maintenance`` until they are read once. Each has the fields of the recorded one."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, dict[str, Any]] = {}
        self.disks: dict[str, str] = {}
        """The title of each disk that a server was made with."""
        self.volumes: dict[str, dict[str, Any]] = {}
        """The other disks."""
        self.copies: dict[str, dict[str, Any]] = {}
        """Backups and templates."""

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/1.2/zone", lambda _: (200, recorded(_CLOUD, "api_1_2_zone"))),
            ("GET", "/1.2/plan", lambda _: (200, recorded(_CLOUD, "api_1_2_plan"))),
            ("GET", "/1.2/price", lambda _: (200, recorded(_CLOUD, "api_1_2_price"))),
            ("GET", "/1.2/storage/template", lambda _: (200, self.templates())),
            ("GET", "/1.2/storage/backup", lambda _: (200, {"storages": {"storage": self.brief("backup")}})),
            ("GET", "/1.2/storage/cdrom", lambda _: (200, recorded(_CLOUD, "api_1_2_storage_cdrom"))),
            ("GET", "/1.2/server", lambda _: (200, self.listed())),
            ("GET", "/1.2/ip_address", lambda _: (200, self.addresses())),
            ("GET", "/1.2/storage/normal", lambda _: (200, self.storages())),
            ("POST", "/1.2/server", self.make_server),
            ("GET", "/1.2/server/([^/]+)", lambda _, name: (200, {"server": self.settled(name)})),
            ("POST", "/1.2/server/([^/]+)/stop", self.stop_server),
            ("DELETE", "/1.3/server/([^/]+)/", self.drop_server),
            ("POST", "/1.3/server/([^/]+)/storage/attach", self.attach),
            ("POST", "/1.3/server/([^/]+)/storage/detach", self.detach),
            ("POST", "/1.3/storage", self.make_volume),
            ("POST", "/1.3/storage/([^/]+)/backup", lambda request, name: self.copy(request, name, "backup")),
            ("POST", "/1.3/storage/([^/]+)/clone", self.clone),
            ("POST", "/1.3/storage/([^/]+)/templatize", self.templatize),
            ("GET", "/1.3/storage/([^/]+)", lambda _, name: (200, {"storage": self.settled_volume(name)})),
            ("PUT", "/1.3/storage/([^/]+)", self.grow),
            ("DELETE", "/1.3/storage/([^/]+)", self.drop_volume),
        )

    def authorize(self, request: Request) -> None:
        wanted = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            raise RefusedError(401, recorded(_CLOUD, "api_1_2_zone_failed_auth")["error"]["error_message"])

    def refusal(self, error: RefusedError) -> Any:
        return {"error": {"error_code": f"CODE_{error.status}", "error_message": error.message}}

    def listed(self) -> Any:
        """Brief, as recorded: without addresses."""
        found = [{name: one[name] for name in _BRIEF} for one in map(self.settled, self.servers)]
        return {"servers": {"server": found}}

    def addresses(self) -> Any:
        """All of the account, each with its server."""
        found = [
            {"ptr_record": "", **address, "server": name}
            for name, one in self.servers.items()
            for address in one["ip_addresses"]["ip_address"]
        ]
        return {"ip_addresses": {"ip_address": found}}

    def storages(self) -> Any:
        """Disks, in the form that templates are recorded in."""
        (recorded_one,) = recorded(_CLOUD, "api_1_2_storage_template")["storages"]["storage"][:1]
        of_ours = {**recorded_one, "access": "private", "type": "normal", "license": 0, "zone": REGION}
        found = [{**of_ours, "uuid": name, "title": title} for name, title in self.disks.items()]
        brief = [{key: value for key, value in one.items() if key in _BRIEF_DISK} for one in self.volumes.values()]
        return {"storages": {"storage": found + brief}}

    def brief(self, kind: str) -> list[dict[str, Any]]:
        """Copies of a kind, as they are listed; maintenance is over after that."""
        kept = (*_BRIEF_DISK, "origin", "created")
        found = [one for one in self.copies.values() if one["type"] == kind]
        told = [{name: value for name, value in one.items() if name in kept} for one in found]
        for one in found:
            rest(one)
        return told

    def templates(self) -> Any:
        public = recorded(_CLOUD, "api_1_2_storage_template")["storages"]["storage"]
        return {"storages": {"storage": public + self.brief("template")}}

    def known(self, identity: str) -> dict[str, Any]:
        if identity not in self.servers:
            raise RefusedError(404, f"The server {identity} does not exist.")
        return self.servers[identity]

    def settled(self, identity: str) -> dict[str, Any]:
        server = self.known(identity)
        if server["state"] == "maintenance":
            server["state"] = server.pop("becomes")
        return {name: value for name, value in server.items() if name != "becomes"}

    def make_server(self, request: Request) -> tuple[int, Any]:
        self.check_body(request, needed=("server",))
        body = request.body["server"]
        assert set(body) == {"title", "hostname", "plan", "zone", "login_user", "storage_devices"}, body
        assert set(body["hostname"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"), body
        (device,) = body["storage_devices"]["storage_device"]
        templates = [one["uuid"] for one in self.templates()["storages"]["storage"] if one["state"] == "online"]
        plans = {one["name"]: one for one in recorded(_CLOUD, "api_1_2_plan")["plans"]["plan"]}
        if device["storage"] not in templates:
            raise RefusedError(404, "The storage does not exist.")
        number = self.number()
        server = recorded(_CLOUD, "api_1_2_server_from_template")["server"]
        disk = f"018e2c82-1c16-46b9-8b7d-{number:012}"
        server.update(
            uuid=f"00814aac-240f-4f08-9139-{number:012}",
            title=body["title"],
            hostname=body["hostname"],
            plan=body["plan"],
            zone=body["zone"],
            core_number=str(plans[body["plan"]]["core_number"]),
            state="maintenance",
            becomes="started",
        )
        server["ip_addresses"]["ip_address"][2]["address"] = f"198.18.0.{number % 250 + 2}"
        server["storage_devices"]["storage_device"][0].update(storage=disk, storage_title=device["title"])
        self.disks[disk] = device["title"]
        self.servers[server["uuid"]] = server
        return 202, {"server": {name: value for name, value in server.items() if name != "becomes"}}

    def stop_server(self, request: Request, identity: str) -> tuple[int, Any]:
        self.check_body(request, needed=("stop_server",))
        server = self.known(identity)
        if server["state"] != "started":
            raise RefusedError(409, f"The server {identity} is in state {server['state']}.")
        server["state"] = "stopped"
        return 200, {"server": server}

    def drop_server(self, request: Request, identity: str) -> tuple[int, Any]:
        server = self.known(identity)
        if server["state"] != "stopped":
            raise RefusedError(409, f"The server {identity} is in state {server['state']}.")
        if request.query.get("storages") == "1":
            for one in server["storage_devices"]["storage_device"]:
                self.disks.pop(one["storage"], None)
                self.volumes.pop(one["storage"], None)
        del self.servers[identity]
        return 204, None

    # -- volumes

    def volume(self, identity: str) -> dict[str, Any]:
        for things in (self.volumes, self.copies):
            if identity in things:
                return things[identity]
        raise RefusedError(404, f"The storage {identity} does not exist.")

    def settled_volume(self, identity: str) -> dict[str, Any]:
        """As it is told; maintenance is over after that."""
        volume = self.volume(identity)
        told = {**volume, "servers": {"server": list(volume["servers"]["server"])}}
        rest(volume)
        return told

    def inner(self, request: Request, name: str, *needed: str) -> dict[str, Any]:
        """What stands under ``name`` in a body, with just the fields that are needed."""
        found: dict[str, Any] = self.check_body(request, needed=(name,))[name]
        assert set(found) == set(needed), found
        return found

    def make_volume(self, request: Request) -> tuple[int, Any]:
        body = self.inner(request, "storage", "title", "size", "tier", "zone")
        identity = f"01eff7ad-168e-413e-83b0-{self.number():012}"
        fixed = {"access": "private", "backup_rule": {}, "backups": {"backup": []}, "license": 0, "type": "normal"}
        volume = {**body, **fixed, "servers": {"server": []}, "state": "maintenance", "uuid": identity}
        self.volumes[identity] = volume
        return 201, {"storage": dict(volume)}

    def idle(self, identity: str) -> dict[str, Any]:
        volume = self.volume(identity)
        if volume["state"] == "maintenance":
            raise RefusedError(409, f"The storage {identity} is in state {volume['state']}.")
        return volume

    def grow(self, request: Request, identity: str) -> tuple[int, Any]:
        size = self.inner(request, "storage", "size")["size"]
        volume = self.idle(identity)
        if size <= volume["size"]:
            raise RefusedError(400, "The size can only grow.")
        volume.update(size=size, state="maintenance")
        return 202, {"storage": dict(volume)}

    def drop_volume(self, _: Request, identity: str) -> tuple[int, Any]:
        if self.idle(identity)["servers"]["server"]:
            raise RefusedError(409, f"The storage {identity} is attached.")
        self.volumes.pop(identity, None)
        self.copies.pop(identity, None)
        return 204, None

    # -- copies

    def copied(self, source: str, kind: str, **fields: Any) -> tuple[int, Any]:
        """A copy of a storage, of one that a server was made with too."""
        size = 10 if source in self.disks else self.idle(source)["size"]
        identity = f"0160e290-c379-4183-9f50-{self.number():012}"
        told = {"access": "private", "license": 0, "servers": {"server": []}, "size": size, "state": "maintenance"}
        origin = {"origin": source, "progress": "0"} if kind == "backup" else {"tier": "maxiops"}
        more = {"created": "2023-01-12T07:59:30Z", "type": kind, "uuid": identity, "zone": REGION, **origin}
        things = self.volumes if kind == "normal" else self.copies
        things[identity] = {**told, **more, **fields}
        return 201, {"storage": dict(things[identity])}

    def copy(self, request: Request, identity: str, kind: str) -> tuple[int, Any]:
        return self.copied(identity, kind, title=self.inner(request, "storage", "title")["title"])

    def clone(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.inner(request, "storage", "title", "zone", "tier")
        return self.copied(identity, "normal", **body, backup_rule={}, backups={"backup": []})

    def templatize(self, request: Request, identity: str) -> tuple[int, Any]:
        """Of a disk that no server has that runs."""
        for name, server in self.servers.items():
            devices = server["storage_devices"]["storage_device"]
            if server["state"] != "stopped" and identity in [one["storage"] for one in devices]:
                raise RefusedError(409, f"The server {name} is in state {server['state']}.")
        return self.copy(request, identity, "template")

    def busy(self, identity: str) -> dict[str, Any]:
        """The server, in maintenance from now on if it runs, as it is for each change of its disks."""
        server = self.known(identity)
        if server["state"] not in ("started", "stopped"):
            raise RefusedError(409, f"The server {identity} is in state {server['state']}.")
        if server["state"] == "started":
            server.update(state="maintenance", becomes="started")
        return server

    def attach(self, request: Request, identity: str) -> tuple[int, Any]:
        device = self.inner(request, "storage_device", "type", "address", "storage")
        assert (device["type"], device["address"]) == ("disk", "virtio"), device
        volume = self.idle(device["storage"])
        if volume["servers"]["server"]:
            raise RefusedError(409, f"The storage {device['storage']} is attached.")
        server = self.busy(identity)
        devices = server["storage_devices"]["storage_device"]
        place = max([int(one["address"].rpartition(":")[2]) for one in devices], default=-1) + 1
        told = {"storage_size": volume["size"], "storage_title": volume["title"]}
        devices.append({**device, **told, "address": f"virtio:{place}"})
        volume["servers"] = {"server": [identity]}
        return 200, {"server": {name: value for name, value in server.items() if name != "becomes"}}

    def detach(self, request: Request, identity: str) -> tuple[int, Any]:
        address = self.inner(request, "storage_device", "address")["address"]
        devices = self.known(identity)["storage_devices"]["storage_device"]
        (gone,) = [one for one in devices if one["address"] == address]
        server = self.busy(identity)
        devices.remove(gone)
        if gone["storage"] in self.volumes:
            self.volumes[gone["storage"]]["servers"] = {"server": []}
        return 200, {"server": {name: value for name, value in server.items() if name != "becomes"}}


def rest(storage: dict[str, Any]) -> None:
    """The maintenance that a storage is in is over."""
    if storage["state"] == "maintenance":
        storage["state"] = "online"
