"""A process that was stopped between its intent and a request sends nothing once another has taken over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy

import orchestra as oc
from orchestra import permit
from orchestra.clouds.families.simulated import Behaviour, simulated
from orchestra.clouds.families.simulated.behaviour import Call
from orchestra.contracts import Store
from orchestra.engine.leases import RESERVE, Tenancy
from orchestra.errors import LeaseLostError, StateError
from orchestra.state.journal import Holder, Lease
from orchestra.stores import MemoryStore, open_store
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)

OTHER = Holder(user="bea", host="elsewhere", process=7, purpose="another apply")


class Moved(VirtualClock):
    """A clock whose two sides can be moved by themselves, as a suspended machine's are, or one that is set."""

    def __init__(self) -> None:
        super().__init__()
        self.steady = 0.0

    def monotonic(self) -> float:
        return self.steady


class Counting:
    """A store that counts renewals and can be out of reach."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.renewed = 0
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def renew(self, lease: Lease) -> None:
        if self.is_away:
            raise StateError("the server is away")
        self.renewed += 1
        self._store.renew(lease)


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
def store(clock: Moved) -> Any:
    return Counting(MemoryStore(deployment="test", clock=clock, lease_seconds=60.0))


@pytest.fixture
def tenancy(store: Any, clock: Moved) -> Tenancy:
    return Tenancy(store, clock, store.acquire(Holder(user="ada", host="here", process=1)))


def test_while_the_lease_surely_lasts_nobody_is_asked(store: Any, clock: Moved, tenancy: Tenancy) -> None:
    clock.steady += 60.0 * (1.0 - RESERVE) - 1.0
    clock.advance(60.0 * (1.0 - RESERVE) - 1.0)
    tenancy.check()
    assert store.renewed == 0


@pytest.mark.parametrize(("steady", "wall"), [(50.0, 0.0), (0.0, 50.0), (50.0, -900.0)])
def test_the_stricter_of_both_clocks_counts(
    store: Any, clock: Moved, tenancy: Tenancy, steady: float, wall: float
) -> None:
    """A suspended machine's steady clock stands still, and a wall clock may be set back."""
    clock.steady += steady
    clock._time += wall
    tenancy.check()
    tenancy.check()
    assert store.renewed == 1, "once it is renewed it lasts again"


def test_every_write_prolongs_it_from_when_it_began(store: Any, clock: Moved, tenancy: Tenancy) -> None:
    clock.advance(40.0)
    with tenancy.prolonging():
        store.begin(tenancy.lease, [])
    clock.advance(40.0)
    tenancy.check()
    assert store.renewed == 0
    with tenancy.prolonging():
        clock.advance(50.0)  # the process was stopped in the middle: who knows when the store prolonged it
    tenancy.check()
    assert store.renewed == 1


def test_a_lease_that_another_took_is_lost_for_good(store: Any, clock: Moved, tenancy: Tenancy) -> None:
    clock.advance(61.0)
    store.acquire(OTHER)
    for _ in range(3):
        with pytest.raises(LeaseLostError, match=r"bea@elsewhere, process 7 \(another apply\) has held it since"):
            tenancy.check()
    assert store.renewed == 1


def test_without_the_store_nothing_is_sent_that_the_lease_may_not_cover(
    store: Any, clock: Moved, tenancy: Tenancy
) -> None:
    clock.advance(61.0)
    store.is_away = True
    with pytest.raises(StateError, match="away"):
        tenancy.check()
    store.is_away = False
    tenancy.check()


