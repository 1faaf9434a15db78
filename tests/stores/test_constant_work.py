"""What a write costs does not depend on how much is recorded."""

from __future__ import annotations

import sqlite3

import attrs
import pytest

from orchestra.contracts import Store
from orchestra.state.journal import Lease
from orchestra.stores.sql import SqlStore
from orchestra.stores.sqlite import SqliteDialect
from orchestra.testing import VirtualClock
from orchestra.testing.samples import fill, intent, outcome, record, run_record, this_process


class Counting(SqliteDialect):
    """Counts the statements that SQLite executes, and the steps of its virtual machine."""

    def __init__(self) -> None:
        super().__init__(None)
        self.statements: list[str] = []
        self.steps = 0

    def connect(self) -> sqlite3.Connection:
        connection = super().connect()
        connection.set_trace_callback(self.statements.append)
        connection.set_progress_handler(self.step, 1)
        return connection

    def step(self) -> int:
        self.steps += 1
        return 0

    def cost(self) -> tuple[int, int]:
        """How many statements and steps there were since it was last asked."""
        spent = len(self.statements), self.steps
        self.statements.clear()
        self.steps = 0
        return spent


def begin(store: Store, lease: Lease) -> None:
    store.begin(lease, [intent(5000)])


def create(store: Store, lease: Lease) -> None:
    store.commit(lease, [outcome(5000, settles=intent(5000), write=(record(5000),))])


def change(store: Store, lease: Lease) -> None:
    store.commit(lease, [outcome(5, write=(record(5, text="changed"),))])


def remove(store: Store, lease: Lease) -> None:
    store.commit(lease, [outcome(6, remove=(record(6).key,))])


def renew(store: Store, lease: Lease) -> None:
    store.renew(lease)


def start_run(store: Store, lease: Lease) -> None:
    store.start_run(lease, run_record(9))


def finish_run(store: Store, lease: Lease) -> None:
    store.finish_run(lease, attrs.evolve(run_record(9), ended=1.0))


WRITES = (begin, create, change, remove, renew, start_run, finish_run)


def costs(count: int) -> dict[str, tuple[int, int]]:
    """What each of the writes costs with ``count`` records."""
    dialect = Counting()
    store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    lease = fill(store, 10)
    store.commit(lease, [outcome(write=tuple(record(number) for number in range(10, count)))])
    dialect.cost()
    found = {}
    for write in WRITES:
        write(store, lease)
        found[write.__name__] = dialect.cost()
    assert len(store.load().records) == count
    store.close()
    return found


def test_work_of_a_write_does_not_grow_with_the_state() -> None:
    few, many = costs(10), costs(2000)
    for name, (statements, steps) in few.items():
        assert many[name][0] == statements <= 13, name
        assert many[name][1] == pytest.approx(steps, rel=0.05), name


def cost_of_last_run(runs: int) -> tuple[int, int]:
    dialect = Counting()
    store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    lease = store.acquire(this_process())
    for number in range(runs):
        store.start_run(lease, run_record(number))
    dialect.cost()
    assert store.last_run() == run_record(runs - 1)
    spent = dialect.cost()
    store.close()
    return spent


def test_the_last_run_is_read_as_fast_however_many_there_were() -> None:
    few, many = cost_of_last_run(2), cost_of_last_run(500)
    assert many[0] == few[0] <= 4
    assert many[1] == pytest.approx(few[1], rel=0.05)


def test_many_outcomes_are_one_transaction() -> None:
    dialect = Counting()
    store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    lease = fill(store, 0)
    dialect.cost()
    store.commit(lease, [outcome(number, write=(record(number),)) for number in range(100)])
    executed = list(dialect.statements)
    assert [executed[0], executed[-1]] == ["BEGIN IMMEDIATE", "COMMIT"]
    assert sum(statement.split()[0] in ("BEGIN", "COMMIT") for statement in executed) == 2
    assert len(executed) <= 5 * 100 + 5
    store.close()


def test_which_state_it_is_is_told_by_one_row() -> None:
    few, many = cost_of_version(10), cost_of_version(500)
    assert many[0] == few[0] == 3, "the transaction around one row"
    assert many[1] == pytest.approx(few[1], rel=0.05)


def cost_of_version(count: int) -> tuple[int, int]:
    dialect = Counting()
    store = SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    fill(store, count)
    dialect.cost()
    store.version()
    spent = dialect.cost()
    store.close()
    return spent
