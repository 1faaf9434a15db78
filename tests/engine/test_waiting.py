"""When it is looked whether something is ready: closely from when it may be, and not often before that."""

from __future__ import annotations

import itertools

import pytest
from steps import step

from orchestra.engine.durations import Duration
from orchestra.engine.waiting import FIRST_POLL, SLOWEST_POLL, Group, sampled
from orchestra.engine.work import Accepted, Progress, Until

START = 1_000.0


def accepted(expected: Duration | None = None, until: Until = Until.READY, at: float = START) -> Progress:
    progress = Progress(step=step("web[0]"), started=at - 2.0, deadline=at + 900.0, expected=expected)
    progress.accepted = Accepted(cloud="one", kind="test.Kind", external_id="i-0", until=until, record=None)
    progress.accepted_at = at
    return progress


def looks(progress: Progress, ready_after: float) -> list[float]:
    """After how many seconds it is looked at, until it is found to be ready."""
    group = Group("one", "test.Kind")
    group.add(progress, progress.accepted_at)
    found = []
    while True:
        now = group.due
        assert group.ask(now) == [progress]
        found.append(now - progress.accepted_at)
        is_ready = found[-1] >= ready_after
        group.looked([progress], {id(progress)} if is_ready else set(), now)
        if is_ready:
            return found


@pytest.mark.parametrize("takes", [0.1, 3.0, 40.0, 300.0])
def test_what_nothing_is_known_about_is_found_ready_an_eighth_late_at_most(takes: float) -> None:
    found = looks(accepted(), takes)
    assert found[0] == pytest.approx(FIRST_POLL)
    assert found[-1] - takes <= max(FIRST_POLL, min(SLOWEST_POLL, takes / 8.0)) + 1e-9


@pytest.mark.parametrize("takes", [34.0, 37.0, 40.0, 43.0, 46.0])
def test_what_is_known_is_looked_at_less_and_found_ready_sooner(takes: float) -> None:
    unknown, known = looks(accepted(), takes), looks(accepted(Duration(42.0, 40.0, 3.0)), takes)
    assert len(known) <= 0.6 * len(unknown)
    assert known[-1] - takes <= 3.0 / 2.0
    in_vain = [after for after in known if after < 34.0 - 1e-9]
    assert all(later - sooner == SLOWEST_POLL for sooner, later in itertools.pairwise(in_vain))


def test_what_is_far_overdue_is_looked_at_less_and_less() -> None:
    found = looks(accepted(Duration(42.0, 40.0, 0.1)), 200.0)
    pauses = [later - sooner for sooner, later in itertools.pairwise(found)]
    after = [pause for at, pause in zip(found, pauses, strict=False) if at > 40.2]
    assert after[0] < 0.3
    assert after == sorted(after)
    assert after[-1] == SLOWEST_POLL


def test_what_became_faster_is_seen_before_it_is_expected() -> None:
    assert looks(accepted(Duration(302.0, 300.0, 1.0)), 30.0)[-1] <= 30.0 + SLOWEST_POLL


def test_a_deletion_is_looked_at_at_once_unless_such_took_long() -> None:
    assert looks(accepted(until=Until.GONE), 0.0) == [0.0]
    assert looks(accepted(Duration(1.0, 0.0, 0.0), until=Until.GONE), 0.0) == [0.0]
    assert looks(accepted(Duration(33.0, 30.0, 12.0), until=Until.GONE), 0.0) == [6.0]


def test_those_of_a_kind_are_looked_at_together() -> None:
    """Forty servers that were accepted one after the other: each look asks for all that are due soon."""
    group, expected = Group("one", "test.Kind"), Duration(42.0, 40.0, 4.0)
    every = [accepted(expected, at=START + number / 10.0) for number in range(40)]
    for progress in every:
        group.add(progress, progress.accepted_at)
    calls = 0
    while group.waiting:
        now = group.due
        asked = group.ask(now)
        calls += 1
        group.looked(asked, {id(one) for one in asked if now - one.accepted_at >= 40.0}, now)
    alone = sum(len(looks(accepted(expected), 40.0)) for _ in every)
    assert 8 * calls <= alone


def test_a_wait_is_taken_to_have_ended_between_two_looks() -> None:
    group, progress = Group("one", "test.Kind"), accepted()
    group.add(progress, START)
    group.looked([progress], set(), START + 30.0)
    group.looked([progress], {id(progress)}, START + 34.0)
    assert sampled(progress, START + 34.0).wait == 32.0
    assert sampled(progress, START + 34.0).seconds == 36.0
    assert sampled(accepted(), START + 4.0).wait == 2.0, "never seen pending: some time before"
    assert sampled(Progress(step=step("a"), started=START), START + 3.0).wait == 0.0


def test_a_look_that_is_due_is_put_off_for_ten_seconds_at_most() -> None:
    group = Group("one", "test.Kind")
    group.add(accepted(), START)
    assert group.next_turn(START) == group.due, "not due yet: when it is"
    assert group.next_turn(group.due) == group.due + SLOWEST_POLL


def test_a_group_is_as_urgent_as_what_is_left_of_it() -> None:
    group, first, second = Group("one", "test.Kind"), accepted(), accepted()
    first.urgency, second.urgency = 7, 3
    group.add(first, START)
    group.add(second, START)
    assert group.urgency == 3
    group.looked([first, second], {id(second)}, START + 1.0)
    assert group.urgency == 7
