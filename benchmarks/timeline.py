"""Time that passes in a moment: the threads of a run take turns, in the same order each time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Final

import attrs

from orchestra.engine.calling import Report
from orchestra.engine.pool import Pool

NEVER: Final = 1e12
"""Seconds until the turn of who waits for something else to happen."""


@attrs.define(order=True)
class Turn:
    """When a thread goes on; of those at the same time, the one that asked first."""

    at: float
    number: int
    go: threading.Event = attrs.field(factory=threading.Event, eq=False)
    given_up: bool = attrs.field(default=False, eq=False)


class Timeline:
    """A clock on which a run takes no time: whoever sleeps lets the next one go on, and it is then that time.

    Only one thread of a run goes on at any moment, so that a run with the same calls goes the same way each time. It
    is a `orchestra.contracts.Clock`, and `pool` gives what makes the calls of a run. While there is none, whoever
    sleeps just moves the clock on.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._lock = threading.Lock()
        self._time = start
        self._turns: list[Turn] = []
        self._numbers = itertools.count()
        self.runs = 0
        """How many runs are going on."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._time

    def monotonic(self) -> float:
        """Seconds that never go backwards: the same as `now`."""
        return self._time

    def sleep(self, seconds: float) -> None:
        """Let the others go on until ``seconds`` have passed."""
        if not self.runs:
            with self._lock:
                self._time += seconds
            return
        turn = self.turn(seconds)
        self.pass_on()
        turn.go.wait()

    def pool(self, width: int) -> Pool:
        """What makes at most ``width`` calls at once."""
        return TurnPool(self, width)

    def turn(self, seconds: float, go: threading.Event | None = None) -> Turn:
        """A turn in ``seconds``: wait for its ``go`` once you have passed on your own."""
        with self._lock:
            turn = Turn(self._time + seconds, next(self._numbers), go or threading.Event())
            heapq.heappush(self._turns, turn)
            return turn

    def pass_on(self) -> None:
        """Let the next one go on, and no longer oneself."""
        with self._lock:
            turn = heapq.heappop(self._turns)
            while turn.given_up:
                turn = heapq.heappop(self._turns)
            self._time = max(self._time, turn.at)
            turn.go.set()


class TurnPool(Pool):
    """A `Pool` whose threads take turns on a timeline. See there for what each method does."""

    def __init__(self, timeline: Timeline, width: int) -> None:
        self._timeline = timeline
        self._free = width
        self._backlog: list[Callable[[], Report]] = []
        self._reported: list[Report | None] = []
        self._waits: Turn | None = None
        """The turn of whoever waits for reports."""
        self._under_way = 0
        timeline.runs += 1

    def submit(self, work: Callable[[], Report]) -> None:
        """See `Pool.submit`."""
        self._under_way += 1
        self._backlog.append(work)
        self._begin()

    def post(self, report: Report | None) -> None:
        """See `Pool.post`."""
        self._reported.append(report)
        if self._waits is not None:
            self._waits.given_up = True
            self._timeline.turn(0.0, self._waits.go)
            self._waits = None

    @property
    def has_reports(self) -> bool:
        """See `Pool.has_reports`."""
        return bool(self._reported)

    def reports(self, timeout: float | None) -> list[Report]:
        """See `Pool.reports`."""
        if not self._reported:
            self._wait(timeout)
        taken, self._reported = self._reported, []
        return [report for report in taken if report is not None]

    def close(self) -> None:
        """See `Pool.close`."""
        while self._under_way:
            self._reported.clear()
            self._wait(None)
        self._timeline.runs -= 1

    def _wait(self, timeout: float | None) -> None:
        turn = self._timeline.turn(NEVER if timeout is None else timeout)
        self._waits = turn
        self._timeline.pass_on()
        turn.go.wait()
        self._waits = None

    def _begin(self) -> None:
        while self._backlog and self._free:
            self._free -= 1
            turn = self._timeline.turn(0.0)
            threading.Thread(target=self._serve, args=(self._backlog.pop(0), turn), daemon=True).start()

    def _serve(self, work: Callable[[], Report], turn: Turn) -> None:
        turn.go.wait()
        report = work()
        self._under_way -= 1
        self._free += 1
        self._begin()
        self.post(report)
        self._timeline.pass_on()
