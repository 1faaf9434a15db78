"""LXD's API as far as containers and images go, in the form in which LXD 5.0.2 answered, encrypted as it is.

What takes its time is done when somebody waits for it.
"""

from __future__ import annotations

import copy
import hashlib
import re
import ssl
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request, recorded

_CLOUD: Final = "lxd"
_NAME: Final = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_OPTIONS: Final = re.compile(
    r"user\..+|environment\..+|limits\.memory|limits\.cpu\.allowance|boot\.host_shutdown_timeout"
)
_DEVICES: Final = {
    "proxy": {"type", "listen", "connect"},
    "disk": {"type", "source", "path", "readonly"},
    "nic": {"type", "name", "network"},
    "none": {"type"},
}
_STARTED: Final = "2026-11-26T08:34:41.982209598Z"
LONG_AGO: Final = "2026-11-26T08:34:41.64430409Z"

Thing = dict[str, Any]


class Lxd(Imitation):
    """``catalogue`` are the images that servers of images have: by ``server/alias``, or by URL, the mark."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server-cert.pem", folder / "server-key.pem")
        self.context.load_verify_locations(folder / "ca.pem")
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self.options = {"ca_cert": "ca.pem", "cert_file": "cert.pem", "key_file": "key.pem"}
        self.options = {name: str(folder / file) for name, file in self.options.items()}
        self.instances: dict[str, Thing] = {}
        self.images: dict[str, Thing] = {}
        self.aliases: dict[str, Thing] = {}
        self.operations: dict[str, Thing] = {}
        self.catalogue: dict[str, str] = {}
        self.slow = 0
        """How many times somebody waits in vain, and is told that it goes on."""
        self._waiting: dict[str, Callable[[], None]] = {}

    content_type = "application/json"

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        instance, image, alias = "/1.0/instances/([^/]+)", "/1.0/images/([0-9a-f]+)", "/1.0/images/aliases/(.+)"
        return (
            ("GET", "/1.0", self.get_server),
            ("GET", "/1.0/instances", self.list_instances),
            ("POST", "/1.0/instances", self.create_instance),
            ("GET", instance, lambda request, name: self.sync(request, self.instance(name), recursion="1")),
            ("PATCH", instance, self.patch_instance),
            ("DELETE", instance, self.delete_instance),
            ("PUT", f"{instance}/state", self.put_state),
            ("GET", "/1.0/operations", self.list_operations),
            ("GET", "/1.0/operations/([^/]+)/wait", self.wait),
            ("GET", "/1.0/images/aliases", self.list_aliases),
            ("POST", "/1.0/images/aliases", self.create_alias),
            ("GET", alias, lambda request, name: self.sync(request, self.alias(name))),
            ("DELETE", alias, self.delete_alias),
            ("POST", "/1.0/images", self.copy_image),
            ("GET", image, lambda request, name: self.sync(request, self.image(name))),
            ("DELETE", image, self.delete_image),
        )

    def authorize(self, request: Request) -> None:
        """Strangers are shown the server and public images, of which there are none, and nothing else."""
        if request.certified or request.path == "/1.0":
            return
        if request.path.startswith("/1.0/images") and request.method == "GET":
            raise RefusedError(404, "Image alias not found")
        raise RefusedError(403, "not authorized")

    def refusal(self, error: RefusedError) -> Any:
        return {
            "type": "error",
            "status": "",
            "status_code": 0,
            "operation": "",
            "error_code": error.status,
            "error": error.message,
            "metadata": None,
        }

    # -- shared

    def sync(self, request: Request, metadata: Any, status: int = 200, **query: str) -> tuple[int, Any]:
        asked = {key: value for key, value in request.query.items() if key != "project"}
        if asked != query:
            self.faults.append(f"{request.method} {request.path}: {asked}")
        answer = {"type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0}
        return status, {**answer, "error": "", "metadata": copy.deepcopy(metadata)}

    def later(self, what: str, do: Callable[[], None], *instances: str) -> tuple[int, Any]:
        """An operation that does it when somebody waits for it."""
        answer: Any = recorded(_CLOUD, "operation")
        operation = answer["metadata"]
        identity = str(uuid.UUID(int=self.number()))
        paths = {"instances": [f"/1.0/instances/{one}" for one in instances]} if instances else None
        operation.update(id=identity, description=what, resources=paths)
        answer["operation"] = f"/1.0/operations/{identity}"
        self.operations[identity] = operation
        self._waiting[identity] = do
        return 202, copy.deepcopy(answer)

    def get_server(self, request: Request) -> tuple[int, Any]:
        return self.sync(request, {"api_version": "1.0", "auth": "trusted" if request.certified else "untrusted"})

    def list_operations(self, request: Request) -> tuple[int, Any]:
        grouped: dict[str, list[Thing]] = {}
        for one in self.operations.values():
            grouped.setdefault(one["status"].lower(), []).append(one)
        return self.sync(request, grouped, recursion="1")

    def wait(self, request: Request, identity: str) -> tuple[int, Any]:
        operation = self.operations.get(identity)
        if operation is None:
            raise RefusedError(404, "Operation not found")
        if operation["status"] == "Running" and self.slow:
            self.slow -= 1
        elif operation["status"] == "Running":
            try:
                self._waiting.pop(identity)()
                operation.update(status="Success", status_code=200)
            except RefusedError as error:
                operation.update(status="Failure", status_code=400, err=error.message)
        return self.sync(request, operation, timeout=request.query["timeout"])

    # -- instances

    def list_instances(self, request: Request) -> tuple[int, Any]:
        if request.query.get("recursion") == "2":
            return self.sync(request, list(self.instances.values()), recursion="2")
        return self.sync(request, [f"/1.0/instances/{name}" for name in self.instances])

    def instance(self, name: str) -> Thing:
        if name not in self.instances:
            raise RefusedError(404, "Instance not found")
        return self.instances[name]

    def create_instance(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "type", "source", "config", "devices"), possible=("profiles",))
        name, source = body["name"], body["source"]
        if not _NAME.fullmatch(name):
            raise RefusedError(400, "Invalid instance name: Name can only contain alphanumeric and hyphen characters")
        if body["type"] != "container" or source.pop("type") != "image" or set(source) - {"alias", "fingerprint"}:
            self.faults.append(f"{request.path}: {body!r}")
        if "alias" in source and source["alias"] not in self.aliases:
            raise RefusedError(404, "Image alias not found")
        if "fingerprint" in source:
            self.image(source["fingerprint"])
        for profile in body.get("profiles", ()):
            if profile != "default":
                raise RefusedError(500, f'Requested profile "{profile}" doesn\'t exist')
        self.check_options(body["config"])
        for device in body["devices"].values():
            if set(device) != _DEVICES[device["type"]] or not all(isinstance(one, str) for one in device.values()):
                self.faults.append(f"{request.path}: {device!r}")
        try:
            self._insert(name, body, source.get("fingerprint") or self.aliases[source["alias"]]["target"])
        except RefusedError as error:
            return self.later("Creating instance", _failing(error), name)
        return self.later("Creating instance", lambda: None, name)

    def _insert(self, name: str, body: Thing, fingerprint: str) -> None:
        if name in self.instances:
            raise RefusedError(
                400, 'Failed creating instance record: Add instance info to the database: This "instances" entry '
                "already exists",
            )  # fmt: skip
        for one in body["devices"].values():
            if one["type"] == "disk" and not Path(one["source"]).exists():
                raise RefusedError(400, f'Failed creating instance record: Missing source path "{one["source"]}"')
        made: Thing = recorded(_CLOUD, "instance_created")
        made["config"].update(body["config"])
        made["config"].update({"volatile.uuid": str(uuid.UUID(int=self.number())), "volatile.base_image": fingerprint})
        made.update(name=name, devices=body["devices"])
        made["expanded_config"] = made["config"]
        made["expanded_devices"].update(body["devices"])
        self.instances[name] = made

    def check_options(self, config: Thing) -> None:
        for key, value in config.items():
            if not _OPTIONS.fullmatch(key) or not isinstance(value, str):
                self.faults.append(f"config {key}={value!r}")

    def patch_instance(self, request: Request, name: str) -> tuple[int, Any]:
        config = self.check_body(request, needed=("config",))["config"]
        self.check_options(config)
        self.instance(name)["config"].update(config)
        return self.sync(request, {})

    def put_state(self, request: Request, name: str) -> tuple[int, Any]:
        body = self.check_body(request, needed=("action",), possible=("timeout", "force"))
        self.instance(name)
        return self.later("Changing instance", lambda: self._act(name, body["action"]), name)

    def _act(self, name: str, action: str) -> None:
        instance = self.instance(name)
        status = instance["status"]
        wanted = {"start": "Stopped", "stop": "Running", "unfreeze": "Frozen"}[action]
        if status != wanted:
            raise RefusedError(400, f"The instance is already {status.lower()}")
        if action == "stop":
            instance.update(status="Stopped", status_code=102, state=recorded(_CLOUD, "instance_created")["state"])
            return
        instance.update(status="Running", status_code=103, last_used_at=_STARTED)
        instance["state"] = recorded(_CLOUD, "instance_running")["state"]
        address = {"family": "inet", "address": "10.0.3.7", "netmask": "24", "scope": "global"}
        instance["state"]["network"]["eth0"] = {"addresses": [address], "state": "up", "type": "broadcast"}

    def delete_instance(self, request: Request, name: str) -> tuple[int, Any]:
        if self.instance(name)["status"] != "Stopped":
            raise RefusedError(400, "Instance is running")

        def delete() -> None:
            self.instance(name)
            del self.instances[name]

        return self.later("Deleting instance", delete, name)

    # -- images

    def make_image(self, *names: str, mark: str = "", uploaded: str = LONG_AGO) -> str:
        """An image under ``names``, another one for each ``mark``; returns its fingerprint."""
        fingerprint = hashlib.sha256(mark.encode()).hexdigest()
        if fingerprint not in self.images:
            made: Thing = recorded(_CLOUD, "image")
            made.update(fingerprint=fingerprint, aliases=[], uploaded_at=uploaded)
            self.images[fingerprint] = made
        for name in names:
            self._name(name, fingerprint)
        return fingerprint

    def _name(self, name: str, target: str, description: str = "") -> None:
        made: Thing = recorded(_CLOUD, "alias")
        self.aliases[name] = {**made, "name": name, "target": target, "description": description}
        self.images[target]["aliases"].append({"name": name, "description": description})

    def list_aliases(self, request: Request) -> tuple[int, Any]:
        return self.sync(request, list(self.aliases.values()), recursion="1")

    def alias(self, quoted: str) -> Thing:
        found = self.aliases.get(unquote(quoted))
        if found is None:
            raise RefusedError(404, "Image alias not found")
        return found

    def image(self, fingerprint: str) -> Thing:
        if fingerprint not in self.images:
            raise RefusedError(404, "Image not found")
        return self.images[fingerprint]

    def create_alias(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("name", "target", "description"))
        if body["name"] in self.aliases:
            raise RefusedError(409, f'Alias "{body["name"]}" already exists')
        self.image(body["target"])
        self._name(body["name"], body["target"], body["description"])
        return self.sync(request, None, 201)

    def delete_alias(self, request: Request, quoted: str) -> tuple[int, Any]:
        alias = self.alias(quoted)
        del self.aliases[alias["name"]]
        names = self.images[alias["target"]]["aliases"]
        names[:] = [one for one in names if one["name"] != alias["name"]]
        return self.sync(request, {})

    def copy_image(self, request: Request) -> tuple[int, Any]:
        body = self.check_body(request, needed=("source", "aliases"))
        source = body["source"]
        if source["type"] == "url":
            what, fields = source["url"], {"type", "url"}
        else:
            name = source.get("alias") or source.get("fingerprint")
            what, fields = f"{source['server']}/{name}", {"type", "mode", "server", "protocol"}
            fields.add("alias" if "alias" in source else "fingerprint")
        if set(source) != fields or any(set(one) != {"name", "description"} for one in body["aliases"]):
            self.faults.append(f"{request.path}: {body!r}")

        def copied() -> None:
            if what not in self.catalogue:
                raise RefusedError(400, "Failed getting remote image info: Failed getting image: not found")
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
            fingerprint = self.make_image(mark=self.catalogue[what], uploaded=now)
            for one in body["aliases"]:
                if one["name"] in self.aliases:
                    raise RefusedError(400, f"Alias already exists: {one['name']}")
                self._name(one["name"], fingerprint, one["description"])

        return self.later("Downloading image", copied)

    def delete_image(self, request: Request, fingerprint: str) -> tuple[int, Any]:
        self.image(fingerprint)

        def delete() -> None:
            for one in self.image(fingerprint)["aliases"]:
                del self.aliases[one["name"]]
            del self.images[fingerprint]

        return self.later("Deleting image", delete)


def _failing(error: RefusedError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
