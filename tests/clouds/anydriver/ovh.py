"""OVH's API as far as servers, volumes, snapshots and keys go. Every request's signature is checked."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

APPLICATION: Final = "7kbG7Bk7S9Nt7ZSV"
SECRET: Final = "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF"
CONSUMER: Final = "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1"
PROJECT: Final = "project_id"
REGION: Final = "SBG1"
AHEAD: Final = 7200
"""Seconds that the cloud's clock is ahead of ours."""
_CLOUD: Final = "ovh"
_ROOT: Final = f"/1.0/cloud/project/{PROJECT}"


class Ovh(Imitation):
    """Servers are ``BUILD`` and volumes ``creating`` until they are read once; all have the recorded fields."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("GET", "/1.0/auth/time", lambda _: (200, int(time.time()) + AHEAD)),
            ("GET", f"{_ROOT}/region", lambda _: (200, recorded(_CLOUD, "region_get"))),
            ("GET", f"{_ROOT}/flavor", lambda _: (200, self.flavors())),
            ("GET", f"{_ROOT}/image", lambda _: (200, recorded(_CLOUD, "image_get"))),
            ("GET", f"{_ROOT}/instance", lambda _: self.listed(self.servers)),
            ("POST", f"{_ROOT}/instance", self.make_server),
            ("GET", f"{_ROOT}/instance/([^/]+)", lambda _, name: (200, self.detailed(name))),
            ("DELETE", f"{_ROOT}/instance/([^/]+)", lambda _, name: self.drop_server(name)),
            ("GET", f"{_ROOT}/volume", lambda _: self.listed(self.volumes)),
            ("POST", f"{_ROOT}/volume", self.make_volume),
            ("GET", f"{_ROOT}/volume/snapshot", lambda _: self.listed(self.snapshots)),
            ("GET", f"{_ROOT}/volume/snapshot/([^/]+)", lambda _, name: self.one(self.snapshots, name)),
            ("DELETE", f"{_ROOT}/volume/snapshot/([^/]+)", lambda _, name: self.drop(self.snapshots, name)),
            ("GET", f"{_ROOT}/volume/([^/]+)", lambda _, name: self.one(self.volumes, name)),
            ("DELETE", f"{_ROOT}/volume/([^/]+)", lambda _, name: self.drop_volume(name)),
            ("POST", f"{_ROOT}/volume/([^/]+)/attach", self.attach),
            ("POST", f"{_ROOT}/volume/([^/]+)/detach", self.detach),
            ("POST", f"{_ROOT}/volume/([^/]+)/upsize", self.grow),
            ("POST", f"{_ROOT}/volume/([^/]+)/snapshot/", self.make_snapshot),
            ("GET", f"{_ROOT}/sshkey", lambda _: self.listed(self.keys)),
            ("POST", f"{_ROOT}/sshkey", self.make_key),
            ("DELETE", f"{_ROOT}/sshkey/([^/]+)", lambda _, name: self.drop(self.keys, name)),
        )

    def authorize(self, request: Request) -> None:
        if request.path == "/1.0/auth/time":
            return  # anybody may see it
        asked = "?" + "&".join(f"{name}={value}" for name, value in request.query.items()) if request.query else ""
        signed_at = request.headers.get("X-Ovh-Timestamp")
        assert signed_at, (request.method, request.path)
        url = f"https://127.0.0.1{request.path}{asked}"
        body = "" if request.body is None else self.raw(request)
        wanted = "+".join([SECRET, CONSUMER, request.method, url, body, signed_at])
        signature = "$1$" + hashlib.sha1(wanted.encode(), usedforsecurity=False).hexdigest()
        if abs(int(signed_at) - time.time() - AHEAD) > 60:
            raise RefusedError(400, "QUERY_TIME_OUT")
        if request.headers["X-Ovh-Application"] != APPLICATION or request.headers["X-Ovh-Signature"] != signature:
            raise RefusedError(400, "INVALID_SIGNATURE")

    def raw(self, request: Request) -> str:
        """The body as Python's own encoder writes it, which Libcloud's driver uses."""
        return json.dumps(request.body)

    def refusal(self, error: RefusedError) -> Any:
        return {"message": error.message, "errorCode": error.message, "httpCode": str(error.status)}

    # -- shared

    def flavors(self) -> list[dict[str, Any]]:
        """Two sizes of the recorded form, the second larger."""
        small, large = recorded(_CLOUD, "flavor_get")
        large.update(vcpus=4, ram=16384)
        return [small, large]

    def settle(self, thing: dict[str, Any]) -> dict[str, Any]:
        ends = {"BUILD": "ACTIVE", "creating": "available"}
        if "status" in thing:
            thing["status"] = ends.get(thing["status"], thing["status"])
        return thing

    def listed(self, things: dict[str, dict[str, Any]]) -> tuple[int, Any]:
        return 200, [self.settle(one) for one in things.values()]

    def known(self, things: dict[str, dict[str, Any]], identity: str) -> dict[str, Any]:
        if identity not in things:
            raise RefusedError(404, "This object does not exist")
        return things[identity]

    def one(self, things: dict[str, dict[str, Any]], identity: str) -> tuple[int, Any]:
        return 200, self.settle(self.known(things, identity))

    def drop(self, things: dict[str, dict[str, Any]], identity: str) -> tuple[int, Any]:
        self.known(things, identity)
        del things[identity]
        return 200, None

    # -- servers

    def make_server(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "imageId", "flavorId", "region"), possible=("sshKeyId",))
        if body["flavorId"] not in {one["id"] for one in self.flavors()}:
            raise RefusedError(400, "no such flavor")
        if body["imageId"] not in {one["id"] for one in recorded(_CLOUD, "image_get")}:
            raise RefusedError(400, "no such image")
        if "sshKeyId" in body and body["sshKeyId"] not in self.keys:
            raise RefusedError(400, "no such key")
        server: dict[str, Any] = recorded(_CLOUD, "instance_get")[0]
        number = self.number()
        server.update(body, id=f"df4e55cb-90e6-4f20-a604-{number:012}", status="BUILD")
        server["ipAddresses"][0]["ip"] = f"198.18.0.{number % 250 + 2}"
        self.servers[server["id"]] = server
        return 200, self.detailed(server["id"], settled=False)

    def detailed(self, identity: str, settled: bool = True) -> dict[str, Any]:
        """One server, as it is told when it is asked for alone: flavor and image as a whole."""
        server = self.known(self.servers, identity)
        told: dict[str, Any] = recorded(_CLOUD, "instance_get_detail")
        told.update(self.settle(server) if settled else server)
        image, flavor = told.pop("imageId"), told.pop("flavorId")
        told["image"] = {**told["image"], "id": image}
        told["flavor"] = next(one for one in self.flavors() if one["id"] == flavor)
        return told

    def drop_server(self, identity: str) -> tuple[int, Any]:
        for volume in self.volumes.values():
            volume["attachedTo"] = [one for one in volume["attachedTo"] if one != identity]
        return self.drop(self.servers, identity)

    # -- volumes and snapshots

    def make_volume(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "region", "size", "type"))
        volume: dict[str, Any] = recorded(_CLOUD, "volume_get_detail")
        volume.update(body, id=f"volume-{self.number()}")
        self.volumes[volume["id"]] = volume
        return 200, volume

    def drop_volume(self, identity: str) -> tuple[int, Any]:
        if self.known(self.volumes, identity)["attachedTo"]:
            raise RefusedError(409, "the volume is attached")
        return self.drop(self.volumes, identity)

    def attach(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("instanceId", "volumeId"))
        volume = self.known(self.volumes, identity)
        if volume["attachedTo"]:
            raise RefusedError(409, "the volume is attached already")
        self.known(self.servers, body["instanceId"])
        volume.update(attachedTo=[body["instanceId"]], status="in-use")
        return 200, volume

    def detach(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("instanceId",))
        volume = self.known(self.volumes, identity)
        if volume["attachedTo"] != [body["instanceId"]]:
            raise RefusedError(409, "it isn't attached to that")
        volume.update(attachedTo=[], status="available")
        return 200, volume

    def grow(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("size",))
        volume = self.known(self.volumes, identity)
        if body["size"] <= volume["size"]:
            raise RefusedError(400, "a volume can only grow")
        volume.update(body)
        return 200, volume

    def make_snapshot(self, request: Request, identity: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name",))
        volume = self.known(self.volumes, identity)
        snapshot: dict[str, Any] = recorded(_CLOUD, "volume_snapshot_get_details")
        snapshot.update(
            body, id=f"snap-{self.number()}", volumeId=identity, size=volume["size"], region=volume["region"]
        )
        self.snapshots[snapshot["id"]] = snapshot
        return 200, snapshot

    # -- keys

    def make_key(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "publicKey", "region"))
        key: dict[str, Any] = recorded(_CLOUD, "ssh_get")[0]
        key.update(name=body["name"], publicKey=body["publicKey"], regions=[body["region"]], id=f"key-{self.number()}")
        self.keys[key["id"]] = key
        return 200, key
