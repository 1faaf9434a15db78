"""The server's API in plain requests: a second opinion on what is really there, and a hand behind orchestra's back."""

from __future__ import annotations

import collections
import contextlib
import functools
import json
import os
import secrets
import socket
import urllib.error
import urllib.request
from typing import Any

import attrs

from orchestra.engine.clock import SystemClock

HINT = "no OpenStack was started for the tests: nox -s openstack does (Debian 12, INSTALL=yes installs the packages)"

PORT = 5000
PAGE = 50
"""How many things the server puts on a page at most."""
BASES = {
    "compute": "http://127.0.0.1:8774/v2.1",
    "network": "http://127.0.0.1:9696/v2.0",
    "volume": "http://127.0.0.1:8776/v3",
    "image": "http://127.0.0.1:9292/v2",
}
LISTS = {
    "networks": ("network", "networks"),
    "subnets": ("network", "subnets"),
    "ports": ("network", "ports"),
    "routers": ("network", "routers"),
    "security_groups": ("network", "security-groups"),
    "floatingips": ("network", "floatingips"),
    "servers": ("compute", "servers"),
    "keypairs": ("compute", "os-keypairs"),
    "volumes": ("volume", "volumes"),
    "snapshots": ("volume", "snapshots"),
    "images": ("image", "images"),
}
"""Where each thing is listed."""


@attrs.frozen
class OpenStackServer:
    """Where it is, and a project, with a member of the same name that may do nothing more."""

    project: str
    endpoint: str = f"http://127.0.0.1:{PORT}/v3"
    password: str = "secret"

    @property
    def settings(self) -> dict[str, Any]:
        """What `orchestra.clouds.openstack` takes to use it."""
        return {
            **attrs.asdict(self),
            "username": self.project,
            "volume_types": {"ssd": "fast", "hdd": "slow"},
            "encrypted_volume_types": {"ssd": "fast-luks", "hdd": "slow-luks"},
        }

    def ask(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """The answer of one plain request, as the member of the project would send it."""
        try:
            return self._answer(method, service, path, body)
        except urllib.error.HTTPError as error:
            if error.code != 401:
                raise
        _sign_in.cache_clear()  # a token lasts an hour
        return self._answer(method, service, path, body)

    def _answer(self, method: str, service: str, path: str, body: Any) -> Any:
        token, project = _sign_in(self)
        base = f"{BASES[service]}/{project}" if service == "volume" else BASES[service]
        raw, _ = _send(method, f"{base}/{path}", body, token)
        return json.loads(raw) if raw else None

    @property
    def project_id(self) -> str:
        """The project's id."""
        return _sign_in(self)[1]

    def delete(self, service: str, path: str) -> None:
        """Delete one thing behind orchestra's back, and wait until it is gone."""
        self.ask("DELETE", service, path)
        with contextlib.suppress(urllib.error.HTTPError):
            while self.ask("GET", service, path):
                SystemClock().sleep(1.0)

    def census(self) -> collections.Counter[str]:
        """How many of everything the project holds: nothing of orchestra's has a hand in it."""
        narrowed = {"network": f"&project_id={self.project_id}", "image": f"&owner={self.project_id}"}
        found: collections.Counter[str] = collections.Counter()
        for name, (service, path) in LISTS.items():
            rows = self.ask("GET", service, f"{path}?limit={PAGE}{narrowed.get(service, '')}")[name]
            assert len(rows) < PAGE, f"more than a page of {name}: counting them takes another look"
            found[name] = len([one for one in rows if one.get("name") != "default"])
        return +found


@functools.cache
def find_server(purpose: str) -> OpenStackServer | None:
    """The server that runs here, with a new project for this process; None if there is none.

    Nobody else has that project: neither another run of the tests, nor what an earlier one left.
    """
    return server_for(f"{purpose}-{secrets.token_hex(4)}")


def server_for(project: str) -> OpenStackServer | None:
    """The server that runs here, with the project of that name, made if there is none.

    None if no server runs, or if the environment doesn't say that it is for this: something else may have its ports.
    """
    if "OPENSTACK_HOME" not in os.environ:
        return None
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=2):
            pass
        _make(OpenStackServer(project))
    except (OSError, KeyError, ValueError):
        return None
    return OpenStackServer(project)


def _make(server: OpenStackServer) -> None:
    """Make the project and its member, as the administrator."""
    base, domain = server.endpoint, "default"
    token, _ = _sign_in(OpenStackServer("admin"))

    def ask(method: str, path: str, body: Any = None) -> Any:
        raw, _ = _send(method, f"{base}/{path}", body, token)
        return json.loads(raw) if raw else None

    if ask("GET", f"projects?name={server.project}")["projects"]:
        return
    asked = {"name": server.project, "domain_id": domain}
    project = ask("POST", "projects", {"project": asked})["project"]["id"]
    user = ask("POST", "users", {"user": {**asked, "password": server.password}})["user"]["id"]
    role = ask("GET", "roles?name=member")["roles"][0]["id"]
    ask("PUT", f"projects/{project}/users/{user}/roles/{role}")


@functools.cache
def _sign_in(server: OpenStackServer) -> tuple[str, str]:
    """A token, and the project's id."""
    domain = {"id": "default"}
    user = {"name": server.project, "domain": domain, "password": server.password}
    asked = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": server.project, "domain": domain}},
        }
    }
    raw, headers = _send("POST", f"{server.endpoint}/auth/tokens", asked)
    return headers["X-Subject-Token"], json.loads(raw)["token"]["project"]["id"]


def _send(method: str, url: str, body: Any = None, token: str = "") -> tuple[bytes, Any]:
    headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=content, method=method, headers=headers)) as answer:
        return answer.read(), answer.headers
