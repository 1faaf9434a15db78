"""What a set of faults remembers of a run: how many calls of each sort came, and what struck them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

F = TypeVar("F")


class Tape(Generic[F]):
    """Counts and log, safe for several threads. ``current`` is what strikes this thread's call."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._log: list[F] = []
        self._here = threading.local()
        self.lifted = False

    def arrived(self, service: str, action: str, decide: Callable[[Callable[[str, str], int]], F | None]) -> F | None:
        """Count one call, and keep what ``decide`` says of it as this thread's current one.

        ``decide`` gets a function of (service, action), '' for any, that tells the how manieth of those it is.
        """
        with self._lock:
            if self.lifted:
                self._here.counts, self._here.fault = {}, None
                return None
            keys = ((service, action), (service, ""), ("", action), ("", ""))
            self._counts.update(keys)
            self._here.counts = {key: self._counts[key] for key in keys}
            spared = getattr(self._here, "spared", False)
            self._here.spared = False
            self._here.fault = found = None if spared else decide(self.count)
            return found

    def count(self, service: str, action: str) -> int:
        """The how manieth this thread's call is of those of ``service`` and ``action``."""
        counts: dict[tuple[str, str], int] = getattr(self._here, "counts", {})
        return counts.get((service, action), 0)

    def spare_next(self) -> None:
        """Let nothing strike this thread's next call; it counts."""
        self._here.spared = True

    @property
    def current(self) -> F | None:
        """What was decided for this thread's call, unless it has struck already."""
        found: F | None = getattr(self._here, "fault", None)
        return found

    def strike(self, fault: F) -> None:
        """Write down that it happened; it strikes once."""
        with self._lock:
            self._log.append(fault)
            self._here.fault = None

    @property
    def log(self) -> tuple[F, ...]:
        """What happened, in order."""
        with self._lock:
            return tuple(self._log)
