"""Which steps can go now, which must wait, and which will never come to it. Pure bookkeeping, no threads."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence

from orchestra import graph
from orchestra.model.address import sort_key
from orchestra.planning.steps import Step, StepId
from orchestra.state.journal import Operation


def cloud_of(step: Step) -> str:
    """The cloud that the step's call goes to."""
    change = step.change
    return change.previous_cloud or change.cloud if step.operation is Operation.DELETE else change.cloud


class Schedule:
    """Steps in order of the longest chain that hangs on them; ties by address.

    ``seconds`` is how long a step is expected to take. ``lane`` says which of several queues it stands in: a full one
    holds up no other.
    """

    def __init__(self, steps: Sequence[Step], seconds: Callable[[Step], float], lane: Callable[[Step], str]) -> None:
        needs = {step.id: step.needs for step in steps}
        weights = {step.id: seconds(step) for step in steps}
        paths = graph.longest_paths(needs, weights.__getitem__)
        keys = {one: (-paths[one], sort_key(one.address), one.operation, one.token) for one in needs}
        self._by_rank = sorted(steps, key=lambda step: keys[step.id])
        self._rank = {step.id: rank for rank, step in enumerate(self._by_rank)}
        self._lane = {step.id: lane(step) for step in steps}
        self._waiting = {one: set(given) & needs.keys() for one, given in needs.items()}
        self._users = graph.dependents(needs)
        self._unbegun = set(needs)
        self._ready: dict[str, list[int]] = {lane: [] for lane in self._lane.values()}
        for one, given in self._waiting.items():
            if not given:
                self._is_ready(one)

    def take(self, has_room: Callable[[str], bool]) -> Iterator[Step]:
        """The steps that can begin now, best first, while their lanes have room; they count as begun."""
        while lanes := [(ranks[0], lane) for lane, ranks in self._ready.items() if ranks and has_room(lane)]:
            rank, lane = min(lanes)
            heapq.heappop(self._ready[lane])
            step = self._by_rank[rank]
            if step.id in self._unbegun:
                self._unbegun.discard(step.id)
                yield step

    def done(self, finished: StepId) -> None:
        """``finished`` is done: what waited for it alone can go."""
        for user in self._users[finished]:
            self._waiting[user].discard(finished)
            if not self._waiting[user] and user in self._unbegun:
                self._is_ready(user)

    def failed(self, culprit: StepId) -> list[StepId]:
        """``culprit`` failed: whatever hangs on it will never begin. Returns those, in order."""
        lost = graph.closure([culprit], lambda one: [user for user in self._users[one] if user in self._unbegun])
        lost.discard(culprit)
        self._unbegun -= lost
        return sorted(lost, key=self._rank.__getitem__)

    def abandon(self) -> list[StepId]:
        """Nothing more is to begin. Returns what will not, in order."""
        left = sorted(self._unbegun, key=self._rank.__getitem__)
        self._unbegun.clear()
        return left

    def urgency(self, one: StepId) -> int:
        """The place of the first in order that waits for ``one``; beyond the last if none does."""
        return min((self._rank[user] for user in self._users[one]), default=len(self._rank))

    @property
    def first_ready(self) -> int:
        """The place of the first in order that could begin; beyond the last if none could."""
        return min((ranks[0] for ranks in self._ready.values() if ranks), default=len(self._rank))

    @property
    def ready_lanes(self) -> list[str]:
        """The lanes in which a step may be ready to begin."""
        return [lane for lane, ranks in self._ready.items() if ranks]

    @property
    def unbegun(self) -> int:
        """How many steps have neither begun nor been given up."""
        return len(self._unbegun)

    def _is_ready(self, one: StepId) -> None:
        heapq.heappush(self._ready[self._lane[one]], self._rank[one])
