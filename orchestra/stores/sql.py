"""The store over a SQL database: a dozen statements over DB-API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import attrs

from orchestra.contracts import Clock
from orchestra.errors import InternalError, StateError
from orchestra.garbage import uncollected
from orchestra.state.audit import AuditEntry, decode_audit, encode_written
from orchestra.state.codec import (
    decode_intent,
    decode_records,
    decode_run,
    encode_intent,
    encode_record,
    encode_run,
)
from orchestra.state.integrity import combined
from orchestra.state.journal import Entry, Holder, Intent, Lease, Outcome, Phase, RunRecord
from orchestra.state.records import Record, Snapshot
from orchestra.stores import entries
from orchestra.stores.dialect import Dialect
from orchestra.stores.founding import enter_deployment
from orchestra.stores.past import records_at
from orchestra.stores.rows import Head, Rows
from orchestra.stores.schema import DEPLOYMENTS, PENDING, RECORDS, RUNS
from orchestra.stores.transactions import Transactions

T = TypeVar("T")


class SqlStore:
    """The state of ``deployment`` in the database that ``dialect`` opens. Satisfies `orchestra.contracts.Store`.

    ``lease_seconds`` is how long a lease lasts unless it is renewed. One connection serves all threads, one at a
    time. Don't use a store after a fork: open another.
    """

    def __init__(self, dialect: Dialect, *, deployment: str, clock: Clock, lease_seconds: float) -> None:
        self._dialect = dialect
        self._deployment = deployment
        self._clock = clock
        self._seconds = lease_seconds
        self._newest = 0
        self._transactions = Transactions(dialect, deployment=deployment, clock=clock)
        try:
            self._enter()
        except BaseException:
            self.close()
            raise

    @uncollected()
    def load(self) -> Snapshot:
        """See `orchestra.contracts.Store.load`."""
        head, records_found, pending_found = self._read(
            lambda rows: (rows.head, rows.read(RECORDS), rows.read(PENDING)),
        )
        in_order = sorted(pending_found, key=lambda row: row[3])
        records = decode_records([str(payload) for _, _, payload in records_found])
        pending = tuple(decode_intent(str(payload)) for *_, payload in in_order)
        return attrs.evolve(self._snapshot(head, records), pending=pending, version=head.version)

    def version(self) -> str:
        """See `orchestra.contracts.Store.version`."""
        return self._read(lambda rows: rows.head.version)

    def load_at(self, serial: int) -> Snapshot:
        """See `orchestra.contracts.Store.load_at`."""
        head, lines = self._read(lambda rows: (rows.head, rows.read_audit()))
        changes = [(int(at), str(records)) for _, at, records, *_ in lines]
        records = records_at(serial, head.serial, changes, deployment=self._deployment)
        return attrs.evolve(self._snapshot(head, records.values()), serial=serial)

    def acquire(self, holder: Holder) -> Lease:
        """See `orchestra.contracts.Store.acquire`."""

        def take(rows: Rows) -> None:
            tenure = rows.head.tenure.taken(
                holder,
                now=self._clock.now(),
                seconds=self._seconds,
                deployment=self._deployment,
                where=self._dialect.where,
            )
            rows.set_tenure(tenure)

        tenure = self._write(take).head.tenure
        return Lease(holder=tenure.holder or holder, fence=tenure.fence, expires=tenure.expires)

    def renew(self, lease: Lease) -> None:
        """See `orchestra.contracts.Store.renew`."""
        self._write(lambda rows: self._prolong(rows, lease))

    def release(self, lease: Lease) -> None:
        """See `orchestra.contracts.Store.release`."""

        def give_back(rows: Rows) -> None:
            if rows.head.tenure.held_by(lease):
                rows.set_tenure(rows.head.tenure.free)

        self._write(give_back)

    def break_lease(self, by: Holder) -> Holder | None:
        """See `orchestra.contracts.Store.break_lease`."""

        def take_away(rows: Rows) -> None:
            holder = rows.head.tenure.holder
            if holder is not None:
                rows.set_tenure(rows.head.tenure.free)
                rows.append(entries.broken(holder, by, self._clock.now()))

        def is_broken(rows: Rows, earlier: Rows) -> bool:
            # never that of somebody who took it after the answer was lost
            return rows.head.tenure.holder is None or rows.head.tenure.fence != earlier.head.tenure.fence

        return self._write(take_away, is_broken).before.tenure.holder

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.start_run`."""
        payload = encode_run(run)

        def start(rows: Rows) -> None:
            if rows.find(RUNS, (run.id,)) is not None:
                raise InternalError(f"the run {run.id} was started twice")
            rows.put(RUNS, (run.id,), rows.next_run(run.id), payload)
            rows.append(entries.started(run))

        self._write_under(lease, start)

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """See `orchestra.contracts.Store.begin`."""
        self._write_under(lease, _beginning(intents))

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        """See `orchestra.contracts.Store.commit`. Within an outcome the removals go before the writes."""
        return self._write_under(lease, _settling(outcomes)).head.serial

    def enter(self, lease: Lease, outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> int:
        """See `orchestra.contracts.Store.enter`."""
        settle, begin = _settling(outcomes), _beginning(intents)

        def change(rows: Rows) -> None:
            settle(rows)
            begin(rows)

        return self._write_under(lease, change).head.serial

    def rekey(self, lease: Lease, wrapped_root: str, outcomes: Sequence[Outcome], entry: AuditEntry) -> int:
        """See `orchestra.contracts.Store.rekey`."""
        settle = _settling(outcomes)

        def change(rows: Rows) -> None:
            settle(rows)
            rows.set_root(wrapped_root)
            rows.append(entry)

        return self._write_under(lease, change).head.serial

    def finish_run(self, lease: Lease, run: RunRecord) -> int:
        """See `orchestra.contracts.Store.finish_run`."""
        payload = encode_run(run)

        def finish(rows: Rows) -> None:
            found = rows.find(RUNS, (run.id,))
            if found is None:
                raise InternalError(f"the run {run.id} was never started")
            rows.put(RUNS, (run.id,), found[1], payload)
            rows.append(entries.finished(run, self._clock.now()))

        return self._write_under(lease, finish).head.serial

    def runs(self) -> Sequence[RunRecord]:
        """See `orchestra.contracts.Store.runs`."""
        found = self._read(lambda rows: rows.read(RUNS))
        return tuple(decode_run(str(payload)) for _, _, payload in sorted(found, key=lambda row: row[1]))

    def last_run(self) -> RunRecord | None:
        """See `orchestra.contracts.Store.last_run`."""
        found = self._read(lambda rows: rows.last_run())
        return decode_run(str(found[-1])) if found is not None else None

    def journal(self, run: str | None = None) -> Sequence[Entry]:
        """See `orchestra.contracts.Store.journal`."""
        steps = (entry.step for entry in self.audit())
        return tuple(step for step in steps if step is not None and run in (None, step.run))

    def audit(self) -> Sequence[AuditEntry]:
        """See `orchestra.contracts.Store.audit`."""
        lines = self._read(lambda rows: rows.read_audit())
        return tuple(
            decode_audit(str(payload), sequence=int(sequence), serial=int(serial), digest=str(digest))
            for sequence, serial, _, payload, digest in lines
        )

    def note(self, entry: AuditEntry) -> None:
        """See `orchestra.contracts.Store.note`."""

        def write(rows: Rows) -> None:
            rows.append(entry)

        self._write(write)

    def close(self) -> None:
        """See `orchestra.contracts.Store.close`. Closing twice is no error."""
        self._transactions.close()

    def __del__(self) -> None:
        # a user may leave it to Python to let go; a half-made one has nothing to let go of
        if hasattr(self, "_transactions"):
            self._transactions.close()

    def _enter(self) -> None:
        execute, deployment = self._transactions.execute, self._deployment
        if self._transactions.run(
            lambda _: execute(DEPLOYMENTS.select, (deployment,)).fetchone() is None, writes=False
        ):
            where, for_update = self._dialect.where, self._dialect.for_update
            self._transactions.run(
                lambda _: enter_deployment(execute, deployment, where=where, for_update=for_update), writes=True
            )

    def _snapshot(self, head: Head, records: Iterable[Record]) -> Snapshot:
        current, deposed = Snapshot.parted(records)
        return Snapshot(
            deployment=self._deployment,
            lineage=head.lineage,
            serial=head.serial,
            salt=bytes.fromhex(head.salt),
            records=current,
            deposed=deposed,
            wrapped_root=head.wrapped_root,
        )

    def _read(self, body: Callable[[Rows], T]) -> T:
        """What ``body`` reads, all of it at one moment."""
        return self._transactions.run(lambda _: body(self._rows()), writes=False)

    def _write(self, change: Callable[[Rows], None], is_done: Callable[[Rows, Rows], bool] = Rows.hold) -> Rows:
        """Let ``change`` write, once, and return the rows as it left them.

        ``is_done`` tells of a write whose commit went unanswered whether it is there.
        """

        def body(unanswered: Rows | None) -> Rows:
            rows = self._rows(self._dialect.for_update)
            if unanswered is not None and is_done(rows, unanswered):
                return unanswered
            change(rows)
            rows.save()
            return rows

        rows = self._transactions.run(body, writes=True)
        self._newest = max(self._newest, rows.head.serial)
        return rows

    def _write_under(self, lease: Lease, change: Callable[[Rows], None]) -> Rows:
        """A write that ``lease`` permits, and that prolongs it; what ``change`` wrote counts as one serial."""

        def under(rows: Rows) -> None:
            self._prolong(rows, lease)
            change(rows)

        return self._write(under)

    def _prolong(self, rows: Rows, lease: Lease) -> None:
        tenure = rows.head.tenure.renewed(
            lease, now=self._clock.now(), seconds=self._seconds, deployment=self._deployment
        )
        rows.set_tenure(tenure)

    def _rows(self, for_update: str = "") -> Rows:
        """The rows for the transaction under way; raises `StateError` if they are older than what was written."""
        where, serial = self._dialect.where, self._newest
        rows = Rows(self._transactions.execute, deployment=self._deployment, where=where, for_update=for_update)
        if rows.head.serial < serial:
            raise StateError(
                f"{where} went back to serial {rows.head.serial} of the state of {self._deployment!r}: serial {serial} "
                "was written, and is lost",
                remedy=(
                    "see whether an older copy was restored, or a standby took over that did not have the last writes; "
                    "what they recorded may be in the clouds without being in the state"
                ),
            )
        return rows


def _beginning(intents: Sequence[Intent]) -> Callable[[Rows], None]:
    """What writes ``intents``; what can't be written is told before anything is."""
    encoded = [(intent, encode_intent(intent)) for intent in intents]

    def begin(rows: Rows) -> None:
        for intent, payload in encoded:
            rows.put(PENDING, intent.key, rows.append(entries.begun(intent)), payload)

    return begin


def _settling(outcomes: Sequence[Outcome]) -> Callable[[Rows], None]:
    """What writes ``outcomes``; what can't be written is told before anything is."""
    encoded = [(outcome, [encode_record(record) for record in outcome.write]) for outcome in outcomes]

    def settle(rows: Rows) -> None:
        for outcome, payloads in encoded:
            _settle(rows, outcome, payloads)

    return settle


def _settle(rows: Rows, outcome: Outcome, payloads: Sequence[str]) -> None:
    before = [digest for key in outcome.remove if (digest := rows.remove(RECORDS, key)) is not None]
    after: list[str] = []
    for record, payload in zip(outcome.write, payloads, strict=True):
        was, became = rows.put(RECORDS, record.key, payload)
        before += [] if was is None else [was]
        after.append(became)
    if outcome.settles is not None and outcome.phase is not Phase.UNKNOWN:
        rows.remove(PENDING, outcome.settles.key)
    entry = entries.settled(outcome, combined(before), combined(after))
    rows.append(entry, encode_written(outcome.remove, payloads))
