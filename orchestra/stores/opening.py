"""From what a user writes to a store."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from orchestra.contracts import Clock, Store
from orchestra.errors import StateError
from orchestra.stores.dialect import Dialect
from orchestra.stores.sql import SqlStore
from orchestra.stores.sqlite import SqliteDialect

_FORMS: Final = (
    "sqlite:///relative.db, sqlite:////absolute/path.db, sqlite://:memory:, the path of a file, or "
    "postgresql://user@host:port/database"
)
_MEMORY: Final = frozenset({"sqlite://:memory:", "sqlite:///:memory:", ":memory:"})
_POSTGRES: Final = re.compile(r"postgres(ql)?:")


def open_store(url: str | os.PathLike[str], *, deployment: str, clock: Clock, lease_seconds: float = 60.0) -> Store:
    """The store of ``deployment`` at ``url``; a file that isn't there yet is made, its folder or database is not.

    ``url`` is ``sqlite:///relative.db``, ``sqlite:////absolute/path.db``, ``sqlite://:memory:`` (gone once closed),
    the path of a file, or ``postgresql://user@host:port/database`` (with the extra ``postgres``). One file or database
    may hold many deployments. ``lease_seconds`` is how long a lease lasts unless it is renewed (60); the clocks of
    machines that share a database must differ by much less.

    Raises `StateError` if it can't be opened, `CorruptStateError` if it is damaged, and `StateVersionError` if a
    newer orchestra wrote it; what is there is left as it was.
    """
    return SqlStore(_dialect(os.fspath(url)), deployment=deployment, clock=clock, lease_seconds=lease_seconds)


def _dialect(url: str) -> Dialect:
    if _POSTGRES.match(url) is None:
        return SqliteDialect(_path(url))
    try:
        from orchestra.stores.postgresql import PostgresDialect
    except ImportError as error:
        raise StateError(
            "the state can only be kept in PostgreSQL with the library psycopg, which isn't installed",
            remedy="install orchestra-iac[postgres]",
        ) from error
    return PostgresDialect(url)


def _path(url: str) -> Path | None:
    """The file that ``url`` names; None: in memory."""
    if url in _MEMORY:
        return None
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _file(url, url)
    if scheme != "sqlite":
        raise StateError(f"no state can be kept in {scheme}://…: unknown kind of store", remedy=f"use {_FORMS}")
    if not rest.startswith("/"):
        raise StateError(f"{url!r} has two slashes where three are needed", remedy=f"use sqlite:///{rest}")
    return _file(url, rest[1:])


def _file(url: str, path: str) -> Path:
    if not path or path.endswith("/"):
        raise StateError(f"{url!r} names no file", remedy=f"use {_FORMS}")
    return Path(path).expanduser()
