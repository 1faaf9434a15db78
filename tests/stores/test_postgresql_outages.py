"""PostgreSQL dies, its connections break, its clients die: nothing acknowledged is lost, nothing is written twice."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import psycopg
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

import orchestra as oc
from orchestra.contracts import Clock, Store
from orchestra.engine.clock import SystemClock
from orchestra.errors import LeaseLostError, LockedError, StateError
from orchestra.state.journal import Holder, Lease, Phase
from orchestra.stores import MemoryStore, open_store
from orchestra.stores.dialect import Column, Connection, Cursor
from orchestra.stores.postgresql import PostgresDialect
from orchestra.stores.sql import SqlStore
from orchestra.testing import VirtualClock
from orchestra.testing.samples import (
    ELSEWHERE,
    fill,
    intent,
    outcome,
    record,
    run_record,
    this_process,
    without_identity,
)
from orchestra.testing.store_comparison import StoreComparison
from tests.memory_cloud import MemoryCloud
from tests.stores.children import child
from tests.stores.server import SECRET, PostgresServer

if not hasattr(os, "pidfd_open"):
    pytest.skip("the end of a server's processes can only be waited for on Linux", allow_module_level=True)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """That of a schema with nothing in it."""
    return postgres.new_url()


# -- connections that break at a chosen moment


class Breaking(PostgresDialect):
    """Loses its connection at a chosen statement: before the server gets it, or before its answer comes."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.breaks: tuple[str, str] | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def connect(self) -> Connection:
        return Breakable(super().connect(), self)

    def is_usable(self, connection: Connection) -> bool:
        assert isinstance(connection, Breakable)
        return super().is_usable(connection.inner)


class Breakable:
    """One connection of it."""

    def __init__(self, inner: Connection, dialect: Breaking) -> None:
        self.inner = inner
        self.dialect = dialect

    def execute(self, sql: str, columns: Sequence[Column] = (), /) -> Cursor:
        if self.dialect.breaks is None or not sql.startswith(self.dialect.breaks[1]):
            return self.inner.execute(sql, columns)
        moment, _ = self.dialect.breaks
        self.dialect.breaks = None
        if moment == "after":
            self.inner.execute(sql, columns)
        self.inner.close()
        self.dialect.meanwhile()
        raise psycopg.OperationalError("the connection broke")

    def close(self) -> None:
        self.inner.close()


@contextlib.contextmanager
def breakable(
    url: str, clock: VirtualClock | None = None, deployment: str = "production"
) -> Iterator[tuple[Store, Breaking]]:
    dialect = Breaking(url)
    store = SqlStore(dialect, deployment=deployment, clock=clock or VirtualClock(), lease_seconds=60.0)
    with contextlib.closing(store):
        yield store, dialect


OPERATIONS: tuple[Callable[[Store, Lease], object], ...] = (
    lambda store, lease: store.renew(lease),
    lambda store, lease: store.release(lease),
    lambda store, lease: store.break_lease(ELSEWHERE),
    lambda store, lease: store.start_run(lease, run_record(7)),
    lambda store, lease: store.begin(lease, [intent(1), intent(2)]),
    lambda store, lease: store.begin(lease, []),
    lambda store, lease: store.commit(lease, [outcome(1, settles=intent(1), write=(record(1),))]),
    lambda store, lease: store.commit(lease, [outcome(0, remove=(record(0).key,))]),
    lambda store, lease: store.commit(lease, []),
    lambda store, lease: store.finish_run(lease, attrs.evolve(run_record(), ended=9.0)),
    lambda store, lease: store.load().serial,
    lambda store, lease: list(store.runs()),
)


def break_none(store: Store, lease: Lease) -> object:
    store.release(lease)
    return store.break_lease(ELSEWHERE)


def acquire(store: Store, lease: Lease) -> object:
    store.release(lease)
    return store.acquire(ELSEWHERE)