def test_many_threads_renew_it_once(store: Any, clock: Moved, tenancy: Tenancy) -> None:
    clock.advance(61.0)
    threads = [threading.Thread(target=tenancy.check) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.renewed == 1


def test_only_what_is_sent_inside_needs_a_permit() -> None:
    asked: list[int] = []
    permit.ask()
    with permit.permitted(lambda: asked.append(1)):
        assert asked == [1], "asked for on the way in, for providers that don't ask"
        permit.ask()
    permit.ask()
    assert asked == [1, 1]


# -- whole runs


@pytest.fixture
def others() -> Iterator[list[Any]]:
    """Stores to be closed."""
    opened: list[Any] = []
    yield opened
    for one in opened:
        one.close()


class Stopping:
    """A store after whose first ``begin`` the process is stopped for a while."""

    def __init__(self, store: Store, stop: Callable[[], None], number: int) -> None:
        self._store = store
        self._stop = stop
        self._left = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, lease: Lease, intents: Any) -> None:
        self._store.begin(lease, intents)
        self._begun()

    def enter(self, lease: Lease, outcomes: Any, intents: Any) -> int:
        serial = self._store.enter(lease, outcomes, intents)
        self._begun()
        return serial

    def _begun(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._stop()


def lost_in(error: oc.ApplyError) -> bool:
    return [type(cause) for cause in error.exceptions] == [LeaseLostError]


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_nothing_is_sent_when_the_lease_is_lost_between_intent_and_request(
    tmp_path: Path, operation: str, others: list[Any]
) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    if operation != "create":
        deploy(Chain(servers=1), cloud, tmp_path, clock=clock).apply()
    stack = Chain(servers=0) if operation == "delete" else Chain(servers=1, env="other")
    deployment = deploy(stack, cloud, tmp_path, clock=clock)
    plan = deployment.plan()

    def stop() -> None:
        clock.advance(61.0)
        others.append(open_store(tmp_path / "state.db", deployment="test", clock=clock))
        others[-1].acquire(OTHER)

    deployment._store = Stopping(deployment.store, stop, 1)  # type: ignore[assignment]
    before = len(cloud.operations())
    with pytest.raises(oc.ApplyError) as failed:
        deployment.apply(plan)
    assert lost_in(failed.value)
    assert len(cloud.operations()) == before
    assert len(deployment.store.load().pending) >= 1


def test_a_lease_that_nobody_took_is_renewed_and_the_run_goes_on(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=clock)
    counting = Counting(deployment.store)
    deployment._store = Stopping(counting, lambda: clock.advance(3_600.0), 1)  # type: ignore[assignment, arg-type]
    deployment.apply()
    assert counting.renewed >= 1
    assert deployment.plan().is_empty


class Watching:
    """Counts the requests of a simulated cloud; stops the process after one of them."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.stop: Callable[[], None] = lambda: None
        self.stops_after = ""

    def before(self, call: Call) -> None:
        self.seen.append(call.action)

    def after(self, call: Call) -> None:
        if call.action == self.stops_after:
            self.stop()


class Open(oc.Stack):
    """A network whose creation takes two requests: it has a gateway."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", internet=True)


def test_the_second_request_of_a_creation_is_not_sent_under_a_lost_lease(tmp_path: Path, others: list[Any]) -> None:
    clock, watching = VirtualClock(), Watching()
    cloud = simulated(tmp_path / "cloud.db", behaviour=Behaviour(faults=watching), clock=clock)
    deployment = deploy(Open(), cloud, tmp_path, clock=clock)
    plan = deployment.plan()

    def stop() -> None:
        clock.advance(61.0)
        others.append(open_store(tmp_path / "state.db", deployment="test", clock=clock))
        others[-1].acquire(OTHER)

    watching.stop, watching.stops_after = stop, "ex_create_network"
    with pytest.raises(oc.ApplyError) as failed:
        deployment.apply(plan)
    assert lost_in(failed.value)
    assert cloud.inventory() == {"network.Network": 1}, "no gateway"
    deployment.break_lease()
    watching.stops_after = ""
    deployment.apply()  # whoever comes next completes it
    assert cloud.inventory() == {"network.Network": 1, "network.Gateway": 1}
    assert deployment.plan().is_empty
    cloud.close()
