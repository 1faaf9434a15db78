"""One thread's Libcloud driver with what the calls over the base API must know of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import requests

from orchestra.clouds.connections import Connections
from orchestra.clouds.discretion import QuietConnection
from orchestra.errors import InvalidRequestError


class LibcloudDriver:
    """A driver of Libcloud's for one thread.

    ``provider`` is Libcloud's constant for it, such as ``powerdns``; ``settings`` are the options of the cloud that
    aren't for the driver's constructor but for the calls; ``domains`` are those of the zones asked for so far.
    """

    def __init__(self, provider: str, driver: Any, settings: Mapping[str, Any] | None = None) -> None:
        self.provider = provider
        self.driver = driver
        self.settings: Mapping[str, Any] = settings or {}
        self.domains: dict[str, str] = {}


@attrs.frozen
class Terms:
    """What the calls for a provider take beside its driver.

    ``settings`` are names of options that are theirs, not the driver's; ``defaults`` are arguments that the driver
    gets unless they are given. ``settling`` is that of `Capabilities`, in seconds. ``hosted``: the driver must be told
    the endpoint while it is made; all others are told by `connect`, which some can't be told otherwise.
    """

    settings: tuple[str, ...] = ()
    hosted: bool = False
    defaults: Mapping[str, Any] = attrs.field(factory=dict)
    settling: float = 0.0


@attrs.frozen
class Endpoint:
    """Where a server is reached: scheme, host and port."""

    host: str
    port: int
    secure: bool

    @property
    def netloc(self) -> str:
        """Host and port, as `Endpoint.parse` reads them."""
        return f"{self.host}:{self.port}"

    @staticmethod
    def parse(url: str) -> Endpoint:
        """The endpoint at ``url``; raises `InvalidRequestError` unless that is scheme, host and port alone."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        plain = parts.scheme in _PORTS and parts.hostname and parts.path in ("", "/") and port != 0
        if not plain or parts.query or parts.fragment or parts.username or parts.hostname is None:
            raise InvalidRequestError(
                "endpoint: a URL of scheme, host and port is needed",
                sent=False,
                remedy="give it as http://127.0.0.1:8081 or https://dns.example",
            )
        return Endpoint(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "https")


_PORTS: Final[Mapping[str, int]] = MappingProxyType({"http": 80, "https": 443})


class ConnectionsTo(Connections):
    """Connections that carry requests to one endpoint only: credentials must not reach any other.

    Many of Libcloud's drivers ignore a host that they are given, and some take one from what a server answers.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        """See `Connections.send`; raises `InvalidRequestError`, with nothing sent, for any other server."""
        found = urlsplit(request.url or "")
        if (found.hostname, found.port or _PORTS.get(found.scheme), found.scheme == "https") != (
            self._endpoint.host,
            self._endpoint.port,
            self._endpoint.secure,
        ):
            raise InvalidRequestError(
                f"the driver would call {found.hostname}, the endpoint is {self._endpoint.netloc}",
                sent=False,
                remedy="leave endpoint= out, or name the place with the driver's own options=",
            )
        return super().send(request, **named)


class _SharingConnection(QuietConnection):
    """A connection over connections that are shared, also when the driver connects anew."""

    def __init__(self, connections: Connections, *given: Any, **named: Any) -> None:
        make: Any = super().__init__
        make(*given, **named)
        self.session = connections
        if connections.authority is not None:
            self.ca_cert = connections.authority


def connect(driver: Any, connections: Connections, endpoint: Endpoint | None) -> Any:
    """``driver``, a new one of Libcloud's, over ``connections`` that it shares; to ``endpoint`` where one is given.

    One without a connection, such as that for a local folder, is left alone. Raises `InvalidRequestError` if the
    driver would go elsewhere than to ``endpoint``.
    """
    connection = getattr(driver, "connection", None)
    if connection is None:
        return driver
    if endpoint is not None:
        connection.host, connection.port, connection.secure = endpoint.host, endpoint.port, int(endpoint.secure)
    connection.conn_class = functools.partial(_SharingConnection, connections)
    connection.connect()
    if endpoint is not None:
        _assert_goes_to(endpoint, str(connection.connection.host))
    return driver


def _assert_goes_to(endpoint: Endpoint, host: str) -> None:
    """Raise unless ``host``, as Libcloud's connection has it, is that of ``endpoint``."""
    if Endpoint.parse(host) != endpoint:
        raise InvalidRequestError(
            f"the driver goes to {host}, the endpoint is {endpoint.netloc}",
            sent=False,
            remedy="leave endpoint= out, or name the place with the driver's own options=",
        )
