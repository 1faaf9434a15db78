"""What an operation costs in calls to the cloud, SQL statements and commits, counted for fleets of several sizes.

What is promised, for a deployment of ``n`` resources, of which ``k`` are changed:

- A plan of any sort reads the state with as many statements, in one transaction that writes nothing. It asks the cloud
  once whether it is the right one, each portable choice once, and each kind page by page: pages that hold ``n`` things,
  not calls for each thing.
- An apply asks the cloud for what the plan's steps say and for nothing else. What is to be deleted is looked at until
  it is gone: with one list for all of a kind that are being deleted, and one direct look-up of each that a list no
  longer shows.
- An apply writes at most two transactions for a step: its intent, durable before the call leaves, and its outcome. With
  several calls at once, those that come while another is being written go into the next transaction together. What one
  poll finds ready is one transaction. Beside that, a fixed number.
- Recovering costs what the calls cost that were left open, of which there are no more than were made at once.
"""

from __future__ import annotations

import collections
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import pytest
from memory_cloud import plain

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.families.simulated.behaviour import Behaviour, Call
from orchestra.contracts import Inputs, Ownership
from orchestra.engine import office
from orchestra.model.address import Address
from orchestra.state.journal import Holder, Intent, Operation
from orchestra.stores.dialect import Connection
from orchestra.stores.sql import SqlStore
from orchestra.stores.sqlite import SqliteDialect
from orchestra.testing import VirtualClock
from tests.stores.server import PostgresServer, programs

SIZES = (20, 120, 320)
SERVER_SIZES = (20, 60)
PAGE = 50
LEFT_OPEN = 5
LISTS = ("list_nodes", "ex_list_networks", "ex_list_subnets")
EXACT = ("apply", "update", "rollback")
"""Changes that take exactly as much for each step."""
PLANS = ("no-op plan", "update plan", "drift", "destroy plan")


class Fleet(oc.Stack):
    """Servers in one network."""

    servers: int
    release: str = "1"

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", internet=False)
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/20")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.fleet = [
            oc.Server(image=image, size=size, subnet=self.subnet, labels={"release": self.release})
            for _ in range(self.servers)
        ]


class Listening:
    """`Faults` of the simulated cloud that only write down which calls come."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def before(self, call: Call) -> None:
        self.calls.append(call.action)

    def after(self, call: Call) -> None:
        pass


class CountingSqlite(SqliteDialect):
    """Tells of the statements that SQLite executes."""

    def __init__(self) -> None:
        super().__init__(None)
        self.statements: list[str] = []

    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        connection.set_trace_callback(self.statements.append)
        return connection


@attrs.frozen
class Spent:
    """What one operation cost. ``written``: the transactions that wrote, by the database's own count, if it has one."""

    calls: Mapping[str, int]
    statements: Mapping[str, int]
    written: int | None = None

    @property
    def commits(self) -> int:
        return self.statements["COMMIT"]


class Meter:
    """Counts between one look and the next."""

    def __init__(self, heard: list[str], statements: list[str], transactions: Callable[[], int] | None) -> None:
        self._heard = heard
        self._statements = statements
        self._transactions = transactions
        self._before = transactions() if transactions else 0

    def look(self) -> Spent:
        now = self._transactions() if self._transactions else 0
        verbs = collections.Counter(statement.split()[0] for statement in self._statements)
        spent = Spent(
            calls=dict(collections.Counter(self._heard)),
            statements=verbs,
            written=now - self._before if self._transactions else None,
        )
        self._heard.clear()
        self._statements.clear()
        self._before = now
        return spent


def life(dialect: Any, size: int, *, width: int, transactions: Callable[[], int] | None = None) -> dict[str, Spent]:
    """What each operation of a whole life of ``size`` servers costs."""
    heard = Listening()
    clock = VirtualClock()  # how often is looked depends on how long calls took: here they take no time
    cloud = oc.clouds.simulated(":memory:", behaviour=Behaviour(faults=heard, page_size=PAGE), clock=clock)
    store = SqlStore(dialect, deployment="fleet", clock=clock, lease_seconds=60.0)

    def deployed(release: str) -> oc.Deployment:
        stack = Fleet(servers=size, release=release)
        made = oc.Deployment(stack, name="fleet", cloud=cloud, clock=clock, width=width, progress=False)
        made._store = store
        return made

    first, second = deployed("1"), deployed("2")
    meter = Meter(heard.calls, dialect.statements, transactions)
    meter.look()
    spent: dict[str, Spent] = {}

    def counted(name: str, work: Callable[[], Any]) -> Any:
        answer = work()
        spent[name] = meter.look()
        return answer

    plan = counted("first plan", first.plan)
    counted("apply", lambda: first.apply(plan))
    assert counted("no-op plan", first.plan).is_empty
    assert counted("drift", first.drift).is_empty
    serial = first.history()[0].serial
    _leave_open(first, cloud, store)
    meter.look()
    assert len(counted("recover", first.recover)) == LEFT_OPEN
    first.apply()  # deletes what was found and is not declared
    meter.look()
    plan = counted("update plan", second.plan)
    counted("update", lambda: second.apply(plan))
    plan = counted("rollback plan", lambda: second.rollback(to=serial))
    counted("rollback", lambda: second.apply(plan))
    plan = counted("destroy plan", lambda: second.plan(destroy=True))
    counted("destroy", lambda: second.apply(plan))
    assert cloud.inventory() == {}
    store.close()
    cloud.close()
    return spent


