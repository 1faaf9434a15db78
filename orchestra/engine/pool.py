"""The threads that make calls."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Pool:
    """At most ``width`` threads, started as they are needed, that do what they are handed.

    Daemons, unlike those of `concurrent.futures`: a program that is told twice to stop ends at once, though a call
    may take a minute yet. What is handed in must not raise. One thread hands in, and closes.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[[], None]) -> None:
        """Have ``work`` done as soon as a thread is free."""
        if len(self._threads) < self._width:
            name = f"orchestra-call-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        self._work.put(work)

    def close(self) -> None:
        """Wait until everything handed in is done, and end the threads."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
