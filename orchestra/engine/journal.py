"""Writing intents and outcomes: durable before a call is made, and many threads' writes in one commit."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import attrs

from orchestra.contracts import Store
from orchestra.engine.leases import Tenancy
from orchestra.model.address import Address
from orchestra.model.values import Value, Values
from orchestra.state.journal import Intent, Outcome
from orchestra.state.records import Record, Snapshot

RecordKey: TypeAlias = "tuple[Address, str]"


@attrs.define(eq=False)
class _Entry:
    """What one thread has handed in, and how writing it went."""

    intents: Sequence[Intent] = ()
    outcomes: Sequence[Outcome] = ()
    written: bool = False
    error: Exception | None = None


class Journal:
    """Group commit: whoever comes while a write is under way waits, and goes into the next one together.

    `begin` and `commit` return once it is durable, or raise what the store raised. What can't be written takes
    nothing of the others with it. ``serial`` is that which the last outcomes came to, at first what it is given.
    """

    def __init__(self, store: Store, tenancy: Tenancy, serial: int = 0) -> None:
        self.serial = serial
        self._store = store
        self._changed: dict[RecordKey, Record | None] = {}
        self._tenancy = tenancy
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._next: list[_Entry] = []

    def begin(self, intent: Intent) -> None:
        """Write down a call that is about to be made."""
        self._enter(_Entry(intents=[intent]))

    def commit(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what came of calls, all of them or none."""
        if outcomes:
            self._enter(_Entry(outcomes=outcomes))

    def _enter(self, entry: _Entry) -> None:
        with self._lock:
            self._next.append(entry)
        with self._writing:
            if not entry.written:
                with self._lock:
                    batch, self._next = self._next, []
                self._write(batch)
        if entry.error is not None:
            raise entry.error

    def _write(self, batch: Sequence[_Entry]) -> None:
        """Write ``batch`` in one transaction; if that fails, each entry in one of its own."""
        error: Exception | None = None
        try:
            self._send(
                [outcome for entry in batch for outcome in entry.outcomes],
                [intent for entry in batch for intent in entry.intents],
            )
        except Exception as fault:
            error = fault
        if error is not None and len(batch) > 1:
            for entry in batch:
                self._write([entry])
            return
        for entry in batch:
            entry.error, entry.written = error, True

    def _send(self, outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> None:
        store, lease = self._store, self._tenancy.lease
        with self._tenancy.prolonging():
            if not intents:
                self.serial = store.commit(lease, outcomes)
            elif not outcomes:
                store.begin(lease, intents)
            else:
                self.serial = store.enter(lease, outcomes, intents)
        for outcome in outcomes:
            self._changed.update(dict.fromkeys(outcome.remove))
            self._changed.update((record.key, record) for record in outcome.write)

    def left(self, snapshot: Snapshot) -> dict[Address, Record]:
        """What of ``snapshot`` is in use after all that was written here, as the store would tell it."""
        before = {record.key: record for record in (*snapshot.records.values(), *snapshot.deposed)}
        changed = {
            key: record and attrs.evolve(record, outputs=_as_read(record.outputs))
            for key, record in self._changed.items()
        }
        return Snapshot.parted(record for record in {**before, **changed}.values() if record is not None)[0]


def _as_read(values: Values) -> Values:
    return {name: _with_lists(value) for name, value in values.items()}


def _with_lists(value: Value) -> Value:
    """``value`` as a store tells it: there, a tuple has become a list."""
    if isinstance(value, Mapping):
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, (list, tuple)) else value
