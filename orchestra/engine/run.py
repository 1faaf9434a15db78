"""What a run came to."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import attrs

from orchestra.model.address import Address
from orchestra.model.values import Value
from orchestra.planning.plan import Plan


class StepStatus(enum.Enum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@attrs.frozen(kw_only=True)
class StepResult:
    """One step of a run. ``started`` is in seconds since the run began, ``seconds`` is how long it took."""

    address: Address
    operation: str
    status: StepStatus
    started: float = 0.0
    seconds: float = 0.0
    attempts: int = 0
    external_id: str = ""
    error: Exception | None = None
    because: str = ""
    """Of a skipped step: the address of the step that it waited for, or why it was not tried."""


@attrs.frozen(kw_only=True)
class Rollback:
    """What became of undoing a run that failed, with ``on_failure="rollback"``.

    ``to`` is the serial that it went back to. ``plan`` is what was to be done, with what can't be undone as findings,
    and ``run`` what was done; None if it did not come to that, for the reason in ``error``.
    """

    to: int
    plan: Plan | None = None
    run: Run | None = None
    error: Exception | None = None

    @property
    def succeeded(self) -> bool:
        """Whether everything is as it was, but for what the findings of the plan tell."""
        return self.error is None and (self.run is None or self.run.succeeded)


@attrs.frozen(kw_only=True, repr=False)
class Run:
    """The result of an apply: what was done, how long each step took, and what failed."""

    id: str
    deployment: str
    purpose: str
    steps: tuple[StepResult, ...]
    seconds: float
    serial: int = 0
    """The serial of the state after the run."""
    outputs: Mapping[str, Value] = attrs.field(factory=dict)
    """The stack's outputs as far as they are known; secrets sealed."""
    interrupted: bool = False
    rollback: Rollback | None = None
    """How it was undone, if it failed and was to be."""
    listener_errors: tuple[Exception, ...] = ()
    """The first exception of each listener that raised one."""

    @property
    def succeeded(self) -> bool:
        """Whether every step was done."""
        return all(step.status is StepStatus.DONE for step in self.steps)

    @property
    def failures(self) -> tuple[StepResult, ...]:
        """The steps that failed."""
        return tuple(step for step in self.steps if step.status is StepStatus.FAILED)

    def count(self, status: StepStatus) -> int:
        """How many steps ended like this."""
        return sum(step.status is status for step in self.steps)

    def __str__(self) -> str:
        done, failed, skipped = (self.count(status) for status in StepStatus)
        text = f"{self.purpose} of {self.deployment!r}: {done} done"
        text += f", {failed} failed" * bool(failed) + f", {skipped} skipped" * bool(skipped)
        return f"{text} in {self.seconds:.1f} s"

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self}>"
