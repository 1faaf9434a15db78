"""Which steps can go now, which must wait, and which will never come to it. Pure bookkeeping, no threads."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence

from orchestra import graph
from orchestra.model.address import sort_key
from orchestra.planning.steps import Step, StepId


class Schedule:
    """Steps in order of the longest chain that hangs on them; ties by address."""

    def __init__(self, steps: Sequence[Step], weight: Callable[[StepId], float]) -> None:
        needs = {step.id: step.needs for step in steps}
        paths = graph.longest_paths(needs, weight)
        keys = {one: (-paths[one], sort_key(one.address), one.operation, one.token) for one in needs}
        self._steps = {step.id: step for step in steps}
        self._rank = {one: rank for rank, one in enumerate(sorted(needs, key=lambda one: keys[one]))}
        self._by_rank = list(self._rank)
        self._waiting = {one: set(given) & needs.keys() for one, given in needs.items()}
        self._users = graph.dependents(needs)
        self._unbegun = set(needs)
        self._ready = [self._rank[one] for one, given in self._waiting.items() if not given]
        heapq.heapify(self._ready)

    def take(self, has_room: Callable[[Step], bool]) -> Iterator[Step]:
        """The steps that can begin now, best first, as long as there is room for each; they count as begun."""
        refused = []
        while self._ready:
            rank = heapq.heappop(self._ready)
            step = self._steps[self._by_rank[rank]]
            if step.id not in self._unbegun:
                continue
            if not has_room(step):
                refused.append(rank)
                continue
            self._unbegun.discard(step.id)
            yield step
        for rank in refused:
            heapq.heappush(self._ready, rank)

    def done(self, finished: StepId) -> None:
        """``finished`` is done: what waited for it alone can go."""
        for user in self._users[finished]:
            self._waiting[user].discard(finished)
            if not self._waiting[user] and user in self._unbegun:
                heapq.heappush(self._ready, self._rank[user])

    def failed(self, culprit: StepId) -> list[StepId]:
        """``culprit`` failed: whatever hangs on it will never begin. Returns those, in order."""
        lost = graph.closure([culprit], self._users.__getitem__) & self._unbegun
        self._unbegun -= lost
        return sorted(lost, key=lambda one: self._rank[one])

    def abandon(self) -> list[StepId]:
        """Nothing more is to begin. Returns what will not, in order."""
        left = sorted(self._unbegun, key=lambda one: self._rank[one])
        self._unbegun.clear()
        return left

    @property
    def unbegun(self) -> int:
        """How many steps have neither begun nor been given up."""
        return len(self._unbegun)
