"""SQLite: the state in a file, or in memory."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import sys
import urllib.parse
from pathlib import Path
from types import MappingProxyType
from typing import Final

from orchestra.errors import CorruptStateError, InternalError, OrchestraError, StateError
from orchestra.state.integrity import RESTORE, damaged
from orchestra.stores.dialect import Connection
from orchestra.stores.founding import create_tables, found_version
from orchestra.stores.schema import META, VERSION
from orchestra.stores.upgrades import upgrade

_RIGHTS: Final = "give this user the right to read and write the file and its folder, or name another file"

_BUSY: Final = ("another process kept it locked", "run again once that process has finished its write")

_FAULTS: Final = MappingProxyType(
    {
        3: ("this user may not use it", _RIGHTS),
        5: _BUSY,
        6: _BUSY,
        8: ("it can't be written", _RIGHTS),
        10: ("the disk failed", "look at the disk and the system's log, then run again"),
        13: ("the disk is full", "make room, then run again"),
        14: ("it can't be opened", _RIGHTS),
        15: _BUSY,
    }
)
"""What SQLite's primary result codes mean here, and what to do; those left out tell of damage."""


class SqliteDialect:
    """SQLite in the file ``path``; None: in memory, gone once closed.

    ``busy_seconds`` is how long a statement waits for another process's write (10). Satisfies
    `orchestra.stores.dialect.Dialect`.
    """

    begin_read: Final = "BEGIN"
    begin_write: Final = "BEGIN IMMEDIATE"
    for_update: Final = ""
    errors: Final = (sqlite3.Error, UnicodeDecodeError)  # the latter where even SQLite's message quotes damage

    def __init__(self, path: Path | None, *, busy_seconds: float = 10.0) -> None:
        self._path = None if path is None else path.absolute()
        self._busy_seconds = busy_seconds

    @property
    def where(self) -> str:
        """See `orchestra.stores.dialect.Dialect.where`."""
        return "memory" if self._path is None else f"the state file {self._path}"

    def connect(self) -> sqlite3.Connection:
        """See `orchestra.stores.dialect.Dialect.connect`. A new file is its owner's alone (mode 0600)."""
        try:
            if self._path is None:
                connection = self._open(":memory:")
                create_tables(connection.execute)
                return connection
            self._check_place(self._path)
            if not self._path.exists():
                self._create(self._path)
            version = self._version(self._path)
            connection = self._prepared(_address(self._path, "rw"))
            if version < VERSION:
                self._upgrade(connection, self._path)
            return connection
        except self.errors as error:
            raise self.explain(error) from error
        except OSError as error:
            raise StateError(f"{self.where} can't be opened: {error.strerror}", remedy=_RIGHTS) from error

    def sql(self, statement: str) -> str:
        """See `orchestra.stores.dialect.Dialect.sql`."""
        return statement

    def is_usable(self, connection: Connection) -> bool:
        """See `orchestra.stores.dialect.Dialect.is_usable`."""
        return True

    def may_repeat(self, error: Exception) -> bool:
        """See `orchestra.stores.dialect.Dialect.may_repeat`. A locked file has been waited for already."""
        return False

    def explain(self, error: Exception, deployment: str | None = None) -> OrchestraError:
        """See `orchestra.stores.dialect.Dialect.explain`."""
        if isinstance(error, (sqlite3.ProgrammingError, sqlite3.InterfaceError)):
            return InternalError(f"SQLite refused how it was spoken to: {error}")
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _FAULTS:
            fault, remedy = _FAULTS[code]
            return StateError(f"{self.where} can't be used: {fault} (SQLite: {error})", remedy=remedy)
        if sys.version_info < (3, 11) and isinstance(error, sqlite3.OperationalError):
            # there Python doesn't tell the code, so that this may be anything from a lock to damage
            return StateError(
                f"{self.where} can't be used: SQLite says: {error}",
                remedy=f"wait for other processes, look at rights and disk space and run again; else {RESTORE}",
            )
        if deployment is not None:
            return damaged(f"SQLite says: {error}", where=self.where, deployment=deployment)
        return CorruptStateError(f"{self.where} is damaged: SQLite says: {error}", remedy=RESTORE)

    def _open(self, address: str) -> sqlite3.Connection:
        # no isolation level: transactions begin and end where the store says so
        return sqlite3.connect(
            address, uri=True, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )

    def _prepared(self, address: str) -> sqlite3.Connection:
        connection = self._open(address)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
            connection.execute("PRAGMA fullfsync = ON")  # on macOS too, whose plain fsync stops at the disk's cache
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_place(self, path: Path) -> None:
        """Raise `StateError` unless there is a usable file at ``path``, or one can be made there."""
        if path.is_dir():
            raise StateError(f"{path} is a folder, not a state file", remedy=f"name a file in it: {path}/orchestra.db")
        if not path.parent.is_dir():
            raise StateError(
                f"the folder {path.parent} of the state file {path.name} does not exist",
                remedy=f"make it: mkdir -p {path.parent}",
            )
        if not path.exists():
            log = path.with_name(f"{path.name}-wal")
            if log.exists() and not path.exists():  # not even now: another process may have made both in between
                raise CorruptStateError(
                    f"{self.where} is missing, but {log.name}, which belongs to it, is there",
                    remedy=f"put the file back beside it; if the state is not wanted any more, delete {log}",
                )
        elif not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise StateError(f"{self.where} can't be read and written by this user", remedy=_RIGHTS)
        elif path.stat().st_size == 0:
            raise CorruptStateError(
                f"{self.where} is empty, which no state file ever is",
                remedy="run again; if it is still empty restore a copy of it, or delete it if it never held a state",
            )

    def _create(self, path: Path) -> None:
        """Make the file with the tables in it: whole, or not at all, and never over one made meanwhile."""
        name = _new_beside(path)
        try:
            with contextlib.closing(self._prepared(_address(Path(name), "rw"))) as connection:
                connection.execute("BEGIN IMMEDIATE")
                create_tables(connection.execute)
                connection.execute("COMMIT")
            with contextlib.suppress(FileExistsError):  # made by another process meanwhile: as good
                _publish(name, path)
        finally:
            for leftover in (name, f"{name}-wal", f"{name}-shm"):
                Path(leftover).unlink(missing_ok=True)
        _sync_folder(path.parent)

    def _version(self, path: Path) -> int:
        """The version of the state in the file; raises unless this orchestra reads it; without a write to it."""
        with contextlib.closing(self._open(_address(path, "ro"))) as connection:
            tables = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (META,))
            if tables.fetchone() is None:
                raise CorruptStateError(
                    f"{self.where} holds no state of orchestra", remedy="name another file, or restore a copy of it"
                )
            return found_version(connection.execute, self.where)

    def _upgrade(self, connection: sqlite3.Connection, path: Path) -> None:
        """Bring an older state to this version, and keep it as it was beside it: ``orchestra.db.v1``."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            older = found_version(connection.execute, self.where)  # another process may have done it meanwhile
            if older < VERSION:
                _keep_copy(path, path.with_name(f"{path.name}.v{older}"))
                upgrade(connection.execute, older, self.where)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise


def _keep_copy(path: Path, copy: Path) -> None:
    """A copy of the database, whole or not at all, readable by its owner only."""
    name = _new_beside(copy)
    try:
        with (
            contextlib.closing(sqlite3.connect(_address(path, "ro"), uri=True)) as there,
            contextlib.closing(sqlite3.connect(name)) as here,
        ):
            there.backup(here)
        os.replace(name, copy)
    finally:
        Path(name).unlink(missing_ok=True)
    _sync_folder(path.parent)


def _new_beside(path: Path) -> str:
    """A new empty file that nobody else can read, to be given the place of ``path`` once it is whole."""
    name = str(path.with_name(f".{path.name}.{secrets.token_hex(8)}.new"))
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    return name


def _address(path: Path, mode: str) -> str:
    return f"file:{urllib.parse.quote(str(path))}?mode={mode}"


def _publish(name: str, path: Path) -> None:
    """Give the finished file ``name`` its place; raises `FileExistsError` rather than replace what is there."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: take the place first, then fill it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(name, path)


def _sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
