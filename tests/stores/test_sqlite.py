"""The state file: how it is made, opened, shared and refused."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestra.contracts import Store
from orchestra.errors import CorruptStateError, InternalError, StateError, StateVersionError
from orchestra.state.records import Condition
from orchestra.stores import open_store
from orchestra.stores.sql import SqlStore
from orchestra.stores.sqlite import SqliteDialect
from orchestra.testing import VirtualClock
from orchestra.testing.samples import fill, intent, outcome, record, this_process, without_identity


def opened(path: str | os.PathLike[str], deployment: str = "production") -> Store:
    return open_store(path, deployment=deployment, clock=VirtualClock())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("url", ["sqlite:///state.db", "sqlite:///{folder}/state.db", "state.db", "{folder}/state.db"])
def test_urls_name_files(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    opened(url.replace("{folder}", str(tmp_path))).close()
    assert files(tmp_path) == ["state.db"]


def test_paths_and_home_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    opened(tmp_path / "a.db").close()
    opened("~/b.db").close()
    assert files(tmp_path) == ["a.db", "b.db"]


def test_names_with_odd_characters_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a b?mode=ro#%20ü.db"
    store = opened(path)
    fill(store, 1)
    store.close()
    assert files(tmp_path) == [path.name]


@pytest.mark.parametrize("url", ["sqlite://:memory:", "sqlite:///:memory:", ":memory:"])
def test_memory_leaves_no_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = opened(url)
    fill(store, 1)
    assert files(tmp_path) == []
    store.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://user:hunter2@host/state", "mysql://…: unknown kind of store"),
        ("sqlite://state.db", "use sqlite:///state.db"),
        ("sqlite:///", "names no file"),
        ("", "names no file"),
        ("state/", "names no file"),
    ],
)
def test_other_urls_are_refused(url: str, told: str) -> None:
    with pytest.raises(StateError) as caught:
        opened(url)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = opened(tmp_path / "state.db")
        fill(store, 3)
        assert files(tmp_path) == ["state.db", "state.db-shm", "state.db-wal"]
        assert [mode(path) for path in sorted(tmp_path.iterdir())] == [0o600, 0o600, 0o600]
        store.close()
    finally:
        os.umask(before)
    assert files(tmp_path) == ["state.db"]


def test_writes_are_durable_when_they_return(tmp_path: Path) -> None:
    opened(tmp_path / "state.db").close()
    with contextlib.closing(SqliteDialect(tmp_path / "state.db").connect()) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_state_survives_closing(tmp_path: Path) -> None:
    store = opened(tmp_path / "state.db")
    fill(store, 3)
    before, journal, runs = store.load(), store.journal(), store.runs()
    store.close()
    store.close()
    again = opened(tmp_path / "state.db")
    assert (again.load(), again.journal(), again.runs()) == (before, journal, runs)
    again.close()


def test_closed_store_says_so(tmp_path: Path) -> None:
    store = opened(tmp_path / "state.db")
    store.close()
    with pytest.raises(StateError, match=r"state\.db is closed"):
        store.load()


def test_without_hard_links_the_file_is_made_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    store = opened(tmp_path / "state.db")
    fill(store, 1)
    store.close()
    assert files(tmp_path) == ["state.db"]
    assert mode(tmp_path / "state.db") == 0o600


def test_file_made_meanwhile_by_another_process_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def late(source: str, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        other = opened(target)
        fill(other, 2)
        other.close()
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    store = opened(tmp_path / "state.db")
    assert len(store.load().records) == 2
    store.close()
    assert files(tmp_path) == ["state.db"]


def test_failure_while_the_file_is_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("orchestra.stores.sqlite.create_tables", refuse)
    with pytest.raises(StateError, match="disk I/O error"):
        opened(tmp_path / "state.db")
    assert files(tmp_path) == []


def test_many_deployments_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    stores = [opened(path, f"customer-{number}") for number in range(100)]
    for number, store in enumerate(stores):
        fill(store, number % 4)
    lineages = {store.load().lineage for store in stores}
    assert len(lineages) == 100
    for number, store in enumerate(stores):
        found = store.load()
        assert (found.deployment, len(found.records)) == (f"customer-{number}", number % 4)
        assert len(store.runs()) == 1
        store.close()


def test_a_lease_is_that_of_one_deployment(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "state.db", "first"), opened(tmp_path / "state.db", "second")
    assert first.acquire(this_process()).fence == 1
    assert second.acquire(this_process()).fence == 1
    first.close()
    second.close()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError) as caught:
        opened(f"sqlite:///{tmp_path}/missing/state.db")
    assert str(caught.value) == (
        f"the folder {tmp_path}/missing of the state file state.db does not exist\n"
        f"  to do: make it: mkdir -p {tmp_path}/missing"
    )
    assert files(tmp_path) == []


def test_folder_is_no_state_file(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is a folder, not a state file"):
        opened(tmp_path)


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    with pytest.raises(CorruptStateError, match="is empty, which no state file ever is"):
        opened(tmp_path / "state.db")
    assert files(tmp_path) == ["state.db"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("this is not a database, and long enough to be sure of it\n" * 100)
    before = path.read_bytes()
    with pytest.raises(CorruptStateError) as caught:
        opened(path)
    assert f"the state file {path} is damaged: SQLite says: file is not a database" in str(caught.value)
    assert "restore a copy" in str(caught.value)
    assert path.read_bytes() == before


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title)")
    before = path.read_bytes()
    with pytest.raises(CorruptStateError, match="holds no state of orchestra"):
        opened(path)
    assert path.read_bytes() == before
    assert files(tmp_path) == ["state.db"]


def set_version(path: Path, version: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE orchestra_meta SET value = ? WHERE name = 'version'", (version,))


def test_newer_version_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = opened(path)
    fill(store, 3)
    store.close()
    set_version(path, "7")
    before = path.read_bytes()
    for deployment in ("production", "another"):
        with pytest.raises(StateVersionError) as caught:
            opened(path, deployment)
        assert "it has version 7, this orchestra reads up to version 2" in str(caught.value)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_newer_version_still_in_the_log_is_left_there(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = opened(path)
    fill(store, 3)
    set_version(path, "7")  # the store above keeps the log from being written back
    (tmp_path / "copy").mkdir()
    for name in ("state.db", "state.db-wal"):
        shutil.copy(tmp_path / name, tmp_path / "copy" / name)
    store.close()
    before = {name: (tmp_path / "copy" / name).read_bytes() for name in ("state.db", "state.db-wal")}
    with pytest.raises(StateVersionError, match="version 7"):
        opened(tmp_path / "copy" / "state.db")
    assert {name: (tmp_path / "copy" / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("version", ["", "0", "-1", "two", "²"])
def test_version_that_is_none_is_damage(version: str, tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    opened(path).close()
    set_version(path, version)
    with pytest.raises(CorruptStateError, match="tells no version"):
        opened(path)


def test_log_without_its_file_is_not_taken_for_a_new_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = opened(path)
    fill(store, 3)
    log = (tmp_path / "state.db-wal").read_bytes()
    store.close()
    path.unlink()
    (tmp_path / "state.db-wal").write_bytes(log)
    with pytest.raises(CorruptStateError, match=r"is missing, but state\.db-wal"):
        opened(path)
    assert files(tmp_path) == ["state.db-wal"]


def test_a_state_that_is_made_while_it_is_looked_for_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.db"
    others: list[Store] = []
    look = Path.exists

    def made_meanwhile(self: Path) -> bool:
        there = look(self)
        if self == path and not others:
            monkeypatch.setattr(Path, "exists", look)
            others.append(opened(path))  # another process makes it, and keeps its log
        return there

    monkeypatch.setattr(Path, "exists", made_meanwhile)
    with contextlib.closing(opened(path)) as store:
        assert (tmp_path / "state.db-wal").exists()
        assert store.load().lineage == others[0].load().lineage
    others[0].close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can get to."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """Root may write everywhere: be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("rights", [0o000, 0o444])
