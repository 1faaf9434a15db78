"""A run from its lease to its result."""

from __future__ import annotations

import contextlib
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from orchestra import events
from orchestra.contracts import Clock, Store
from orchestra.engine.announcing import Announcer
from orchestra.engine.attended import Interrupt, attended
from orchestra.engine.executor import INTERRUPTED, Executor, OnFailure, Settings
from orchestra.engine.journal import Journal
from orchestra.engine.leases import Tenancy, Waiting, held, this_process
from orchestra.engine.live import Live
from orchestra.engine.run import Rollback, Run, StepResult, StepStatus
from orchestra.engine.survey import Site
from orchestra.engine.work import Workshop
from orchestra.errors import ApplyError, LeaseLostError, LockedError, StalePlanError, StateError
from orchestra.model.address import Address
from orchestra.planning.decide import Action, Mode
from orchestra.planning.options import Options
from orchestra.planning.plan import Plan
from orchestra.planning.recalling import put_back
from orchestra.planning.rollback import RULE
from orchestra.planning.steps import Step, expand
from orchestra.state.journal import Lease, Operation, Outcome, Phase, RunRecord, RunStatus
from orchestra.state.records import Condition, Snapshot

if sys.version_info < (3, 11):  # pragma: no cover
    from exceptiongroup import ExceptionGroup

_MAKES: Final = (Action.CREATE, Action.UPDATE, Action.REPLACE)

HEARTBEAT: Final = 15.0
"""Seconds between renewals of the lease; a lease lasts four of them."""


@attrs.frozen(kw_only=True, eq=False)
class Office:
    """Where a run is written down, and who hears of it.

    ``lock_timeout`` is for how many seconds to wait for a lease that another holds. ``tenancy`` is the lease, if it is
    held already.
    """

    store: Store
    clock: Clock
    listeners: Sequence[events.Listener] = ()
    lock_timeout: float = 0.0
    tenancy: Tenancy | None = None


@attrs.frozen(kw_only=True, eq=False)
class Order:
    """A plan, and what it takes to carry it out."""

    plan: Plan
    site: Site
    listeners: Sequence[events.Listener] = ()


@attrs.define(kw_only=True, eq=False)
class OpenRun:
    """One run while it writes: the lease is held, the run's beginning is written down.

    ``status`` and ``counts`` are written down at its end.
    """

    journal: Journal
    tenancy: Tenancy
    run: RunRecord
    snapshot: Snapshot
    """The state when the run began."""
    status: RunStatus = RunStatus.SUCCEEDED
    counts: Mapping[str, int] = attrs.field(factory=dict)


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
        _close_dead(store, lease, now)
        store.start_run(lease, run)
        session = OpenRun(journal=Journal(store, tenancy), tenancy=tenancy, run=run, snapshot=snapshot)
        try:
            yield session
        except BaseException:
            session.status = RunStatus.FAILED
            raise
        finally:
            ended = attrs.evolve(run, ended=office.clock.now(), status=session.status, counts=session.counts)
            # whoever has a lease that was lost goes on from the journal; what failed says more than that its end
            # can't be written
            with contextlib.suppress(LeaseLostError if session.status is RunStatus.SUCCEEDED else StateError):
                store.finish_run(lease, ended)


def _close_dead(store: Store, lease: Lease, now: float) -> None:
    """Whoever holds the lease knows that a run still told as running is not: its process ended without a word."""
    for run in store.runs():
        if run.status is RunStatus.RUNNING:
            store.finish_run(lease, attrs.evolve(run, ended=now, status=RunStatus.INTERRUPTED))


def check_fresh(plan: Plan, snapshot: Snapshot) -> None:
    """Raise `StalePlanError` unless ``plan`` was made from exactly this state."""
    if plan.deployment != snapshot.deployment:
        raise StalePlanError(
            f"the plan is for the deployment {plan.deployment!r}, this is {snapshot.deployment!r}",
            remedy="apply it there, or make a new plan",
        )
    if plan.lineage != snapshot.lineage:
        raise StalePlanError(
            "the plan was made from another state: this one was made anew since", remedy="make a new plan"
        )
    if plan.serial != snapshot.serial:
        raise StalePlanError(
            f"the plan was made from serial {plan.serial} of the state, which is at {snapshot.serial} by now",
            remedy="make a new plan",
        )
    if snapshot.pending:
        raise StalePlanError(
            "an interrupted run left calls open since the plan was made", remedy="make a new plan: it settles them"
        )


Prepare: TypeAlias = "Callable[[Office], Order]"
"""Makes the plan that is to be carried out, while the lease is held."""

Undo: TypeAlias = "Callable[[Office, int], Order]"
"""Makes the plan that goes back to a serial."""


