"""The reference store: in memory, as plain as can be."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Sequence

import attrs

from orchestra.contracts import Clock
from orchestra.errors import InternalError
from orchestra.model.address import Address
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
from orchestra.state.records import Condition, Record, Snapshot
from orchestra.stores import entries
from orchestra.stores.leases import Tenure


@attrs.frozen(kw_only=True)
class _State:
    """Everything, at one serial; a write makes another, so that one that fails changes nothing."""

    serial: int = 0
    records: tuple[Record, ...] = ()
    pending: tuple[Intent, ...] = ()
    journal: tuple[Entry, ...] = ()
    runs: tuple[RunRecord, ...] = ()


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
        records = sorted((_copied(record) for record in state.records), key=lambda one: one.key)
        return Snapshot(
            deployment=self._deployment,
            lineage=self._lineage,
            serial=state.serial,
            salt=self._salt,
            records={record.address: record for record in records if record.condition is not Condition.DEPOSED},
            deposed=tuple(record for record in records if record.condition is Condition.DEPOSED),
            pending=tuple(decode_intent(encode_intent(intent)) for intent in state.pending),
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

    def break_lease(self) -> Holder | None:
        """See `orchestra.contracts.Store.break_lease`."""
        with self._lock:
            holder = self._tenure.holder
            self._tenure = self._tenure.free
            return holder

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.start_run`."""
        kept = decode_run(encode_run(run))
        with self._lock:
            tenure = self._renewed(lease)
            if any(one.id == run.id for one in self._state.runs):
                raise InternalError(f"the run {run.id} was started twice")
            self._write(tenure, attrs.evolve(self._state, runs=(*self._state.runs, kept)))

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """See `orchestra.contracts.Store.begin`."""
        kept = [decode_intent(encode_intent(intent)) for intent in intents]
        with self._lock:
            tenure = self._renewed(lease)
            state = self._state
            for intent in kept:
                others = tuple(one for one in state.pending if one.key != intent.key)
                state = attrs.evolve(
                    _entered(state, entries.begun(intent, len(state.journal) + 1)), pending=(*others, intent)
                )
            self._write(tenure, state)

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        """See `orchestra.contracts.Store.commit`."""
        kept = [attrs.evolve(one, write=tuple(_copied(record) for record in one.write)) for one in outcomes]
        with self._lock:
            tenure = self._renewed(lease)
            state = self._state
            for outcome in kept:
                state = _settled(state, outcome)
            self._write(tenure, state)
            return self._state.serial

    def finish_run(self, lease: Lease, run: RunRecord) -> None:
        """See `orchestra.contracts.Store.finish_run`."""
        kept = decode_run(encode_run(run))
        with self._lock:
            tenure = self._renewed(lease)
            if all(one.id != run.id for one in self._state.runs):
                raise InternalError(f"the run {run.id} was never started")
            runs = tuple(kept if one.id == run.id else one for one in self._state.runs)
            self._write(tenure, attrs.evolve(self._state, runs=runs))

    def runs(self) -> Sequence[RunRecord]:
        """See `orchestra.contracts.Store.runs`."""
        return tuple(decode_run(encode_run(run)) for run in self._state.runs)

    def journal(self, run: str | None = None) -> Sequence[Entry]:
        """See `orchestra.contracts.Store.journal`."""
        return tuple(entry for entry in self._state.journal if run is None or entry.run == run)

    def close(self) -> None:
        """See `orchestra.contracts.Store.close`. What was kept stays until the store itself goes."""

    def _renewed(self, lease: Lease) -> Tenure:
        return self._tenure.renewed(lease, now=self._clock.now(), seconds=self._seconds, deployment=self._deployment)

    def _write(self, tenure: Tenure, state: _State) -> None:
        self._tenure = tenure
        if state is not self._state:
            self._state = attrs.evolve(state, serial=self._state.serial + 1)


def _copied(record: Record) -> Record:
    """``record`` as it would be read back: nobody else's, lists for tuples, and refused if it can't be kept."""
    return decode_record(encode_record(record))


def _entered(state: _State, entry: Entry) -> _State:
    return attrs.evolve(state, journal=(*state.journal, decode_entry(encode_entry(entry))))


def _settled(state: _State, outcome: Outcome) -> _State:
    records: dict[tuple[Address, str], Record] = {record.key: record for record in state.records}
    for key in outcome.remove:
        records.pop(key, None)
    for record in outcome.write:
        records[record.key] = record
    pending = state.pending
    if outcome.settles is not None and outcome.phase is not Phase.UNKNOWN:
        pending = tuple(one for one in pending if one.key != outcome.settles.key)
    entered = _entered(state, entries.settled(outcome, len(state.journal) + 1))
    return attrs.evolve(entered, records=tuple(records.values()), pending=pending)
