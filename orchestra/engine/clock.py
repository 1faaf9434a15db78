"""The clock of this machine."""

from __future__ import annotations

import time


class SystemClock:
    """`orchestra.contracts.Clock` by the operating system."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        time.sleep(max(0.0, seconds))
