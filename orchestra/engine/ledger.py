"""What came of each step of a run, and telling of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestra import events
from orchestra.contracts import Clock
from orchestra.engine.run import StepResult, StepStatus
from orchestra.engine.work import Finished, Progress
from orchestra.errors import CloudError
from orchestra.planning.steps import Step, StepId


class Ledger:
    """The results of the steps. Whatever is entered is told as an event. Used by one thread."""

    def __init__(self, steps: Sequence[Step], run: str, clock: Clock, tell: Callable[[events.Event], None]) -> None:
        self._steps = {step.id: step for step in steps}
        self._run = run
        self._clock = clock
        self._tell = tell
        self._began = clock.monotonic()
        self._results: dict[StepId, StepResult] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every step has a result."""
        return len(self._results) == len(self._steps)

    @property
    def results(self) -> list[StepResult]:
        """The results there are, in the order of the steps."""
        return [self._results[step] for step in self._steps if step in self._results]

    def begun(self, progress: Progress, attempt: int) -> None:
        """The intent is written down and the call is being made."""
        self._told(events.StepBegan, progress.step, attempt=attempt)

    def accepted(self, progress: Progress, external_id: str) -> None:
        """The cloud accepted the call."""
        self._told(events.StepAccepted, progress.step, external_id=external_id)

    def retried(self, progress: Progress, error: CloudError, pause: float) -> None:
        """The call is made again after ``pause`` seconds."""
        self._told(events.StepRetried, progress.step, attempt=progress.attempt, delay=pause, error=line_of(error))

    def awaited(self, progress: Progress, pause: float) -> None:
        """The cloud is at it and not done; it is asked again after ``pause`` seconds."""
        self._told(events.StepAwaited, progress.step, delay=pause, detail=progress.awaited)

    def done(self, progress: Progress, result: Finished) -> None:
        """The step is done."""
        entered = self._enter(progress, StepStatus.DONE, external_id=result.external_id)
        self._told(events.StepDone, progress.step, external_id=result.external_id, seconds=entered.seconds)

    def failed(self, progress: Progress, error: Exception) -> None:
        """The step failed for good."""
        entered = self._enter(progress, StepStatus.FAILED, error=error)
        self._told(events.StepFailed, progress.step, error=line_of(error), seconds=entered.seconds)

    def skipped(self, progress: Progress, because: str) -> None:
        """The step was not tried, or not seen to its end."""
        self._enter(progress, StepStatus.SKIPPED, because=because)
        self._told(events.StepSkipped, progress.step, because=because)

    def untried(self, steps: Sequence[StepId], because: str) -> None:
        """These were not tried."""
        for step in steps:
            self.skipped(Progress(step=self._steps[step], started=self._clock.monotonic()), because)

    def has(self, progress: Progress) -> bool:
        """Whether the step has a result."""
        return progress.step.id in self._results

    def _enter(
        self,
        progress: Progress,
        status: StepStatus,
        *,
        external_id: str = "",
        error: Exception | None = None,
        because: str = "",
    ) -> StepResult:
        result = StepResult(
            address=progress.step.id.address,
            operation=progress.step.operation.value,
            status=status,
            started=progress.started - self._began,
            seconds=self._clock.monotonic() - progress.started,
            attempts=progress.attempt,
            external_id=external_id,
            error=error,
            because=because,
        )
        self._results[progress.step.id] = result
        return result

    def _told(self, kind: type[events.StepEvent], step: Step, **more: object) -> None:
        self._tell(
            kind(at=self._clock.now(), run=self._run, address=step.id.address, operation=step.operation.value, **more)
        )


def line_of(error: Exception) -> str:
    """The first line of what ``error`` says."""
    said = error.message if isinstance(error, CloudError) else str(error)
    return next(iter(said.splitlines()), type(error).__name__)
