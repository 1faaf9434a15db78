"""A state that an older orchestra wrote is brought to this version: one fixture for each version, kept for ever."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestra.contracts import Store
from orchestra.engine.auditing import Audit
from orchestra.errors import CorruptStateError, StateError
from orchestra.state import codec
from orchestra.state.audit import AuditEvent
from orchestra.stores import open_store
from orchestra.testing import VirtualClock
from orchestra.testing.samples import outcome, record, this_process
from tests.stores.server import PostgresServer

FIXTURES = Path(__file__).parent / "fixtures"
STATEMENTS = (FIXTURES / "state-v1.sql").read_text(encoding="utf-8")
EXPECTED: dict[str, Any] = json.loads((FIXTURES / "state-v1.json").read_text(encoding="utf-8"))
DEPLOYMENTS = sorted(EXPECTED)

Change = Callable[[str], None]


class Place:
    """A database that holds the state of version 1, by its URL, and how to change it by hand."""

    def __init__(self, url: str, execute: Change) -> None:
        self.url = url
        self.execute = execute

    def opened(self, deployment: str) -> Store:
        return open_store(self.url, deployment=deployment, clock=VirtualClock())


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        path = tmp_path / "state.db"
        path.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(STATEMENTS)

        def execute(statement: str) -> None:
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute(statement)

        yield Place(str(path), execute)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.new_url()
    with server.connected(url) as admin:
        for statement in STATEMENTS.split(";\n"):
            if statement.strip():
                admin.execute(statement.encode())
        yield Place(url, lambda statement: admin.execute(statement.encode()) and None)


def told(store: Store) -> dict[str, Any]:
    snapshot = store.load()
    return {
        "lineage": snapshot.lineage,
        "serial": snapshot.serial,
        "salt": snapshot.salt.hex(),
        "records": [json.loads(codec.encode_record(one)) for one in snapshot.records.values()],
        "deposed": [json.loads(codec.encode_record(one)) for one in snapshot.deposed],
        "pending": [json.loads(codec.encode_intent(one)) for one in snapshot.pending],
        "runs": [json.loads(codec.encode_run(one)) for one in store.runs()],
        "journal": [
            {
                "sequence": one.sequence,
                "run": one.run,
                "address": one.address,
                "operation": one.operation.value,
                "phase": one.phase.value,
                "at": one.at,
                "token": one.token,
                "external_id": one.external_id,
                "detail": one.detail,
            }
            for one in store.journal()
        ],
    }


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_everything_is_there_after_an_upgrade(place: Place, deployment: str) -> None:
    for _ in range(2):
        with contextlib.closing(place.opened(deployment)) as store:
            assert told(store) == EXPECTED[deployment]
            assert store.last_run() == next(reversed(store.runs()), None), "found, though its head doesn't name it"
            assert [entry.event for entry in store.audit()][-1] is AuditEvent.UPGRADED
            Audit(store).verify()


def test_an_upgraded_state_goes_on(place: Place) -> None:
    with contextlib.closing(place.opened("production")) as store:
        before = store.load()
        lease = store.acquire(this_process())
        pending = before.pending[0]
        serial = store.commit(lease, [outcome(3, settles=pending, write=(record(3),))])
        assert serial == before.serial + 1
        assert store.load().records.keys() == {*before.records, pending.address}
        assert store.load_at(before.serial).records == before.records
        assert store.load_at(serial).records == store.load().records
        with pytest.raises(StateError, match=f"it is known from serial {before.serial} to {serial}"):
            store.load_at(before.serial - 1)
        Audit(store).verify()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orchestra_records SET payload = replace(payload, 'web', 'wab') WHERE deployment = 'production'",
        "DELETE FROM orchestra_journal WHERE deployment = 'site' AND sequence = 2",
        "UPDATE orchestra_deployments SET serial = 1 WHERE deployment = 'site'",
        "UPDATE orchestra_journal SET payload = '{}' WHERE deployment = 'site' AND sequence = 2",
    ],
)
def test_a_damaged_state_is_left_as_it_is(place: Place, statement: str) -> None:
    place.execute(statement)
    for _ in range(2):  # what was begun is undone
        with pytest.raises(CorruptStateError, match=r"aren't what was written|isn't what was written"):
            place.opened("site")


def test_a_file_is_kept_as_it_was(tmp_path: Path) -> None:
    path, copy = tmp_path / "state.db", tmp_path / "state.db.v1"
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(STATEMENTS)
    open_store(path, deployment="site", clock=VirtualClock()).close()
    assert copy.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT value FROM orchestra_meta WHERE name = 'version'").fetchall() == [("1",)]
        assert connection.execute("SELECT count(*) FROM orchestra_journal WHERE deployment = 'site'").fetchone() == (8,)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
