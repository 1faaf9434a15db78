"""Settling what was left open: calls that were begun and whose outcome was never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from orchestra.contracts import Clock, Cloud, Inputs, Observation, Ownership, Status
from orchestra.engine.journal import Journal
from orchestra.engine.reading import SETTLE_PAUSE, provider_for
from orchestra.errors import OrchestraError
from orchestra.model.address import Address
from orchestra.model.values import Values
from orchestra.state.journal import Intent, Operation, Outcome, Phase
from orchestra.state.records import Condition, Record, Snapshot


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
    """What settling takes. ``keep`` gives a kind's outputs the form in which the state keeps them."""

    run: str
    clouds: Mapping[str, Cloud]
    journal: Journal
    clock: Clock
    keep: Callable[[Address, Values], Values]


def settle(snapshot: Snapshot, recovery: Recovery) -> Sequence[Settlement]:
    """Settle every open call of ``snapshot``: creations are looked for by their token.

    What is found is recorded, unfinished, so that the next plan completes it; what isn't will be made again.
    Updates and deletions need nothing: the next plan reads what is there. Raises the cloud's error if it can't
    be asked; the calls then stay open.
    """
    settled: list[Settlement] = []
    for intent in snapshot.pending:
        found = (
            _look_for(intent, snapshot.deployment, recovery) if intent.operation is Operation.CREATE else None
        )
        outcome = Outcome(
            run=recovery.run,
            address=intent.address,
            operation=intent.operation,
            phase=Phase.DONE if found else Phase.FAILED,
            at=recovery.clock.now(),
            settles=intent,
            external_id=found.external_id if found else "",
            detail="found by its token after an interruption" if found else "not found: the call never happened",
        )
        if intent.operation is not Operation.CREATE:
            outcome = attrs.evolve(outcome, detail="interrupted; the next plan reads what came of it")
        elif found is not None:
            outcome = attrs.evolve(outcome, write=_records(intent, found, snapshot, recovery.keep))
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


def _look_for(intent: Intent, deployment: str, recovery: Recovery) -> Observation | None:
    """What ``intent`` made; asked for again while the cloud may not show yet what was made so lately."""
    owner = Ownership(deployment, intent.address, intent.token)
    try:
        provider = provider_for(recovery.clouds, intent.cloud, intent.kind, intent.address)
        found = provider.find(owner, Inputs(intent.inputs))
        while found is None and recovery.clock.now() - intent.at < provider.capabilities.settling:
            recovery.clock.sleep(SETTLE_PAUSE)
            found = provider.find(owner, Inputs(intent.inputs))
        return found
    except OrchestraError as error:
        error.address = error.address or intent.address
        raise


def _records(
    intent: Intent, found: Observation, snapshot: Snapshot, keep: Callable[[Address, Values], Values]
) -> tuple[Record, ...]:
    record = Record(
        address=intent.address,
        kind=intent.kind,
        cloud=intent.cloud,
        external_id=found.external_id,
        token=intent.token,
        condition=Condition.TAINTED if found.status is Status.FAILED else Condition.CREATING,
        inputs=intent.inputs,
        outputs=keep(intent.address, {**found.outputs, "id": found.external_id}),
        dependencies=intent.dependencies,
    )
    old = snapshot.records.get(intent.address)
    if old is None or old.token == intent.token:
        return (record,)
    return attrs.evolve(old, condition=Condition.DEPOSED), record
