"""Waiting for readiness: no thread waits, and one call asks for everything of a kind on a cloud."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from orchestra.contracts import Observation, Reading, Status
from orchestra.engine.work import Progress, Until
from orchestra.errors import CloudError, NotReadyError

FIRST_POLL: Final = 0.2
"""Seconds until the first look after a call was accepted that isn't ready at once."""
SLOWEST_POLL: Final = 10.0
"""Seconds between looks at most; they come further apart the longer it takes."""


@attrs.define(eq=False)
class Group:
    """Everything of one kind on one cloud that is being waited for."""

    cloud: str
    kind: str
    waiting: list[Progress] = attrs.field(factory=list)
    polling: bool = False
    due: float = 0.0
    """When to look next."""

    def add(self, progress: Progress, now: float, first: float) -> None:
        """Wait for one more; look at it after ``first`` seconds."""
        progress.next_look = now + first
        self.due = min(self.due, progress.next_look) if self.waiting else progress.next_look
        self.waiting.append(progress)

    def ask(self, now: float) -> list[Progress]:
        """Those that are to be looked at now, or so soon that one call does for them too; a poll is under way."""
        self.polling = True
        return [progress for progress in self.waiting if progress.next_look <= now + FIRST_POLL]

    def looked(self, at: Iterable[Progress], over: set[int], now: float) -> None:
        """``at`` were looked at, and those whose identity is in ``over`` need no more waiting.

        The others are looked at again after a fifth of what they have waited, within the bounds.
        """
        for progress in at:
            progress.next_look = now + min(SLOWEST_POLL, max(FIRST_POLL, (now - progress.started) / 5.0))
        self.waiting = [progress for progress in self.waiting if id(progress) not in over]
        self.due = min((progress.next_look for progress in self.waiting), default=0.0)
        self.polling = False


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
    what = "deleted" if progress.accepted and progress.accepted.until is Until.GONE else "ready"
    return NotReadyError(
        f"it did not become {what}: {message}",
        address=progress.step.id.address,
        remedy="look at it in the cloud; the next plan goes on from what it finds there. "
        "If it only takes longer, raise Lifecycle(create_timeout=…, update_timeout=…, delete_timeout=…)",
    )
