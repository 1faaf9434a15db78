"""Runs that change the state alone: what was adopted or found again is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from orchestra import graph
from orchestra.contracts import Observation
from orchestra.engine.live import Live
from orchestra.engine.office import Office, writing
from orchestra.engine.patience import observe
from orchestra.engine.reading import provider_for
from orchestra.engine.survey import Site
from orchestra.errors import NotFoundError, PlanError, StalePlanError
from orchestra.model.address import Address, sort_key
from orchestra.model.values import Values, is_known
from orchestra.planning.change import Change
from orchestra.planning.decide import Action
from orchestra.planning.plan import Plan
from orchestra.state.records import Condition, Record, Snapshot


def write_records(office: Office, purpose: str, records: Sequence[Record], known: Snapshot) -> None:
    """Write ``records`` in one transaction. Raises `StalePlanError` if the state is no longer as ``known``."""

    def unchanged(now: Snapshot) -> None:
        if (now.lineage, now.serial) != (known.lineage, known.serial):
            raise StalePlanError("the state moved on in the meantime", remedy="try again")

    with writing(office, purpose, check=unchanged) as session:
        at = office.clock.now()
        session.journal.commit([session.noting(record, at) for record in records])


@attrs.frozen(kw_only=True)
class Adoption:
    """What is to be taken over: the external id for each address. ``plan`` is what would be done at these addresses.

    None if one of them can't be an address.
    """

    wanted: Mapping[str, str]
    plan: Plan | None


def adopt(adoption: Adoption, site: Site, office: Office, snapshot: Snapshot) -> tuple[Record, ...]:
    """Take all of it over into the state, which is at ``snapshot``, or nothing.

    Raises `PlanError`, `NotFoundError`, `CloudError`.
    """
    changes = _creations(adoption, snapshot)
    observations = _observed(changes, adoption, site, office)
    live = Live(site.declaration, site.keyring, snapshot.records)
    records = []
    for address in graph.order({one.address: one.dependencies for one in changes.values()}, key=sort_key):
        change, observation, item = changes[address], observations[address], live.item(address)
        if item is not None:  # what it uses may have been learnt of a moment ago
            change = attrs.evolve(change, after=live.inputs(item, change.after).kept)
        record = adopted(change, observation, live)
        outputs: Values = {**observation.outputs, "id": observation.external_id}
        live.learn(address, live.told_outputs(address, outputs, record.inputs))
        records.append(record)
    write_records(office, "adopt", records, snapshot)
    return tuple(records)


def _creations(adoption: Adoption, snapshot: Snapshot) -> dict[Address, Change]:
    """What would be made at each address if it weren't adopted."""
    planned = {one.address: one for one in adoption.plan.changes} if adoption.plan is not None else {}
    found: dict[Address, Change] = {}
    owners = {(record.kind, record.external_id): record.address for record in snapshot.records.values()}
    for address, external_id in adoption.wanted.items():
        change = planned.get(Address(address))
        if change is None or change.action is not Action.CREATE:
            raise PlanError(
                "it is recorded already" if address in snapshot.records else "nothing is declared there",
                address=address,
                remedy="adopt to an address of the stack that has not been made yet",
            )
        owner = owners.setdefault((change.kind, external_id), change.address)
        if owner != change.address:
            raise PlanError(f"{external_id} is {owner} already", address=address)
        found[change.address] = change
    return found


def _observed(
    changes: Mapping[Address, Change], adoption: Adoption, site: Site, office: Office
) -> dict[Address, Observation]:
    """What is there for each address, read a kind at a time. Raises `NotFoundError` for the first that isn't there."""
    together: dict[tuple[str, str], list[Address]] = {}
    for address, change in changes.items():
        together.setdefault((change.cloud, change.kind), []).append(address)
    found: dict[Address, Observation] = {}
    for (cloud, kind), addresses in together.items():
        provider = provider_for(site.clouds, cloud, kind, addresses[0])
        reading = observe(provider, [adoption.wanted[address] for address in addresses], office.clock)
        for address in addresses:
            external_id = adoption.wanted[address]
            if external_id not in reading.found:
                cause = reading.unread.get(external_id)
                if cause is not None:
                    raise cause
                raise NotFoundError(f"the cloud {cloud!r} has no {kind} {external_id!r}", address=address)
            found[address] = reading.found[external_id]
    return found


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
