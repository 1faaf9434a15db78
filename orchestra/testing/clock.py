"""Clocks for tests: one on which sleeping takes no time, and one that goes wrong."""

from __future__ import annotations

import threading

import attrs

from orchestra.contracts import Clock


class VirtualClock:
    """A `orchestra.contracts.Clock` on which sleeping takes no time: whoever sleeps moves it on at once.

    ``start`` is its time at first, in seconds since 1970-01-01 UTC. Give one clock to both the deployment and the
    simulated cloud, and minutes of waiting pass in a moment, the same way in every run. Safe for several threads.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._lock = threading.Lock()
        self._time = start
        self._slept: list[float] = []

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._time

    def monotonic(self) -> float:
        """Seconds that never go backwards: the same as `now`."""
        return self._time

    def sleep(self, seconds: float) -> None:
        """Move the clock on by ``seconds``, and remember that somebody slept."""
        with self._lock:
            self._slept.append(seconds)
            self._time += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        with self._lock:
            self._time += max(0.0, seconds)

    @property
    def slept(self) -> tuple[float, ...]:
        """How long each call of `sleep` was for, in order."""
        with self._lock:
            return tuple(self._slept)

    def __repr__(self) -> str:
        return f"VirtualClock({self._time!r})"


@attrs.frozen
class SkewedClock:
    """``clock`` as a machine shows it whose own clock is wrong: ``ahead`` seconds fast (negative: slow).

    ``rate`` is how many of its seconds pass in one second of ``clock`` (1.0). Give it to
    ``clouds.simulated(clock=…)`` and the true one to the deployment, or the other way round. Sleeping is by the true
    clock, since a timer is right where the time of day isn't.
    """

    clock: Clock
    ahead: float = 0.0
    rate: float = attrs.field(default=1.0, validator=attrs.validators.gt(0.0))
    _began: float = attrs.field(init=False, repr=False)

    @_began.default
    def _(self) -> float:
        return self.clock.now()

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC, wrong as it was told to be."""
        return self._began + (self.clock.now() - self._began) * self.rate + self.ahead

    def monotonic(self) -> float:
        """Seconds that never go backwards, of the true clock."""
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of the true clock."""
        self.clock.sleep(seconds)
