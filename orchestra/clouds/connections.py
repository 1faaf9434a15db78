"""Connections that Libcloud's drivers send their requests through: shared, permitted, discreet, and bounded in time.

What requests calls a timeout is the longest silence between two bytes: a server that sends one now and then would be
waited for without end. Here each call has a limit as a whole too.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

import attrs
import requests
import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from orchestra import permit
from orchestra.clouds import discretion


@attrs.frozen(kw_only=True)
class Timeouts:
    """How many seconds one call may take."""

    connect: float = 5.0
    """Until there is a connection, for each address of the host. Resolving its name comes before, with the limits of
    the system's resolver."""
    silence: float = 60.0
    """Between two bytes of the answer."""
    overall: float = 180.0
    """From the beginning to the answer's last byte, redirections included."""


_ends: Final[ContextVar[float | None]] = ContextVar("orchestra_call_ends", default=None)
"""When the call of this thread must be over, by the monotonic clock."""


def _left() -> float | None:
    """Seconds that are left of this thread's call, None where there is no limit; raises `TimeoutError` if none are."""
    ends = _ends.get()
    return None if ends is None else _until(ends)


def _until(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0.0:
        raise TimeoutError("the call took longer than it may")
    return left


class _Arriving(io.RawIOBase):
    """What arrives at a socket: each wait for it ends with the call's time at the latest."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, ends: float) -> None:
        self._raw = raw
        self._connection = connection
        self._silence = connection.gettimeout()
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = _until(self._ends)
        self._connection.settimeout(left if self._silence is None else min(left, self._silence))
        read: int | None = self._raw.readinto(buffer)
        return read

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that is read within the time of its call."""

    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        ends = _ends.get()
        if ends is not None:
            raw: Any = self.fp.detach()
            self.fp = io.BufferedReader(_Arriving(raw, sock, ends))


class BoundedConnection(HTTPConnection):
    """A connection whose waits end with the call's time."""

    response_class = _Answer
    debuglevel = 0  # whatever http.client's own is set to: that prints requests as they are sent

    def connect(self) -> None:
        """Connect, in what is left of the time."""
        _shorten(self)
        super().connect()

    def send(self, data: Any) -> None:
        """Send a part of the request: all of it in what is left, not in the time that connecting may take."""
        _send(self, data, super().send)


class _HttpsConnection(HTTPSConnection):
    """The same, encrypted."""

    response_class = _Answer
    debuglevel = 0  # whatever http.client's own is set to: that prints requests as they are sent

    def connect(self) -> None:
        """Connect and shake hands, in what is left of the time."""
        _shorten(self)
        super().connect()

    def send(self, data: Any) -> None:
        """Send a part of the request."""
        _send(self, data, super().send)


def _shorten(connection: http.client.HTTPConnection) -> None:
    left = _left()
    if left is not None:
        connection.timeout = left if connection.timeout is None else min(left, connection.timeout)


def _send(connection: http.client.HTTPConnection, data: Any, send: Callable[[Any], None]) -> None:
    left = _left()
    if left is not None and connection.sock is not None:
        connection.sock.settimeout(left)
    send(data)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = BoundedConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


_POOLS: Final = (("http", _HttpPool), ("https", _HttpsPool))


class Adapter(requests.adapters.HTTPAdapter):
    """Makes such connections, directly and through proxies; those of SOCKS have no limit but the silence."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """See `requests.adapters.HTTPAdapter`."""
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = dict(_POOLS)
        discretion.keep_loggers_terse()

    def proxy_manager_for(self, proxy: str, **named: Any) -> PoolManager:
        """See `requests.adapters.HTTPAdapter`."""
        manager: PoolManager = super().proxy_manager_for(proxy, **named)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = dict(_POOLS)
        return manager

    def send(self, request: requests.PreparedRequest, *given: Any, **named: Any) -> requests.Response:
        """See `requests.adapters.HTTPAdapter`."""
        with discretion.unsaid():
            return super().send(request, *given, **named)


def _signed_already(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authenticates as the driver did; without it what ~/.netrc has for a host, or for all, would take its place."""
    return request


class Connections(requests.Session):
    """Kept-alive connections for the drivers of all threads, ``width`` of them.

    Each request asks for its permit right before it leaves, and is bounded by ``timeouts``. None is repeated:
    mutations go through here.
    """

    def __init__(self, *, width: int = 64, timeouts: Timeouts | None = None) -> None:
        super().__init__()
        self.timeouts = timeouts or Timeouts()
        self.timeout = (self.timeouts.connect, self.timeouts.silence)
        """What Libcloud passes on with every request."""
        self.auth = _signed_already
        self.authority: str | None = None
        """The file with the certificates of whom servers must be vouched for by; None: whom this machine trusts."""
        adapter = Adapter(pool_connections=8, pool_maxsize=width, max_retries=0)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """See `requests.Session`: what goes on to another host is signed for none."""
        was, now = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(was, now):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        """Send one request; a redirection comes here again, and has what is left of the time."""
        if named.get("timeout") is None:
            named["timeout"] = self.timeout  # Libcloud passes none with a request that is prepared
        ends = _ends.get()
        before = _ends.set(time.monotonic() + self.timeouts.overall if ends is None else ends)
        try:
            permit.ask()
            return super().send(request, **named)
        except requests.RequestException as error:
            error.request = error.request or request  # so that it tells which host it was, also amid the body
            raise
        finally:
            _ends.reset(before)
