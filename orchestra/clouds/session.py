"""Drivers for many threads: Libcloud's are not thread safe, so each thread has one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import requests
import requests.adapters

D = TypeVar("D")


class Session(Generic[D]):
    """One driver for each thread, made by ``factory`` when the thread first asks."""

    def __init__(self, factory: Callable[[], D]) -> None:
        self._factory = factory
        self._local = threading.local()

    def driver(self) -> D:
        """This thread's driver."""
        found: D | None = getattr(self._local, "driver", None)
        if found is None:
            found = self._local.driver = self._factory()
        return found


def shared_connections(width: int = 64, timeout: tuple[float, float] = (5.0, 60.0)) -> requests.Session:
    """A pool of kept-alive connections for the drivers of all threads; no retries, since mutations go through it.

    ``timeout`` is (seconds to connect, seconds between bytes); Libcloud passes it with every request.
    """
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=8, pool_maxsize=width, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.timeout = timeout  # type: ignore[attr-defined]
    return session
