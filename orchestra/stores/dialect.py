"""What a database must bring to carry the SQL store: one small object each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from orchestra.errors import OrchestraError

Column: TypeAlias = "str | int | float"
"""What the store keeps in a column."""

Row: TypeAlias = tuple[Column, ...]


class Cursor(Protocol):
    """The part of a DB-API cursor that the store uses."""

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Row]:
        """Every row left."""
        ...


class Connection(Protocol):
    """The part of a DB-API connection that the store uses; it begins and ends transactions by statements."""

    def execute(self, sql: str, columns: Sequence[Column] = (), /) -> Cursor:
        """Execute one statement."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class Dialect(Protocol):
    """How one kind of database is opened and spoken to."""

    @property
    def where(self) -> str:
        """What to call the database in messages: ``the state file /srv/orchestra.db``."""
        ...

    @property
    def begin_read(self) -> str:
        """The statement that begins a transaction in which every read sees the same moment."""
        ...

    @property
    def begin_write(self) -> str:
        """The statement that begins a transaction that writes."""
        ...

    @property
    def for_update(self) -> str:
        """What a SELECT ends with to keep other writers away from the row that it reads, until the transaction ends.

        '' where `begin_write` lets no other writer in at all.
        """
        ...

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What its statements raise."""
        ...

    def connect(self) -> Connection:
        """Open the database, with the tables in it if it is new. Called again when a connection was lost.

        Raises `StateError` with the remedy, `CorruptStateError`, or `StateVersionError` before anything is changed.
        """
        ...

    def sql(self, statement: str) -> str:
        """``statement``, which has '?' for each parameter, as this database wants it."""
        ...

    def is_usable(self, connection: Connection) -> bool:
        """Whether a transaction can be begun on ``connection``; if not, it is lost, and with it what it began."""
        ...

    def may_repeat(self, error: Exception) -> bool:
        """Whether the database undid the transaction that met ``error``, one of `errors`, for it to be repeated."""
        ...

    def explain(self, error: Exception, deployment: str) -> OrchestraError:
        """What one of `errors`, met while reading or writing ``deployment``, means to the user."""
        ...