def test_file_that_may_not_be_written_is_refused(rights: int, open_folder: Path) -> None:
    path = open_folder / "state.db"
    opened(path).close()
    before = path.read_bytes()
    path.chmod(rights)
    with without_rights(), pytest.raises(StateError, match="can't be read and written by this user") as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert "give this user the right" in str(caught.value)
    path.chmod(0o600)
    assert path.read_bytes() == before


def test_folder_that_may_not_be_written_is_refused(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with without_rights(), pytest.raises(StateError, match="can't be opened: Permission denied") as caught:
        opened(open_folder / "state.db")
    assert "give this user the right" in str(caught.value)
    open_folder.chmod(0o755)
    assert files(open_folder) == []


def quick(path: Path) -> SqlStore:
    """A store that doesn't wait for others."""
    dialect = SqliteDialect(path, busy_seconds=0.0)
    return SqlStore(dialect, deployment="production", clock=VirtualClock(), lease_seconds=60.0)


def test_busy_file_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = quick(path)
    lease = store.acquire(this_process())
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="database is locked") as caught:
            store.commit(lease, [outcome(write=(record(),))])
        assert str(path) in str(caught.value)
        assert store.load().records == {}
        other.execute("COMMIT")
    assert store.commit(lease, [outcome(write=(record(),))]) == 1
    store.close()


