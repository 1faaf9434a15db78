"""How much of what a cloud permits an apply makes use of: ``python benchmarks/throttled.py``.

The simulated cloud refuses what comes faster than its token bucket is filled. The apply is the real one, on a timeline
(`timeline.Timeline`). The least that it can take is the creating requests, less the burst that the bucket holds at
first, by the rate. Beside it goes a fixed number of calls at once, as Terraform makes them: a call that is refused
keeps its place until it goes through.
"""

from __future__ import annotations

import contextlib
import functools
import math
import random
import types
from collections.abc import Iterator, Sequence
from typing import Final
from unittest import mock

import attrs
from makespan import Timed
from report import table
from timeline import Timeline

import orchestra as oc
from orchestra.clouds.families.simulated.behaviour import Behaviour, Call
from orchestra.engine import executor, retry
from orchestra.engine.retry import Concurrency
from orchestra.engine.schedule import cloud_of
from orchestra.engine.work import Progress
from orchestra.errors import CloudError
from orchestra.events import Event, StepRetried

RATES: Final = (1.0, 2.0, 5.0, 20.0)
"""Requests per second that are permitted."""
LATENCY: Final = 0.3
"""Seconds that a request takes."""
WIDTH: Final = 16
FIXED: Final = 10
"""How many calls are made at once where nothing adapts, as Terraform does unless it is told otherwise."""
SEEDED: Final = types.SimpleNamespace(Random=functools.partial(random.Random, 1))
"""Stands for the module ``random``: pauses are drawn the same way each time."""
SECONDS: Final = 120
"""How long it takes at least, about."""


class Buckets(oc.Stack):
    """``count`` buckets: one request makes each, and none waits for another."""

    count: int

    def build(self) -> None:
        self.buckets = [oc.Bucket() for _ in range(self.count)]


@attrs.define(eq=False)
class Counter:
    """Counts the calls that the cloud let through. See `behaviour.Faults`."""

    passed: int = 0

    def before(self, call: Call) -> None:
        """One more was let through."""
        self.passed += 1

    def after(self, call: Call) -> None:
        """It is done."""


class Fixed(Concurrency):
    """Does not adapt."""

    def __attrs_post_init__(self) -> None:
        self.limit = float(FIXED)

    def end_well(self, repeated: bool = False) -> None:
        """See `Concurrency.end_well`."""
        self.busy -= 1
        self.budget.refill(repeated)

    def end_throttled(self) -> bool:
        """See `Concurrency.end_throttled`."""
        self.busy -= 1
        self.held += 1
        return False


def _backed_off(self: executor.Executor, progress: Progress, error: CloudError) -> float:
    """Each call that is refused pauses by itself, ever longer, drawn by chance."""
    self._limit(cloud_of(progress.step)).end_throttled()
    return retry.delay(error, progress.attempt, self._chance)


@attrs.frozen(kw_only=True)
class Use:
    """What came of one apply: ``used`` is the part of what the cloud permitted that went into it."""

    rate: float
    seconds: float
    used: float
    refused: float
    """Calls that were refused, for each that was to be made."""
    failed: int


def applied(rate: float, width: int, *, seconds: float = SECONDS, fixed: bool = False) -> Use:
    """One apply at ``rate``, which takes ``seconds`` at least."""
    timeline, counter, refused = Timeline(), Counter(), 0

    def listen(event: Event) -> None:
        nonlocal refused
        refused += isinstance(event, StepRetried)

    count = int(rate * seconds)
    behaviour = Behaviour(requests_per_second=rate, latency=LATENCY, faults=counter)
    cloud = oc.clouds.simulated(":memory:", behaviour=behaviour, clock=timeline)
    with contextlib.closing(Timed(Buckets(count=count), cloud, timeline, listeners=[listen])) as deployment:
        plan = deployment.plan()
        timeline.sleep(10.0)  # the bucket is full again
        counter.passed = 0
        with contextlib.ExitStack() as patched:
            patched.enter_context(mock.patch.object(executor, "random", SEEDED))
            if fixed:
                patched.enter_context(mock.patch.object(executor, "Concurrency", Fixed))
                patched.enter_context(mock.patch.object(executor.Executor, "_throttled", _backed_off))
            try:
                took, failed = deployment.apply(plan, width=width).seconds, 0
            except oc.ApplyError as error:
                took, failed = math.nan, len(error.exceptions)
    least = (counter.passed - max(rate, 1.0)) / rate + LATENCY
    return Use(rate=rate, seconds=took, used=least / took, refused=refused / count, failed=failed)


def measured(seconds: float = SECONDS) -> Iterator[tuple[Use, Use]]:
    """At each rate what comes of adapting, and of not, in applies that take ``seconds`` at least."""
    for rate in RATES:
        yield applied(rate, WIDTH, seconds=seconds), applied(rate, WIDTH, seconds=seconds, fixed=True)


def tables(found: Sequence[tuple[Use, Use]]) -> str:
    """What was found."""
    rows = [(f"{ours.rate:g} a second", *_row(ours), *_row(theirs)) for ours, theirs in found]
    theirs = f"{FIXED} at once"
    return table(("permitted", "used", "refused per call", "failed", theirs, "refused per call", "failed"), rows)


def _row(use: Use) -> tuple[str, str, int]:
    return f"{use.used:.1%}", f"{use.refused:.2f}", use.failed


def main() -> None:
    """Print the table."""
    print(tables(list(measured())))


if __name__ == "__main__":
    main()
