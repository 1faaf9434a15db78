"""HTTP over a socket of this machine: where a Docker engine listens unless it is told otherwise."""

from __future__ import annotations

import functools
import socket
from typing import Any, Final

from urllib3 import HTTPConnectionPool
from urllib3.exceptions import NewConnectionError

from orchestra.clouds.connections import Adapter, BoundedConnection, Connections, Timeouts

HOST: Final = "docker.socket"
"""The host in the URLs of requests that go through the socket: no name that could be resolved."""


class _SocketConnection(BoundedConnection):
    """A connection through the socket at ``path``."""

    path = ""

    def _new_conn(self) -> socket.socket:
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            found.settimeout(self.timeout)
            found.connect(self.path)
        except OSError as error:
            found.close()
            raise NewConnectionError(self, f"{self.path} can't be used: {error.strerror or error}") from error
        return found


class _SocketPool(HTTPConnectionPool):
    """Connections through the socket at ``path``."""

    ConnectionCls = _SocketConnection

    def __init__(self, path: str, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._path = path

    def _new_conn(self) -> Any:
        made: Any = super()._new_conn()
        made.path = self._path
        return made


class _SocketAdapter(Adapter):
    """Makes such connections."""

    def __init__(self, path: str, **named: Any) -> None:
        self._path = path
        super().__init__(**named)

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """See `requests.adapters.HTTPAdapter`."""
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": functools.partial(_SocketPool, self._path)}


def through_socket(path: str, timeouts: Timeouts) -> Connections:
    """Connections through the socket at ``path``, whatever proxies the environment names."""
    made = Connections(timeouts=timeouts)
    made.trust_env = False
    made.mount("http://", _SocketAdapter(path, pool_maxsize=64, max_retries=0))
    return made
