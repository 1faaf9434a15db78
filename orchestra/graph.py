"""Order: what goes before what, cycles, and the longest path. Ties are broken by address. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from orchestra.errors import CycleError

N = TypeVar("N", bound=Hashable)


def order(needs: Mapping[N, Collection[N]], *, key: Callable[[N], Any]) -> list[N]:
    """Every node after all that it needs; among those free at once, the least by ``key`` first.

    ``needs`` maps each node to what it needs; needs that are not keys themselves are ignored. Raises
    `CycleError` that names one cycle.
    """
    waiting = {node: sum(1 for need in set(given) if need in needs) for node, given in needs.items()}
    users = dependents(needs)
    keys = {node: key(node) for node in needs}
    positions = list(needs)
    rank = {node: index for index, node in enumerate(sorted(positions, key=lambda node: keys[node]))}
    by_rank = {index: node for node, index in rank.items()}
    free = [rank[node] for node, count in waiting.items() if count == 0]
    heapq.heapify(free)
    ordered: list[N] = []
    while free:
        node = by_rank[heapq.heappop(free)]
        ordered.append(node)
        for user in users[node]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(free, rank[user])
    if len(ordered) < len(needs):
        stuck = {node: needs[node] for node, count in waiting.items() if count > 0}
        raise CycleError([str(node) for node in find_cycle(stuck, key=key)])
    return ordered


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
