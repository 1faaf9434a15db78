"""How long steps take, learnt from run to run for each cloud, kind and operation. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from orchestra.engine.schedule import cloud_of
from orchestra.planning.steps import Step
from orchestra.state.journal import Operation

WEIGHT: Final = 0.5
"""How much the newest run counts; each one before it half as much as the one after it."""
FIRST_SPREAD: Final = 0.125
"""How far waits lie apart, as a part of the wait, while only one is known."""

Learnt: TypeAlias = "Mapping[str, Sequence[float]]"
"""As it is kept in the state: by cloud, kind and operation the fields of a `Duration`."""


@attrs.frozen
class Duration:
    """How long steps of one sort take, in seconds."""

    seconds: float
    """From the beginning of a step to its end, attempts and pauses included."""
    wait: float = 0.0
    """Of that, from when the cloud accepted the call until it was ready, or gone."""
    spread: float = 0.0
    """How far a wait lies from that, typically."""

    @property
    def earliest(self) -> float:
        """Seconds after which it is worth looking whether the wait is over."""
        return max(0.0, self.wait - 2.0 * self.spread)


@attrs.frozen
class Sample:
    """One step that was done: ``wait`` as in `Duration`, as far as looking now and then could tell."""

    step: Step
    seconds: float
    wait: float = 0.0


@attrs.frozen
class Durations:
    """What earlier runs have taught. ``usual`` guesses the seconds of a step that they say nothing about (1)."""

    known: Mapping[str, Duration] = attrs.field(factory=dict)
    usual: Callable[[Step], float] = lambda step: 1.0

    def seconds(self, step: Step) -> float:
        """How long ``step`` is expected to take; nothing if only the state changes."""
        if step.operation is Operation.RECORD:
            return 0.0
        known = self.of(step)
        return self.usual(step) if known is None else known.seconds

    def of(self, step: Step) -> Duration | None:
        """What is known of steps such as ``step``."""
        return self.known.get(_sort(step))

    def after(self, samples: Iterable[Sample]) -> Durations:
        """What is known once a run has brought ``samples``.

        Of a run the median counts, so that a few that took long don't; over the runs it is a moving mean. Spreads are
        followed as TCP follows those of its round trips (RFC 6298).
        """
        sorts: dict[str, list[Sample]] = {}
        for sample in samples:
            if sample.step.operation is not Operation.RECORD:
                sorts.setdefault(_sort(sample.step), []).append(sample)
        known = dict(self.known)
        for sort, found in sorts.items():
            known[sort] = _moved(known.get(sort), found)
        return attrs.evolve(self, known=known)


def _sort(step: Step) -> str:
    return f"{cloud_of(step)} {step.change.kind} {step.operation.value}"


def _moved(before: Duration | None, samples: Sequence[Sample]) -> Duration:
    """``before``, moved towards what ``samples`` of one run tell."""
    seconds = statistics.median(one.seconds for one in samples)
    wait = statistics.median(one.wait for one in samples)
    apart = statistics.median(abs(one.wait - wait) for one in samples)
    if before is None:
        return Duration(seconds, wait, max(apart, wait * FIRST_SPREAD))
    apart = max(apart, abs(wait - before.wait))
    moved = (was + WEIGHT * (now - was) for was, now in zip(attrs.astuple(before), (seconds, wait, apart), strict=True))
    return Duration(*moved)


# -- in the state


def encode(durations: Durations) -> Learnt:
    """``durations`` as the state keeps them, to the millisecond."""
    return {sort: [round(value, 3) for value in attrs.astuple(one)] for sort, one in sorted(durations.known.items())}


def decode(learnt: Learnt) -> Durations:
    """What `encode` made ``learnt`` of; what doesn't look like that is left out: it is only about speed."""
    return Durations({sort: Duration(*values) for sort, values in learnt.items() if _is_duration(values)})


def _is_duration(values: Sequence[float]) -> bool:
    return len(values) == 3 and all(math.isfinite(value) and value >= 0.0 for value in values)
