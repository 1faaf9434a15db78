"""The threads that make calls, and where they hand in what came of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestra.engine.calling import Report


class Pool:
    """At most ``width`` threads, started as they are needed, that do what they are handed; each work ends in a report.

    Daemons, unlike those of `concurrent.futures`: a program that is told twice to stop ends at once, though a call
    may take a minute yet. What is handed in must not raise. One thread hands in, takes the reports, and closes.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._work: queue.SimpleQueue[Callable[[], Report] | None] = queue.SimpleQueue()
        self._inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, work: Callable[[], Report]) -> None:
        """Have ``work`` done as soon as a thread is free."""
        if len(self._threads) < self._width:
            name = f"orchestra-call-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        self._work.put(work)

    def post(self, report: Report | None) -> None:
        """Hand in a report before the work ends; None only wakes who waits for one. From any thread."""
        self._inbox.put(report)

    @property
    def has_reports(self) -> bool:
        """Whether something was handed in and not taken yet."""
        return not self._inbox.empty()

    def reports(self, timeout: float | None) -> list[Report]:
        """What was handed in since, in order; waits for the first ``timeout`` seconds, None: as long as it takes."""
        taken: list[Report | None] = []
        try:
            taken.append(self._inbox.get(timeout=timeout))
            while True:
                taken.append(self._inbox.get_nowait())
        except queue.Empty:
            return [report for report in taken if report is not None]

    def close(self) -> None:
        """Wait until everything handed in is done, and end the threads."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            self._inbox.put(work())
