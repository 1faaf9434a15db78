"""The tables of the SQL store, and the statements on them.

Each row holds its key, a canonical JSON payload and a digest of both. Records are kept in
``orchestra_records``, calls that were begun and not settled in ``orchestra_pending``, and the history in
``orchestra_journal`` (the audit record: only ever added to, each line chained to the one before it) and
``orchestra_runs``. ``orchestra_deployments`` has one row for each deployment, with the totals of its other rows and
the end of the chain, which every write brings up to date; ``orchestra_meta`` has the schema's version and a total over
the deployments.
"""
# ruff: noqa: S608 (statements are put together from constants of this module only)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

VERSION: Final = 2
"""The version of this schema."""


@attrs.frozen(kw_only=True)
class Table:
    """A table whose rows belong to a deployment."""

    name: str
    keys: tuple[str, ...]
    """The columns that, with the deployment, identify a row."""
    others: tuple[str, ...] = ()
    types: Mapping[str, str] = MappingProxyType({})
    """The types of the columns that aren't text."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column but ``deployment`` and ``digest``."""
        return *self.keys, *self.others, "payload"

    @property
    def create(self) -> str:
        """Makes the table."""
        columns = ("deployment", *self.columns, "digest")
        declared = ", ".join(f"{column} {self.types.get(column, 'TEXT')} NOT NULL" for column in columns)
        return f"CREATE TABLE {self.name} ({declared}, PRIMARY KEY ({', '.join(('deployment', *self.keys))}))"

    @property
    def select(self) -> str:
        """Reads the rows of a deployment: the columns, then the digest."""
        return f"SELECT {', '.join(self.columns)}, digest FROM {self.name} WHERE deployment = ?"

    @property
    def select_one(self) -> str:
        """Reads one row."""
        return f"SELECT {', '.join(self.columns)}, digest FROM {self.name} WHERE {self._key}"

    @property
    def select_digest(self) -> str:
        """Reads the digest of one row."""
        return f"SELECT digest FROM {self.name} WHERE {self._key}"

    @property
    def insert(self) -> str:
        """Writes one row whose key is new."""
        columns = ("deployment", *self.columns, "digest")
        return f"INSERT INTO {self.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

    @property
    def put(self) -> str:
        """Writes one row, over the one with the same key if there is one."""
        overwrite = ", ".join(f"{column} = excluded.{column}" for column in (*self.others, "payload", "digest"))
        return f"{self.insert} ON CONFLICT ({', '.join(('deployment', *self.keys))}) DO UPDATE SET {overwrite}"

    @property
    def remove(self) -> str:
        """Deletes one row."""
        return f"DELETE FROM {self.name} WHERE {self._key}"

    def address(self, row: Sequence[str | float]) -> str | None:
        """The address that ``row``, or a key, is of; None if this table has none."""
        return str(row[0]) if self.keys[:1] == ("address",) else None

    @property
    def _key(self) -> str:
        return " AND ".join(f"{column} = ?" for column in ("deployment", *self.keys))


RECORDS: Final = Table(name="orchestra_records", keys=("address", "token"))
"""The token is '' unless the record is deposed."""
PENDING: Final = Table(
    name="orchestra_pending",
    keys=("address", "operation", "token"),
    others=("sequence",),
    types=MappingProxyType({"sequence": "BIGINT"}),
)
"""The sequence is that of the journal line which tells that the call was begun."""
JOURNAL: Final = Table(
    name="orchestra_journal",
    keys=("sequence",),
    others=("serial", "records"),
    types=MappingProxyType({"sequence": "BIGINT", "serial": "BIGINT"}),
)
"""The records are those that the line wrote, '' if it wrote none; the digest is chained to that of the line before."""
RUNS: Final = Table(
    name="orchestra_runs", keys=("id",), others=("sequence",), types=MappingProxyType({"sequence": "BIGINT"})
)
SUMMED: Final = (RECORDS, PENDING, RUNS)
"""The tables that have a total."""

DEPLOYMENTS: Final = Table(
    name="orchestra_deployments",
    keys=(),
    others=("lineage", "serial"),
    types=MappingProxyType({"serial": "BIGINT"}),
)
SELECT_NAMES: Final = f"SELECT deployment FROM {DEPLOYMENTS.name}"
"""Reads the names of all deployments."""

META: Final = "orchestra_meta"
SELECT_META: Final = f"SELECT value FROM {META} WHERE name = ?"
PUT_META: Final = (
    f"INSERT INTO {META} (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
META_VERSION: Final = "version"
"""The name in ``orchestra_meta`` of the schema's version: the same in every version."""
META_TOTAL: Final = "total"
"""The name in ``orchestra_meta`` of the total over the names of all deployments."""

CREATE: Final = (
    f"CREATE TABLE {META} (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    *(table.create for table in (DEPLOYMENTS, JOURNAL, *SUMMED)),
)
"""Makes every table."""
