"""A clock that tests move: sleeping takes no time."""

from __future__ import annotations

import threading


class VirtualClock:
    """`orchestra.contracts.Clock` whose `sleep` makes time pass at once."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._time = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._time += seconds

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._time += seconds
