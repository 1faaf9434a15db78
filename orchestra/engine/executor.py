"""Carries out the steps of a plan: as many at once as the clouds take, and on after a failure."""

from __future__ import annotations

import heapq
import itertools
import queue
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal, TypeAlias

import attrs

from orchestra import events
from orchestra.contracts import Reading
from orchestra.engine import actions, retry
from orchestra.engine.retry import Concurrency
from orchestra.engine.run import StepResult, StepStatus
from orchestra.engine.schedule import Schedule
from orchestra.engine.waiting import FIRST_POLL, Group, verdicts
from orchestra.engine.work import Accepted, Finished, Progress, Until, Workshop
from orchestra.errors import CloudError, OrchestraError, StateError, ThrottledError
from orchestra.planning.steps import Step, StepId
from orchestra.state.journal import Operation

OnFailure: TypeAlias = Literal["continue", "stop"]
"""``continue``: go on with everything that doesn't hang on a failure. ``stop``: begin nothing new."""


INTERRUPTED: Final = "interrupted"


@attrs.frozen(kw_only=True)
class Settings:
    """How to carry out: ``width`` calls at once at most. ``timeout`` is in seconds, for a whole step."""

    width: int
    on_failure: OnFailure
    emit: Callable[[events.Event], None]
    timeout: Callable[[Step], float]