def test_file_locked_while_it_is_opened_is_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    opened(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")  # as a copy made by another tool may be
        other.execute("BEGIN")
        other.execute("SELECT * FROM orchestra_meta").fetchall()
        with pytest.raises(StateError, match="database is locked"):
            quick(path)
    quick(path).close()


def test_two_that_enter_a_deployment_at_once_get_the_same(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    entered: list[str] = []

    class Late(SqliteDialect):
        def sql(self, statement: str) -> str:
            if statement == self.begin_write and not entered:
                with contextlib.closing(opened(path)) as other:
                    entered.append(other.load().lineage)
            return statement

    store = SqlStore(Late(path), deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    assert [store.load().lineage] == entered
    store.close()


def test_deployment_deleted_under_our_hands_is_told(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = opened(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DELETE FROM orchestra_deployments")
    with pytest.raises(CorruptStateError, match="its row is missing"):
        store.load()
    store.close()


def test_write_waits_for_a_short_lock(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(path, deployment="production", clock=VirtualClock())
    lease = store.acquire(this_process())
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=store.commit, args=(lease, [outcome(write=(record(),))]))
    waiting.start()
    other.execute("COMMIT")
    waiting.join()
    other.close()
    assert len(store.load().records) == 1
    store.close()


def test_loading_sees_one_moment(tmp_path: Path) -> None:
    """A write by another process between two statements of a load is not half seen."""
    path = tmp_path / "state.db"
    writer = opened(path)
    lease = fill(writer, 2)
    seen: list[str] = []

    class Interrupted(SqliteDialect):
        def sql(self, statement: str) -> str:
            if statement.startswith("SELECT") and "orchestra_pending" in statement and not seen:
                seen.append(statement)
                writer.commit(lease, [outcome(2, settles=intent(2), remove=(record(0).key,))])
            return statement

    reader = SqlStore(Interrupted(path), deployment="production", clock=VirtualClock(), lease_seconds=60.0)
    before = without_identity(writer.load())
    assert without_identity(reader.load()) == before
    assert len(seen) == 1
    assert without_identity(reader.load()) == without_identity(writer.load()) != before
    reader.close()
    writer.close()


def test_write_interrupted_at_any_statement_changes_nothing(tmp_path: Path) -> None:
    left = -1

    class Interrupting(SqliteDialect):
        def sql(self, statement: str) -> str:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return statement

    store = SqlStore(
        Interrupting(tmp_path / "state.db"), deployment="production", clock=VirtualClock(), lease_seconds=60
    )
    lease = fill(store, 2)
    before, journal = store.load(), store.journal()
    batch = [
        outcome(2, settles=intent(2), write=(record(2), record(1, text="changed"))),
        outcome(0, remove=(record(0).key,), write=(record(3, condition=Condition.DEPOSED),)),
    ]
    serial, interrupted = 0, 0
    while not serial:
        left = interrupted + 1
        try:
            serial = store.commit(lease, batch)
        except KeyboardInterrupt:
            interrupted += 1
        left = -1
        assert serial or (store.load(), store.journal()) == (before, journal)
    assert interrupted > 10
    assert serial == before.serial + 1
    assert len(store.journal()) == len(journal) + 2
    store.close()


def test_fault_of_our_own_is_not_called_damage(tmp_path: Path) -> None:
    store = opened(tmp_path / "state.db")
    lease = fill(store, 1)
    before = store.load()
    with pytest.raises(InternalError):
        store.commit(lease, [outcome(remove=((record(0).address, object()),))])  # type: ignore[arg-type]
    assert store.load() == before
    store.close()


def test_rights_that_its_owner_gave_a_file_are_left(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    opened(path).close()
    path.chmod(0o660)
    before = os.umask(0o077)
    try:
        store = opened(path)
        fill(store, 1)
        assert [mode(one) for one in sorted(tmp_path.iterdir())] == [0o660, 0o660, 0o660]
        store.close()
    finally:
        os.umask(before)
