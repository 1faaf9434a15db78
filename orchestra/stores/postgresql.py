"""PostgreSQL: the state in a database on a server. Needs psycopg 3, the extra ``postgres``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

import psycopg
from psycopg import conninfo, pq

from orchestra.errors import CorruptStateError, InternalError, OrchestraError, StateError
from orchestra.state.integrity import RESTORE, damaged
from orchestra.stores.dialect import Column, Connection, Cursor
from orchestra.stores.founding import create_tables, found_version
from orchestra.stores.rows import Execute
from orchestra.stores.schema import META, VERSION
from orchestra.stores.upgrades import upgrade

_Parameters: TypeAlias = "Mapping[str, str | int | None]"

_READABLE: Final = (
    "write postgresql://user@host:port/database; leave the password to PGPASSWORD or a password file, or put it "
    "behind the user with %40 for '@', %2F for '/', %3A for ':', %3F for '?', %23 for '#' and %25 for '%'"
)

_PARAMETERS: Final[_Parameters] = MappingProxyType(
    {
        "application_name": "orchestra",
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
)
"""What the URL may override: a server that is gone without a word is noticed within half a minute."""

_SETTINGS: Final = """
SELECT set_config(name, wanted, false) FROM (VALUES
    ('synchronous_commit', 'off', 'on'),
    ('idle_in_transaction_session_timeout', '0', '10s'),
    ('lock_timeout', '0', '15s')
) AS settings (name, unwanted, wanted) WHERE current_setting(name) = unwanted
"""
"""A commit is on the disk when it is answered. A client that stops amid a write keeps the others waiting for 10 s at
most, which is less than they are ready to wait."""

_FOUNDING: Final = 0x6F726368657374
"""The number of the advisory lock under which the tables are made."""

_KEEP_OUT: Final = "LOCK TABLE orchestra_deployments IN ACCESS EXCLUSIVE MODE"
"""Makes every writer wait, one of the older version too, until the tables are as it doesn't know them."""

_TABLES: Final = "SELECT 1 FROM pg_tables WHERE tablename = ? AND schemaname = ANY (current_schemas(false))"

_BUSY: Final = ("another process kept it locked", "run again once that process has finished its write")
_FULL: Final = ("the server ran out of something", "make room on the server, or let it take more, then run again")

_FAULTS: Final = MappingProxyType(
    {
        "25006": ("it takes no writes: a standby, or set to be read only", "name the server that takes the writes"),
        "3F000": ("there is no schema to make the tables in", "create the schema that search_path names"),
        "42501": (
            "this user may not use it",
            "give the user the right to create tables in the schema, or those to select, insert, update and delete "
            "in the tables orchestra_…",
        ),
        "53000": _FULL,
        "53100": _FULL,
        "53200": _FULL,
        "55P03": _BUSY,
        "57014": ("a statement was cancelled, by hand or by a limit on its time", "run again"),
    }
)
"""What PostgreSQL's error codes mean here, and what to do."""

_DAMAGE: Final = frozenset({"42P01", "42703", "XX001", "XX002"})
"""A table or column that is missing, and what can't be read."""


class _Session:
    """A connection on which transactions begin and end by statements. `orchestra.stores.dialect.Connection`."""

    def __init__(self, connection: psycopg.Connection[tuple[Column, ...]]) -> None:
        self._connection = connection

    @property
    def is_idle(self) -> bool:
        """Whether it stands, outside of any transaction."""
        return self._connection.info.transaction_status is pq.TransactionStatus.IDLE

    def execute(self, sql: str, columns: Sequence[Column] = (), /) -> Cursor:
        """Execute one statement."""
        return self._connection.execute(sql.encode(), columns or None)

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()


