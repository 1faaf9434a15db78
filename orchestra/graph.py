"""Order: what goes before what, cycles, and the longest path. Ties are broken by address. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from orchestra.errors import CycleError

N = TypeVar("N", bound=Hashable)


def order(
    needs: Mapping[N, Collection[N]], *, key: Callable[[N], Any], wishes: Mapping[N, Collection[N]] | None = None
) -> list[N]:
    """Every node after all that it needs; among those free at once, the least by ``key`` first.

    ``needs`` maps each node to what it needs; needs that are not keys themselves are ignored. ``wishes`` are what
    it should come after too, unless that stands against the needs. Raises `CycleError` that names one cycle of
    needs.
    """
    wished = wishes or {}
    waiting = {
        node: {need for need in (*given, *wished.get(node, ())) if need in needs} for node, given in needs.items()
    }
    users = dependents(waiting)
    by_rank = sorted(needs, key=key)
    rank = {node: index for index, node in enumerate(by_rank)}
    free = [rank[node] for node, left in waiting.items() if not left]
    heapq.heapify(free)
    ordered: list[N] = []
    while len(ordered) < len(needs):
        if not free:
            node, given_up = _breach(needs, {node: left for node, left in waiting.items() if left}, key)
            done, freed = given_up, [node]
        else:
            done = by_rank[heapq.heappop(free)]
            ordered.append(done)
            freed = users[done]
        for user in freed:
            if done in waiting[user]:
                waiting[user].discard(done)
                if not waiting[user]:
                    heapq.heappush(free, rank[user])
    return ordered


def in_turn(needs: Mapping[N, Collection[N]], *, key: Callable[[N], Any]) -> list[N]:
    """Every node after all that it needs, and otherwise as they are given: `order` without a sort.

    Needs that are not keys themselves are ignored. Raises `CycleError` as `order` does.
    """
    done: dict[N, None] = {}
    begun: set[N] = set()
    for start in needs:
        path = [] if start in done else [start]
        while path:
            node = path[-1]
            left = [need for need in needs[node] if need not in done and need in needs]
            if not left:
                done[path.pop()] = None
            elif begun.isdisjoint(left) and node not in left:
                begun.add(node)
                path += reversed(left)
            else:
                return order(needs, key=key)  # raises the error: what was begun and is not done is needed again
    return list(done)


def _breach(needs: Mapping[N, Collection[N]], stuck: Mapping[N, Collection[N]], key: Callable[[N], Any]) -> tuple[N, N]:
    """The wish to give up on one cycle, as node and what it was to come after; raises `CycleError` if there is none."""
    cycle = find_cycle(stuck, key=key)
    for node, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        if after not in needs[node]:
            return node, after
    raise CycleError([str(node) for node in cycle])


def dependents(needs: Mapping[N, Collection[N]]) -> dict[N, list[N]]:
    """The reverse: for each node, what needs it."""
    users: dict[N, list[N]] = {node: [] for node in needs}
    for node, given in needs.items():
        for need in set(given):
            if need in users:
                users[need].append(node)
    return users


def find_cycle(needs: Mapping[N, Collection[N]], *, key: Callable[[N], Any]) -> list[N]:
    """One cycle in a graph in which every node is on a cycle or needs one, starting from its least node."""
    node = min(needs, key=key)
    seen: dict[N, int] = {}
    path: list[N] = []
    while node not in seen:
        seen[node] = len(path)
        path.append(node)
        node = min((need for need in needs[node] if need in needs), key=key)
    cycle = path[seen[node] :]
    first = cycle.index(min(cycle, key=key))
    return cycle[first:] + cycle[:first]


def closure(start: Iterable[N], reaches: Callable[[N], Iterable[N]]) -> set[N]:
    """``start`` and everything reached from it."""
    found = set(start)
    todo = list(found)
    while todo:
        for reached in reaches(todo.pop()):
            if reached not in found:
                found.add(reached)
                todo.append(reached)
    return found


def longest_paths(needs: Mapping[N, Collection[N]], weight: Callable[[N], float]) -> dict[N, float]:
    """For each node the weight of the longest chain that starts with it and goes on to what needs it."""
    users = dependents(needs)
    remaining: dict[N, float] = {}
    for node in reversed(_any_order(needs, users)):
        remaining[node] = weight(node) + max((remaining[user] for user in users[node]), default=0.0)
    return remaining


def _any_order(needs: Mapping[N, Collection[N]], users: Mapping[N, list[N]]) -> list[N]:
    waiting = {node: sum(1 for need in set(given) if need in needs) for node, given in needs.items()}
    ordered = [node for node, count in waiting.items() if count == 0]
    for node in ordered:
        for user in users[node]:
            waiting[user] -= 1
            if waiting[user] == 0:
                ordered.append(user)
    return ordered