@pytest.mark.parametrize("operation", [*OPERATIONS, break_none, acquire])
def test_an_operation_whose_connection_breaks_happens_once(
    operation: Callable[[Store, Lease], object], url: str
) -> None:
    for breaks in itertools.product(("before", "after"), ("BEGIN", "SELECT", "INSERT", "COMMIT")):
        name = "-".join(breaks)
        reference = MemoryStore(deployment=name, clock=VirtualClock(), lease_seconds=60.0)
        expected = operation(reference, fill(reference, 1))
        with breakable(url, deployment=name) as (store, dialect):
            lease = fill(store, 1)
            dialect.breaks = breaks
            assert operation(store, lease) == expected
            dialect.breaks = None  # where there was no such statement
            assert without_identity(store.load()) == without_identity(reference.load())
            assert (store.journal(), store.runs()) == (reference.journal(), reference.runs())
            assert store.break_lease(ELSEWHERE) == reference.break_lease(ELSEWHERE)
            assert store.acquire(ELSEWHERE) == reference.acquire(ELSEWHERE)


def test_with_connections_that_break_anywhere_all_stores_tell_the_same(postgres: PostgresServer) -> None:
    class Comparison(StoreComparison):
        def __init__(self) -> None:
            self.dialect = Breaking(postgres.new_url())
            super().__init__()

        def open_others(self) -> list[Store]:
            self.dialect.breaks = None
            return [SqlStore(self.dialect, deployment="production", clock=self.clock, lease_seconds=60.0)]

        @rule(
            moment=st.sampled_from(["before", "after"]), statement=st.sampled_from(["COMMIT", "COMMIT", "INSERT", ""])
        )
        def break_soon(self, moment: str, statement: str) -> None:
            self.dialect.breaks = (moment, statement)

    run_state_machine_as_test(Comparison, settings=settings(max_examples=10, stateful_step_count=40))


def test_connection_that_the_server_ends_at_any_statement_changes_nothing(postgres: PostgresServer, url: str) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as admin:

        class Ended(PostgresDialect):
            left = -1
            ended = 0

            def sql(self, statement: str) -> str:
                self.left -= 1
                if self.left == 0:
                    self.ended += 1
                    admin.execute(
                        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                        "WHERE application_name = 'orchestra'"
                    )
                return super().sql(statement)

        dialect = Ended(url)
        store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
        with contextlib.closing(store):
            lease = fill(store, 0)
            serial = store.load().serial
            for number in itertools.count(1):
                dialect.left, before = number, dialect.ended
                assert store.commit(lease, [outcome(number, write=(record(number),))]) == serial + number
                dialect.left = -1
                if dialect.ended == before:  # the write has fewer statements
                    break
            assert number > 7
            assert len(store.load().records) == len(store.journal()) - 2 == number


@pytest.mark.parametrize("moment", ["before", "after"])
def test_write_without_an_answer_is_told_apart_after_another_took_the_lease(moment: str, url: str) -> None:
    clock = VirtualClock()
    with breakable(url, clock) as (store, dialect), breakable(url, clock) as (other, _):
        lease = store.acquire(ELSEWHERE)

        def take_over() -> None:
            clock.sleep(61.0)
            taken = other.acquire(this_process())
            other.start_run(taken, run_record(9))
            other.commit(taken, [outcome(5, write=(record(5),))])

        dialect.breaks, dialect.meanwhile = (moment, "COMMIT"), take_over
        if moment == "after":
            assert store.commit(lease, [outcome(0, write=(record(0),))]) == 1
        else:
            with pytest.raises(LeaseLostError, match="has held it since"):
                store.commit(lease, [outcome(0, write=(record(0),))])
        assert len(store.load().records) == (2 if moment == "after" else 1)
        with pytest.raises(LeaseLostError):
            store.commit(lease, [outcome(1)])


@pytest.mark.parametrize("moment", ["before", "after"])
def test_breaking_a_lease_breaks_none_that_was_taken_after_it(moment: str, url: str) -> None:
    with breakable(url) as (store, dialect), breakable(url) as (other, _):
        lease = store.acquire(ELSEWHERE)
        second: list[Lease] = []

        def take_over() -> None:
            other.release(lease)
            second.append(other.acquire(this_process()))

        dialect.breaks, dialect.meanwhile = (moment, "COMMIT"), take_over
        assert store.break_lease(ELSEWHERE) == lease.holder
        assert other.commit(second[0], [outcome()]) == 1


