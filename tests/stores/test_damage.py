"""A damaged state is never taken for another state: it is refused, or the damage doesn't matter."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.contracts import Store
from orchestra.errors import CorruptStateError, StateError
from orchestra.state.records import Snapshot
from orchestra.stores import open_store
from orchestra.testing import VirtualClock
from orchestra.testing.samples import fill, outcome, record, this_process

STEP = 97
"""Every byte at a multiple of it is damaged in turn; a prime, which comes to ever other places in pages and rows."""


def opened(path: Path, deployment: str = "production") -> Store:
    return open_store(path, deployment=deployment, clock=VirtualClock())


def loaded(path: Path, deployment: str = "production") -> Snapshot:
    with contextlib.closing(opened(path, deployment)) as store:
        return store.load()


def loaded_or_refused(path: Path) -> Snapshot | StateError:
    try:
        return loaded(path)
    except StateError as error:
        return error


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state file with trees of several pages, room where records were, and a second deployment."""
    path = tmp_path_factory.mktemp("original") / "state.db"
    with contextlib.closing(opened(path)) as store:
        lease = fill(store, 30)
        store.commit(lease, [outcome(3, remove=tuple(record(number).key for number in range(3, 9)))])
        store.commit(lease, [outcome(2, write=(record(2, text="long " * 2000),))])
        store.release(lease)
    with contextlib.closing(opened(path, "other")) as store:
        fill(store, 2)
    return path


def damage(content: bytes) -> Iterator[tuple[str, bytes]]:
    for offset in range(0, len(content), STEP):
        for change in (0x01, 0xFF):
            damaged = bytearray(content)
            damaged[offset] ^= change
            yield f"byte {offset} ^ {change}", bytes(damaged)
        yield f"cut at {offset}", content[:offset]


def test_damage_anywhere_is_refused_or_harmless(original: Path, tmp_path: Path) -> None:
    content, before = original.read_bytes(), loaded(original)
    path = tmp_path / "state.db"
    refused = harmless = 0
    for what, damaged in damage(content):
        path.write_bytes(damaged)
        found = loaded_or_refused(path)
        if isinstance(found, StateError):
            refused += 1
            assert str(path) in str(found), what
            assert found.remedy, what
        else:
            harmless += 1
            assert found == before, what
    assert refused > 500
    assert harmless > 100  # there is room in pages, and the other deployment


def test_damage_to_the_log_never_gives_a_state_that_never_was(tmp_path: Path) -> None:
    """The last writes in the log may be lost as if they had not happened; nothing else may."""
    path = tmp_path / "state.db"
    history = [loaded(path)]
    store = opened(path)
    lease = store.acquire(this_process())
    for number in range(6):
        store.commit(lease, [outcome(number, write=(record(number), record(0, text=f"version {number}")))])
        history.append(store.load())
    base, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    store.close()
    copy = tmp_path / "copy.db"
    serials = set()
    for offset in range(0, len(log), 1000):
        damaged = bytearray(log)
        damaged[offset] ^= 0xFF
        copy.write_bytes(base)
        Path(f"{copy}-wal").write_bytes(damaged)
        found = loaded(copy)
        assert found == history[found.serial]
        serials.add(found.serial)
    assert len(serials) > 2


