"""The lease while a run goes on, and stores that fail in the middle."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import causes
from virtual_clock import VirtualClock

import orchestra as oc
from orchestra.contracts import Store
from orchestra.engine.journal import Journal
from orchestra.engine.leases import held
from orchestra.errors import LeaseLostError, StateError
from orchestra.model.address import Address
from orchestra.state.journal import Holder, Intent, Lease, Operation, Outcome, Phase
from orchestra.stores import open_store

pytestmark = pytest.mark.timeout(20)

HOLDER = Holder(user="ada", host="here", process=1)


class Renewing:
    """A store whose renewals fail now and then."""

    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.renewed = 0
        self.through = threading.Event()
        self.released = False

    def acquire(self, holder: Holder) -> Lease:
        return Lease(holder=holder, fence=1, expires=0.0)

    def renew(self, lease: Lease) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if not self.faults:
            self.through.set()
        if fault is not None:
            raise fault
        self.renewed += 1

    def release(self, lease: Lease) -> None:
        self.released = True


def test_the_heart_goes_on_beating_when_the_store_could_not_be_reached() -> None:
    store: Any = Renewing(StateError("busy"), oc.InternalError("odd"), None)
    with held(store, HOLDER, 0.001):
        assert store.through.wait(10.0)
    assert store.renewed >= 1
    assert store.released


def test_the_heart_stops_when_the_lease_is_lost() -> None:
    store: Any = Renewing(LeaseLostError("gone"), None)
    with held(store, HOLDER, 0.001):
        assert not store.through.wait(0.1)
    assert store.renewed == 0


def test_a_lease_that_can_not_be_given_back_hides_no_error() -> None:
    class Stuck(Renewing):
        def release(self, lease: Lease) -> None:
            raise StateError("the disk is full")

    store: Any = Stuck()
    with pytest.raises(ValueError, match="first"), held(store, HOLDER, 60.0):
        raise ValueError("first")
    with pytest.raises(StateError, match="full"), held(store, HOLDER, 60.0):
        pass


class Failing:
    """A store whose ``method`` raises from its ``number``-th call on."""

    def __init__(self, store: Store, method: str, number: int = 1, times: int = 1_000) -> None:
        self._store = store
        self._method = method
        self._number = number
        self._times = times
        self.lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            with self.lock:
                self._number -= 1
                if self._number <= 0 and self._number > -self._times:
                    return self._fail
        return getattr(self._store, name)

    def _fail(self, *given: Any) -> None:
        raise StateError("the disk is full", remedy="make room")


def failing(folder: Path, cloud: MemoryCloud, method: str, number: int, **more: Any) -> oc.Deployment:
    deployment = deploy(Chain(servers=6), cloud, folder, clock=VirtualClock(), **more)
    deployment._store = Failing(deployment.store, method, number)  # type: ignore[assignment]
    return deployment


@pytest.mark.parametrize("width", [1, 16])
@pytest.mark.parametrize("method", ["begin", "commit"])
@pytest.mark.parametrize("number", [1, 2, 3, 5])
@pytest.mark.parametrize("polls", [0, 2])
def test_a_store_that_fails_in_the_middle_loses_nothing(
    tmp_path: Path, method: str, number: int, width: int, polls: int
) -> None:
    cloud = MemoryCloud(polls_until_ready=polls)
    with pytest.raises(oc.ApplyError) as caught:
        failing(tmp_path, cloud, method, number, width=width).apply()
    assert [str(cause) for cause in caught.value.exceptions] == ["the disk is full\n  to do: make room"]
    calls = len(cloud.operations())
    deployment = deploy(Chain(servers=6), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 9
    assert deployment.store.load().pending == ()
    assert calls <= 9


def test_an_end_that_can_not_be_written_hides_no_failure(tmp_path: Path) -> None:
    cloud = MemoryCloud()

    def refuse(operation: str, kind: str, what: str) -> None:
        if what == "zone" and operation == "create":
            raise oc.QuotaError("no more zones")

    cloud.before = refuse
    with pytest.raises(oc.ApplyError) as caught:
        failing(tmp_path, cloud, "finish_run", 1).apply()
    assert causes(caught.value) == {"zone": oc.QuotaError}


def test_an_end_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="full"):
        failing(tmp_path, MemoryCloud(), "finish_run", 1).apply()


def outcome(address: str, detail: str = "") -> Outcome:
    return Outcome(
        run="r",
        address=Address(address),
        operation=Operation.RECORD,
        phase=Phase.DONE,
        at=0.0,
        detail=detail,
    )


class Held:
    """A store that makes writers wait until all of them are there, so that they go into one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.first_in = threading.Event()
        self.go_on = threading.Event()
        self.transactions: list[int] = []

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        self._store.begin(lease, intents)

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        if not self.first_in.is_set():
            self.first_in.set()
            self.go_on.wait(10.0)
        self.transactions.append(len(outcomes))
        return self._store.commit(lease, outcomes)


def test_what_can_not_be_written_takes_nobody_elses_outcome_with_it(tmp_path: Path) -> None:
    real = open_store(tmp_path / "state.db", deployment="test", clock=VirtualClock(), lease_seconds=60.0)
    store: Any = Held(real)
    journal = Journal(store, real.acquire(HOLDER))
    errors: dict[str, Exception] = {}

    def write(one: Outcome) -> None:
        try:
            journal.commit([one])
        except Exception as error:
            errors[one.address] = error

    first = threading.Thread(target=write, args=(outcome("first"),))
    first.start()
    store.first_in.wait(10.0)
    others = [outcome("good"), outcome("bad", "\ud800"), outcome("fine")]
    threads = [threading.Thread(target=write, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    while len(journal._next) < len(others):
        threading.Event().wait(0.001)
    store.go_on.set()
    for thread in (first, *threads):
        thread.join()
    assert set(errors) == {"bad"}
    assert {entry.address for entry in real.journal()} == {"first", "good", "fine"}
    assert store.transactions == [1, 3, 1, 1, 1]
    real.close()
