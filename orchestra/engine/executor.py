"""Carries out the steps of a plan: as many at once as the clouds take, and on after a failure."""

from __future__ import annotations

import collections
import functools
import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Final

from orchestra.engine import retry
from orchestra.engine.calling import Answered, Begun, Caller, Ended, GaveUp, Looked, Raised, Report
from orchestra.engine.durations import Sample
from orchestra.engine.ledger import Ledger, line_of
from orchestra.engine.retry import Concurrency
from orchestra.engine.run import StepResult
from orchestra.engine.schedule import Schedule, cloud_of
from orchestra.engine.settings import Settings
from orchestra.engine.waiting import Group, next_call, sampled, too_late
from orchestra.engine.work import Accepted, Finished, Progress, Workshop
from orchestra.errors import CloudError, InProgressError, InternalError, StateError, ThrottledError
from orchestra.planning.decide import Action
from orchestra.planning.steps import Step
from orchestra.state.journal import Operation

INTERRUPTED: Final = "interrupted"

LONGEST_SLEEP: Final = 0.5
"""Seconds that it sleeps at once while nothing is under way: so long it may be deaf to an interrupt."""


class Executor:
    """One run over the steps of a plan.

    One thread, which calls `run`, does all the bookkeeping; calls are made, and what came of them is written down,
    by the threads of a pool, which send it a report of each.
    """

    def __init__(self, steps: Sequence[Step], shop: Workshop, settings: Settings) -> None:
        self._shop = shop
        self._settings = settings
        self._interrupt = settings.interrupt
        self._ledger = Ledger(steps, shop.run, shop.clock, settings.tell)
        self._schedule = Schedule(steps, settings.durations.seconds, cloud_of)
        self._pool = settings.pool(settings.width)
        self._caller = Caller(shop, self._pool.post)
        self._busy = 0
        self._timers: list[tuple[float, int, Progress]] = []
        self._count = itertools.count()
        self._again: dict[str, collections.deque[Progress]] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._limits: dict[str, Concurrency] = {}
        self._chance = random.Random()
        self._ended_by: BaseException | None = None
        self.samples: list[Sample] = []
        """How long the steps that were done took."""
        self.stopped_by: str = ""
        self.broken: StateError | None = None
        """Why nothing more could be written, if that ended the run."""

    def run(self) -> list[StepResult]:
        """Carry out every step, or stop when asked to. Returns once nothing is under way any more."""
        pool = self._pool
        self._interrupt.wake = lambda: pool.post(None)  # holds the pool alone, not this, which holds the interrupt
        try:
            while self._busy or not (self._ledger.is_complete or self._ended_by):
                if self._interrupt.asked:
                    self._stop(INTERRUPTED)
                self._start()
                self._wait()
        finally:
            self._pool.close()  # what is under way is written down before the lease is given back
        if self._ended_by is not None:
            raise self._ended_by
        return self._ledger.results

    def _now(self) -> float:
        return self._shop.clock.monotonic()

    # -- starting calls

    def _start(self) -> None:
        now = self._now()
        while self._timers and self._timers[0][0] <= now:
            progress = heapq.heappop(self._timers)[2]
            self._again.setdefault(cloud_of(progress.step), collections.deque()).append(progress)
        for cloud, due in self._again.items():
            while due and self._can_retry(cloud) and self._limit(cloud).pace.is_open(now):
                self._call(due.popleft())
        for step in self._schedule.take(lambda cloud: self._has_room(cloud) and self._limit(cloud).pace.is_open(now)):
            self._call(self._begun(step, now))
        for group in self._groups.values():
            if group.waiting and not group.polling and group.due <= now and self._is_its_turn(group, now):
                self._submit(functools.partial(self._caller.poll, group, group.ask(now)))

    def _is_its_turn(self, group: Group, now: float) -> bool:
        """Whether to look now. Until a call is free, what could begin goes first, unless what waits goes before that.

        No look is put off for long.
        """
        is_free = self._busy < self._settings.width
        return is_free or group.urgency < self._schedule.first_ready or now >= group.latest

    def _begun(self, step: Step, now: float) -> Progress:
        return Progress(
            step=step,
            started=now,
            deadline=now + self._settings.timeout(step),
            expected=self._settings.durations.of(step),
            urgency=self._schedule.urgency(step.id),
        )

    def _limit(self, cloud: str) -> Concurrency:
        if cloud not in self._limits:
            self._limits[cloud] = Concurrency(float(self._settings.width))
        return self._limits[cloud]

    def _has_room(self, cloud: str) -> bool:
        return self._busy < self._settings.width and self._limit(cloud).has_room

    def _can_retry(self, cloud: str) -> bool:
        return self._busy < self._settings.width and self._limit(cloud).can_retry

    def _call(self, progress: Progress) -> None:
        limit = self._limit(cloud_of(progress.step))
        if progress.held:
            progress.held = False
            limit.begin_again()
        else:
            limit.begin()
        limit.pace.sent(self._now())
        progress.attempt += 1
        self._submit(functools.partial(self._caller.attempt, progress))

    def _submit(self, work: Callable[[], Report]) -> None:
        self._busy += 1

        def task() -> Report:
            try:
                return work()
            except BaseException as error:
                return Ended(error)

        self._pool.submit(task)

    # -- what came of calls

    def _take_in(self, report: Report) -> None:
        if isinstance(report, Begun):
            self._ledger.begun(report.progress, report.attempt)
            return
        self._busy -= 1
        if isinstance(report, Answered):
            self._answered(report.progress, report.result)
        elif isinstance(report, Raised):
            self._raised(report.progress, report.error)
        elif isinstance(report, GaveUp):
            self._failed(report.progress, report.error)
        elif isinstance(report, Looked):
            self._looked(report)
        elif self._ended_by is None:
            self._ended_by = report.error
            self._stop(f"stopped by {type(report.error).__name__}")

    def _answered(self, progress: Progress, result: Accepted | Finished) -> None:
        self._limit(cloud_of(progress.step)).end_well(progress.attempt > 1)
        if isinstance(result, Finished):
            self._done(progress, result)
            return
        progress.accepted, progress.accepted_at = result, self._now()
        self._ledger.accepted(progress, result.external_id)
        if self.stopped_by:
            self._ledger.skipped(progress, self.stopped_by)
            return
        group = self._groups.setdefault((result.cloud, result.kind), Group(result.cloud, result.kind))
        group.add(progress, self._now())

    def _raised(self, progress: Progress, error: Exception) -> None:
        limit, operation = self._limit(cloud_of(progress.step)), progress.step.operation
        if operation is Operation.CREATE and progress.intent is not None and retry.may_have_happened(error):
            progress.unknown = True
        if isinstance(error, InProgressError):
            limit.end_badly()
            self._awaited(progress, error)
            return
        progress.awaited = ""
        if not isinstance(error, CloudError) or not retry.again(error, operation, progress.attempt):
            limit.end_badly()
            self._give_up(progress, error)
            return
        if retry.is_budgeted(error) and not limit.budget.take():
            limit.end_badly()
            limit.budget.say_so(error, cloud_of(progress.step))
            self._give_up(progress, error)
            return
        if isinstance(error, ThrottledError):
            progress.held = True
            pause = self._throttled(progress, error)
        else:
            limit.end_badly()
            pause = retry.delay(error, progress.attempt, self._chance)
        if self.stopped_by:
            self._skip(progress)
        elif self._now() + pause < progress.deadline:
            heapq.heappush(self._timers, (self._now() + pause, next(self._count), progress))
            self._ledger.retried(progress, error, pause)
        else:
            self._give_up(progress, error)

    def _awaited(self, progress: Progress, error: InProgressError) -> None:
        """The cloud is at it: the call is made again as things are looked at that aren't ready, and counts once."""
        now, said = self._now(), progress.awaited
        progress.awaited_since = progress.awaited_since if said else now
        progress.awaited = line_of(error)
        pause = next_call(progress, error, now)
        if self.stopped_by:
            self._skip(progress)
        elif pause <= 0.0:
            self._give_up(progress, too_late(progress, error, now))
        else:
            progress.attempt -= 1
            heapq.heappush(self._timers, (now + pause, next(self._count), progress))
            if progress.awaited != said:
                self._ledger.awaited(progress, pause)

    def _throttled(self, progress: Progress, error: ThrottledError) -> float:
        """Seconds until the cloud may be called again."""
        limit, now = self._limit(cloud_of(progress.step)), self._now()
        is_new = limit.end_throttled()
        limit.pace.refused(now, is_new, retry.told_to_wait(error), self._chance)
        return limit.pace.next_at - now

    def _give_up(self, progress: Progress, error: Exception) -> None:
        self._let_go(progress)
        self._submit(functools.partial(self._caller.give_up, progress, error))

    def _let_go(self, progress: Progress) -> None:
        if progress.held:
            progress.held = False
            self._limit(cloud_of(progress.step)).give_up()

    def _looked(self, report: Looked) -> None:
        report.group.looked(report.asked, {id(progress) for progress, _ in report.ends}, self._now())
        for progress, end in report.ends:
            if isinstance(end, Finished):
                self._done(progress, end)
            else:
                self._failed(progress, end)
        if self.stopped_by:
            self._leave(report.group)

    def _done(self, progress: Progress, result: Finished) -> None:
        step = progress.step
        if result.outputs is not None:
            self._shop.live.learn(step.id.address, result.outputs)
        elif not step.id.token and step.change.action is not Action.REPLACE:
            self._shop.live.forget(step.id.address)
        self.samples.append(sampled(progress, self._now()))
        self._ledger.done(progress, result)
        self._schedule.done(step.id)

    def _failed(self, progress: Progress, error: Exception) -> None:
        step_id = progress.step.id
        self._ledger.failed(progress, error)
        self._ledger.untried(self._schedule.failed(step_id), step_id.address)
        if isinstance(error, StateError) and self.broken is None:
            self.broken = error
        if self._settings.on_failure != "continue" or self.broken is not None:
            self._stop(f"stopped after {step_id.address} failed")

    # -- stopping

    def _stop(self, why: str) -> None:
        """Begin nothing new; what is only being waited for is left to the next plan, calls under way finish."""
        if self.stopped_by:
            return
        self.stopped_by = why
        self._ledger.untried(self._schedule.abandon(), why)
        for progress in [one for _, _, one in self._timers] + [one for due in self._again.values() for one in due]:
            self._skip(progress)
        self._timers.clear()
        self._again.clear()
        for group in self._groups.values():
            if not group.polling:
                self._leave(group)

    def _skip(self, progress: Progress) -> None:
        self._let_go(progress)
        self._ledger.skipped(progress, self.stopped_by)

    def _leave(self, group: Group) -> None:
        for progress in group.waiting:
            self._ledger.skipped(progress, self.stopped_by)
        group.waiting.clear()

    # -- waiting

    def _wait(self) -> None:
        """Take in what the pool has sent; if there is nothing, wait for it or for the next timer."""
        pause = self._pause()
        if self._busy == 0 and not self._pool.has_reports:
            if pause is None and not self._ledger.is_complete and self._ended_by is None:
                raise InternalError("nothing is under way, and steps are left")
            if pause:
                self._shop.clock.sleep(min(pause, LONGEST_SLEEP))
            return
        for report in self._pool.reports(pause):
            self._take_in(report)

    def _pause(self) -> float | None:
        """Seconds until the next retry or poll is due, or a cloud may be called again; None if there is none."""
        dues = [self._timers[0][0]] if self._timers else []
        now = self._now()
        dues += [group.next_turn(now) for group in self._groups.values() if group.waiting and not group.polling]
        paced = [cloud for cloud in self._schedule.ready_lanes if self._has_room(cloud)]
        paced += [cloud for cloud, due in self._again.items() if due and self._can_retry(cloud)]
        dues += [self._limit(cloud).pace.next_at for cloud in paced]
        return max(0.0, min(dues) - now) if dues else None
