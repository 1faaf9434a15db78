"""Settling what was left open: calls that were begun and whose outcome was never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from orchestra.contracts import Clock, Cloud, Inputs, Observation, Ownership, Status
from orchestra.engine.drafts import is_ours, uncertain
from orchestra.engine.journal import Journal
from orchestra.engine.live import Live
from orchestra.engine.office import Office, writing
from orchestra.engine.patience import patiently
from orchestra.engine.reading import SETTLE_PAUSE, provider_for
from orchestra.engine.survey import Site
from orchestra.errors import LockedError, OrchestraError
from orchestra.model.address import Address
from orchestra.model.values import Values
from orchestra.planning.change import Finding
from orchestra.state.codec import encode_record
from orchestra.state.journal import Intent, Operation, Outcome, Phase
from orchestra.state.records import Condition, Record, Snapshot

LONGEST_CALL: Final = 900.0
"""Seconds after it was begun in which a call of several requests, each with its own limit, has happened if ever."""


OPEN_CALLS: Final = "open calls"
"""The rule of what a plan says of calls that another process has open."""

_NAMED: Final = 5

LOOKS: Final = 2
"""How often something must not be found before it is taken for never made: a list may have been cut short."""


@attrs.frozen(kw_only=True)
class Settlement:
    """What became of one call that was left open."""

    address: Address
    operation: str
    external_id: str
    """What it had made; '' if the call never happened, or changes nothing to settle."""
    detail: str


@attrs.frozen(kw_only=True, eq=False)
class Recovery:
    """What settling takes.

    ``keep`` gives the outputs of an address the form in which the state keeps them; it is told the kept inputs too.
    """

    run: str
    clouds: Mapping[str, Cloud]
    journal: Journal
    clock: Clock
    keep: Callable[[Address, Values, Values], Values]


def recover(site: Site, office: Office, snapshot: Snapshot) -> Sequence[Settlement]:
    """Settle what ``snapshot`` has open, in a run of its own."""
    live = Live(site.declaration, site.keyring, snapshot.records)
    with writing(office, "recover") as session:
        recovery = Recovery(
            run=session.run.id,
            clouds=site.clouds,
            journal=session.journal,
            clock=office.clock,
            keep=live.kept_outputs,
        )
        return settle(session.snapshot, recovery)


def open_calls(snapshot: Snapshot, held: LockedError) -> tuple[Finding, ...]:
    """What a plan from ``snapshot`` has to say of the calls that are open in it, while another has the lease.

    They are that one's to settle. A plan made meanwhile is stale: settling them moves the state on.
    """
    calls = [f"{intent.operation.value} {intent.address}" for intent in snapshot.pending]
    if not calls:
        return ()
    named = ", ".join(calls[:_NAMED]) + (f" and {len(calls) - _NAMED} more" if len(calls) > _NAMED else "")
    message = (
        f"{held.holder} has been at work since {held.since} and has calls open ({named}). This plan is made from what "
        "is recorded so far, and can't be applied: make another one when that is done"
    )
    return (Finding(rule=OPEN_CALLS, address=None, message=message),)


def settle(snapshot: Snapshot, recovery: Recovery) -> Sequence[Settlement]:
    """Settle every open call of ``snapshot``: creations are looked for by their token.

    What is found is recorded, unfinished, so that the next plan completes it; what isn't will be made again.
    Of updates nothing is known but what the next plan reads; deletions need nothing. Raises the cloud's error if
    it can't be asked; the calls then stay open.
    """
    since = recovery.clock.now()
    settled: list[Settlement] = []
    for intent in snapshot.pending:
        outcome = Outcome(
            run=recovery.run,
            address=intent.address,
            operation=intent.operation,
            phase=Phase.FAILED,
            at=recovery.clock.now(),
            settles=intent,
            detail="interrupted; the next plan reads what came of it",
        )
        if intent.operation is Operation.CREATE:
            outcome = _creation(intent, outcome, snapshot, recovery, since)
        elif intent.operation is Operation.UPDATE:
            changed = [one for one in snapshot.records.values() if one.token == intent.token]
            outcome = attrs.evolve(outcome, write=tuple(uncertain(one, intent.inputs) for one in changed))
        recovery.journal.commit([outcome])
        settled.append(
            Settlement(
                address=intent.address,
                operation=intent.operation.value,
                external_id=outcome.external_id,
                detail=outcome.detail,
            )
        )
    return settled


def _creation(intent: Intent, outcome: Outcome, snapshot: Snapshot, recovery: Recovery, since: float) -> Outcome:
    """What came of a creation: a record, or nothing."""
    found = _look_for(intent, snapshot.deployment, recovery, since)
    if found is None:
        return attrs.evolve(outcome, detail="not found: the call never happened")
    record = _record(intent, found, recovery)
    owner = Ownership(snapshot.deployment, intent.address, intent.token)
    if not is_ours(found, record, owner, (*snapshot.records.values(), *snapshot.deposed)):
        return attrs.evolve(outcome, detail=f"{found.external_id} is there, and is not what this call makes")
    old = snapshot.records.get(intent.address)
    written: tuple[Record, ...] = (record,)
    if old is not None and old.token != intent.token:
        written = (attrs.evolve(old, condition=Condition.DEPOSED), record)
    return attrs.evolve(
        outcome,
        phase=Phase.DONE,
        external_id=found.external_id,
        detail="found by its token after an interruption",
        write=written,
    )


def _look_for(intent: Intent, deployment: str, recovery: Recovery, since: float) -> Observation | None:
    """What ``intent`` made; asked for again while the cloud may not show yet what was made so lately."""
    owner = Ownership(deployment, intent.address, intent.token)
    clock = recovery.clock
    try:
        provider = provider_for(recovery.clouds, intent.cloud, intent.kind, intent.address)

        def look() -> Observation | None:
            return provider.find(owner, Inputs(intent.inputs))

        # nobody has been at it since the settling began, and no call goes on for ever; the pause is for a machine whose
        # clock is ahead of this one's
        settling = provider.capabilities.settling
        until = min(intent.at + LONGEST_CALL, since) + SETTLE_PAUSE + settling if settling else 0.0
        looks = 0
        while True:
            looks += clock.now() > until
            found = patiently(look, clock)
            if found is not None or looks >= LOOKS:
                return found
            clock.sleep(SETTLE_PAUSE)
    except OrchestraError as error:
        error.address = error.address or intent.address
        raise


def _record(intent: Intent, found: Observation, recovery: Recovery) -> Record:
    """The record of what was found; without its outputs, if the provider tells what can't be kept."""
    record = Record(
        address=intent.address,
        kind=intent.kind,
        cloud=intent.cloud,
        external_id=found.external_id,
        token=intent.token,
        condition=Condition.TAINTED if found.status is Status.FAILED else Condition.CREATING,
        inputs=intent.inputs,
        outputs={"id": found.external_id},
        dependencies=intent.dependencies,
        made_at=intent.at,
    )
    try:
        kept = recovery.keep(intent.address, {**found.outputs, "id": found.external_id}, intent.inputs)
        told = attrs.evolve(record, outputs=kept)
        encode_record(told)
    except OrchestraError:
        return record
    return told
