"""How many calls a second a cloud is sent: what it takes, hardly more, and more again once it takes more."""

from __future__ import annotations

import math
import random

import attrs
import pytest

from orchestra.engine.pacing import (
    BACK,
    LONGEST,
    REGAINED,
    REGAINED_AT_FIRST,
    REGAINED_AT_MOST,
    REGAINED_CALLS,
    RISEN,
    Pace,
)

START = 1_000.0


@attrs.define
class Bucket:
    """Permits ``rate`` calls a second, and a second's worth at once."""

    rate: float
    left: float = attrs.field(init=False)
    at: float = START

    def __attrs_post_init__(self) -> None:
        self.left = max(1.0, self.rate)

    def take(self, now: float) -> bool:
        self.left = min(max(1.0, self.rate), self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


def driven(pace: Pace, bucket: Bucket, until: float, chance: random.Random) -> tuple[int, int]:
    """How many calls went through, and how many were refused, while there was always one to be made."""
    passed = refused = 0
    while (now := max(bucket.at, pace.next_at)) < until:
        now = max(now, bucket.at + 0.001)
        pace.sent(now)
        if bucket.take(now):
            passed += 1
        else:
            refused += 1
            pace.refused(now, True, 0.0, chance)
    return passed, refused


def refused_once(rate: float) -> Pace:
    """A pace after calls for ten seconds at ``rate``, and then a refusal at `START`."""
    pace = Pace()
    for number in range(int(10 * rate) + 1):
        pace.sent(START - 10.0 + number / rate)
    pace.refused(START, True, 0.0, random.Random(1))
    return pace


def test_nothing_is_held_back_until_a_call_is_refused() -> None:
    pace = Pace()
    for _ in range(10_000):
        assert pace.is_open(START)
        pace.sent(START)
    assert math.isinf(pace.rate(START))


def test_a_refusal_takes_the_pace_back_and_it_is_regained() -> None:
    pace = refused_once(8.0)
    spans = [part * REGAINED_AT_FIRST for part in (0.0, 1.0, 2.0, 4.0)]
    assert [pace.rate(START + span) for span in spans] == pytest.approx(
        [8.0 * (1.0 + BACK * part) for part in (-1.0, 0.0, 1.0, 27.0)]
    )


@pytest.mark.parametrize(("rate", "regained"), [(8.0, REGAINED), (1.0, REGAINED_CALLS), (0.1, REGAINED_AT_MOST)])
def test_what_was_measured_is_regained_after_some_calls_and_then_exceeded(rate: float, regained: float) -> None:
    pace = Pace(peak=rate, since=START, is_first=False)
    rates = [pace.rate(START + span) for span in (0.0, regained, regained + RISEN)]
    assert rates == pytest.approx([rate * (1.0 + BACK * part) for part in (-1.0, 0.0, 1.0)])


def test_calls_are_spaced_and_made_good_for_when_one_is_sent_late() -> None:
    pace = refused_once(8.0)
    first = pace.next_at
    assert not pace.is_open(first - 0.001)
    pace.sent(first)
    assert pace.next_at - first == pytest.approx(1.0 / pace.rate(first))
    late = pace.next_at + 0.1
    pace.sent(late)
    assert pace.next_at < late + 1.0 / pace.rate(late) - 0.09


@pytest.mark.parametrize("rate", [2.0, 5.0, 20.0, 200.0])
def test_nine_tenths_of_what_a_cloud_permits_are_used(rate: float) -> None:
    passed, refused = driven(Pace(), Bucket(rate), START + 300.0, random.Random(7))
    assert passed >= 0.9 * 300.0 * rate
    assert refused <= 0.15 * passed


def test_a_cloud_that_lets_nothing_through_is_asked_less_and_less() -> None:
    pace, chance, now, pauses = Pace(), random.Random(3), START, []
    for _ in range(40):
        pace.sent(now)
        pace.refused(now, True, 0.0, chance)
        pauses.append(pace.next_at - now)
        now = pace.next_at
    assert sum(pauses[20:]) / 20 > 8.0 > 4.0 * pauses[0]
    assert max(pauses) <= 1.5 * LONGEST


def test_a_cloud_that_takes_more_than_before_is_soon_sent_more() -> None:
    pace, chance = Pace(), random.Random(5)
    driven(pace, Bucket(1.0), START + 120.0, chance)
    assert pace.rate(START + 120.0) < 2.0
    passed, _ = driven(pace, Bucket(50.0, at=START + 120.0), START + 180.0, chance)
    assert passed >= 0.5 * 60.0 * 50.0


def test_a_cloud_that_takes_less_than_before_is_soon_sent_less() -> None:
    pace, chance = Pace(), random.Random(5)
    driven(pace, Bucket(50.0), START + 60.0, chance)
    _, refused = driven(pace, Bucket(2.0, at=START + 60.0), START + 180.0, chance)
    assert refused <= 60
    assert pace.rate(START + 180.0) < 4.0


def test_refusals_of_calls_sent_together_count_once() -> None:
    pace = Pace()
    for _ in range(16):
        pace.sent(START)
    for number in range(12):
        pace.refused(START, number == 0, 0.0, random.Random(1))
    assert pace.rate(START + REGAINED_AT_FIRST) == pytest.approx(4.0), "four of sixteen went through within a second"
    again = refused_once(8.0)
    before = again.rate(START + 1.0)
    again.sent(START + 1.0)
    for number in range(5):
        again.refused(START + 1.0, number == 0, 0.0, random.Random(1))
    assert again.rate(START + 1.0) >= 0.4 * before


def test_what_the_cloud_says_to_wait_is_waited_by_all_calls() -> None:
    pace = refused_once(8.0)
    pace.refused(START + 0.1, False, 30.0, random.Random(1))
    assert not pace.is_open(START + 30.0)
    assert pace.is_open(START + 30.2)
    pace.refused(START + 0.2, True, 0.0, random.Random(1))
    assert not pace.is_open(START + 30.0), "another refusal, without a time to wait, takes nothing of that back"


def test_two_processes_that_are_refused_together_come_back_apart() -> None:
    times = set()
    for seed in range(10):
        pace = Pace()
        pace.sent(START)
        pace.refused(START, True, 0.0, random.Random(seed))
        times.add(round(pace.next_at, 3))
    assert len(times) == 10
