"""Records as a run writes them: what is declared, what was asked for, and what the cloud told."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from orchestra.contracts import Observation, Ownership
from orchestra.diff import same
from orchestra.engine.work import Workshop
from orchestra.errors import InternalError, OrchestraError
from orchestra.model.address import Address
from orchestra.model.declaration import Declared
from orchestra.model.values import UNKNOWN, Values
from orchestra.planning.comparing import overlay
from orchestra.planning.decide import Action
from orchestra.planning.steps import Step
from orchestra.state.codec import canonical, encode_value
from orchestra.state.records import Condition, Record

Key = tuple[Address, str]


def current_record(shop: Workshop, step: Step) -> Record:
    """What the state said of the step's resource when the run began."""
    change = step.change
    key = (change.moved_from or change.address, change.token if change.deposed else "")
    found = shop.records.get(key)
    if found is None:
        raise InternalError("the plan changes a resource that the state doesn't know", address=change.address)
    return found


def drafted(step: Step, inputs: Values) -> Record:
    """What the state is to say of what ``step`` creates, as far as that is known before the call."""
    change = step.change
    return Record(
        address=change.address,
        kind=change.kind,
        cloud=change.cloud,
        external_id="",
        token="",
        condition=Condition.CREATING,
        inputs=inputs,
        dependencies=change.dependencies,
    )


def answered(shop: Workshop, draft: Record, token: str, external_id: str) -> Record:
    """``draft`` once something was made under ``token``; its outputs are still to come."""
    return attrs.evolve(
        draft, token=token, external_id=external_id, outputs={"id": external_id}, made_at=shop.clock.now()
    )


def displaced(shop: Workshop, step: Step) -> tuple[tuple[Record, ...], tuple[Key, ...]]:
    """What becomes of the old record when its replacement is made first: it is deposed."""
    change = step.change
    old_key = (change.moved_from or change.address, "")
    removed = ((change.moved_from, ""),) if change.moved_from else ()
    if change.action is Action.REPLACE and change.create_before_delete:
        old = attrs.evolve(shop.records[old_key], address=change.address, condition=Condition.DEPOSED)
        return (old,), removed
    return (), removed


def declared_now(shop: Workshop, record: Record, item: Declared) -> Record:
    """``record`` with the dependencies and rules that the stack now declares."""
    rules = item.lifecycle
    return attrs.evolve(
        record,
        dependencies=item.dependencies,
        triggers=shop.live.triggers(item),
        protect=rules.protect,
        retain=rules.retain,
        create_before_delete=rules.create_before_delete,
        delete_timeout=rules.delete_timeout,
    )


def plain_outputs(shop: Workshop, record: Record, observation: Observation) -> Values:
    """The outputs of ``record`` for those that use it, its id among them; secrets in plain, and marked."""
    told = {**observation.outputs, "id": observation.external_id}
    return shop.live.told_outputs(record.address, told, record.inputs)


def with_outputs(shop: Workshop, record: Record, observation: Observation) -> Record:
    """``record`` with what ``observation`` tells, secret outputs encrypted.

    Raises `InternalError` for what no provider may tell: an output that can't be kept.
    """
    told = {**observation.outputs, "id": observation.external_id}
    kept = shop.live.kept_outputs(record.address, told, record.inputs)
    for name, value in kept.items():
        try:
            canonical(encode_value(value))
        except OrchestraError as error:
            raise InternalError(
                f"the provider of {record.kind} told an output {name!r} that can't be kept: {error.message}",
                address=record.address,
            ) from error
    return attrs.evolve(record, outputs=kept)


def with_outputs_if_possible(shop: Workshop, record: Record, observation: Observation) -> Record:
    """As `with_outputs`, but a record without them rather than none: what is there must not be lost."""
    try:
        return with_outputs(shop, record, observation)
    except OrchestraError:
        return record


def uncertain(record: Record, after: Values) -> Record:
    """``record`` once an update to ``after`` may have happened in part.

    What differs is no longer known: what the cloud tells goes in its place when it is next read, and the rest is
    sent again.
    """
    before = record.inputs
    changed = [name for name, value in after.items() if name not in before or not same(before[name], value)]
    return attrs.evolve(record, inputs={**before, **dict.fromkeys(changed, UNKNOWN)})


def is_ours(found: Observation, made: Record, owner: Ownership, others: Iterable[Record]) -> bool:
    """Whether ``found`` is what the creation that ``made`` tells of has made.

    Ownership tells. What carries none was found by its natural key, which somebody else's has as well: it is ours
    only if it is as it was asked for, and isn't the thing of another record.
    """
    if found.ownership is not None:
        return found.ownership.token == owner.token
    thing = (made.cloud, made.kind, found.external_id)
    taken = any(thing == (one.cloud, one.kind, one.external_id) and one.token != made.token for one in others)
    return not taken and same(overlay(made, found, {}), made.inputs)
