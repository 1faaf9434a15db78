"""Runs that change the state alone: what was adopted or found again is written down."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.contracts import Observation
from orchestra.engine.live import Live
from orchestra.engine.office import Office, writing
from orchestra.errors import StalePlanError
from orchestra.model.values import is_known
from orchestra.planning.change import Change
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
