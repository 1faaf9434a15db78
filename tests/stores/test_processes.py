"""Several processes on one state file, and processes that are killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.contracts import Store
from orchestra.errors import LeaseLostError, LockedError
from orchestra.state.journal import Phase, RunStatus
from orchestra.stores import open_store
from tests.stores.samples import ManualClock, intent, outcome, record, this_process

ROOT = Path(__file__).parents[2]


class Child:
    """A running ``tests.stores.child``."""

    def __init__(self, action: str, path: Path, purpose: str = "apply") -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", "tests.stores.child", action, str(path), purpose],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        """The next line that it says."""
        assert self.running.stdout is not None
        return self.running.stdout.readline().strip()

    def tell(self) -> None:
        """Let it go on."""
        assert self.running.stdin is not None
        self.running.stdin.write("\n")
        self.running.stdin.flush()

    def kill(self) -> None:
        """Kill it at once, and wait until it is gone."""
        self.running.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Close its input and wait for it."""
        assert self.running.stdin is not None
        assert self.running.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.running.stdin.close()
        self.running.wait()
        self.running.stdout.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@contextlib.contextmanager
def child(action: str, path: Path, purpose: str = "apply") -> Iterator[Child]:
    started = Child(action, path, purpose)
    try:
        yield started
    finally:
        started.running.kill()
        started.end()


def opened(path: Path, clock: ManualClock | None = None) -> Store:
    return open_store(path, deployment="production", clock=clock or ManualClock())


def test_call_of_a_killed_process_is_pending_for_the_next(path: Path) -> None:
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


def test_lease_of_a_living_process_is_not_taken(path: Path) -> None:
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


def test_of_two_that_race_for_the_lease_one_wins(path: Path) -> None:
    opened(path).close()
    with child("race", path, "one") as one, child("race", path, "two") as two:
        children = (one, two)
        assert [racer.hear() for racer in children] == ["ready", "ready"]
        for racer in children:
            racer.tell()
        answers = [racer.hear() for racer in children]
        assert sorted(answer.split()[0] for answer in answers) == ["lost", "won"]
        winner = children[answers.index("won")]
        loser_says = next(answer for answer in answers if answer != "won")
        assert f"process {winner.running.pid} ({'one' if winner is one else 'two'})" in loser_says


def test_of_two_that_race_to_make_the_file_both_get_the_same(path: Path) -> None:
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


def test_what_was_told_as_written_is_there_after_a_kill(path: Path) -> None:
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


def test_process_that_lost_its_lease_writes_no_more(path: Path) -> None:
    clock = ManualClock()
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
