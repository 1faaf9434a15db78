"""Order, cycles, closures and longest paths, against plain definitions of them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.errors import CycleError
from orchestra.graph import closure, dependents, find_cycle, longest_paths, order

Graph = Mapping[int, set[int]]


def identity(node: int) -> int:
    return node


@st.composite
def acyclic(draw: st.DrawFn) -> Graph:
    """A graph whose nodes need lower ones only, under shuffled names."""
    count = draw(st.integers(0, 12))
    names = draw(st.permutations(range(count)))
    return {
        names[node]: {names[need] for need in draw(st.sets(st.integers(0, node - 1) if node else st.nothing()))}
        for node in draw(st.permutations(range(count)))
    }


@st.composite
def any_graph(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(0, 8))
    nodes = st.integers(0, max(0, count - 1))
    return {node: draw(st.sets(nodes, max_size=3)) for node in range(count)}


def reaches(graph: Graph, start: int, end: int) -> bool:
    """Whether ``start`` needs ``end``, directly or not; written as plainly as can be."""
    seen: set[int] = set()
    todo = set(graph[start])
    while todo:
        node = todo.pop()
        if node == end:
            return True
        if node not in seen:
            seen.add(node)
            todo |= set(graph.get(node, ()))
    return False


def is_cyclic(graph: Graph) -> bool:
    return any(reaches(graph, node, node) for node in graph)


def check_cycle(graph: Graph, error: CycleError) -> None:
    """What ``error`` names is a cycle of ``graph``, from its least node on."""
    cycle = [int(node) for node in error.cycle]
    assert all(after in graph[node] for node, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    assert len(set(cycle)) == len(cycle)
    assert cycle[0] == min(cycle)


@given(acyclic())
def test_everything_comes_once_and_after_what_it_needs(graph: Graph) -> None:
    ordered = order(graph, key=identity)
    assert sorted(ordered) == sorted(graph)
    for node, needs in graph.items():
        assert all(ordered.index(need) < ordered.index(node) for need in needs)


@given(acyclic())
def test_among_those_free_at_once_the_least_comes_first(graph: Graph) -> None:
    done: set[int] = set()
    for node in order(graph, key=identity):
        assert node == min(one for one, needs in graph.items() if one not in done and needs <= done)
        done.add(node)


@given(acyclic(), st.randoms())
def test_the_order_does_not_depend_on_how_the_graph_was_written(graph: Graph, chance: object) -> None:
    nodes = list(graph)
    chance.shuffle(nodes)  # type: ignore[attr-defined]
    assert order({node: graph[node] for node in nodes}, key=identity) == order(graph, key=identity)


@given(any_graph())
def test_a_graph_has_an_order_or_a_cycle_that_is_one(graph: Graph) -> None:
    if not is_cyclic(graph):
        assert sorted(order(graph, key=identity)) == sorted(graph)
        return
    with pytest.raises(CycleError) as caught:
        order(graph, key=identity)
    check_cycle(graph, caught.value)


@given(any_graph(), any_graph())
def test_wishes_are_kept_unless_they_stand_against_the_needs(graph: Graph, wishes: Graph) -> None:
    if is_cyclic(graph):
        with pytest.raises(CycleError) as caught:
            order(graph, key=identity, wishes=wishes)
        check_cycle(graph, caught.value)
        return
    ordered = order(graph, key=identity, wishes=wishes)
    assert sorted(ordered) == sorted(graph)
    place = {node: index for index, node in enumerate(ordered)}
    assert all(place[need] < place[node] for node, needs in graph.items() for need in needs)
    wished = {(node, wish) for node in graph for wish in wishes.get(node, set()) & graph.keys()}
    given_up = [(node, wish) for node, wish in wished if place[wish] >= place[node]]
    both = {node: set(needs) | (wishes.get(node, set()) & graph.keys()) for node, needs in graph.items()}
    for node, wish in given_up:
        assert node == wish or reaches(both, wish, node), "given up though nothing stood against it"


def test_one_wish_of_a_ring_is_given_up_and_no_more() -> None:
    needs = {"a": ["b"], "b": [], "c": ["a"], "d": []}
    wishes = {"b": ["c"], "d": ["c"]}
    assert order(needs, key=str, wishes=wishes) == ["b", "a", "c", "d"]


def test_needs_that_are_no_nodes_are_ignored() -> None:
    assert order({1: [7, 0], 0: [9]}, key=identity) == [0, 1]
    assert dependents({1: [7, 0], 0: []}) == {1: [], 0: [1]}


def test_a_node_that_needs_itself_is_a_cycle() -> None:
    with pytest.raises(CycleError) as caught:
        order({"a": ["a"], "b": []}, key=str)
    assert caught.value.cycle == ("a",)
    assert "a -> a" in str(caught.value)


def test_what_only_hangs_on_a_cycle_is_not_named() -> None:
    with pytest.raises(CycleError) as caught:
        order({"a": ["c"], "c": ["d"], "d": ["e"], "e": ["c"], "z": []}, key=str)
    assert caught.value.cycle == ("c", "d", "e")


def test_a_cycle_is_found_from_its_least_node() -> None:
    assert find_cycle({3: [1], 1: [2], 2: [3]}, key=identity) == [1, 2, 3]


@given(any_graph(), st.sets(st.integers(0, 7)))
def test_a_closure_holds_what_is_reached_and_nothing_else(graph: Graph, start: set[int]) -> None:
    start &= graph.keys()
    found = closure(start, lambda node: graph[node])
    assert found == start | {node for node in graph if any(reaches(graph, one, node) for one in start)}


@given(any_graph())
def test_dependents_are_the_reverse(graph: Graph) -> None:
    users = dependents(graph)
    assert {(node, need) for node, needs in graph.items() for need in needs if need in graph} == {
        (user, node) for node, found in users.items() for user in found
    }
    assert all(len(found) == len(set(found)) for found in users.values())


@given(acyclic(), st.lists(st.integers(1, 9), min_size=12, max_size=12))
def test_longest_paths_are_the_weight_of_all_that_waits(graph: Graph, weights: list[int]) -> None:
    def longest(node: int) -> float:
        users = [user for user, needs in graph.items() if node in needs]
        return weights[node] + max((longest(user) for user in users), default=0)

    found = longest_paths(graph, lambda node: float(weights[node]))
    assert found == {node: longest(node) for node in graph}


def test_long_chains_need_no_deep_stack() -> None:
    count = 20_000
    chain = {node: [node - 1] if node else [] for node in range(count)}
    assert order(chain, key=identity) == list(range(count))
    assert longest_paths(chain, lambda node: 1.0)[0] == count
    assert len(closure([count - 1], lambda node: chain[node])) == count
