"""The lease while a run goes on, and stores that fail in the middle."""

from __future__ import annotations

import functools
import itertools
import random
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import causes

import orchestra as oc
from orchestra.contracts import Store
from orchestra.engine import leases
from orchestra.engine.clock import SystemClock
from orchestra.engine.journal import Journal
from orchestra.engine.leases import Tenancy, Waiting, acquired, held
from orchestra.errors import LeaseLostError, LockedError, StateError
from orchestra.model.address import Address
from orchestra.state.journal import Holder, Intent, Lease, Operation, Outcome, Phase
from orchestra.stores import open_store
from orchestra.testing import VirtualClock

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
    with held(store, HOLDER, VirtualClock(), 0.001, Waiting()):
        assert store.through.wait(10.0)
    assert store.renewed >= 1
    assert store.released


def test_the_heart_stops_when_the_lease_is_lost() -> None:
    store: Any = Renewing(LeaseLostError("gone"), None)
    with held(store, HOLDER, VirtualClock(), 0.001, Waiting()):
        assert not store.through.wait(0.1)
    assert store.renewed == 0


def test_a_lease_that_can_not_be_given_back_hides_no_error() -> None:
    class Stuck(Renewing):
        def release(self, lease: Lease) -> None:
            raise StateError("the disk is full")

    store: Any = Stuck()
    with pytest.raises(ValueError, match="first"), held(store, HOLDER, VirtualClock(), 60.0, Waiting()):
        raise ValueError("first")
    with pytest.raises(StateError, match="full"), held(store, HOLDER, VirtualClock(), 60.0, Waiting()):
        pass


class Failing:
    """A store that refuses to write from the ``number``-th intent, outcome or else call of ``method`` on."""

    def __init__(self, store: Store, method: str, number: int = 1) -> None:
        self._store = store
        self._method = method
        self._number = number
        self.lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        write = getattr(self._store, name)
        if name != self._method and (name, self._method) not in (("enter", "begin"), ("enter", "commit")):
            return write
        return functools.partial(self._write, write, name)

    def _write(self, write: Callable[..., Any], name: str, lease: Lease, *given: Any) -> Any:
        count = {"begin": len, "commit": len}.get(self._method, lambda _: 1)
        with self.lock:
            self._number -= count(given[name == "enter" and self._method == "begin"])
            if self._number <= 0:
                raise StateError("the disk is full", remedy="make room")
        return write(lease, *given)


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
    journal = Journal(store, Tenancy(store, VirtualClock(), real.acquire(HOLDER)))
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


# -- waiting for a lease


class Shared:
    """A lease that another holds until ``frees`` on the clock; None: for ever."""

    def __init__(self, clock: VirtualClock, frees: float | None) -> None:
        self.clock = clock
        self.frees = None if frees is None else clock.now() + frees
        self.asked: list[float] = []

    def acquire(self, holder: Holder) -> Lease:
        self.asked.append(self.clock.now())
        if self.frees is None or self.clock.now() < self.frees:
            raise LockedError("it is held", holder="bea", since="then")
        return Lease(holder=holder, fence=2, expires=self.clock.now() + 60.0)


def waiting(seconds: float, **more: Any) -> Waiting:
    return Waiting(seconds=seconds, chance=random.Random(1), **more)


def test_nobody_waits_for_a_lease_without_being_asked_to() -> None:
    clock = VirtualClock()
    store: Any = Shared(clock, 1.0)
    with pytest.raises(LockedError):
        acquired(store, HOLDER, clock, Waiting())
    assert (len(store.asked), clock.slept) == (1, ())


def test_a_lease_is_waited_for_with_pauses_that_grow_and_differ() -> None:
    clock = VirtualClock()
    store: Any = Shared(clock, 100.0)
    assert acquired(store, HOLDER, clock, waiting(1_000.0)).fence == 2
    pauses = [after - before for before, after in itertools.pairwise(store.asked)]
    assert max(pauses[:2]) <= leases.FIRST_PAUSE * 2.0
    assert leases.LONGEST_PAUSE / 2.0 < max(pauses) <= leases.LONGEST_PAUSE
    assert len(set(pauses)) == len(pauses)
    assert store.asked[-1] - store.asked[0] <= 100.0 + leases.LONGEST_PAUSE


def test_a_lease_is_asked_for_once_more_when_the_time_is_over() -> None:
    clock = VirtualClock()
    store: Any = Shared(clock, None)
    with pytest.raises(LockedError):
        acquired(store, HOLDER, clock, waiting(30.0))
    assert store.asked[-1] - store.asked[0] == pytest.approx(30.0)