def carry_out(purpose: str, prepare: Prepare, undo: Undo, office: Office, on_failure: OnFailure) -> Run:
    """Take the lease, and do what the plan names that ``prepare`` then hands over: nobody can get between the two.

    With ``on_failure="rollback"`` a run that failed is undone by what ``undo`` hands over, under the same lease.
    Returns also if steps failed or it was interrupted: `raise_for` says so. Everything is done in threads of its own,
    and this one waits: see `attended`.
    """

    def work(interrupt: Interrupt) -> Run:
        with contextlib.ExitStack() as lease:
            try:
                tenancy = lease.enter_context(leased(office, purpose, lambda: interrupt.asked))
            except LockedError as error:
                if interrupt.asked:
                    raise KeyboardInterrupt("interrupted while it waited for the lease: nothing was begun") from error
                raise
            holding = attrs.evolve(office, tenancy=tenancy)
            order = prepare(holding)
            if on_failure != "rollback":
                return _carried_out(order, holding, on_failure, interrupt, lease)
            run = _carried_out(order, holding, on_failure, interrupt, contextlib.ExitStack())
            if not run.failures or run.interrupted:
                return run
            rollback = _undone(order.plan.serial, undo, holding, interrupt)
            interrupted = rollback.run is not None and rollback.run.interrupted
            return attrs.evolve(run, rollback=rollback, interrupted=interrupted)

    return attended(work)


def _undone(serial: int, undo: Undo, office: Office, interrupt: Interrupt) -> Rollback:
    """Go back to ``serial``; what keeps it from that is told, and hides no failure."""
    try:
        order = undo(office, serial)
        run = _carried_out(order, office, "continue", interrupt, contextlib.ExitStack())
    except Exception as error:
        return Rollback(to=serial, error=error)
    return Rollback(to=serial, plan=order.plan, run=run)


def _carried_out(
    order: Order, office: Office, on_failure: OnFailure, interrupt: Interrupt, lease: contextlib.ExitStack
) -> Run:
    """Carry out ``order``; at the end ``lease`` is closed before anybody is told."""
    plan, site = order.plan, order.site
    purpose = purpose_of(plan)
    steps = expand(plan.changes)
    counts = {action.value: number for action, number in plan.counts.items()}
    announcer = Announcer(order.listeners, interrupt)
    began = office.clock.monotonic()
    with writing(
        office, purpose, plan_digest=plan.digest, check=lambda snapshot: _check(plan, site, snapshot)
    ) as session:
        run, session.counts = session.run, counts
        _put_back(plan, session, office.clock.now())
        shop = _workshop(site, office, session)
        announcer.tell(events.RunStarted(at=run.started, run=run.id, purpose=purpose, steps=len(steps), counts=counts))
        settings = Settings(
            width=site.width,
            on_failure=on_failure,
            tell=announcer.tell,
            timeout=_timeouts(shop),
            interrupt=interrupt,
        )
        executor = Executor(steps, shop, settings)
        results = executor.run()
        session.status = _status(results, executor.stopped_by)
    lease.close()
    ended = Run(
        id=run.id,
        deployment=plan.deployment,
        purpose=purpose,
        steps=tuple(results),
        seconds=office.clock.monotonic() - began,
    )
    announcer.tell(_finished(ended, session.status, office.clock.now()))
    interrupt.heeded = interrupt.asked
    return attrs.evolve(ended, interrupted=interrupt.heeded, listener_errors=announcer.errors)


def purpose_of(wanted: Plan | Options) -> str:
    """What a run is for, in a word."""
    if isinstance(wanted, Plan) and wanted.rollback_to is not None:
        return "rollback"
    return "destroy" if wanted.mode is Mode.DESTROY else "apply"


def _tokens(plan: Plan) -> dict[Address, str]:
    """Which of those that are or were at an address the plan means."""
    return {change.address: change.token for change in plan.changes if not change.deposed and change.token}


def _put_back(plan: Plan, session: OpenRun, now: float) -> None:
    """Write down that what was replaced, and is still there, is in use again where ``plan`` says so."""
    before, after = session.snapshot, put_back(session.snapshot, _tokens(plan))
    outcomes = []
    for address, record in after.records.items():
        successor = before.records.get(address)
        if successor == record:
            continue
        left = () if successor is None else (attrs.evolve(successor, condition=Condition.DEPOSED),)
        outcomes.append(
            Outcome(
                run=session.run.id,
                address=address,
                operation=Operation.RECORD,
                phase=Phase.DONE,
                at=now,
                remove=((address, record.token),),
                write=(*left, record),
                external_id=record.external_id,
            )
        )
    session.journal.commit(outcomes)
    session.snapshot = after


def _finished(run: Run, status: RunStatus, now: float) -> events.RunFinished:
    done, failed, skipped = (run.count(one) for one in StepStatus)
    return events.RunFinished(
        at=now, run=run.id, status=status.value, seconds=run.seconds, done=done, failed=failed, skipped=skipped
    )


