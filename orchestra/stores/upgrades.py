"""Bringing an older database to the version of this orchestra: one function from each version to the next.

What they read and write is spelled out here: the rest of the code knows only the newest version.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from orchestra.errors import CorruptStateError
from orchestra.state.audit import BEGINNING, AuditEntry, AuditEvent, chained, decode_audit, encode_audit, encode_written
from orchestra.state.codec import canonical
from orchestra.state.integrity import damaged, row_digest, total_of
from orchestra.stores.dialect import Row
from orchestra.stores.rows import Execute
from orchestra.stores.schema import META_VERSION, PUT_META, VERSION


def upgrade(execute: Execute, version: int, where: str) -> None:
    """Bring the tables from ``version`` to this orchestra's; inside a transaction that writes.

    Raises `CorruptStateError` if what is there isn't what was written: nothing may be committed then.
    """
    for older in range(version, VERSION):
        _STEPS[older](execute, where)
    execute(PUT_META, (META_VERSION, str(VERSION)))


def _to_2(execute: Execute, where: str) -> None:
    """The journal becomes the audit record: its lines are chained, and tell the records that they wrote.

    What was written before can't be told any more, so the record starts with all that there is now.
    """
    execute("ALTER TABLE orchestra_journal RENAME TO orchestra_journal_1", ())
    execute(
        "CREATE TABLE orchestra_journal (deployment TEXT NOT NULL, sequence BIGINT NOT NULL, serial BIGINT NOT NULL, "
        "records TEXT NOT NULL, payload TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (deployment, sequence))",
        (),
    )
    heads = execute("SELECT deployment, lineage, serial, payload, digest FROM orchestra_deployments", ()).fetchall()
    for deployment, *head in sorted(heads):
        _deployment_to_2(execute, where, str(deployment), head)
    execute("DROP TABLE orchestra_journal_1", ())


def _deployment_to_2(execute: Execute, where: str, deployment: str, head: list[str | int | float]) -> None:
    lineage, serial, payload, digest = head
    if row_digest("orchestra_deployments", deployment, lineage, serial, payload) != digest:
        raise damaged("a row of orchestra_deployments isn't what was written", where=where, deployment=deployment)
    fields = json.loads(str(payload))
    check = _Check(execute, deployment, where, fields["totals"])
    chain = BEGINNING
    lines = [(0, "", _line_1(str(text))) for _, _, text in check.rows("orchestra_journal", "sequence, run", "_1")]
    records = [str(text) for _, _, text in check.rows("orchestra_records", "address, token")]
    baseline = AuditEntry(event=AuditEvent.UPGRADED, at=time.time(), detail="from version 1 to version 2")
    lines.append((int(serial), encode_written((), records, whole=True), encode_audit(baseline)))
    for sequence, line in enumerate(lines, 1):
        chain = chained(chain, deployment, sequence, *line)
        execute(
            "INSERT INTO orchestra_journal (deployment, sequence, serial, records, payload, digest) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (deployment, sequence, *line, chain),
        )
    totals = {table: total for table, total in fields["totals"].items() if table != "orchestra_journal"}
    fields |= {"totals": totals, "chain": chain, "entries": len(lines), "wrapped_root": ""}
    columns = (lineage, serial, canonical(fields))
    execute(
        "UPDATE orchestra_deployments SET payload = ?, digest = ? WHERE deployment = ?",
        (columns[-1], row_digest("orchestra_deployments", deployment, *columns), deployment),
    )


def _line_1(text: str) -> str:
    """A line of the journal of version 1 as one of the audit record."""
    fields = {name: value for name, value in json.loads(text).items() if name != "sequence" and value != ""}
    line = canonical({**fields, "event": AuditEvent.STEP.value})
    decode_audit(line, sequence=0, serial=0, digest="")  # raises for what isn't one
    return line


class _Check:
    """Reads rows of one deployment that have a digest, and tables that have a total."""

    def __init__(self, execute: Execute, deployment: str, where: str, totals: Mapping[str, str]) -> None:
        self._execute = execute
        self._deployment = deployment
        self._where = where
        self._totals = totals

    def rows(self, table: str, keys: str, suffix: str = "") -> list[Row]:
        """The rows of ``table``, in order of their two key columns: the keys and the payload."""
        rows = self._execute(
            f"SELECT {keys}, payload, digest FROM {table}{suffix} WHERE deployment = ?",  # noqa: S608 (our own names)
            (self._deployment,),
        ).fetchall()
        is_whole = all(row_digest(table, self._deployment, *row[:-1]) == row[-1] for row in rows)
        if not is_whole or total_of(str(row[-1]) for row in rows) != self._totals[table]:
            raise self._damaged(f"rows of {table} aren't what was written")
        return sorted(row[:-1] for row in rows)

    def _damaged(self, what: str) -> CorruptStateError:
        return damaged(f"{what}; it was left as it is", where=self._where, deployment=self._deployment)


_STEPS: Final[Mapping[int, Callable[[Execute, str], None]]] = MappingProxyType({1: _to_2})
"""What brings each older version to the next."""