def test_lease_that_was_taken_without_an_answer_is_not_somebody_elses(url: str) -> None:
    with breakable(url) as (store, dialect):
        dialect.breaks = ("after", "COMMIT")
        lease = store.acquire(this_process())
        assert lease.fence == 1
        assert store.commit(lease, [outcome()]) == 1

    taken: list[Holder] = []
    with breakable(url) as (store, dialect), breakable(url) as (other, _):
        store.break_lease(ELSEWHERE)
        dialect.breaks = ("before", "COMMIT")
        dialect.meanwhile = lambda: taken.append(other.acquire(ELSEWHERE).holder)
        with pytest.raises(LockedError) as caught:
            store.acquire(this_process())
        assert caught.value.holder == str(taken[0])


# -- a server that dies


class RestartingClock(VirtualClock):
    """Starts the server again after some waiting."""

    def __init__(self, server: PostgresServer, after: float) -> None:
        super().__init__()
        self.server = server
        self.ends = self.now() + after
        self.still = threading.Lock()
        """No time passes while somebody holds it."""

    def sleep(self, seconds: float) -> None:
        with self.still:
            was_down = self.now() < self.ends
            super().sleep(seconds)
            if was_down and self.now() >= self.ends:
                self.server.start()


@pytest.fixture
def running(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """The server, which runs again at the end."""
    yield postgres
    if not postgres.is_running:
        postgres.start()


def test_store_waits_for_a_server_that_comes_back(running: PostgresServer, url: str) -> None:
    clock = RestartingClock(running, after=20.0)
    with contextlib.closing(open_store(url, deployment="production", clock=clock)) as store:
        lease = fill(store, 1)
        before = store.load()
        running.kill()
        assert store.commit(lease, [outcome(1, write=(record(1),))]) == before.serial + 1
        assert 20.0 <= clock.now() - 1_700_000_000.0 < 22.0
        assert len(store.load().records) == 2


def test_store_gives_up_on_a_server_that_stays_away_and_goes_on_later(running: PostgresServer, url: str) -> None:
    clock = VirtualClock()
    with contextlib.closing(open_store(url, deployment="production", clock=clock)) as store:
        lease = fill(store, 1)
        before, journal = store.load(), store.journal()
        running.kill()
        uses: tuple[Callable[[], object], ...] = (
            store.load,
            lambda: store.commit(lease, [outcome(1, write=(record(1),))]),
        )
        for use in uses:
            started = clock.now()
            with pytest.raises(StateError) as caught:
                use()
            assert 28.0 < clock.now() - started <= 30.0
            assert str(caught.value).startswith(
                f"the PostgreSQL database 'postgres' at 127.0.0.1:{running.port} was lost and could not be used again "
                "within 30 s: nothing more was written; the last try: "
            )
            assert "to do: see that it runs and can be reached, then run again" in str(caught.value)
            assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"
        running.start()
        assert (store.load(), store.journal()) == (before, journal)
        assert store.commit(lease, [outcome(1, write=(record(1),))]) == before.serial + 1


def test_doubt_that_stays_is_told(running: PostgresServer, url: str) -> None:
    with breakable(url) as (store, dialect):
        lease = store.acquire(this_process())
        dialect.breaks, dialect.meanwhile = ("after", "COMMIT"), running.kill
        with pytest.raises(StateError, match="whether the last write was made can't be told yet"):
            store.begin(lease, [intent(0)])
        running.start()
        assert store.load().pending == (intent(0),)  # it was


def test_what_was_told_as_written_is_there_after_the_server_was_killed(running: PostgresServer, url: str) -> None:
    """A process writes without end while its server is killed and started again, and again."""
    with child("write", url) as writer:
        told = []
        for _ in range(2):
            told += [int(writer.hear()) for _ in range(10)]
            running.kill()
            running.start()
            with contextlib.closing(open_store(url, deployment="production", clock=VirtualClock())) as store:
                found = store.load()
            assert found.serial >= told[-1]
            assert len(found.records) == found.serial // 2
            while told[-1] <= found.serial:  # it goes on by itself
                told.append(int(writer.hear()))
        writer.kill()
    assert told == list(range(2, 2 * len(told) + 1, 2))  # each write counted once
    with contextlib.closing(open_store(url, deployment="production", clock=VirtualClock())) as store:
        found = store.load()
        assert found.serial >= told[-1]
        assert (len(found.records), len(found.pending)) == divmod(found.serial, 2)
        assert len(store.journal()) == found.serial


# -- clients that die or stop


def test_client_killed_before_its_commit_wrote_nothing(url: str) -> None:
    with child("commit", url, module="tests.stores.stalling") as other:
        assert [other.hear(), other.hear()] == ["begun", "before commit"]
        other.kill()
    with contextlib.closing(open_store(url, deployment="production", clock=VirtualClock())) as store:
        lease = store.acquire(this_process())  # at once: the holder is gone, and so is its lock
        found = store.load()
        assert (lease.fence, found.serial, dict(found.records), found.pending) == (2, 1, {}, (intent(0),))
        assert store.commit(lease, [outcome(0, settles=intent(0), write=(record(0),))]) == 2
        assert [entry.phase for entry in store.journal()] == [Phase.BEGUN, Phase.DONE]


def test_client_stopped_before_its_commit_keeps_nobody_out_and_writes_no_more(postgres: PostgresServer) -> None:
    url = postgres.new_url(idle_in_transaction_session_timeout="200ms")
    clock = VirtualClock()
    with child("commit", url, module="tests.stores.stalling") as other:
        assert [other.hear(), other.hear()] == ["begun", "before commit"]
        other.running.send_signal(signal.SIGSTOP)
        clock.sleep(61.0)
        with contextlib.closing(open_store(url, deployment="production", clock=clock)) as store:
            lease = store.acquire(this_process("another apply"))
            found = store.load()
            assert (lease.fence, found.serial, found.pending) == (2, 1, (intent(0),))
            second = outcome(0, settles=intent(0), write=(record(0, text="of the second"),))
            store.commit(lease, [attrs.evolve(second, run="run-2")])
            before, journal = store.load(), store.journal()
            other.running.send_signal(signal.SIGCONT)
            other.tell()
            said = other.hear()
            assert said.startswith("lost: the lease on the state of 'production' is lost: ")
            assert "(another apply) has held it since" in said
            assert (store.load(), store.journal()) == (before, journal)


# -- a deployment whose server dies


class Shop(oc.Stack):
    """Some servers in a network."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.web = [oc.Server(image="i", size="s", subnet=self.subnet) for _ in range(6)]


def deployed(cloud: MemoryCloud, url: str, clock: Clock) -> oc.Deployment:
    return oc.Deployment(Shop(), name="shop", cloud=cloud, state=url, progress=False, clock=clock)


@pytest.mark.parametrize("address", ["network", "web[5]"])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("comes_back", [True, False])
def test_server_killed_amid_an_apply(
    address: str, moment: str, comes_back: bool, running: PostgresServer, url: str
) -> None:
    """One that is back at once is not noticed; where it stays away, the run stops and nothing is lost."""
    cloud = MemoryCloud()

    def kill(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", address) and running.is_running:
            running.kill()
            if comes_back:
                running.start()

    setattr(cloud, moment, kill)
    # threads that wait must give it the time to start; where it doesn't, there is nothing to wait for
    clock = VirtualClock(time.time())
    with deployed(cloud, url, SystemClock() if comes_back else clock) as shop:
        if comes_back:
            assert shop.apply().succeeded
        else:
            with pytest.raises((StateError, oc.ApplyError), match="could not be used again within 30 s"):
                shop.apply()
    cloud.before = cloud.after = lambda operation, kind, what: None
    if not comes_back:
        running.start()
        clock.advance(61.0)  # the lease could not be given back
    with deployed(cloud, url, clock) as shop:
        shop.apply()
        assert shop.plan().is_empty
        assert sorted(thing.owner.address for thing in cloud.things.values()) == sorted(shop.resources)
        assert len(cloud.things) == 8
        assert {record.external_id for record in shop.resources.values()} == set(cloud.things)


@pytest.mark.parametrize("address", ["network", "web[5]"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_apply_waits_for_a_server_that_comes_back(
    address: str, moment: str, running: PostgresServer, url: str
) -> None:
    cloud, clock = MemoryCloud(), RestartingClock(running, after=0.0)
    killed_at: list[float] = []

    def kill(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", address) and not killed_at:
            with clock.still:
                running.kill()
                killed_at.append(clock.now())
                clock.ends = clock.now() + 20.0

    setattr(cloud, moment, kill)
    with deployed(cloud, url, clock) as shop:
        assert shop.apply().succeeded
        assert killed_at
        assert 20.0 <= clock.now() - killed_at[0] < 30.0
        assert shop.plan().is_empty
        assert sorted(thing.owner.address for thing in cloud.things.values()) == sorted(shop.resources)
        assert len(cloud.operations("create")) == len(cloud.things) == 8