def _check(plan: Plan, site: Site, snapshot: Snapshot) -> None:
    """Refuse a plan that is stale, or that the stack no longer says, before anything is called or written."""
    check_fresh(plan, snapshot)
    snapshot = put_back(snapshot, _tokens(plan))
    made = {change.address: change for change in plan.changes if change.action in _MAKES and not change.deposed}
    settled = {address: record for address, record in snapshot.records.items() if address not in made}
    live = Live(site.declaration, site.keyring, settled)
    for address, change in made.items():
        item = live.item(address)
        if item is None:
            raise StalePlanError(
                "the plan makes it, and the stack no longer declares it", address=address, remedy="make a new plan"
            )
        live.check(item, change.after)


def _workshop(site: Site, office: Office, session: OpenRun) -> Workshop:
    snapshot = session.snapshot
    by_key = {record.key: record for record in (*snapshot.records.values(), *snapshot.deposed)}
    return Workshop(
        run=session.run.id,
        deployment=site.deployment,
        clouds=site.clouds,
        live=Live(site.declaration, site.keyring, snapshot.records),
        journal=session.journal,
        clock=office.clock,
        permit=session.tenancy.check,
        records=by_key,
        concealer=site.keyring.concealer,
    )


def _timeouts(shop: Workshop) -> Callable[[Step], float]:
    def timeout(step: Step) -> float:
        item = shop.live.item(step.id.address)
        if step.operation is Operation.DELETE:
            record = shop.records.get((step.change.moved_from or step.id.address, step.id.token))
            said = record.delete_timeout if record else None
            return said or (item.kind.delete_timeout if item else 600.0)
        if item is None:
            return 600.0
        if step.operation is Operation.UPDATE:
            return item.lifecycle.update_timeout or item.kind.update_timeout
        return item.lifecycle.create_timeout or item.kind.create_timeout

    return timeout


def _status(results: Sequence[StepResult], stopped_by: str) -> RunStatus:
    if all(one.status is StepStatus.DONE for one in results):
        return RunStatus.SUCCEEDED
    return RunStatus.INTERRUPTED if stopped_by == INTERRUPTED else RunStatus.FAILED


def raise_for(run: Run) -> None:
    """Raise what the run came to, unless all is well.

    `KeyboardInterrupt` if it was interrupted, whatever else happened; else `ApplyError` with the root causes if
    steps failed, else what a listener raised.
    """
    failure = _failure(run)
    if run.interrupted:
        open_steps = [step.address for step in run.steps if step.status is StepStatus.SKIPPED]
        failed = f", {len(run.failures)} failed" if run.failures else ""
        raise KeyboardInterrupt(
            f"interrupted: {run.count(StepStatus.DONE)} steps are done and recorded{failed}, {len(open_steps)} are "
            f"open ({', '.join(open_steps[:5])}{', …' if len(open_steps) > 5 else ''}). To go on: apply again"
        ) from failure
    if failure is not None:
        raise failure


def _failure(run: Run) -> Exception | None:
    """The exception that tells of steps that failed and of listeners that raised; None if all is well."""
    heard = run.listener_errors
    if run.failures:
        causes = list({_cause(step.error): step.error for step in run.failures if step.error is not None}.values())
        skipped = run.count(StepStatus.SKIPPED)
        undone, more, remedy = _told_of(run.rollback)
        return ApplyError(
            f"{run.purpose} of {run.deployment!r}: {len(run.failures)} of {len(run.steps)} steps failed"
            + (f", {skipped} that hang on them were skipped" if skipped else "")
            + undone,
            [*causes, *more, *heard],
            remedy,
        )
    if len(heard) > 1:
        return ExceptionGroup(f"{run.purpose} of {run.deployment!r} is done, but its listeners failed", list(heard))
    return heard[0] if heard else None


def _told_of(rollback: Rollback | None) -> tuple[str, list[Exception], str]:
    """What a rollback came to: the end of the message, further causes, and what to do."""
    if rollback is None:
        return "", [], "see to the causes and apply again: a new plan goes on from what was done"
    by_hand = f"see to the causes, then look at deployment.rollback(to={rollback.to}), or apply again"
    if rollback.run is None:
        error = [] if rollback.error is None else [rollback.error]
        return f"; it could not be rolled back to serial {rollback.to}", error, by_hand
    causes = [step.error for step in rollback.run.failures if step.error is not None]
    if causes:
        failed = f"{len(causes)} of {len(rollback.run.steps)} steps of that failed"
        return f"; it was rolled back to serial {rollback.to} in part: {failed}", causes, by_hand
    findings = rollback.plan.findings if rollback.plan is not None else ()
    left = "".join(f"\n  - {one.address}: {one.message}" for one in findings if one.rule == RULE)
    return (
        f"; it was rolled back to serial {rollback.to}",
        [],
        "see to the causes and apply again" + (f"; what can't be undone:{left}" if left else ""),
    )


def _cause(error: Exception) -> str | int:
    """Tells causes apart: a store that fails ends several steps at once, and is one cause."""
    return str(error) if isinstance(error, StateError) else id(error)
