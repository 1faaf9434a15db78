"""Reading the audit record, and seeing that nothing in it was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from orchestra.contracts import Store
from orchestra.engine.leases import this_process
from orchestra.engine.office import Office
from orchestra.errors import CorruptStateError
from orchestra.planning.freshness import check_fresh
from orchestra.planning.plan import Plan
from orchestra.state.audit import BEGINNING, AuditEntry, AuditEvent
from orchestra.state.integrity import RESTORE
from orchestra.state.journal import Entry, RunRecord


@attrs.frozen
class Anchor:
    """The end of an audit record at some moment: how many lines it had, and the digest that stands for all of them.

    Whoever can write to the state could write a whole new audit record. Note an anchor where they can't, and
    ``verify(since=anchor)`` later shows that the record still begins with the same lines.
    """

    lines: int
    digest: str


class Audit:
    """The audit record of a deployment: iterate over it for its lines, oldest first.

    Every line is written in the same transaction as what it tells of, and is chained to the line before it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __iter__(self) -> Iterator[AuditEntry]:
        """The lines, of steps with who started their run. Raises `CorruptStateError` as `verify` does."""
        who: dict[str, str] = {}
        for entry in self._store.audit():
            if entry.event is AuditEvent.RUN_STARTED:
                who[entry.run] = entry.by
            yield entry if entry.by else attrs.evolve(entry, by=who.get(entry.run, ""))

    def verify(self, since: Anchor | None = None) -> Anchor:
        """See that the record is whole, and that what it says was written is what the state holds.

        Returns its end, to be noted elsewhere; ``since`` is one that was noted before. Raises `CorruptStateError`
        for the first line that was changed, dropped or put elsewhere, naming its number, for records that don't
        follow from the record, and if it doesn't begin with what ``since`` stands for.
        """
        entries = self._store.audit()
        if since is not None:
            self._check_since(entries, since)
        snapshot = self._store.load()
        told = self._store.load_at(snapshot.serial)
        for address in {*snapshot.records, *told.records}:
            if snapshot.records.get(address) != told.records.get(address):
                raise CorruptStateError(
                    "its record is not what the audit record says was written", address=address, remedy=RESTORE
                )
        if snapshot.deposed != told.deposed:
            raise CorruptStateError(
                "the deposed resources are not those that the audit record tells of", remedy=RESTORE
            )
        return Anchor(len(entries), entries[-1].digest if entries else BEGINNING)

    def _check_since(self, entries: Sequence[AuditEntry], since: Anchor) -> None:
        found = (
            BEGINNING if since.lines == 0 else entries[since.lines - 1].digest if since.lines <= len(entries) else ""
        )
        if found != since.digest:
            raise CorruptStateError(
                f"the first {since.lines} lines of the audit record are not those that were noted: it was written anew",
                remedy="find out who can write to the state; compare with a copy of it from before",
            )


@attrs.frozen(kw_only=True)
class PastRun:
    """One run of the past, with what the journal says of it."""

    run: RunRecord
    entries: tuple[Entry, ...]
    serial: int
    """The serial of the state once the run had ended, for `Deployment.rollback`; 0 if it didn't end by itself."""


def past_runs(store: Store) -> tuple[PastRun, ...]:
    """Every run so far, oldest first."""
    entries: dict[str, list[Entry]] = {}
    serials: dict[str, int] = {}
    for line in store.audit():
        if line.step is not None:
            entries.setdefault(line.run, []).append(line.step)
        elif line.event is AuditEvent.RUN_FINISHED:
            serials[line.run] = line.serial
    return tuple(
        PastRun(run=run, entries=tuple(entries.get(run.id, ())), serial=serials.get(run.id, 0)) for run in store.runs()
    )


def approve(office: Office, plan: Plan, by: str, note: str) -> None:
    """Write down that ``plan`` was approved. Raises `StalePlanError` if it isn't fresh any more."""
    check_fresh(plan, office.store.load())
    here = this_process("approve", office.clock.now())
    entry = AuditEntry(
        event=AuditEvent.APPROVED,
        at=here.since,
        by=f"{by} by way of {here}" if by else str(here),
        plan_digest=plan.digest,
        detail=note,
    )
    office.store.note(entry)
