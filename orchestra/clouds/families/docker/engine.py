"""One Docker engine as its calls see it: Libcloud's driver, over connections of our own.

Libcloud's methods create and start in one go, know no rule for restarts, keep neither labels nor exit codes of what
they list, and ask for the engine's version at every start. The calls here are single requests of the engine's API
through the driver's connection.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import attrs
from libcloud.common.base import JsonResponse
from libcloud.container.drivers.docker import DockerContainerDriver

from orchestra.clouds.connections import Connections, Timeouts
from orchestra.clouds.families.docker import unix
from orchestra.clouds.session import share
from orchestra.clouds.translate import translate
from orchestra.errors import CloudError, CredentialsError, InvalidRequestError, TransientError

DEFAULT_ENDPOINT: Final = "unix:///var/run/docker.sock"
_OLDEST: Final = (1, 25)
_NEWEST: Final = (1, 47)
"""The versions of the engine's API that are spoken here; between them an engine is asked in its own."""

_CERTIFICATES: Final = ("ca.pem", "cert.pem", "key.pem")
_REFUSED: Final = re.compile(r"no basic auth credentials|\bunauthorized\b")

_TIMEOUTS: Final = Timeouts(silence=120.0, overall=900.0)
"""A pull is one call that tells how far it is while it lasts; to stop a container may take 100 s of silence."""


@attrs.frozen(kw_only=True)
class Place:
    """Where an engine listens: at a socket of this machine, or at a port of a host."""

    socket: str = ""
    host: str = unix.HOST
    port: int = 80
    certificates: Path | None = None
    """The folder with the client's certificates; None for a port without encryption."""

    def connections(self) -> Connections:
        """Kept-alive connections to it."""
        if self.socket:
            return unix.through_socket(self.socket, _TIMEOUTS)
        made = Connections(timeouts=_TIMEOUTS)
        if self.certificates is not None:
            made.cert = (str(self.certificates / "cert.pem"), str(self.certificates / "key.pem"))
        return made

    def translate(self, error: Exception) -> CloudError:
        """As `translate.translate`; a socket is called by its path, and what a registry refuses is told as that."""
        told = translate(error)
        if isinstance(told, TransientError) and _REFUSED.search(told.message):  # which engines tell as their own fault
            told = CredentialsError(
                told.message, code=told.code, remedy="give user and password of the registry: docker(registries=…)"
            )
        told.message = told.message.replace(unix.HOST, str(self))
        return told

    def __str__(self) -> str:
        return self.socket or f"{self.host}:{self.port}"


def place_of(endpoint: str, certificates: str | Path | None) -> Place:
    """The place that ``endpoint`` names.

    Raises `InvalidRequestError` for an endpoint of another form, `CredentialsError` for certificates that are missing.
    """
    parts = urlsplit(endpoint)
    if parts.scheme == "unix" and parts.path:
        return Place(socket=parts.path)
    if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
        raise InvalidRequestError(
            f"docker(): {endpoint!r} is no endpoint of an engine",
            sent=False,
            remedy="give unix:///var/run/docker.sock, or tcp://host:2376 with certificates",
        )
    folder = None if certificates is None else Path(certificates).expanduser()
    if parts.scheme == "https" and folder is None:
        folder = Path("~/.docker").expanduser()
    for name in _CERTIFICATES if folder is not None else ():
        if folder is not None and not os.access(folder / name, os.R_OK):
            raise CredentialsError(
                f"docker(): {name} can't be read in {folder}",
                sent=False,
                remedy="name the folder that holds ca.pem, cert.pem and key.pem: docker(certificates=…)",
            )
    return Place(host=parts.hostname, port=parts.port or (2375 if folder is None else 2376), certificates=folder)


class EngineAnswer(JsonResponse):
    """An engine's answer: one document, or, of a pull, one in each line."""

    def __init__(self, response: Any, connection: Any) -> None:
        response.encoding = "utf-8"  # which else is guessed from the bytes, at length
        construct: Any = super().__init__
        construct(response, connection)

    def success(self) -> bool:
        """Whether it was done, or was so already (304)."""
        return 200 <= int(self.status) <= 299 or int(self.status) == 304

    def parse_body(self) -> Any:
        """What the answer holds; None if nothing."""
        text = str(self.body or "")
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]

    def parse_error(self) -> str:
        """What the engine says."""
        try:
            return str(json.loads(str(self.body))["message"])
        except (ValueError, KeyError, TypeError):
            return str(self.body)


class _Driver(DockerContainerDriver):
    """Libcloud's driver. Its constructor would ask for the version, over connections that aren't ours yet."""

    def _get_api_version(self) -> str:
        return ""


class Engine:
    """One thread's driver for the engine at ``place``, over ``connections`` that all threads share.

    ``logins`` are what registries are told of who pulls, by their host: see `login`.
    """

    def __init__(self, place: Place, connections: Connections, logins: Mapping[str, str] | None = None) -> None:
        self._place = place
        self.logins: Mapping[str, str] = logins or {}
        make: Any = _Driver
        driver = make(host=place.host, port=place.port, secure=place.certificates is not None)
        driver.connection.responseCls = EngineAnswer
        share(driver, connections)
        if place.certificates is not None:
            driver.connection.connection.ca_cert = str(place.certificates / "ca.pem")
        self._driver = driver

    @functools.cached_property
    def version(self) -> str:
        """The version of the API that it is asked in."""
        return self.greet()

    def greet(self) -> str:
        """Ask for its version: the one of the API to speak. Raises `InvalidRequestError` if both know none."""
        told = self._request("GET", "/version", {}, None, {})
        if not isinstance(told, Mapping) or not re.fullmatch(r"\d+\.\d+", str(told.get("ApiVersion"))):
            raise TransientError(
                f"{self._place}: what came back isn't a Docker engine's answer",
                remedy="check that a Docker engine listens at the endpoint",
            )
        theirs = _numbers(str(told["ApiVersion"]))
        lowest = _numbers(str(told.get("MinAPIVersion") or "1.0"))
        spoken = min(theirs, _NEWEST)
        if spoken < max(lowest, _OLDEST):
            raise InvalidRequestError(
                f"the engine at {self._place} speaks versions {told.get('MinAPIVersion')} to {told['ApiVersion']} of "
                f"the API, none of {_OLDEST[0]}.{_OLDEST[1]} to {_NEWEST[0]}.{_NEWEST[1]}",
                remedy="take another version of the engine, or of orchestra",
            )
        return f"{spoken[0]}.{spoken[1]}"

    def ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        login: str | None = None,
    ) -> Any:
        """The engine's answer to one request; ``path`` in parts, each quoted. ``login`` is one of `logins`."""
        where = "/".join(quote(part, safe="/:@") for part in path)
        headers = {} if login is None else {"X-Registry-Auth": login}
        return self._request(method, f"/v{self.version}/{where}", query or {}, body, headers)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Any:
        content = None if body is None else json.dumps(body)
        answer = self._driver.connection.request(
            path, method=method, params=dict(query), data=content, headers=dict(headers), retry_failed=False
        )
        return answer.object


def login(user: str, password: str, registry: str) -> str:
    """What tells ``registry`` who pulls, as an engine passes it on."""
    told = json.dumps({"username": user, "password": password, "serveraddress": registry})
    return base64.urlsafe_b64encode(told.encode()).decode()


def filters(**wanted: str) -> dict[str, str]:
    """Filters of a list, each with one value."""
    return {"filters": json.dumps({name: [value] for name, value in wanted.items()})}


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor)