def _leave_open(deployment: oc.Deployment, cloud: SimulatedCloud, store: SqlStore) -> None:
    """As a process does that is killed: creations that were made, and whose outcome isn't written."""
    record = deployment.resources["fleet[0]"]  # type: ignore[index]
    provider = cloud.provider(record.kind)
    assert provider is not None
    inputs = Inputs(record.inputs)
    lease = store.acquire(Holder(user="a", host="b", process=1))
    for number in range(LEFT_OPEN):
        intent = Intent(
            run="dead",
            address=Address(f"extra[{number}]"),
            operation=Operation.CREATE,
            kind=record.kind,
            cloud=record.cloud,
            token=f"{number:032x}",
            at=deployment._clock.now(),
            inputs=plain(inputs),
        )
        store.begin(lease, [intent])
        provider.create(inputs, Ownership("fleet", intent.address, intent.token))
    store.release(lease)


@pytest.fixture(scope="module", autouse=True)
def _no_heartbeat() -> Iterator[None]:
    """How often a lease is renewed in between hangs on how long it takes, which is not what is counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office, "HEARTBEAT", 1e6)
        yield


@pytest.fixture(scope="module")
def lives() -> dict[int, dict[str, Spent]]:
    """With one call at a time: nothing hangs on which thread comes first."""
    return {size: life(CountingSqlite(), size, width=1) for size in SIZES}


def pages(things: int) -> int:
    return -(-things // PAGE)


def steps(operation: str, size: int) -> int:
    """How many steps the plan of an operation has: servers alone are changed in place."""
    return size if operation in ("update", "rollback") else size + 2


@pytest.mark.parametrize("operation", PLANS)
def test_a_plan_lists_each_kind_by_pages_and_asks_nothing_else(
    lives: Mapping[int, Mapping[str, Spent]], operation: str
) -> None:
    for size in SIZES:
        assert lives[size][operation].calls == {
            "list_locations": 1,
            "list_nodes": pages(size),
            "ex_list_networks": 1,
            "ex_list_subnets": 1,
        }


def test_a_first_plan_asks_for_each_choice_once(lives: Mapping[int, Mapping[str, Spent]]) -> None:
    for size in SIZES:
        assert lives[size]["first plan"].calls == {"list_locations": 1, "list_images": 1, "list_sizes": 1}


def test_a_rollback_plan_reads_the_cloud_as_any_plan_does(lives: Mapping[int, Mapping[str, Spent]]) -> None:
    for size in SIZES:
        assert lives[size]["rollback plan"].calls == lives[size]["no-op plan"].calls


@pytest.mark.parametrize("operation", ["first plan", *PLANS, "rollback plan", "recover"])
def test_what_changes_nothing_takes_as_many_statements_for_many_as_for_few(
    lives: Mapping[int, Mapping[str, Spent]], operation: str
) -> None:
    few, *more = (lives[size][operation].statements for size in SIZES)
    assert more == [few] * len(more)
    if operation in ("first plan", *PLANS):
        # which state it is, and unless the same deployment has read it before, records and open calls
        selects = 1 if operation == "drift" else 3
        assert few == {"BEGIN": 1, "SELECT": selects, "COMMIT": 1}


def test_an_apply_calls_what_its_steps_say_and_nothing_else(lives: Mapping[int, Mapping[str, Spent]]) -> None:
    for size in SIZES:
        assert lives[size]["apply"].calls == {"ex_create_network": 1, "ex_create_subnet": 1, "create_node": size}
        for operation in ("update", "rollback"):  # what tags there are is read by the update itself
            assert lives[size][operation].calls == {"ex_get_node": size, "ex_create_tags": size}


def test_a_destroy_deletes_and_confirms_each_once(lives: Mapping[int, Mapping[str, Spent]]) -> None:
    for size in SIZES:
        calls = dict(lives[size]["destroy"].calls)
        lists = {name: calls.pop(name) for name in LISTS}
        assert lists["list_nodes"] <= size, "with one call at a time, each may be looked for before the next is deleted"
        assert lists["ex_list_networks"] == lists["ex_list_subnets"] == 1
        assert calls == {
            "destroy_node": size,
            "ex_get_node": size,
            "ex_destroy_subnet": 1,
            "ex_get_subnet": 1,
            "ex_destroy_network": 1,
            "ex_get_network": 1,
        }


@pytest.mark.parametrize("operation", EXACT)
def test_statements_of_an_apply_grow_exactly_as_its_steps_do(
    lives: Mapping[int, Mapping[str, Spent]], operation: str
) -> None:
    totals = [sum(lives[size][operation].statements.values()) for size in SIZES]
    first, second, third = SIZES
    each, left = divmod(totals[1] - totals[0], second - first)
    assert left == 0
    assert totals[2] - totals[1] == each * (third - second)


@pytest.mark.parametrize("operation", EXACT)
def test_an_apply_commits_twice_for_a_step_and_beside_that_a_fixed_number(
    lives: Mapping[int, Mapping[str, Spent]], operation: str
) -> None:
    beside = {lives[size][operation].commits - 2 * steps(operation, size) for size in SIZES}
    assert len(beside) == 1
    assert 0 < beside.pop() <= 12


def test_recovering_costs_what_was_left_open(lives: Mapping[int, Mapping[str, Spent]]) -> None:
    for size in SIZES:
        assert lives[size]["recover"].calls == {"list_nodes": LEFT_OPEN}
        assert lives[size]["recover"].commits <= LEFT_OPEN + 12


@pytest.fixture(scope="module")
def side_by_side() -> dict[int, dict[str, Spent]]:
    """With sixteen calls at once."""
    return {size: life(CountingSqlite(), size, width=16) for size in SIZES[:2]}


@pytest.mark.parametrize("width", [1, 16])
def test_a_destroy_commits_at_most_twice_for_a_step_and_takes_no_more_statements_each(
    lives: Mapping[int, Mapping[str, Spent]], side_by_side: Mapping[int, Mapping[str, Spent]], width: int
) -> None:
    """How many of them one look finds gone, which then go into one commit, hangs on how long it can be put off."""
    each = []
    for size, spent in (lives if width == 1 else side_by_side).items():
        count = steps("destroy", size)
        assert spent["destroy"].commits <= 2 * count + 12
        lists = dict.fromkeys(LISTS, 0)
        assert {**spent["destroy"].calls, **lists} == {**lives[size]["destroy"].calls, **lists}
        each.append(sum(spent["destroy"].statements.values()) / count)
    assert max(each) <= each[0]


@pytest.mark.parametrize("operation", EXACT)
def test_calls_side_by_side_cost_no_more(
    lives: Mapping[int, Mapping[str, Spent]], side_by_side: Mapping[int, Mapping[str, Spent]], operation: str
) -> None:
    for size, spent in side_by_side.items():
        alone, together = lives[size][operation], spent[operation]
        assert together.commits <= alone.commits
        assert sum(together.statements.values()) <= sum(alone.statements.values())
        lists = dict.fromkeys(LISTS, 0)
        assert {**together.calls, **lists} == {**alone.calls, **lists}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: no initdb on the path, nor in /usr/lib/postgresql/*/bin")
    server = PostgresServer(folder)
    try:
        server.start()
        with server.connected() as connection:  # its own housekeeping writes transactions too
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        server.remove()


def counting_postgres(url: str) -> Any:
    """A dialect that tells of the statements that PostgreSQL is sent."""
    from orchestra.stores.postgresql import PostgresDialect  # an extra

    class CountingPostgres(PostgresDialect):
        def __init__(self) -> None:
            super().__init__(url)
            self.statements: list[str] = []

        def connect(self) -> Connection:
            session: Any = super().connect()
            execute = session.execute

            def counted(sql: str, columns: Sequence[Any] = ()) -> Any:
                self.statements.append(sql)
                return execute(sql, columns)

            session.execute = counted
            return session  # type: ignore[no-any-return]

    return CountingPostgres()


@pytest.mark.timeout(600)
def test_postgresql_is_asked_as_often_and_writes_no_more_transactions(
    postgres: PostgresServer, lives: Mapping[int, Mapping[str, Spent]]
) -> None:
    spent = {}
    with contextlib.closing(postgres.connected()) as connection:

        def transactions() -> int:
            """The number that the next transaction that writes will have: PostgreSQL gives one to each."""
            row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
            assert row is not None
            return int(str(row[0]))

        for size in SERVER_SIZES:
            dialect = counting_postgres(postgres.new_url())
            spent[size] = life(dialect, size, width=1, transactions=transactions)
    for operation in ("first plan", *PLANS, "rollback plan"):
        few, many = (spent[size][operation] for size in SERVER_SIZES)
        assert few.statements == many.statements == lives[SIZES[0]][operation].statements
        assert few.written == many.written == 0, "a plan writes nothing"
    assert all(0 < (one["destroy"].written or 0) <= 2 * steps("destroy", size) + 12 for size, one in spent.items())
    for operation in EXACT:
        assert spent[SIZES[0]][operation].statements == lives[SIZES[0]][operation].statements
        beside = {(spent[size][operation].written or 0) - 2 * steps(operation, size) for size in SERVER_SIZES}
        assert len(beside) == 1
        assert 0 < beside.pop() <= 12
