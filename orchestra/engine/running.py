"""A run from its lease to its result."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from orchestra import events
from orchestra.engine.announcing import Announcer
from orchestra.engine.attended import Interrupt, attended
from orchestra.engine.durations import decode, encode
from orchestra.engine.executor import INTERRUPTED, Executor
from orchestra.engine.live import Live
from orchestra.engine.office import Office, OpenRun, leased, writing
from orchestra.engine.run import Rollback, Run, StepResult, StepStatus
from orchestra.engine.settings import OnFailure, Settings
from orchestra.engine.survey import Site
from orchestra.engine.work import Workshop
from orchestra.errors import LockedError, StalePlanError
from orchestra.model.address import Address
from orchestra.planning.decide import Action, Mode
from orchestra.planning.freshness import check_fresh
from orchestra.planning.options import Options
from orchestra.planning.plan import Plan
from orchestra.planning.recalling import put_back
from orchestra.planning.steps import Step, expand
from orchestra.state.journal import Operation, RunStatus
from orchestra.state.records import Condition, Record, Snapshot

_MAKES: Final = (Action.CREATE, Action.UPDATE, Action.REPLACE)


@attrs.frozen(kw_only=True, eq=False)
class Order:
    """A plan, and what it takes to carry it out. ``snapshot`` is the state, read under the lease that is held."""

    plan: Plan
    site: Site
    snapshot: Snapshot
    listeners: Sequence[events.Listener] = ()


@attrs.frozen(kw_only=True, eq=False)
class Ended:
    """A run, where it was, and the records in use that it left."""

    run: Run
    site: Site
    records: Mapping[Address, Record]


Prepare: TypeAlias = "Callable[[Office], Order]"
"""Makes the plan that is to be carried out, while the lease is held."""

Undo: TypeAlias = "Callable[[Office, int], Order]"
"""Makes the plan that goes back to a serial."""


def carry_out(purpose: str, prepare: Prepare, undo: Undo, office: Office, on_failure: OnFailure) -> Ended:
    """Take the lease, and do what the plan names that ``prepare`` then hands over: nobody can get between the two.

    With ``on_failure="rollback"`` a run that failed is undone by what ``undo`` hands over, under the same lease.
    Returns also if steps failed or it was interrupted: `raise_for` says so. Everything is done in threads of its own,
    and this one waits: see `attended`.
    """

    def work(interrupt: Interrupt) -> Ended:
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
            ended = _carried_out(order, holding, on_failure, interrupt, contextlib.ExitStack())
            if not ended.run.failures or ended.run.interrupted:
                return ended
            rollback = _undone(order.plan.serial, undo, holding, interrupt)
            interrupted = rollback.run is not None and rollback.run.interrupted
            return attrs.evolve(ended, run=attrs.evolve(ended.run, rollback=rollback, interrupted=interrupted))

    return attended(work)


def _undone(serial: int, undo: Undo, office: Office, interrupt: Interrupt) -> Rollback:
    """Go back to ``serial``; what keeps it from that is told, and hides no failure."""
    try:
        order = undo(office, serial)
        run = _carried_out(order, office, "continue", interrupt, contextlib.ExitStack()).run
    except Exception as error:
        return Rollback(to=serial, error=error)
    return Rollback(to=serial, plan=order.plan, run=run)


def _carried_out(
    order: Order, office: Office, on_failure: OnFailure, interrupt: Interrupt, lease: contextlib.ExitStack
) -> Ended:
    """Carry out ``order``; at the end ``lease`` is closed before anybody is told."""
    plan, site = order.plan, order.site
    purpose = purpose_of(plan)
    steps = expand(plan.changes)
    counts = {action.value: number for action, number in plan.counts.items()}
    announcer = Announcer(order.listeners, interrupt)
    began = office.clock.monotonic()
    with writing(
        office,
        purpose,
        plan_digest=plan.digest,
        known=order.snapshot,
        check=lambda snapshot: _check(plan, site, snapshot),
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
            durations=attrs.evolve(decode(session.durations), usual=_usual(shop)),
            interrupt=interrupt,
            pool=office.pool,
        )
        executor = Executor(steps, shop, settings)
        results = executor.run()
        session.status = _status(results, executor.stopped_by)
        session.durations = encode(settings.durations.after(executor.samples))
    lease.close()
    ended = Run(
        id=run.id,
        deployment=plan.deployment,
        purpose=purpose,
        steps=tuple(results),
        seconds=office.clock.monotonic() - began,
        serial=session.serial,
    )
    announcer.tell(_finished(ended, session.status, office.clock.now()))
    interrupt.heeded = interrupt.asked
    ended = attrs.evolve(ended, interrupted=interrupt.heeded, listener_errors=announcer.errors)
    return Ended(run=ended, site=site, records=session.journal.left(order.snapshot))


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
        outcomes.append(session.noting(record, now, beside=left, remove=((address, record.token),)))
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


def _usual(shop: Workshop) -> Callable[[Step], float]:
    def seconds(step: Step) -> float:
        item = shop.live.item(step.id.address) if step.operation is Operation.CREATE else None
        return 1.0 if item is None else item.kind.create_seconds

    return seconds


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
