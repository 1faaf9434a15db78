"""Waiting for readiness: no thread waits, and one call asks for everything of a kind on a cloud."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from orchestra.contracts import Observation, Reading, Status
from orchestra.engine.durations import Sample
from orchestra.engine.retry import told_to_wait
from orchestra.engine.work import Progress, Until
from orchestra.errors import CloudError, InProgressError, NotReadyError
from orchestra.state.journal import Operation

FIRST_POLL: Final = 0.2
"""Seconds until the first look after a call was accepted that isn't ready at once."""
NEXT_CALL: Final = 1.0
"""Seconds until a call is made again that the cloud is at: it costs more than a look, and the state a write."""
SLOWEST_POLL: Final = 10.0
"""Seconds between looks at most; they come further apart the longer it takes."""
CLOSENESS: Final = 4.0
"""How many looks are for the time by which the waits of a kind differ."""


@attrs.define(eq=False)
class Group:
    """Everything of one kind on one cloud that is being waited for."""

    cloud: str
    kind: str
    waiting: list[Progress] = attrs.field(factory=list)
    polling: bool = False
    due: float = 0.0
    """When to look next."""
    urgency: int = 0
    """The place in order of the first step that waits for one of these."""

    def add(self, progress: Progress, now: float) -> None:
        """Wait for one more."""
        is_going = progress.accepted is not None and progress.accepted.until is Until.GONE
        progress.next_look = now + _pause(progress, now, 0.0 if is_going else FIRST_POLL)
        self.due = min(self.due, progress.next_look) if self.waiting else progress.next_look
        self.urgency = min(self.urgency, progress.urgency) if self.waiting else progress.urgency
        self.waiting.append(progress)

    def ask(self, now: float) -> list[Progress]:
        """Those that are to be looked at now, or so soon that one call does for them too; a poll is under way."""
        self.polling = True
        return [progress for progress in self.waiting if progress.next_look - progress.leeway <= now]

    def looked(self, at: Iterable[Progress], over: set[int], now: float) -> None:
        """``at`` were looked at, and those whose identity is in ``over`` need no more waiting."""
        for progress in at:
            if id(progress) not in over:
                progress.pending_at = now
                progress.next_look = now + _pause(progress, now, FIRST_POLL)
        self.waiting = [progress for progress in self.waiting if id(progress) not in over]
        self.due = min((progress.next_look for progress in self.waiting), default=0.0)
        self.urgency = min((progress.urgency for progress in self.waiting), default=0)
        self.polling = False

    @property
    def latest(self) -> float:
        """Until when a look that is due may be put off."""
        return self.due + SLOWEST_POLL

    def next_turn(self, now: float) -> float:
        """When to see next whether to look: when it is due, or when it may be put off no longer."""
        return self.due if self.due > now else self.latest


def _pause(progress: Progress, now: float, least: float) -> float:
    """Seconds until ``progress`` is looked at, ``least`` at least; sets its leeway.

    What nothing is known about is looked at again after an eighth of what it has waited. Else it is looked at closely
    from when it may be ready, and less and less the longer it is overdue. Never after more than `SLOWEST_POLL`: it may
    have failed, or the cloud have become faster.
    """
    waited, expected = now - progress.accepted_at, progress.expected
    pause = close = waited / 8.0
    if expected is not None and expected.wait > 0.0:
        close = min(pause, max(expected.spread, waited - expected.wait) / CLOSENESS)
        pause = max(close, expected.earliest - waited)
    progress.leeway = max(FIRST_POLL, close / 2.0)
    return min(SLOWEST_POLL, max(least, pause))


def next_call(progress: Progress, error: InProgressError, now: float) -> float:
    """Seconds until the call is made again: further apart the longer it takes, as looks are, or as the cloud said.

    The last time is at the deadline; that has passed if it is 0.
    """
    pause = min(SLOWEST_POLL, max(NEXT_CALL, (now - progress.awaited_since) / 8.0))
    return max(0.0, min(progress.deadline - now, max(pause, told_to_wait(error))))


def too_late(progress: Progress, error: InProgressError, now: float) -> NotReadyError:
    """What is in progress at the deadline."""
    late = _not_ready(progress, f"after {now - progress.started:.0f} s it is still in progress: {error.message}")
    late.code, late.__cause__ = error.code, error
    return late


def sampled(progress: Progress, now: float) -> Sample:
    """What ``progress``, done by ``now``, tells of how long such steps take: a wait ended between two looks."""
    wait = 0.0
    if progress.accepted is not None:
        wait = (now + max(progress.pending_at, progress.accepted_at)) / 2.0 - progress.accepted_at
    return Sample(progress.step, now - progress.started, wait)


def verdicts(
    waiting: Iterable[Progress], reading: Reading, now: float, settling: float
) -> list[tuple[Progress, Observation | None | CloudError]]:
    """Those that need no more waiting: ready (its observation), gone (None), or failed (the error).

    What was accepted less than ``settling`` seconds ago isn't gone because the cloud doesn't show it.
    """
    found: list[tuple[Progress, Observation | None | CloudError]] = []
    for progress in waiting:
        accepted = progress.accepted
        if accepted is None:
            continue
        observation = reading.found.get(accepted.external_id)
        if accepted.until is Until.GONE:
            if accepted.external_id in reading.gone:
                found.append((progress, None))
                continue
        elif observation is not None and observation.status is Status.READY:
            found.append((progress, observation))
            continue
        elif observation is not None and observation.status is Status.FAILED:
            found.append(
                (progress, _not_ready(progress, f"it failed: {observation.detail or 'the cloud says no more'}"))
            )
            continue
        elif accepted.external_id in reading.gone and now - progress.accepted_at > settling:
            found.append((progress, _not_ready(progress, "it was there, and is gone again")))
            continue
        if now >= progress.deadline:
            unread = reading.unread.get(accepted.external_id)
            found.append((progress, _not_ready(progress, _why_late(progress, observation, unread, now))))
    return found


def _why_late(progress: Progress, observation: Observation | None, unread: CloudError | None, now: float) -> str:
    waited = f"after {now - progress.started:.0f} s "
    if unread is not None:
        return waited + f"it could not be read: {unread.message}"
    if observation is None:
        return waited + "the cloud does not show it"
    return waited + f"it is still {observation.detail or observation.status.value}"


def _not_ready(progress: Progress, message: str) -> NotReadyError:
    what = "deleted" if progress.step.operation is Operation.DELETE else "ready"
    return NotReadyError(
        f"it did not become {what}: {message}",
        address=progress.step.id.address,
        remedy="look at it in the cloud; the next plan goes on from what it finds there. "
        "If it only takes longer, raise Lifecycle(create_timeout=…, update_timeout=…, delete_timeout=…)",
    )
