"""The reference store: in memory, as plain as can be."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Iterable, Sequence

import attrs

from orchestra.contracts import Clock
from orchestra.errors import InternalError
from orchestra.state.audit import (
    BEGINNING,
    NOTES,
    AuditEntry,
    Records,
    chained,
    decode_audit,
    encode_audit,
    encode_written,
)
from orchestra.state.codec import (
    decode_intent,
    decode_record,
    decode_run,
    encode_intent,
    encode_record,
    encode_run,
)
from orchestra.state.integrity import combined, row_digest
from orchestra.state.journal import Entry, Holder, Intent, Lease, Outcome, Phase, RunRecord
from orchestra.state.records import Record, Snapshot
from orchestra.stores import entries
from orchestra.stores.leases import Tenure
from orchestra.stores.past import records_at
from orchestra.stores.schema import RECORDS


@attrs.frozen(kw_only=True)
class _Line:
    """A line of the audit record, and the records that it wrote."""

    entry: AuditEntry
    changes: str


@attrs.frozen(kw_only=True)
class _State:
    """Everything, at one serial; a write makes another, so that one that fails changes nothing."""

    serial: int = 0
    records: tuple[Record, ...] = ()
    pending: tuple[Intent, ...] = ()
    lines: tuple[_Line, ...] = ()
    runs: tuple[RunRecord, ...] = ()
    wrapped_root: str = ""


class MemoryStore:
    """A store that keeps everything in memory and forgets it with the process: for tests.

    It copies the whole state on every write; use ``open_store("sqlite://:memory:", …)`` where that is too slow.
    ``lease_seconds`` is how long a lease lasts unless it is renewed (60). Satisfies `orchestra.contracts.Store`.
    """

    def __init__(self, *, deployment: str, clock: Clock, lease_seconds: float = 60.0) -> None:
        self._deployment = deployment
        self._clock = clock
        self._seconds = lease_seconds
        self._lineage = str(uuid.uuid4())
        self._salt = secrets.token_bytes(32)
        self._state = _State()
        self._tenure = Tenure()
        self._lock = threading.RLock()

    def load(self) -> Snapshot:
        """See `orchestra.contracts.Store.load`."""
        state = self._state
        pending = tuple(decode_intent(encode_intent(intent)) for intent in state.pending)
        snapshot = self._snapshot(state.serial, map(_copied, state.records))
        return attrs.evolve(snapshot, pending=pending, version=self._version(state))

    def version(self) -> str:
        """See `orchestra.contracts.Store.version`."""
        return self._version(self._state)

    def _version(self, state: _State) -> str:
        return f"{self._lineage}:{state.serial}:{state.wrapped_root}"

    def load_at(self, serial: int) -> Snapshot:
        """See `orchestra.contracts.Store.load_at`."""
        lines = [(line.entry.serial, line.changes) for line in self._state.lines]
        records = records_at(serial, self._state.serial, lines, deployment=self._deployment)
        return self._snapshot(serial, records.values())

    def _snapshot(self, serial: int, records: Iterable[Record]) -> Snapshot:
        current, deposed = Snapshot.parted(records)
        return Snapshot(
            deployment=self._deployment,
            lineage=self._lineage,
            serial=serial,
            salt=self._salt,
            records=current,
            deposed=deposed,
            wrapped_root=self._state.wrapped_root,
        )

    def acquire(self, holder: Holder) -> Lease:
        """See `orchestra.contracts.Store.acquire`."""
        with self._lock:
            tenure = self._tenure.taken(
                holder, now=self._clock.now(), seconds=self._seconds, deployment=self._deployment, where="memory"
            )
            self._tenure = tenure
            return Lease(holder=tenure.holder or holder, fence=tenure.fence, expires=tenure.expires)

    def renew(self, lease: Lease) -> None:
        """See `orchestra.contracts.Store.renew`."""
        with self._lock:
            self._tenure = self._renewed(lease)

    def release(self, lease: Lease) -> None:
        """See `orchestra.contracts.Store.release`."""
        with self._lock:
            if self._tenure.held_by(lease):
                self._tenure = self._tenure.free

    def break_lease(self, by: Holder) -> Holder | None:
        """See `orchestra.contracts.Store.break_lease`."""
        with self._lock:
            holder = self._tenure.holder
            if holder is not None:
                self._tenure = self._tenure.free
                self.note(entries.broken(holder, by, self._clock.now()))
            return holder

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.start_run`."""
        kept = decode_run(encode_run(run))
        with self._lock:
            tenure = self._renewed(lease)
            if any(one.id == run.id for one in self._state.runs):
                raise InternalError(f"the run {run.id} was started twice")
            state = attrs.evolve(self._state, runs=(*self._state.runs, kept))
            self._write(tenure, self._with_line(state, entries.started(run)))

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """See `orchestra.contracts.Store.begin`."""
        kept = _kept_intents(intents)
        with self._lock:
            self._write(self._renewed(lease), self._begun(self._state, kept))

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        """See `orchestra.contracts.Store.commit`."""
        kept = _kept(outcomes)
        with self._lock:
            self._write(self._renewed(lease), self._settled(kept))
            return self._state.serial

    def enter(self, lease: Lease, outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> int:
        """See `orchestra.contracts.Store.enter`."""
        kept, begun = _kept(outcomes), _kept_intents(intents)
        with self._lock:
            self._write(self._renewed(lease), self._begun(self._settled(kept), begun))
            return self._state.serial

    def rekey(self, lease: Lease, wrapped_root: str, outcomes: Sequence[Outcome], entry: AuditEntry) -> int:
        """See `orchestra.contracts.Store.rekey`."""
        kept = _kept(outcomes)
        with self._lock:
            tenure = self._renewed(lease)
            state = attrs.evolve(self._settled(kept), wrapped_root=wrapped_root)
            self._write(tenure, self._with_line(state, entry))
            return self._state.serial

    def finish_run(self, lease: Lease, run: RunRecord) -> int:
        """See `orchestra.contracts.Store.finish_run`."""
        kept = decode_run(encode_run(run))
        with self._lock:
            tenure = self._renewed(lease)
            if all(one.id != run.id for one in self._state.runs):
                raise InternalError(f"the run {run.id} was never started")
            runs = tuple(kept if one.id == run.id else one for one in self._state.runs)
            state = attrs.evolve(self._state, runs=runs)
            self._write(tenure, self._with_line(state, entries.finished(run, self._clock.now())))
            return self._state.serial

    def runs(self) -> Sequence[RunRecord]:
        """See `orchestra.contracts.Store.runs`."""
        return tuple(decode_run(encode_run(run)) for run in self._state.runs)

    def last_run(self) -> RunRecord | None:
        """See `orchestra.contracts.Store.last_run`."""
        return next(reversed(self.runs()), None)

    def journal(self, run: str | None = None) -> Sequence[Entry]:
        """See `orchestra.contracts.Store.journal`."""
        steps = (line.entry.step for line in self._state.lines)
        return tuple(step for step in steps if step is not None and run in (None, step.run))

    def audit(self) -> Sequence[AuditEntry]:
        """See `orchestra.contracts.Store.audit`."""
        return tuple(line.entry for line in self._state.lines)

    def note(self, entry: AuditEntry) -> None:
        """See `orchestra.contracts.Store.note`."""
        with self._lock:
            self._state = self._with_line(self._state, entry)

    def close(self) -> None:
        """See `orchestra.contracts.Store.close`. What was kept stays until the store itself goes."""

    def _with_line(self, state: _State, entry: AuditEntry, changes: str = "") -> _State:
        sequence, serial = len(state.lines) + 1, self._state.serial + (entry.event not in NOTES)
        previous = state.lines[-1].entry.digest if state.lines else BEGINNING
        payload = encode_audit(entry)
        digest = chained(previous, self._deployment, sequence, serial, changes, payload)
        written = decode_audit(payload, sequence=sequence, serial=serial, digest=digest)
        return attrs.evolve(state, lines=(*state.lines, _Line(entry=written, changes=changes)))

    def _begun(self, state: _State, intents: Sequence[Intent]) -> _State:
        for intent in intents:
            others = tuple(one for one in state.pending if one.key != intent.key)
            state = self._with_line(attrs.evolve(state, pending=(*others, intent)), entries.begun(intent))
        return state

    def _settled(self, outcomes: Sequence[Outcome]) -> _State:
        state = self._state
        for outcome in outcomes:
            state = self._with_outcome(state, outcome)
        return state

    def _with_outcome(self, state: _State, outcome: Outcome) -> _State:
        records: Records = {record.key: record for record in state.records}
        before = [records.pop(key) for key in outcome.remove if key in records]
        for record in outcome.write:
            before += [records[record.key]] if record.key in records else []
            records[record.key] = record
        pending = state.pending
        if outcome.settles is not None and outcome.phase is not Phase.UNKNOWN:
            pending = tuple(one for one in pending if one.key != outcome.settles.key)
        entry = entries.settled(outcome, self._digest(before), self._digest(outcome.write))
        changes = encode_written(outcome.remove, [encode_record(record) for record in outcome.write])
        state = attrs.evolve(state, records=tuple(records.values()), pending=pending)
        return self._with_line(state, entry, changes)

    def _digest(self, records: Sequence[Record]) -> str:
        rows = [row_digest(RECORDS.name, self._deployment, *one.key, encode_record(one)) for one in records]
        return combined(rows)

    def _renewed(self, lease: Lease) -> Tenure:
        return self._tenure.renewed(lease, now=self._clock.now(), seconds=self._seconds, deployment=self._deployment)

    def _write(self, tenure: Tenure, state: _State) -> None:
        self._tenure = tenure
        if state is not self._state:
            self._state = attrs.evolve(state, serial=self._state.serial + 1)


def _copied(record: Record) -> Record:
    """``record`` as it would be read back: nobody else's, lists for tuples, and refused if it can't be kept."""
    return decode_record(encode_record(record))


def _kept_intents(intents: Sequence[Intent]) -> list[Intent]:
    return [decode_intent(encode_intent(intent)) for intent in intents]


def _kept(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [attrs.evolve(one, write=tuple(_copied(record) for record in one.write)) for one in outcomes]
