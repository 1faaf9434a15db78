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
from orchestra.state.journal import Lease, RunRecord, RunStatus
from orchestra.state.records import Snapshot

if TYPE_CHECKING:
    from orchestra.engine.durations import Learnt

HEARTBEAT: Final = 15.0
"""Seconds between renewals of the lease; a lease lasts four of them."""


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
    status: RunStatus = RunStatus.SUCCEEDED
    counts: Mapping[str, int] = attrs.field(factory=dict)
    durations: Learnt = attrs.field(factory=dict)

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
    office: Office, purpose: str, *, plan_digest: str = "", check: Callable[[Snapshot], None] | None = None
) -> Iterator[OpenRun]:
    """Hold the lease for one run, and write down how it began and ended. ``check`` may refuse the state first."""
    store, now = office.store, office.clock.now()
    holder = this_process(purpose, now)
    run = RunRecord(id=uuid.uuid4().hex, purpose=purpose, started=now, by=str(holder), plan_digest=plan_digest)
    with leased(office, purpose) as tenancy:
        lease, snapshot = tenancy.lease, store.load()
        if check is not None:
            check(snapshot)
        last = store.last_run()
        _close_dead(store, lease, last, now)
        run = run if last is None else attrs.evolve(run, durations=last.durations)
        store.start_run(lease, run)
        session = OpenRun(
            journal=Journal(store, tenancy), tenancy=tenancy, run=run, snapshot=snapshot, durations=run.durations
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
            with contextlib.suppress(LeaseLostError if session.status is RunStatus.SUCCEEDED else StateError):
                store.finish_run(lease, ended)


def _close_dead(store: Store, lease: Lease, last: RunRecord | None, now: float) -> None:
    """Whoever holds the lease knows that a run still told as running is not: its process ended without a word.

    None but the last can be: each sees to the one before it.
    """
    if last is not None and last.status is RunStatus.RUNNING:
        store.finish_run(lease, attrs.evolve(last, ended=now, status=RunStatus.INTERRUPTED))
