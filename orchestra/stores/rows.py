"""The rows of one deployment, read and written inside one transaction, with their integrity kept."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from orchestra.errors import CorruptStateError
from orchestra.state.audit import BEGINNING, NOTES, AuditEntry, chained, encode_audit
from orchestra.state.codec import canonical, digest
from orchestra.state.integrity import EMPTY, damaged, minus, plus, row_check, row_digest, total_of
from orchestra.state.journal import Holder
from orchestra.stores import schema
from orchestra.stores.dialect import Column, Cursor, Row
from orchestra.stores.leases import Tenure
from orchestra.stores.schema import JOURNAL, Table

Execute: TypeAlias = Callable[[str, Sequence[Column]], Cursor]

_DIGITS: Final = frozenset("0123456789abcdef")


@attrs.frozen(kw_only=True)
class Head:
    """What the one row of a deployment holds."""

    lineage: str
    serial: int = 0
    salt: str
    """In hexadecimal."""
    totals: Mapping[str, str]
    """The total of the digests of the rows of each table that has one."""
    chain: str = BEGINNING
    """The digest of the last line of the audit record, and through it of all of them."""
    entries: int = 0
    """How many lines the audit record has."""
    runs: int = 0
    """How many runs there were."""
    last_run: str = ""
    """The id of the run that was started last; '' if there was none, or if the head is older than this field."""
    tenure: Tenure = attrs.field(factory=Tenure)
    wrapped_root: str = ""
    """See `Snapshot.wrapped_root`."""

    @property
    def version(self) -> str:
        """See `Snapshot.version`; the totals are of what the rows hold."""
        return digest(canonical([self.lineage, self.serial, self.salt, self.wrapped_root, dict(self.totals)]))

    @staticmethod
    def fresh() -> Head:
        """That of a new deployment."""
        return Head(
            lineage=str(uuid.uuid4()),
            salt=secrets.token_hex(32),
            totals={table.name: EMPTY for table in schema.SUMMED},
        )

    @staticmethod
    def decode(text: str) -> Head:
        """The head that ``text`` holds."""
        fields = json.loads(text)
        tenure = fields["tenure"]
        holder = Holder(**tenure["holder"]) if tenure["holder"] else None
        return Head(**{**fields, "tenure": Tenure(**{**tenure, "holder": holder})})


class Rows:
    """The rows of ``deployment``; good for one transaction.

    Every write keeps the table's total in step; `save` writes the totals, and the serial one higher. Reading raises
    `CorruptStateError` for whatever isn't as it was written. ``for_update`` is `Dialect.for_update` in a transaction
    that writes: it makes whoever else wants to write to the deployment wait at its row.
    """

    def __init__(self, execute: Execute, *, deployment: str, where: str, for_update: str = "") -> None:
        self._execute = execute
        self._deployment = deployment
        self._where = where
        self.before = self._read_head(for_update)
        """The head as it was found."""
        self.head = self.before
        self._totals = dict(self.head.totals)
        self._changed = False
        self._trace: tuple[int, str] | None = None

    def read(self, table: Table) -> list[Row]:
        """Every row of ``table``: its columns without the digest, in order of the key."""
        rows = self._checked(table, self._execute(table.select, (self._deployment,)).fetchall())
        if total_of(str(row[-1]) for row in rows) != self._totals[table.name]:
            raise self._damaged(f"rows of {table.name} are missing or there twice")
        return sorted(row[:-1] for row in rows)

    def read_audit(self) -> list[Row]:
        """Every line of the audit record: sequence, serial, records, payload, digest; in order, and chained."""
        rows = sorted(self._execute(JOURNAL.select, (self._deployment,)).fetchall())
        chain = BEGINNING
        for number, row in enumerate(rows, 1):
            chain = chained(chain, self._deployment, *row[:-1])
            if row[0] != number:
                raise self._damaged(f"line {number} of orchestra_journal, the audit record, is missing")
            if row[-1] != chain:
                raise self._damaged(f"line {number} of orchestra_journal, the audit record, isn't what was written")
        if (len(rows), chain) != (self.head.entries, self.head.chain):
            raise self._damaged(
                f"orchestra_journal, the audit record, ends after line {len(rows)}, and had {self.head.entries} lines"
            )
        return rows

    def find(self, table: Table, key: Sequence[Column]) -> Row | None:
        """The row of ``table`` with ``key``, without the digest, or None."""
        found = self._execute(table.select_one, (self._deployment, *key)).fetchall()
        return self._checked(table, found)[0][:-1] if found else None

    def put(self, table: Table, key: Sequence[Column], *others: Column) -> tuple[str | None, str]:
        """Write the row with ``key``; ``others`` are the other columns, the payload last.

        Returns the digest that the row had, None if there was none, and the one that it has.
        """
        before = self._digest(table, key)
        after = row_digest(table.name, self._deployment, *key, *others)
        self._execute(table.put, (self._deployment, *key, *others, after))
        total = self._totals[table.name]
        self._totals[table.name] = plus(total if before is None else minus(total, before), after)
        self._changed = True
        return before, after

    def remove(self, table: Table, key: Sequence[Column]) -> str | None:
        """Delete the row with ``key``, and return the digest that it had; None if there was none."""
        before = self._digest(table, key)
        if before is not None:
            self._execute(table.remove, (self._deployment, *key))
            self._totals[table.name] = minus(self._totals[table.name], before)
            self._changed = True
        return before

    def append(self, entry: AuditEntry, records: str = "") -> int:
        """Write a line of the audit record, and return its number. What is only noted leaves the serial as it is."""
        noted = entry.event in NOTES
        sequence, serial = self.head.entries + 1, self.before.serial + (not noted)
        columns = (sequence, serial, records, encode_audit(entry))
        chain = chained(self.head.chain, self._deployment, *columns)
        self._execute(JOURNAL.insert, (self._deployment, *columns, chain))
        self.head = attrs.evolve(self.head, entries=sequence, chain=chain)
        self._changed = self._changed or not noted
        self._trace = self._trace or (sequence, chain)
        return sequence

    def next_run(self, run: str) -> int:
        """The sequence of the new ``run``."""
        self.head = attrs.evolve(self.head, runs=self.head.runs + 1, last_run=run)
        return self.head.runs

    def last_run(self) -> Row | None:
        """The row of the run that was started last, or None."""
        if not self.head.last_run:
            return max(self.read(schema.RUNS), key=lambda row: row[1], default=None)
        found = self.find(schema.RUNS, (self.head.last_run,))
        if found is None:
            raise self._damaged(f"rows of {schema.RUNS.name} are missing")
        return found

    def set_root(self, wrapped: str) -> None:
        """Change what secrets are kept under."""
        self.head = attrs.evolve(self.head, wrapped_root=wrapped)

    def set_tenure(self, tenure: Tenure) -> None:
        """Change how the lease stands; the serial stays."""
        self.head = attrs.evolve(self.head, tenure=tenure)

    def save(self) -> None:
        """Write the head if it changed; rows that were written raise the serial."""
        if self._changed:
            self.head = attrs.evolve(self.head, serial=self.head.serial + 1, totals=self._totals)
        if self.head != self.before:
            write_head(self._execute, self._deployment, self.head)

    def hold(self, earlier: Rows) -> bool:
        """Whether what ``earlier`` wrote is here, of which it isn't known whether it was committed.

        Told by a line of the audit record: it has its number from the head, under the lock, and is chained to all
        before it, so that nobody else's in its place is the same. What wrote to the head alone is here if the head is
        what it left.
        """
        if earlier._trace is None:
            return earlier.head == self.head
        sequence, chain = earlier._trace
        return self._digest(JOURNAL, (sequence,)) == chain

    def _damaged(self, what: str, address: str | None = None) -> CorruptStateError:
        return damaged(what, where=self._where, deployment=self._deployment, address=address)

    def _read_head(self, for_update: str) -> Head:
        found = self._execute(f"{schema.DEPLOYMENTS.select}{for_update}", (self._deployment,)).fetchall()
        if not found:
            raise self._damaged("its row is missing")
        *_, payload, _ = self._checked(schema.DEPLOYMENTS, found)[0]
        return Head.decode(str(payload))

    def _digest(self, table: Table, key: Sequence[Column]) -> str | None:
        found = self._execute(table.select_digest, (self._deployment, *key)).fetchone()
        if found is None:
            return None
        digest = found[0]
        if isinstance(digest, str) and len(digest) == len(EMPTY) and _DIGITS.issuperset(digest):
            return digest
        raise self._damaged(f"a row of {table.name} isn't what was written", table.address(key))

    def _checked(self, table: Table, rows: list[Row]) -> list[Row]:
        check = row_check(table.name, self._deployment)
        for row in rows:
            if check(row[:-1]) != row[-1]:
                raise self._damaged(f"a row of {table.name} isn't what was written", table.address(row))
        return rows


def write_head(execute: Execute, deployment: str, head: Head) -> None:
    """Write the row of ``deployment``."""
    columns = (head.lineage, head.serial, canonical(attrs.asdict(head)))
    digest = row_digest(schema.DEPLOYMENTS.name, deployment, *columns)
    execute(schema.DEPLOYMENTS.put, (deployment, *columns, digest))
