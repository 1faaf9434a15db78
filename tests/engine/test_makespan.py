"""Whole applies on a cloud whose time passes on a timeline: close to the shortest time in which they can be done."""

from __future__ import annotations

import makespan
import pytest

pytestmark = pytest.mark.timeout(120)


def test_a_learnt_apply_is_close_to_the_bound_with_half_the_looks() -> None:
    found = makespan.Bench(makespan.STACKS["shop"](1), 16, at_once=True).ratios("shop")
    assert found.first <= 1.15
    assert found.learnt <= 1.06
    assert found.learnt_looks <= 0.7 * found.first_looks


def test_looks_take_no_call_from_steps_that_could_begin() -> None:
    """One call at a time: with a look whenever one was due, four times as many of them took a fifth of the time."""
    found = makespan.Bench(makespan.STACKS["fans"](1), 1, at_once=True).ratios("fans")
    assert found.first <= 1.08
    assert found.learnt <= 1.08
    assert max(found.first_looks, found.learnt_looks) <= 100


def test_the_longest_chain_first_beats_first_come_first_served() -> None:
    """Calls that last until the thing is ready, four at once: the order decides."""
    found = makespan.Bench(makespan.STACKS["web"](1), 4, at_once=False).ratios("web")
    assert found.learnt <= 1.05
    assert found.breadth_first >= found.learnt + 0.1
    assert found.theirs >= 1.1


def test_a_timeline_goes_the_same_way_each_time() -> None:
    once, again = (makespan.Bench(makespan.STACKS["shops"](1), 10, at_once=True).ratios("shops") for _ in range(2))
    assert once == again
