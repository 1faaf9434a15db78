"""The store over a SQL database: a dozen statements over DB-API."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

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
from orchestra.stores.dialect import Column, Cursor, Dialect
from orchestra.stores.founding import enter_deployment
from orchestra.stores.rows import Rows
from orchestra.stores.schema import DEPLOYMENTS, JOURNAL, PENDING, RECORDS, RUNS


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
        self._lock = threading.RLock()
        self._closed = False
        self._connection = dialect.connect()
        try:
            self._enter()
        except BaseException:
            self.close()
            raise

    def load(self) -> Snapshot:
        """See `orchestra.contracts.Store.load`."""
        with self._rows(self._dialect.begin_read) as rows:
            records_found = rows.read(RECORDS)
            pending_found = rows.read(PENDING)
        records = [decode_record(str(payload)) for _, _, payload in records_found]
        in_order = sorted(pending_found, key=lambda row: row[3])
        return Snapshot(
            deployment=self._deployment,
            lineage=rows.head.lineage,
            serial=rows.head.serial,
            salt=bytes.fromhex(rows.head.salt),
            records={record.address: record for record in records if record.condition is not Condition.DEPOSED},
            deposed=tuple(record for record in records if record.condition is Condition.DEPOSED),
            pending=tuple(decode_intent(str(payload)) for *_, payload in in_order),
        )

    def acquire(self, holder: Holder) -> Lease:
        """See `orchestra.contracts.Store.acquire`."""
        with self._rows(self._dialect.begin_write) as rows:
            tenure = rows.head.tenure.taken(
                holder,
                now=self._clock.now(),
                seconds=self._seconds,
                deployment=self._deployment,
                where=self._dialect.where,
            )
            rows.set_tenure(tenure)
        return Lease(holder=tenure.holder or holder, fence=tenure.fence, expires=tenure.expires)

    def renew(self, lease: Lease) -> None:
        """See `orchestra.contracts.Store.renew`."""
        with self._rows(self._dialect.begin_write) as rows:
            rows.set_tenure(
                rows.head.tenure.renewed(
                    lease, now=self._clock.now(), seconds=self._seconds, deployment=self._deployment
                )
            )

    def release(self, lease: Lease) -> None:
        """See `orchestra.contracts.Store.release`."""
        with self._rows(self._dialect.begin_write) as rows:
            if rows.head.tenure.held_by(lease):
                rows.set_tenure(rows.head.tenure.free)

    def break_lease(self) -> Holder | None:
        """See `orchestra.contracts.Store.break_lease`."""
        with self._rows(self._dialect.begin_write) as rows:
            holder = rows.head.tenure.holder
            if holder is not None:
                rows.set_tenure(rows.head.tenure.free)
        return holder

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.start_run`."""
        payload = encode_run(run)
        with self._writing(lease) as rows:
            if rows.find(RUNS, (run.id,)) is not None:
                raise InternalError(f"the run {run.id} was started twice")
            rows.put(RUNS, (run.id,), rows.next_run(), payload)

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """See `orchestra.contracts.Store.begin`."""
        encoded = [(intent, encode_intent(intent)) for intent in intents]
        with self._writing(lease) as rows:
            for intent, payload in encoded:
                entry = entries.begun(intent, rows.next_entry())
                rows.put(JOURNAL, (entry.sequence,), entry.run, encode_entry(entry))
                rows.put(PENDING, intent.key, entry.sequence, payload)

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        """See `orchestra.contracts.Store.commit`. Within an outcome the removals go before the writes."""
        encoded = [(outcome, [encode_record(record) for record in outcome.write]) for outcome in outcomes]
        with self._writing(lease) as rows:
            for outcome, payloads in encoded:
                _settle(rows, outcome, payloads)
        return rows.head.serial

    def finish_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.finish_run`."""
        payload = encode_run(run)
        with self._writing(lease) as rows:
            found = rows.find(RUNS, (run.id,))
            if found is None:
                raise InternalError(f"the run {run.id} was never started")
            rows.put(RUNS, (run.id,), found[1], payload)

    def runs(self) -> Sequence[RunRecord]:
        """See `orchestra.contracts.Store.runs`."""
        with self._rows(self._dialect.begin_read) as rows:
            found = rows.read(RUNS)
        return tuple(decode_run(str(payload)) for _, _, payload in sorted(found, key=lambda row: row[1]))

    def journal(self, run: str | None = None) -> Sequence[Entry]:
        """See `orchestra.contracts.Store.journal`."""
        with self._rows(self._dialect.begin_read) as rows:
            found = rows.read(JOURNAL) if run is None else rows.read_run(run)
        return tuple(decode_entry(str(payload)) for *_, payload in found)

    def close(self) -> None:
        """See `orchestra.contracts.Store.close`. Closing twice is no error."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _enter(self) -> None:
        with self._transaction(self._dialect.begin_read):
            found = self._execute(DEPLOYMENTS.select, (self._deployment,)).fetchone()
        if found is None:
            with self._transaction(self._dialect.begin_write):
                enter_deployment(self._execute, self._deployment, self._dialect.where)

    def _execute(self, statement: str, columns: Sequence[Column] = ()) -> Cursor:
        return self._connection.execute(self._dialect.sql(statement), columns)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        """A transaction: committed at the end, rolled back on any error; the database's errors made ours."""
        with self._lock:
            if self._closed:
                raise StateError(f"this store in {self._dialect.where} is closed", remedy="open it again")
            try:
                self._execute(begin)
                try:
                    yield
                    self._execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(*self._dialect.errors):  # the database may have done so by itself
                        self._execute("ROLLBACK")
                    raise
            except self._dialect.errors as error:
                raise self._dialect.explain(error, self._deployment) from error

    @contextlib.contextmanager
    def _rows(self, begin: str) -> Iterator[Rows]:
        with self._transaction(begin):
            yield Rows(self._execute, deployment=self._deployment, where=self._dialect.where)

    @contextlib.contextmanager
    def _writing(self, lease: Lease) -> Iterator[Rows]:
        """A transaction that ``lease`` permits; what it wrote counts as one serial."""
        with self._rows(self._dialect.begin_write) as rows:
            rows.head.tenure.check(lease, now=self._clock.now(), deployment=self._deployment)
            yield rows
            rows.save()


def _settle(rows: Rows, outcome: Outcome, payloads: Sequence[str]) -> None:
    entry = entries.settled(outcome, rows.next_entry())
    rows.put(JOURNAL, (entry.sequence,), entry.run, encode_entry(entry))
    for key in outcome.remove:
        rows.remove(RECORDS, key)
    for record, payload in zip(outcome.write, payloads, strict=True):
        rows.put(RECORDS, record.key, payload)
    if outcome.settles is not None and outcome.phase is not Phase.UNKNOWN:
        rows.remove(PENDING, outcome.settles.key)
