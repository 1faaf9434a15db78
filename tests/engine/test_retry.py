"""Trying again: how often, after how long, and how many calls a cloud gets at once meanwhile."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import always, causes

import orchestra as oc
from orchestra.engine import retry
from orchestra.engine.retry import Budget, Concurrency
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)


def test_pauses_grow_to_a_bound_with_full_jitter() -> None:
    chance = random.Random(1)
    error = oc.TransientError("reset")
    for attempt in (1, 2, 5, 40, 5_000):
        pauses = [retry.delay(error, attempt, chance) for _ in range(200)]
        assert 0.0 <= min(pauses) < 0.2 * max(pauses)
        assert max(pauses) <= min(retry.CAP, retry.BASE * 2.0 ** min(attempt - 1, 20))
    assert retry.delay(oc.ThrottledError("slow", retry_after=33.0), 1, chance) >= 33.0


def test_a_cloud_that_throttles_without_end_fails_its_step_at_the_deadline(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    cloud.before = always("create", "web[0]", lambda: oc.ThrottledError("slow down"))
    rules = oc.Lifecycle(create_timeout=40.0)
    deployment = deploy(Chain(servers=1, lifecycle=rules), cloud, tmp_path, clock=clock)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"web[0]": oc.ThrottledError}
    assert clock.now() - 1_700_000_000.0 <= 45.0
    assert set(deployment.resources) == {"network", "subnet", "zone"}
    assert deployment.store.load().pending == ()


def test_a_throttled_cloud_gets_fewer_calls_at_once(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    lock = threading.Lock()
    under_way = 0
    most: list[int] = []
    refused = 0

    def before(operation: str, kind: str, what: str) -> None:
        nonlocal under_way, refused
        if operation != "create" or kind != "compute.Server":
            return
        with lock:
            if refused < 8:
                refused += 1
                raise oc.ThrottledError("slow down")
            under_way += 1
            most.append(under_way)
        threading.Event().wait(0.005)
        with lock:
            under_way -= 1

    cloud.before = before
    deployment = deploy(Chain(servers=24), cloud, tmp_path, clock=clock, width=8)
    deployment.apply()
    assert len(cloud.things) == 27
    assert max(most[:4]) <= 2, "after eight refusals one call at a time is sent, retries included"


def test_steps_that_wait_for_a_throttled_cloud_keep_their_places() -> None:
    limit = Concurrency(4.0)
    limit.begin()
    limit.end_throttled()
    assert limit.limit == 2.0
    assert limit.has_room
    limit.begin()
    limit.end_throttled()
    assert limit.limit == 1.0
    assert not limit.has_room, "two wait to be tried again: nothing new is begun before them"
    assert limit.can_retry
    limit.begin_again()
    assert not limit.can_retry
    limit.end_well()
    limit.begin_again()
    limit.end_well()
    assert limit.has_room


def test_calls_that_were_under_way_together_halve_the_limit_once() -> None:
    limit = Concurrency(16.0)
    for _ in range(16):
        limit.begin()
    assert [limit.end_throttled() for _ in range(10)] == [True] + [False] * 9
    for _ in range(6):
        limit.end_well()
    assert 8.0 < limit.limit < 9.0
    limit.begin_again()
    assert limit.end_throttled(), "sent since then: it tells something new"
    assert limit.limit < 4.5


# -- the budget of a cloud


def test_a_budget_pays_for_a_hundred_repetitions_and_is_filled_by_what_goes_through() -> None:
    budget = Budget()
    assert [budget.take() for _ in range(101)] == [True] * 100 + [False]
    for _ in range(Budget.COST - 1):
        budget.refill(repeated=False)
    assert not budget.take()
    budget.refill(repeated=False)
    assert budget.take()
    budget.refill(repeated=True)
    assert budget.take()
    for _ in range(1_000):
        budget.refill(repeated=True)
    assert budget.tokens == Budget.CAPACITY


@pytest.mark.parametrize("width", [1, 16])
def test_a_cloud_that_is_down_is_not_hammered(tmp_path: Path, width: int) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()

    def down(operation: str, kind: str, what: str) -> None:
        if operation == "create" and kind == "compute.Server":
            raise oc.TransientError("no connection to it could be made", sent=False)

    cloud.before = down
    deployment = deploy(Chain(servers=200), cloud, tmp_path, clock=clock, width=width)
    with pytest.raises(oc.ApplyError) as failed:
        deployment.apply()
    assert len(failed.value.exceptions) == 200
    told: Any = next(cause for cause in failed.value.exceptions if "retries are used up" in str(cause))
    assert str(told) == (
        f"{told.address}: no connection to it could be made (not tried again: so many "
        "calls to the cloud 'memory' failed that its retries are used up)"
    )
    attempts = sum(1 for operation, kind, _ in cloud.calls if (operation, kind) == ("create", "compute.Server"))
    assert attempts == 200 + Budget.CAPACITY // Budget.COST, "not eight for each"
    assert set(deployment.resources) == {"network", "subnet", "zone"}


def test_each_cloud_has_a_budget_of_its_own_and_throttling_costs_none(tmp_path: Path) -> None:
    assert not retry.is_budgeted(oc.ThrottledError("slow"))
    assert not retry.is_budgeted(oc.InUseError("used"))
    assert retry.is_budgeted(oc.TransientError("cut"))
    assert Concurrency(1.0).budget is not Concurrency(1.0).budget
