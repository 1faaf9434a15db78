"""Runs that change the state alone: what was adopted or found again is written down."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from orchestra.contracts import Observation
from orchestra.engine.live import Live
from orchestra.engine.office import Office, writing
from orchestra.engine.patience import observe
from orchestra.engine.reading import provider_for
from orchestra.engine.survey import Site
from orchestra.errors import NotFoundError, PlanError, StalePlanError
from orchestra.model.values import is_known
from orchestra.planning.change import Change
from orchestra.planning.decide import Action
from orchestra.planning.plan import Plan
from orchestra.state.journal import Operation, Outcome, Phase
from orchestra.state.records import Condition, Record, Snapshot


def write_records(office: Office, purpose: str, records: Sequence[Record], known: Snapshot) -> None:
    """Write ``records`` in one transaction. Raises `StalePlanError` if the state is no longer as ``known``."""

    def unchanged(now: Snapshot) -> None:
        if (now.lineage, now.serial) != (known.lineage, known.serial):
            raise StalePlanError("the state moved on in the meantime", remedy="try again")

    with writing(office, purpose, check=unchanged) as session:
        at = office.clock.now()
        session.journal.commit(
            [
                Outcome(
                    run=session.run.id,
                    address=record.address,
                    operation=Operation.RECORD,
                    phase=Phase.DONE,
                    at=at,
                    write=(record,),
                    external_id=record.external_id,
                )
                for record in records
            ]
        )


@attrs.frozen(kw_only=True)
class Adoption:
    """What is to be taken over, and as what. ``plan`` is what would be done at the address; None if it can't be one."""

    address: str
    external_id: str
    plan: Plan | None


def adopt(wanted: Adoption, site: Site, office: Office, snapshot: Snapshot) -> Record:
    """Take it over into the state, which is at ``snapshot``. Raises `PlanError`, `NotFoundError`, `CloudError`."""
    address, external_id = wanted.address, wanted.external_id
    changes = wanted.plan.changes if wanted.plan is not None else ()
    change = next((one for one in changes if one.address == address), None)
    if change is None or change.action is not Action.CREATE:
        known = address in snapshot.records
        raise PlanError(
            "it is recorded already" if known else "nothing is declared there",
            address=address,
            remedy="adopt to an address of the stack that has not been made yet",
        )
    provider = provider_for(site.clouds, change.cloud, change.kind, change.address)
    observation = observe(provider, [external_id], office.clock).found.get(external_id)
    if observation is None:
        raise NotFoundError(f"the cloud {change.cloud!r} has no {change.kind} {external_id!r}", address=address)
    owner = next((r for r in snapshot.records.values() if r.external_id == external_id), None)
    if owner is not None and owner.kind == change.kind:
        raise PlanError(f"{external_id} is {owner.address} already", address=address)
    record = adopted(change, observation, Live(site.declaration, site.keyring, snapshot.records))
    write_records(office, "adopt", (record,), snapshot)
    return record


def adopted(change: Change, observation: Observation, live: Live) -> Record:
    """The record of what was found: inputs as the cloud tells them, the rest as declared where that is known."""
    inputs = {name: value for name, value in change.after.items() if is_known(value)}
    for name, told in live.told_inputs(observation.inputs, inputs).items():
        if inputs.get(name) is not None:
            inputs[name] = told
    return Record(
        address=change.address,
        kind=change.kind,
        cloud=change.cloud,
        external_id=observation.external_id,
        token=observation.ownership.token if observation.ownership else f"adopted-{observation.external_id}",
        condition=Condition.READY,
        inputs=inputs,
        outputs=live.kept_outputs(change.address, {**observation.outputs, "id": observation.external_id}, inputs),
        dependencies=change.dependencies,
    )
