"""Where runs are written down: the lease that is held meanwhile, how each began and how it ended."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from orchestra import events
from orchestra.contracts import Clock, Store
from orchestra.engine.journal import Journal
from orchestra.engine.leases import Tenancy, Waiting, held, this_process
from orchestra.engine.pool import Pool
from orchestra.errors import LeaseLostError, StateError
from orchestra.model.address import Address
from orchestra.state.journal import Lease, Operation, Outcome, Phase, RunRecord, RunStatus
from orchestra.state.records import Record, Snapshot

if TYPE_CHECKING:
    from orchestra.engine.durations import Learnt

HEARTBEAT: Final = 15.0
"""Seconds between renewals of the lease; a lease lasts four of them (see `orchestra.stores.open_store`)."""


@attrs.frozen(kw_only=True, eq=False)
class Office:
    """Where a run is written down, and who hears of it.

    ``lock_timeout`` is for how many seconds to wait for a lease that another holds. ``tenancy`` is the lease, if it is
    held already. ``pool`` is what makes the run's calls, for a width.
    """

    store: Store
    clock: Clock
    listeners: Sequence[events.Listener] = ()
    lock_timeout: float = 0.0
    tenancy: Tenancy | None = None
    pool: Callable[[int], Pool] = Pool


@attrs.define(kw_only=True, eq=False)
class OpenRun:
    """One run while it writes: the lease is held, the run's beginning is written down.

    ``status``, ``counts`` and ``durations`` are written down at its end.
    """

    journal: Journal
    tenancy: Tenancy
    run: RunRecord
    snapshot: Snapshot
    """The state when the run began."""
    serial: int = 0
    """What the state has come to; certain once the run has ended."""
    status: RunStatus = RunStatus.SUCCEEDED
    counts: Mapping[str, int] = attrs.field(factory=dict)
    durations: Learnt = attrs.field(factory=dict)

    def noting(
        self,
        record: Record,
        at: float,
        *,
        beside: tuple[Record, ...] = (),
        remove: tuple[tuple[Address, str], ...] = (),
        detail: str = "",
    ) -> Outcome:
        """The outcome that writes ``record``, and what stands ``beside`` it, without any call to a cloud."""
        return Outcome(
            run=self.run.id,
            address=record.address,
            operation=Operation.RECORD,
            phase=Phase.DONE,
            at=at,
            write=(*beside, record),
            remove=remove,
            external_id=record.external_id,
            detail=detail,
        )

    def ended(self, now: float) -> RunRecord:
        """The run as it is once it has ended."""
        return attrs.evolve(self.run, ended=now, status=self.status, counts=self.counts, durations=self.durations)


@contextlib.contextmanager
def leased(office: Office, purpose: str, stop: Callable[[], bool] = lambda: False) -> Iterator[Tenancy]:
    """The lease that ``office`` holds; if it holds none, one until the end, waited for unless ``stop`` says not to."""
    if office.tenancy is not None:
        yield office.tenancy
        return
    clock = office.clock
    waiting = Waiting(seconds=office.lock_timeout, stop=stop)
    with held(office.store, this_process(purpose, clock.now()), clock, HEARTBEAT, waiting) as tenancy:
        yield tenancy


@contextlib.contextmanager
def writing(
    office: Office,
    purpose: str,
    *,
    plan_digest: str = "",
    known: Snapshot | None = None,
    check: Callable[[Snapshot], None] | None = None,
) -> Iterator[OpenRun]:
    """Hold the lease for one run, and write down how it began and ended. ``check`` may refuse the state first.

    ``known`` is the state if it was read under the lease that ``office`` holds: nobody else has written since.
    """
    store, now = office.store, office.clock.now()
    holder = this_process(purpose, now)
    run = RunRecord(id=uuid.uuid4().hex, purpose=purpose, started=now, by=str(holder), plan_digest=plan_digest)
    with leased(office, purpose) as tenancy:
        lease, snapshot = tenancy.lease, known or store.load()
        if check is not None:
            check(snapshot)
        last = store.last_run()
        _close_dead(store, lease, last, now)
        run = run if last is None else attrs.evolve(run, durations=last.durations)
        store.start_run(lease, run)
        session = OpenRun(
            journal=Journal(store, tenancy, snapshot.serial),
            tenancy=tenancy,
            run=run,
            snapshot=snapshot,
            durations=run.durations,
        )
        try:
            yield session
        except BaseException:
            session.status = RunStatus.FAILED
            raise
        finally:
            ended = session.ended(office.clock.now())
            # whoever has a lease that was lost goes on from the journal; what failed says more than that its end
            # can't be written
            session.serial = session.journal.serial
            with contextlib.suppress(LeaseLostError if session.status is RunStatus.SUCCEEDED else StateError):
                session.serial = store.finish_run(lease, ended)


def _close_dead(store: Store, lease: Lease, last: RunRecord | None, now: float) -> None:
    """Whoever holds the lease knows that a run still told as running is not: its process ended without a word.

    None but the last can be: each sees to the one before it.
    """
    if last is not None and last.status is RunStatus.RUNNING:
        store.finish_run(lease, attrs.evolve(last, ended=now, status=RunStatus.INTERRUPTED))
