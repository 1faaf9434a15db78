"""The store over a SQL database: a dozen statements over DB-API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from orchestra.contracts import Clock
from orchestra.errors import InternalError, StateError
from orchestra.state.codec import (
    decode_entry,
    decode_intent,
    decode_record,
    decode_run,
    encode_entry,
    encode_intent,
    encode_record,
    encode_run,
)
from orchestra.state.journal import Entry, Holder, Intent, Lease, Outcome, Phase, RunRecord
from orchestra.state.records import Condition, Snapshot
from orchestra.stores import entries
from orchestra.stores.dialect import Dialect
from orchestra.stores.founding import enter_deployment
from orchestra.stores.rows import Rows
from orchestra.stores.schema import DEPLOYMENTS, JOURNAL, PENDING, RECORDS, RUNS
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

    def load(self) -> Snapshot:
        """See `orchestra.contracts.Store.load`."""
        head, records_found, pending_found = self._read(
            lambda rows: (rows.head, rows.read(RECORDS), rows.read(PENDING)),
        )
        records = [decode_record(str(payload)) for _, _, payload in records_found]
        in_order = sorted(pending_found, key=lambda row: row[3])
        return Snapshot(
            deployment=self._deployment,
            lineage=head.lineage,
            serial=head.serial,
            salt=bytes.fromhex(head.salt),
            records={record.address: record for record in records if record.condition is not Condition.DEPOSED},
            deposed=tuple(record for record in records if record.condition is Condition.DEPOSED),
            pending=tuple(decode_intent(str(payload)) for *_, payload in in_order),
        )

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

    def break_lease(self) -> Holder | None:
        """See `orchestra.contracts.Store.break_lease`."""

        def is_broken(rows: Rows, earlier: Rows) -> bool:
            # never that of somebody who took it after the answer was lost
            return rows.head.tenure.holder is None or rows.head.tenure.fence != earlier.head.tenure.fence

        return self._write(lambda rows: rows.set_tenure(rows.head.tenure.free), is_broken).before.tenure.holder

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.start_run`."""
        payload = encode_run(run)

        def start(rows: Rows) -> None:
            if rows.find(RUNS, (run.id,)) is not None:
                raise InternalError(f"the run {run.id} was started twice")
            rows.put(RUNS, (run.id,), rows.next_run(), payload)

        self._write_under(lease, start)

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """See `orchestra.contracts.Store.begin`."""
        encoded = [(intent, encode_intent(intent)) for intent in intents]

        def enter(rows: Rows) -> None:
            for intent, payload in encoded:
                entry = entries.begun(intent, rows.next_entry())
                rows.put(JOURNAL, (entry.sequence,), entry.run, encode_entry(entry))
                rows.put(PENDING, intent.key, entry.sequence, payload)

        self._write_under(lease, enter)

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        """See `orchestra.contracts.Store.commit`. Within an outcome the removals go before the writes."""
        encoded = [(outcome, [encode_record(record) for record in outcome.write]) for outcome in outcomes]

        def settle(rows: Rows) -> None:
            for outcome, payloads in encoded:
                _settle(rows, outcome, payloads)

        return self._write_under(lease, settle).head.serial

    def finish_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.finish_run`."""
        payload = encode_run(run)

        def finish(rows: Rows) -> None:
            found = rows.find(RUNS, (run.id,))
            if found is None:
                raise InternalError(f"the run {run.id} was never started")
            rows.put(RUNS, (run.id,), found[1], payload)

        self._write_under(lease, finish)

    def runs(self) -> Sequence[RunRecord]:
        """See `orchestra.contracts.Store.runs`."""
        found = self._read(lambda rows: rows.read(RUNS))
        return tuple(decode_run(str(payload)) for _, _, payload in sorted(found, key=lambda row: row[1]))

    def journal(self, run: str | None = None) -> Sequence[Entry]:
        """See `orchestra.contracts.Store.journal`."""
        found = self._read(lambda rows: rows.read(JOURNAL) if run is None else rows.read_run(run))
        return tuple(decode_entry(str(payload)) for *_, payload in found)

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


def _settle(rows: Rows, outcome: Outcome, payloads: Sequence[str]) -> None:
    entry = entries.settled(outcome, rows.next_entry())
    rows.put(JOURNAL, (entry.sequence,), entry.run, encode_entry(entry))
    for key in outcome.remove:
        rows.remove(RECORDS, key)
    for record, payload in zip(outcome.write, payloads, strict=True):
        rows.put(RECORDS, record.key, payload)
    if outcome.settles is not None and outcome.phase is not Phase.UNKNOWN:
        rows.remove(PENDING, outcome.settles.key)