class PostgresDialect:
    """PostgreSQL at ``url``: ``postgresql://user@host:port/database``. Satisfies `orchestra.stores.dialect.Dialect`.

    Everything that libpq understands may stand in the URL; what it doesn't say comes from libpq's environment
    variables and password file. The tables are in the first schema of the ``search_path``.

    A write locks the row of its deployment and then reads what is committed (READ COMMITTED). So writers to one
    deployment wait for each other, those to others don't, and no write fails for another's sake; under SERIALIZABLE
    all but one of those that meet fail after their work and have to be repeated. Every write to rows of a deployment
    goes by its row, so that the outcome is the same.

    Raises `StateError` if the URL can't be read. No message ever holds the password.
    """

    begin_read: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    begin_write: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
    for_update: Final = " FOR UPDATE"
    errors: Final = (psycopg.Error, UnicodeDecodeError)

    def __init__(self, url: str) -> None:
        found: _Parameters | None = None
        with contextlib.suppress(psycopg.Error):  # its message quotes the URL
            found = conninfo.conninfo_to_dict(url)
        if found is None or not _is_whole(found):
            raise StateError("the URL of the PostgreSQL database can't be read", remedy=_READABLE)
        self._parameters: _Parameters = {**_PARAMETERS, **found, "client_encoding": "UTF8"}

    @property
    def where(self) -> str:
        """See `orchestra.stores.dialect.Dialect.where`."""
        host, port, database = (self._parameter(name) for name in ("host", "port", "dbname"))
        host = host or self._parameter("hostaddr") or "the local socket"
        host = f"[{host}]" if host.count(":") > 1 else host
        return f"the PostgreSQL database {database or self._parameter('user')!r} at {host}:{port}"

    def connect(self) -> Connection:
        """See `orchestra.stores.dialect.Dialect.connect`."""
        session = self._session()
        try:
            self._prepare(session)
        except BaseException as error:
            session.close()
            if isinstance(error, self.errors):
                raise self.explain(error) from error
            raise
        return session

    def sql(self, statement: str) -> str:
        """See `orchestra.stores.dialect.Dialect.sql`."""
        return statement.replace("?", "%s")

    def is_usable(self, connection: Connection) -> bool:
        """See `orchestra.stores.dialect.Dialect.is_usable`."""
        return isinstance(connection, _Session) and connection.is_idle

    def may_repeat(self, error: Exception) -> bool:
        """See `orchestra.stores.dialect.Dialect.may_repeat`. Class 40 is that of transactions rolled back."""
        return _code(error).startswith("40")

    def explain(self, error: Exception, deployment: str | None = None) -> OrchestraError:
        """See `orchestra.stores.dialect.Dialect.explain`."""
        code = _code(error)
        told = error.diag.message_primary if isinstance(error, psycopg.Error) else None  # details quote rows
        told = told or _one_line(error)
        if code in _FAULTS:
            fault, remedy = _FAULTS[code]
            return StateError(f"{self.where} can't be used: {fault} (PostgreSQL: {told})", remedy=remedy)
        if code in _DAMAGE or isinstance(error, UnicodeDecodeError):
            if deployment is None:
                return CorruptStateError(f"{self.where} is damaged: PostgreSQL says: {told}", remedy=RESTORE)
            return damaged(f"PostgreSQL says: {told}", where=self.where, deployment=deployment)
        if isinstance(error, (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError)):
            return InternalError(f"PostgreSQL refused how it was spoken to: {told}")
        return StateError(
            f"{self.where} can't be used: {told}", remedy="look at the server and its log, then run again"
        )

    def _parameter(self, name: str) -> str:
        """A parameter of the connection as the URL tells it, or the environment, or libpq."""
        if name in self._parameters:
            return str(self._parameters[name])
        defaults = {one.keyword: one.val for one in pq.Conninfo.get_defaults()}
        return (defaults.get(name.encode()) or b"").decode()

    def _session(self) -> _Session:
        # statements aren't kept prepared: a pool between us and the server may change the session
        given = conninfo.make_conninfo("", **self._parameters)
        try:
            return _Session(psycopg.connect(given, autocommit=True, prepare_threshold=None))
        except psycopg.Error as error:
            told = _one_line(error)
        # raised out here because psycopg's error holds the password
        raise StateError(
            f"{self.where} can't be reached: {told}",
            remedy="see that the server runs, and that host, port, database, user and password are right",
        )

    def _prepare(self, session: _Session) -> None:
        """Make ``session`` ready, and the tables if there are none."""

        def execute(statement: str, columns: Sequence[Column]) -> Cursor:
            return session.execute(self.sql(statement), columns)

        session.execute(_SETTINGS)
        encoding = session.execute("SHOW server_encoding").fetchone()
        if encoding != ("UTF8",):
            raise StateError(
                f"{self.where} can't be used: its encoding is {encoding[0] if encoding else 'unknown'}, not UTF8",
                remedy="make another one: createdb --encoding=UTF8 --template=template0",
            )
        if not _is_founded(execute) or found_version(execute, self.where) < VERSION:
            session.execute("BEGIN")
            session.execute(f"SELECT pg_advisory_xact_lock({_FOUNDING})")
            if not _is_founded(execute):
                create_tables(execute)
            elif (older := found_version(execute, self.where)) < VERSION:
                session.execute(_KEEP_OUT)
                upgrade(execute, older, self.where)
            session.execute("COMMIT")


def _is_founded(execute: Execute) -> bool:
    # by the rows of the catalogue: what to_regclass() tells may be older than the lock that was waited for
    return execute(_TABLES, (META,)).fetchone() is not None


def _is_whole(parameters: _Parameters) -> bool:
    """Whether no part of a password was taken for something else, as happens with special characters in it."""
    ports = str(parameters.get("port", "")).split(",")
    places = (str(parameters.get(name, "")) for name in ("host", "dbname"))
    return all(not port or port.isdigit() for port in ports) and not any("@" in place for place in places)


def _code(error: Exception) -> str:
    return (error.sqlstate or "") if isinstance(error, psycopg.Error) else ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