def test_who_waits_for_a_lease_hears_an_interrupt() -> None:
    clock = VirtualClock()
    store: Any = Shared(clock, None)
    with pytest.raises(LockedError):
        acquired(store, HOLDER, clock, waiting(1e6, stop=lambda: len(clock.slept) >= 3))
    assert len(clock.slept) == 3


def locked_by_another(folder: Path, clock: VirtualClock, **more: Any) -> tuple[oc.Deployment, Any, Any]:
    """A deployment whose lease another holds, that store, and the lease."""
    deployment = deploy(Chain(servers=1), MemoryCloud(), folder, clock=clock, **more)
    other = open_store(folder / "state.db", deployment="test", clock=clock)
    return deployment, other, other.acquire(Holder(user="bea", host="elsewhere", process=7, purpose="apply"))


def test_apply_waits_and_then_plans_from_what_the_other_left(tmp_path: Path) -> None:
    """The other one makes everything meanwhile: nothing is stale, and nothing is made twice."""

    class Helping(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 3:
                other.release(lease)
                first.apply()

    clock = Helping()
    second, other, lease = locked_by_another(tmp_path, clock, lock_timeout=60.0)
    first = deploy(Chain(servers=1), second.cloud, tmp_path, clock=VirtualClock(clock.now()))
    run = second.apply()
    assert run.steps == ()
    assert len(second.cloud.things) == 4  # type: ignore[attr-defined]
    assert [past.run.counts for past in second.history()] == [{"create": 4}, {"no-op": 4}]
    other.close()


def test_a_plan_made_before_waiting_is_stale_after_it(tmp_path: Path) -> None:
    class Helping(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 3:
                other.release(lease)
                first.apply()

    clock = Helping()
    second, other, lease = locked_by_another(tmp_path, clock, lock_timeout=60.0)
    first = deploy(Chain(servers=1), second.cloud, tmp_path, clock=VirtualClock(clock.now()))
    with pytest.raises(oc.StalePlanError):
        second.apply(second.plan())
    other.close()


@pytest.mark.parametrize("act", ["apply", "destroy", "adopt"])
def test_every_run_waits_as_long_as_it_was_told_to(tmp_path: Path, act: str) -> None:
    clock = VirtualClock()
    deployment, other, _ = locked_by_another(tmp_path, clock, lock_timeout=20.0)
    deployment.cloud.put("network.Network", "net-1", cidr="10.0.0.0/16", internet=True, labels={})  # type: ignore[attr-defined]
    given = ("network", "net-1") if act == "adopt" else ()
    with pytest.raises(LockedError, match=r"bea@elsewhere, process 7 \(apply\)"):
        getattr(deployment, act)(*given)
    assert clock.now() - 1_700_000_000.0 == pytest.approx(20.0)
    other.close()


@pytest.mark.parametrize("wrong", [-1.0, float("nan")])
def test_a_time_to_wait_that_makes_no_sense_is_refused(tmp_path: Path, wrong: float) -> None:
    with pytest.raises(oc.DefinitionError, match="lock_timeout"):
        deploy(Chain(), MemoryCloud(), tmp_path, lock_timeout=wrong)


@pytest.mark.parametrize("lock_timeout", [0.0, 300.0])
@pytest.mark.parametrize("shared", [True, False], ids=["one deployment", "two deployments"])
def test_two_threads_that_apply_at_once(tmp_path: Path, lock_timeout: float, shared: bool) -> None:
    """One makes everything; the other is refused meanwhile, or waits."""
    cloud = MemoryCloud()
    is_making, may_go_on = threading.Event(), threading.Event()

    def hold(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "network"):
            is_making.set()
            may_go_on.wait(10.0)

    cloud.before = hold
    given: dict[str, Any] = {"cloud": cloud, "folder": tmp_path, "lock_timeout": lock_timeout}
    one = deploy(Chain(servers=3), clock=Knocking(may_go_on), **given)
    other = one if shared else deploy(Chain(servers=3), clock=Knocking(may_go_on), **given)
    errors: list[Exception] = []
    first = threading.Thread(target=one.apply)
    first.start()
    is_making.wait(10.0)
    try:
        other.apply()
    except oc.OrchestraError as error:
        errors.append(error)
    may_go_on.set()
    first.join()
    assert [type(error) for error in errors] == ([] if lock_timeout else [LockedError])
    assert len(cloud.operations("create")) == 6
    assert one.plan().is_empty
    if other is not one:
        other.close()
    one.close()


class Knocking(SystemClock):
    """Lets the other go on as soon as it is waited for."""

    def __init__(self, may_go_on: threading.Event) -> None:
        self._may_go_on = may_go_on

    def sleep(self, seconds: float) -> None:
        self._may_go_on.set()
        super().sleep(min(seconds, 0.01))