def change(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount != 0


PRODUCTION = "deployment = 'production'"
WEB_1 = f"{PRODUCTION} AND address = 'web[1]'"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (f"UPDATE orchestra_records SET payload = replace(payload, 'hello', 'hullo') WHERE {WEB_1}", "web[1]: "),
        (f"UPDATE orchestra_records SET digest = 'x' WHERE {WEB_1}", "web[1]: "),
        (f"UPDATE orchestra_records SET address = 'web[99]' WHERE {WEB_1}", "web[99]: "),
        (f"UPDATE orchestra_records SET payload = x'00' WHERE {WEB_1}", "web[1]: "),
        (f"DELETE FROM orchestra_records WHERE {WEB_1}", "orchestra_records are missing or there twice"),
        ("DELETE FROM orchestra_records", "orchestra_records are missing or there twice"),
        ("DELETE FROM orchestra_pending", "orchestra_pending are missing or there twice"),
        ("UPDATE orchestra_pending SET sequence = 1", "web[30]: "),
        (f"UPDATE orchestra_pending SET {PRODUCTION} WHERE deployment = 'other'", "web[2]: "),
        (f"UPDATE orchestra_deployments SET serial = 1 WHERE {PRODUCTION}", "orchestra_deployments isn't"),
        (
            f"UPDATE orchestra_deployments SET lineage = 'x' WHERE {PRODUCTION}",
            "orchestra_deployments isn't",
        ),
        (f"DELETE FROM orchestra_deployments WHERE {PRODUCTION}", "its row is missing"),
        (f"UPDATE orchestra_deployments SET deployment = 'x' WHERE {PRODUCTION}", "its row is missing"),
        ("DELETE FROM orchestra_meta WHERE name = 'version'", "tells no version"),
        ("DROP TABLE orchestra_pending", "no such table: orchestra_pending"),
    ],
)
def test_rows_changed_by_hand_are_told(statement: str, told: str, original: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    shutil.copy(original, path)
    change(path, statement)
    with pytest.raises(StateError) as caught:
        loaded(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "restore a copy" in str(caught.value)


def test_two_records_that_changed_places_are_seen(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    shutil.copy(original, path)
    for one, other in (("1", "x"), ("2", "1"), ("x", "2")):
        statement = (
            "UPDATE orchestra_records SET address = 'web[{}]' WHERE deployment = 'production' AND address = 'web[{}]'"
        )
        change(path, statement.format(other, one))
    with pytest.raises(CorruptStateError, match="isn't what was written"):
        loaded(path)


def test_new_deployment_is_not_made_where_one_was_lost(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    shutil.copy(original, path)
    change(path, "DELETE FROM orchestra_deployments WHERE deployment = 'other'")
    before = path.read_bytes()
    with pytest.raises(CorruptStateError, match="that of another deployment is"):
        opened(path, "third")
    assert path.read_bytes() == before
    assert loaded(path) == loaded(original)


@pytest.mark.parametrize("table", ["journal", "runs"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET payload = '{{}}'"])
def test_damaged_history_is_told_and_the_state_stays_readable(
    table: str, statement: str, original: Path, tmp_path: Path
) -> None:
    path = tmp_path / "state.db"
    shutil.copy(original, path)
    change(path, statement.format(f"orchestra_{table}"))
    with contextlib.closing(opened(path)) as store:
        assert store.load() == loaded(original)
        with pytest.raises(CorruptStateError, match=f"orchestra_{table}"):
            store.journal() if table == "journal" else store.runs()


def test_damaged_row_is_not_written_over(original: Path, tmp_path: Path) -> None:
    """A write to a record whose digest is damaged would make the damage unseen."""
    path = tmp_path / "state.db"
    shutil.copy(original, path)
    change(path, f"UPDATE orchestra_records SET digest = 'x' WHERE {WEB_1}")
    with contextlib.closing(opened(path)) as store:
        lease = store.acquire(this_process())
        with pytest.raises(CorruptStateError, match=r"^web\[1\]: "):
            store.commit(lease, [outcome(1, write=(record(1),))])


def test_damage_stays_seen_after_later_writes(original: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    shutil.copy(original, path)
    change(path, f"DELETE FROM orchestra_records WHERE {WEB_1}")
    with contextlib.closing(opened(path)) as store:
        lease = store.acquire(this_process())
        store.commit(lease, [outcome(1, write=(record(1), record(2))), outcome(40, write=(record(40),))])
        with pytest.raises(CorruptStateError, match="missing or there twice"):
            store.load()
