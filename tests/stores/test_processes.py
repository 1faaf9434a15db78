"""Several processes on one state, and processes that are killed."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from orchestra.contracts import Store
from orchestra.errors import LeaseLostError, LockedError
from orchestra.state.journal import Phase, RunStatus
from orchestra.stores import open_store
from orchestra.testing import VirtualClock
from orchestra.testing.samples import intent, outcome, record, this_process
from tests.stores.children import child


@pytest.fixture(params=["sqlite", "postgresql"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What a new state is opened by."""
    if request.param == "sqlite":
        return str(tmp_path / "state.db")
    url: str = request.getfixturevalue("postgres").new_url()
    return url


def opened(path: str, clock: VirtualClock | None = None) -> Store:
    return open_store(path, deployment="production", clock=clock or VirtualClock())


def test_call_of_a_killed_process_is_pending_for_the_next(path: str) -> None:
    with child("begin", path) as other:
        assert other.hear() == "begun"
        other.kill()
    store = opened(path)
    found = store.load()
    assert (found.serial, dict(found.records), found.pending) == (2, {}, (intent(0),))
    assert [entry.phase for entry in store.journal()] == [Phase.BEGUN]
    assert [run.status for run in store.runs()] == [RunStatus.RUNNING]

    lease = store.acquire(this_process())  # at once: the holder is gone
    assert lease.fence == 2
    store.commit(lease, [outcome(0, settles=found.pending[0], write=(record(0),))])
    assert store.load().pending == ()
    store.close()


def test_lease_of_a_living_process_is_not_taken(path: str) -> None:
    with child("begin", path, "nightly apply") as other:
        assert other.hear() == "begun"
        store = opened(path)
        with pytest.raises(LockedError) as caught:
            store.acquire(this_process())
        assert f"process {other.running.pid} (nightly apply)" in caught.value.holder
        assert caught.value.since == "2023-11-14T22:13:20Z"
        assert store.load().pending == (intent(0),)
        other.tell()
        other.end()
        assert store.load().pending == ()
        store.close()


def test_of_twenty_that_race_for_the_lease_one_wins(path: str) -> None:
    opened(path).close()
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(child("race", path, f"racer {number}")) for number in range(20)]
        assert {racer.hear() for racer in racers} == {"ready"}
        for racer in racers:
            racer.tell()
        answers = [racer.hear() for racer in racers]
        assert sorted(answer.split()[0] for answer in answers) == ["lost"] * 19 + ["won"]
        winner = answers.index("won")
        losers = {answer for answer in answers if answer != "won"}
        assert len(losers) == 1
        assert f"process {racers[winner].running.pid} (racer {winner})" in losers.pop()
    with contextlib.closing(opened(path)) as store:
        assert store.load().serial == 0
        assert store.acquire(this_process()).fence == 2


def test_of_two_that_race_to_make_the_state_both_get_the_same(path: str) -> None:
    with child("race", path) as one, child("race", path) as two:
        assert [one.hear(), two.hear()] == ["ready", "ready"]
        store = opened(path)
        lineage = store.load().lineage
        one.tell()
        assert one.hear() == "won"
        two.tell()
        assert two.hear().startswith("lost to ")
        assert store.load().lineage == lineage
        store.close()


def test_what_was_told_as_written_is_there_after_a_kill(path: str) -> None:
    with child("write", path) as other:
        told = [int(other.hear()) for _ in range(25)]
        other.kill()
    store = opened(path)
    found = store.load()
    assert found.serial >= told[-1] == 50
    assert len(found.records) == found.serial // 2
    assert len(found.pending) == found.serial % 2
    assert len(store.journal()) == found.serial
    store.close()


def test_process_that_lost_its_lease_writes_no_more(path: str) -> None:
    clock = VirtualClock()
    first, second = opened(path, clock), opened(path, clock)
    old = first.acquire(this_process())
    first.begin(old, [intent(0)])
    clock.sleep(61.0)
    new = second.acquire(this_process())
    with pytest.raises(LeaseLostError):
        first.commit(old, [outcome(0, settles=intent(0), write=(record(0),))])
    assert second.load().pending == (intent(0),)
    second.commit(new, [outcome(0, settles=intent(0), write=(record(0),))])
    assert first.load() == second.load()
    first.close()
    second.close()
