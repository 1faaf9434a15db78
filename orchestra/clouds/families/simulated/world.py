"""The simulated world: one SQLite file with a row for each thing, so that what was made outlives the process.

Several threads share one connection, under a lock: a call holds it for some ten microseconds. Several processes
share the file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestra.errors import InvalidRequestError, TransientError

MEMORY: Final = ":memory:"
_FORMAT: Final = 1
_APPLICATION: Final = 0x6F725343
"""Marks the file as ours, so that another program's database is never written to by mistake."""

_BUSY_SECONDS: Final = 30.0

_SCHEMA: Final = (
    # number: order of creation, and what pages are cut by. before, written: what there was before the last write,
    # and when that was, for readers that lag behind. expires: gone from then on; kept a little longer for them.
    """CREATE TABLE objects (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        region TEXT NOT NULL,
        parent TEXT NOT NULL,
        name TEXT,
        token TEXT,
        deployment TEXT,
        body TEXT NOT NULL,
        before TEXT,
        written REAL NOT NULL,
        expires REAL
    )""",
    "CREATE UNIQUE INDEX objects_name ON objects (kind, region, parent, name) WHERE name IS NOT NULL",
    "CREATE UNIQUE INDEX objects_token ON objects (kind, region, token) WHERE token IS NOT NULL",
    "CREATE INDEX objects_kind ON objects (kind, region)",
    "CREATE INDEX objects_parent ON objects (parent, kind)",
    "CREATE INDEX objects_deployment ON objects (deployment, kind, region) WHERE deployment IS NOT NULL",
    "CREATE INDEX objects_expires ON objects (expires) WHERE expires IS NOT NULL",
    # the content of objects in buckets, kept apart so that lists don't carry it
    """CREATE TABLE contents (
        owner INTEGER PRIMARY KEY REFERENCES objects (number) ON DELETE CASCADE,
        content BLOB NOT NULL
    )""",
    # which thing uses which other, in what role; blocks: the other can't be deleted meanwhile
    """CREATE TABLE uses (
        user INTEGER NOT NULL REFERENCES objects (number) ON DELETE CASCADE,
        role TEXT NOT NULL,
        used TEXT NOT NULL,
        blocks INTEGER NOT NULL,
        PRIMARY KEY (user, role, used)
    ) WITHOUT ROWID""",
    "CREATE INDEX uses_used ON uses (used, role)",
    # the address ranges of subnets, which never overlap in a network
    """CREATE TABLE spans (
        network TEXT NOT NULL,
        low INTEGER NOT NULL,
        high INTEGER NOT NULL,
        owner INTEGER NOT NULL REFERENCES objects (number) ON DELETE CASCADE,
        PRIMARY KEY (network, low)
    ) WITHOUT ROWID""",
    "CREATE INDEX spans_owner ON spans (owner)",
    # single addresses in use, as offsets into the range of their pool
    """CREATE TABLE addresses (
        pool TEXT NOT NULL,
        offset INTEGER NOT NULL,
        owner INTEGER NOT NULL REFERENCES objects (number) ON DELETE CASCADE,
        PRIMARY KEY (pool, offset)
    ) WITHOUT ROWID""",
    "CREATE INDEX addresses_owner ON addresses (owner)",
)


class World:
    """The file of a simulated cloud. ``path`` None or ``:memory:``: in memory only, gone with this object.

    The file is opened, and made where it is missing, when it is first used.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = MEMORY if path is None or str(path) == MEMORY else str(Path(path).absolute())
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone, to read from."""
        with self._lock:
            yield self._connection or self._open()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread and process alone: all that is written takes effect, or nothing."""
        with self._lock:
            connection = self._connection or self._open()
            self._begin(connection)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file; the next use opens it again. What was in memory only is gone."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def __del__(self) -> None:
        # a user may leave it to Python to let go; a half-made one has nothing to let go of
        if getattr(self, "_connection", None) is not None:
            self.close()

    def _begin(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransientError(
                f"the simulated cloud in {self.path} is busy ({error})",
                sent=False,
                remedy="end the process that keeps the file locked",
            ) from error

    def _open(self) -> sqlite3.Connection:
        try:
            if self.path != MEMORY and not os.path.exists(self.path):
                # whatever was sent to it is in there, secrets too: its owner's alone, as SQLite then makes its log
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
            )
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(getattr(error, "strerror", None) or str(error)) from error
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            raise self._unusable(str(error)) from error
        except BaseException:
            connection.close()
            raise
        weakref.finalize(self, connection.close)
        self._connection = connection
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        # a simulated cloud that is lost in a power cut costs nobody anything: no call waits for the disk
        connection.execute("PRAGMA synchronous = OFF")
        self._begin(connection)
        try:
            self._check(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")

    def _check(self, connection: sqlite3.Connection) -> None:
        """Make the tables, or find that they are ours."""
        application, version = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if tables and application != _APPLICATION:
            raise self._unusable("it is the database of something else")
        if version > _FORMAT:
            raise self._unusable(f"a newer orchestra wrote it, in format {version}; this one knows {_FORMAT}")
        if not tables:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")

    def _unusable(self, why: str) -> InvalidRequestError:
        return InvalidRequestError(
            f"{self.path} can't be used as the file of a simulated cloud: {why}",
            sent=False,
            remedy="name another file in an existing folder that may be written: clouds.simulated(path=…)",
        )