class Executor:
    """One run over the steps of a plan. One thread coordinates; calls are made by a pool."""

    def __init__(self, steps: Sequence[Step], shop: Workshop, settings: Settings) -> None:
        self._shop = shop
        self._settings = settings
        self._order = [step.id for step in steps]
        self._steps = {step.id: step for step in steps}
        self._schedule = Schedule(steps, lambda step: 1.0)
        self._results: dict[StepId, StepResult] = {}
        self._timers: list[tuple[float, int, Progress]] = []
        self._count = itertools.count()
        self._groups: dict[tuple[str, str], Group] = {}
        self._limits: dict[str, Concurrency] = {}
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._busy = 0
        self._chance = random.Random()
        self._began = shop.clock.monotonic()
        self.stopped_by: str = ""
        self.broken: StateError | None = None
        """Why nothing more could be written, if that ended the run."""

    def run(self) -> list[StepResult]:
        """Carry out every step. The first Ctrl-C lets calls under way finish; the second one raises at once."""
        pool = ThreadPoolExecutor(max_workers=self._settings.width, thread_name_prefix="orchestra")
        try:
            while len(self._results) < len(self._order):
                try:
                    self._start(pool)
                    self._wait()
                except KeyboardInterrupt:
                    if self.stopped_by:
                        raise
                    self._stop(INTERRUPTED)
        finally:
            pool.shutdown(wait=self._busy == 0, cancel_futures=True)
        return [self._results[step_id] for step_id in self._order]

    def _now(self) -> float:
        return self._shop.clock.monotonic()

    # -- starting calls

    def _start(self, pool: ThreadPoolExecutor) -> None:
        now = self._now()
        while self._timers and self._timers[0][0] <= now:
            progress = heapq.heappop(self._timers)[2]
            self._call(pool, progress)
        for step in self._schedule.take(self._has_room):
            progress = Progress(step=step, started=now, deadline=now + self._settings.timeout(step))
            self._call(pool, progress)
        for group in self._groups.values():
            if group.waiting and not group.polling and group.due <= now:
                group.polling = True
                self._submit(pool, self._poll, group, list(group.waiting))

    def _limit(self, step: Step) -> Concurrency:
        cloud = step.change.cloud
        if cloud not in self._limits:
            self._limits[cloud] = Concurrency(float(self._settings.width))
        return self._limits[cloud]

    def _has_room(self, step: Step) -> bool:
        return self._busy < self._settings.width and self._limit(step).has_room

    def _call(self, pool: ThreadPoolExecutor, progress: Progress) -> None:
        progress.attempt += 1
        self._limit(progress.step).busy += 1
        if progress.step.operation is not Operation.RECORD:
            self._tell(events.StepBegan, progress, attempt=progress.attempt)
        self._submit(pool, self._attempt, progress)

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[..., Callable[[], None]], *given: object) -> None:
        self._busy += 1

        def task() -> None:
            then = work(*given)

            def finish() -> None:
                self._busy -= 1
                then()

            self._inbox.put(finish)

        pool.submit(task)

    # -- in the pool's threads: make calls, and return what the coordinator is to do about them

    def _attempt(self, progress: Progress) -> Callable[[], None]:
        try:
            result = actions.attempt(self._shop, progress)
        except Exception as error:
            caught = error
            return lambda: self._raised(progress, caught)
        return lambda: self._answered(progress, result)

    def _poll(self, group: Group, waiting: list[Progress]) -> Callable[[], None]:
        ids = [progress.accepted.external_id for progress in waiting if progress.accepted is not None]
        try:
            provider = self._shop.provider(group.cloud, group.kind, waiting[0].step.id.address)
            reading = provider.observe(ids)
        except CloudError as error:
            reading = Reading(unread=dict.fromkeys(ids, error))
        except Exception as error:
            caught = error
            return lambda: self._poll_broke(group, waiting, caught)
        found = verdicts(waiting, reading, self._now())
        ends: list[tuple[Progress, Finished | Exception]] = []
        outcomes = []
        for progress, verdict in found:
            if isinstance(verdict, CloudError):
                ends.append((progress, verdict))
                continue
            outcome, finished = actions.settled(self._shop, progress, verdict)
            outcomes.append(outcome)
            ends.append((progress, finished))
        try:
            self._shop.journal.commit(outcomes)
        except StateError as error:
            ends = [(progress, error) for progress, _ in ends]
        for progress, end in ends:
            if isinstance(end, Exception):
                self._write_failure(progress, end)
        return lambda: self._polled(group, waiting, ends)

    def _write_failure(self, progress: Progress, error: Exception) -> None:
        if isinstance(error, StateError):
            return  # nothing can be written any more; the pending intent tells the next run
        try:
            actions.failed(self._shop, progress, error)
        except StateError as broken:
            self.broken = broken

    # -- in the coordinating thread: what came of calls

    def _raised(self, progress: Progress, error: Exception) -> None:
        limit = self._limit(progress.step)
        limit.busy -= 1
        if isinstance(error, ThrottledError):
            limit.throttled()
        operation = progress.step.operation
        if isinstance(error, CloudError) and error.retryable and error.sent and operation is Operation.CREATE:
            progress.unknown = progress.unknown or not isinstance(error, ThrottledError)
        if not self.stopped_by and retry.again(error, operation, progress.attempt) and isinstance(error, CloudError):
            pause = retry.delay(error, progress.attempt, self._chance)
            if self._now() + pause < progress.deadline:
                heapq.heappush(self._timers, (self._now() + pause, next(self._count), progress))
                text = error.message.splitlines()[0]
                self._tell(events.StepRetried, progress, attempt=progress.attempt, delay=pause, error=text)
                return
        self._write_failure(progress, error)
        self._fail(progress, error)

    def _answered(self, progress: Progress, result: Accepted | Finished) -> None:
        limit = self._limit(progress.step)
        limit.busy -= 1
        limit.succeeded()
        if isinstance(result, Finished):
            self._done(progress, result)
            return
        progress.accepted = result
        self._tell(events.StepAccepted, progress, external_id=result.external_id)
        if self.stopped_by and result.until is Until.READY:
            self._skip(progress.step.id, self.stopped_by, progress)
            return
        group = self._groups.setdefault((result.cloud, result.kind), Group(result.cloud, result.kind))
        group.add(progress, self._now(), 0.0 if result.until is Until.GONE else FIRST_POLL)

    def _poll_broke(self, group: Group, waiting: list[Progress], error: Exception) -> None:
        for progress in waiting:
            self._write_failure(progress, error)
        self._polled(group, waiting, [(progress, error) for progress in waiting])

    def _polled(
        self, group: Group, looked_at: list[Progress], ends: list[tuple[Progress, Finished | Exception]]
    ) -> None:
        group.looked(looked_at, {id(progress) for progress, _ in ends}, self._now())
        for progress, end in ends:
            if progress.step.id in self._results:
                continue
            if isinstance(end, Finished):
                self._done(progress, end)
            else:
                self._fail(progress, end)

    def _done(self, progress: Progress, result: Finished) -> None:
        step = progress.step
        if result.outputs is not None:
            self._shop.live.learn(step.id.address, result.outputs)
        elif not step.id.token and step.change.action.value != "replace":
            self._shop.live.forget(step.id.address)
        self._finish(progress, StepStatus.DONE, external_id=result.external_id)
        seconds = self._results[step.id].seconds
        self._tell(events.StepDone, progress, external_id=result.external_id, seconds=seconds)
        self._schedule.done(step.id)

    def _fail(self, progress: Progress, error: Exception) -> None:
        step_id = progress.step.id
        if isinstance(error, OrchestraError) and error.address is None:
            error.address = step_id.address
        self._finish(progress, StepStatus.FAILED, error=error)
        seconds = self._results[step_id].seconds
        self._tell(events.StepFailed, progress, error=str(error).splitlines()[0], seconds=seconds)
        for skipped in self._schedule.failed(step_id):
            self._skip(skipped, step_id.address)
        if isinstance(error, StateError) and self.broken is None:
            self.broken = error
        if (self._settings.on_failure == "stop" or self.broken is not None) and not self.stopped_by:
            self._stop(f"stopped after {step_id.address} failed")

    def _stop(self, why: str) -> None:
        """Begin nothing new; what is only being waited for is left to the next plan, calls under way finish."""
        self.stopped_by = why
        for step_id in self._schedule.abandon():
            self._skip(step_id, why)
        for _, _, progress in self._timers:
            self._skip(progress.step.id, why, progress)
        self._timers.clear()
        for group in self._groups.values():
            for progress in group.waiting:
                self._skip(progress.step.id, why, progress)
            group.waiting.clear()

    def _skip(self, step_id: StepId, because: str, progress: Progress | None = None) -> None:
        step = self._steps[step_id]
        progress = progress or Progress(step=step, started=self._now())
        self._finish(progress, StepStatus.SKIPPED, because=because)
        self._tell(events.StepSkipped, progress, because=because)

    def _finish(
        self,
        progress: Progress,
        status: StepStatus,
        *,
        external_id: str = "",
        error: Exception | None = None,
        because: str = "",
    ) -> None:
        now = self._now()
        self._results[progress.step.id] = StepResult(
            address=progress.step.id.address,
            operation=progress.step.operation.value,
            status=status,
            started=progress.started - self._began,
            seconds=now - progress.started,
            attempts=progress.attempt,
            external_id=external_id,
            error=error,
            because=because,
        )

    def _tell(self, kind: type[events.StepEvent], progress: Progress, **more: object) -> None:
        self._settings.emit(
            kind(
                at=self._shop.clock.now(),
                run=self._shop.run,
                address=progress.step.id.address,
                operation=progress.step.operation.value,
                **more,
            )
        )

    # -- waiting

    def _wait(self) -> None:
        """Take in what the pool has sent; if there is nothing, wait for it or for the next timer."""
        if len(self._results) == len(self._order):
            return
        pause = self._pause()
        if self._busy == 0 and self._inbox.empty():
            if pause:
                self._shop.clock.sleep(pause)
            return
        try:
            self._inbox.get(timeout=pause)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            return

    def _pause(self) -> float | None:
        """Seconds until the next retry or poll is due; None if there is none."""
        dues = [self._timers[0][0]] if self._timers else []
        dues += [group.due for group in self._groups.values() if group.waiting and not group.polling]
        return max(0.0, min(dues) - self._now()) if dues else None
