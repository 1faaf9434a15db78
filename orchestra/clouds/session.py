"""Drivers for many threads: Libcloud's are not thread safe, so each thread has one of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

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
