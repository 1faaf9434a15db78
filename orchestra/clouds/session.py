"""Drivers for many threads: Libcloud's are not thread safe, so each thread has one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import requests

from orchestra.clouds.discretion import QuietConnection
from orchestra.model.concealing import Concealer
from orchestra.model.values import Revealed

D = TypeVar("D")


class Session(Generic[D]):
    """One driver for each thread, made by ``factory`` when the thread first asks.

    ``credentials`` are hidden in whatever the drivers raise.
    """

    def __init__(self, factory: Callable[[], D], credentials: Iterable[str] = ()) -> None:
        self._factory = factory
        self.concealer = Concealer()
        self.concealer.learn([Revealed(one) for one in credentials])
        self._local = threading.local()

    def driver(self) -> D:
        """This thread's driver."""
        found: D | None = getattr(self._local, "driver", None)
        if found is None:
            found = self._local.driver = self._factory()
        return found


def share(driver: Any, connections: requests.Session) -> Any:
    """``driver``, a new one of Libcloud's, over ``connections`` that it shares and that tell nothing of requests."""
    share_connection(driver.connection, connections)
    return driver


def share_connection(connection: Any, connections: requests.Session) -> None:
    """Let one of Libcloud's connections send through ``connections``, and tell nothing of requests."""
    connection.conn_class = QuietConnection  # also where Libcloud is to debug, before or from now on
    connection.connect()
    connection.connection.session = connections
