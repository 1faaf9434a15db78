"""Group commit: those who come while a write is under way go into the next one together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType

import pytest

from orchestra.contracts import Store
from orchestra.engine.journal import Journal
from orchestra.engine.leases import Tenancy
from orchestra.errors import InternalError
from orchestra.state.journal import Holder, Intent, Lease, Outcome
from orchestra.stores.memory import MemoryStore
from orchestra.testing import VirtualClock
from orchestra.testing.samples import intent, outcome, record

WIDTH = 16


class Queue:
    """The lock under which writes are made, with a door: the first write waits until all the others stand before it."""

    def __init__(self, expected: int) -> None:
        self._lock = threading.Lock()
        self._arriving = threading.Lock()
        self._expected = expected
        self._first = threading.Event()
        self._all = threading.Event()

    def __enter__(self) -> None:
        with self._arriving:
            self._expected -= 1
            if self._expected == 0:
                self._all.set()
        self._lock.acquire()
        if not self._first.is_set():
            self._first.set()
            assert self._all.wait(60.0)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()


class Noting:
    """A store that notes how much each of its writes holds, and refuses the outcomes of ``refused``."""

    def __init__(self, store: Store, refused: str = "") -> None:
        self._store = store
        self._refused = refused
        self.begun: list[int] = []
        self.committed: list[int] = []

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        self.begun.append(len(intents))
        self._store.begin(lease, intents)

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        if any(one.address == self._refused for one in outcomes):
            raise InternalError("this can't be written")
        self.committed.append(len(outcomes))
        return self._store.commit(lease, outcomes)


def written(refused: str = "") -> tuple[Noting, list[Exception]]:
    """``WIDTH`` threads that write one intent each, then ``WIDTH`` that write one outcome each."""
    clock = VirtualClock()
    store = MemoryStore(deployment="production", clock=clock, lease_seconds=60.0)
    lease = store.acquire(Holder(user="a", host="b", process=1))
    noting = Noting(store, refused)
    journal = Journal(noting, Tenancy(store, clock, lease))  # type: ignore[arg-type]
    errors: list[Exception] = []

    def begin(number: int) -> None:
        journal.begin(intent(number))

    def commit(number: int) -> None:
        try:
            journal.commit([outcome(number, settles=intent(number), write=(record(number),))])
        except Exception as error:
            errors.append(error)

    for work in (begin, commit):
        journal._writing = Queue(WIDTH)  # type: ignore[assignment]
        threads = [threading.Thread(target=work, args=(number,)) for number in range(WIDTH)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(store.load().records) == WIDTH - len(errors)
    return noting, errors


def test_what_comes_meanwhile_is_one_transaction() -> None:
    noting, errors = written()
    assert not errors
    assert noting.begun == [WIDTH]
    assert noting.committed == [WIDTH]


def test_what_cannot_be_written_takes_nothing_with_it() -> None:
    refused = str(outcome(3).address)
    noting, errors = written(refused)
    assert [type(error) for error in errors] == [InternalError]
    assert sum(noting.committed) == WIDTH - 1


@pytest.mark.parametrize("number", [0, 1])
def test_nothing_is_no_transaction(number: int) -> None:
    clock = VirtualClock()
    store = MemoryStore(deployment="production", clock=clock, lease_seconds=60.0)
    noting = Noting(store)
    journal = Journal(noting, Tenancy(store, clock, store.acquire(Holder(user="a", host="b", process=1))))  # type: ignore[arg-type]
    journal.commit([outcome(one, write=(record(one),)) for one in range(number)])
    assert noting.committed == [1] * number
