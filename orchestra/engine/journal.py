"""Writing intents and outcomes: durable before a call is made, and many threads' writes in one commit."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import attrs

from orchestra.contracts import Store
from orchestra.state.journal import Intent, Lease, Outcome


@attrs.define(eq=False)
class _Batch:
    """What threads have handed in since the last write, and how that write went."""

    intents: list[Intent] = attrs.field(factory=list)
    outcomes: list[Outcome] = attrs.field(factory=list)
    written: threading.Event = attrs.field(factory=threading.Event)
    error: BaseException | None = None


class Journal:
    """Group commit: whoever comes while a write is under way waits, and goes into the next one together.

    `begin` and `commit` return once it is durable, or raise what the store raised.
    """

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store = store
        self._lease = lease
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._next = _Batch()

    def begin(self, intent: Intent) -> None:
        """Write down a call that is about to be made."""
        with self._lock:
            batch = self._next
            batch.intents.append(intent)
        self._flush(batch)

    def commit(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what came of calls."""
        if not outcomes:
            return
        with self._lock:
            batch = self._next
            batch.outcomes.extend(outcomes)
        self._flush(batch)

    def _flush(self, batch: _Batch) -> None:
        with self._writing:
            if not batch.written.is_set():
                with self._lock:
                    self._next = _Batch()
                self._write(batch)
        if batch.error is not None:
            raise batch.error

    def _write(self, batch: _Batch) -> None:
        try:
            if batch.intents:
                self._store.begin(self._lease, batch.intents)
            if batch.outcomes:
                self._store.commit(self._lease, batch.outcomes)
        except BaseException as error:
            batch.error = error
        finally:
            batch.written.set()
