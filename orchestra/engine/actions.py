"""One attempt at one step: write the intent, make the call, write what came of it."""

from __future__ import annotations

import attrs

from orchestra.contracts import Inputs, Observation, Ownership, Provider, Status, Update
from orchestra.diff import same
from orchestra.engine.work import Accepted, Finished, Progress, Until, Workshop
from orchestra.errors import ConflictError, InternalError, OrchestraError
from orchestra.model.address import Address
from orchestra.model.declaration import Declared
from orchestra.model.values import Values
from orchestra.planning.decide import Action
from orchestra.planning.steps import Step
from orchestra.state.journal import Intent, Operation, Outcome, Phase
from orchestra.state.records import Condition, Record


def attempt(shop: Workshop, progress: Progress) -> Accepted | Finished:
    """Try the step once. What it raises is left to the caller to retry or to write down as failed."""
    operation = progress.step.operation
    if operation is Operation.CREATE:
        return _create(shop, progress)
    if operation is Operation.UPDATE:
        return _update(shop, progress)
    if operation is Operation.DELETE:
        return _delete(shop, progress)
    return _record(shop, progress.step)


def current_record(shop: Workshop, step: Step) -> Record:
    """What the state said of the step's resource when the run began."""
    change = step.change
    key = (change.moved_from or change.address, change.token if change.deposed else "")
    found = shop.records.get(key)
    if found is None:
        raise InternalError("the plan changes a resource that the state doesn't know", address=change.address)
    return found


def _declared(shop: Workshop, step: Step) -> Declared:
    item = shop.live.item(step.id.address)
    if item is None:
        raise InternalError("the plan makes a resource that isn't declared", address=step.id.address)
    return item


def _begin(shop: Workshop, progress: Progress, token: str, cloud: str, inputs: Values) -> Intent:
    """The intent of this step, durable; one for all its attempts."""
    if progress.intent is None:
        change = progress.step.change
        intent = Intent(
            run=shop.run,
            address=progress.step.id.address,
            operation=progress.step.operation,
            kind=change.kind,
            cloud=cloud,
            token=token,
            at=shop.clock.now(),
            external_id=change.external_id if progress.step.operation is not Operation.CREATE else "",
            inputs=inputs,
            dependencies=change.dependencies,
        )
        shop.journal.begin(intent)
        progress.intent = intent
    return progress.intent


def _create(shop: Workshop, progress: Progress) -> Accepted | Finished:
    step, change = progress.step, progress.step.change
    item = _declared(shop, step)
    provider = shop.provider(change.cloud, change.kind, change.address)
    if progress.inputs is None:
        progress.inputs = shop.live.inputs(item, change.after)
    intent = _begin(shop, progress, shop.new_token(), change.cloud, progress.inputs.kept)
    owner = Ownership(shop.deployment, change.address, intent.token)
    inputs = Inputs(progress.inputs.raw)
    observation = _made(provider, inputs, owner, progress)
    record = Record(
        address=change.address,
        kind=change.kind,
        cloud=change.cloud,
        external_id=observation.external_id,
        token=intent.token,
        condition=Condition.CREATING,
        inputs=progress.inputs.kept,
        made_at=shop.clock.now(),
    )
    record = with_outputs(shop, declared_now(shop, record, item), observation)
    written, removed = _displaced(shop, step)
    if observation.status is Status.READY:
        ready = attrs.evolve(record, condition=Condition.READY)
        shop.journal.commit(
            [
                shop.outcome(
                    step, Phase.DONE, intent, write=(*written, ready), remove=removed, external_id=record.external_id
                )
            ]
        )
        return Finished(external_id=record.external_id, outputs=plain_outputs(observation))
    shop.journal.commit(
        [
            shop.outcome(
                step, Phase.ACCEPTED, intent, write=(*written, record), remove=removed, external_id=record.external_id
            )
        ]
    )
    return Accepted(
        cloud=change.cloud,
        kind=change.kind,
        external_id=record.external_id,
        until=Until.READY,
        record=record,
        observation=observation,
    )


def _made(provider: Provider, inputs: Inputs, owner: Ownership, progress: Progress) -> Observation:
    """Create it. After an attempt without an answer, a name that is taken may have been taken by ourselves."""
    try:
        return provider.create(inputs, owner)
    except ConflictError:
        found = provider.find(owner, inputs) if progress.unknown else None
        if found is None:
            raise
        return found


def _displaced(shop: Workshop, step: Step) -> tuple[tuple[Record, ...], tuple[tuple[Address, str], ...]]:
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


def plain_outputs(observation: Observation) -> Values:
    """The outputs of a kind, its id among them."""
    return {**observation.outputs, "id": observation.external_id}


def with_outputs(shop: Workshop, record: Record, observation: Observation) -> Record:
    """``record`` with what ``observation`` tells, secret outputs encrypted."""
    kept = shop.live.kept_outputs(record.address, plain_outputs(observation))
    return attrs.evolve(record, outputs=kept)


def _update(shop: Workshop, progress: Progress) -> Accepted | Finished:
    step, change = progress.step, progress.step.change
    item, old = _declared(shop, step), current_record(shop, step)
    provider = shop.provider(change.cloud, change.kind, change.address)
    if progress.inputs is None:
        progress.inputs = shop.live.inputs(item, change.after)
    inputs = progress.inputs
    intent = _begin(shop, progress, old.token, change.cloud, inputs.kept)
    changed = frozenset(name for name, value in inputs.kept.items() if not same(change.before.get(name), value))
    update = Update(before=Inputs(_usable(change.before)), after=Inputs(inputs.raw), changed=changed)
    observation = provider.update(old.external_id, update)
    record = attrs.evolve(
        old,
        address=change.address,
        inputs=inputs.kept,
        condition=Condition.READY,
    )
    record = with_outputs(shop, declared_now(shop, record, item), observation)
    if observation.status is Status.READY:
        removed = ((change.moved_from, ""),) if change.moved_from else ()
        shop.journal.commit(
            [shop.outcome(step, Phase.DONE, intent, write=(record,), remove=removed, external_id=record.external_id)]
        )
        return Finished(external_id=record.external_id, outputs=plain_outputs(observation))
    return Accepted(
        cloud=change.cloud, kind=change.kind, external_id=record.external_id, until=Until.READY, record=record
    )


def _usable(values: Values) -> Values:
    """Inputs before an update, without what can't be told in plain any more."""
    return {name: value for name, value in values.items() if isinstance(value, (str, int, float, bool, list, dict))}


def _delete(shop: Workshop, progress: Progress) -> Accepted | Finished:
    step, change = progress.step, progress.step.change
    old = current_record(shop, step)
    provider = shop.provider(old.cloud, old.kind, change.address)
    _begin(shop, progress, old.token, old.cloud, {})
    provider.delete(old.external_id)
    return Accepted(cloud=old.cloud, kind=old.kind, external_id=old.external_id, until=Until.GONE, record=None)


def _record(shop: Workshop, step: Step) -> Accepted | Finished:
    change = step.change
    old = current_record(shop, step)
    if change.action is Action.FORGET:
        shop.journal.commit([shop.outcome(step, Phase.DONE, None, remove=(old.key,), external_id=old.external_id)])
        return Finished(external_id=old.external_id)
    item = shop.live.item(change.address)
    record = attrs.evolve(old, address=change.address, inputs=change.after, outputs=change.outputs)
    if item is not None:
        record = declared_now(shop, record, item)
    if old.condition is not Condition.READY and change.action is Action.READ:
        return Accepted(
            cloud=old.cloud,
            kind=old.kind,
            external_id=old.external_id,
            until=Until.READY,
            record=attrs.evolve(record, condition=Condition.READY),
        )
    removed = (old.key,) if record.address != old.address else ()
    shop.journal.commit([shop.outcome(step, Phase.DONE, None, write=(record,), remove=removed)])
    return Finished(external_id=old.external_id, outputs=record.outputs)


def settled(shop: Workshop, progress: Progress, observation: Observation | None) -> tuple[Outcome, Finished]:
    """What to write down when what was waited for has come: ready with ``observation``, or gone with None."""
    step, accepted = progress.step, progress.accepted
    if accepted is None:
        raise InternalError("a step that waits for nothing", address=step.id.address)
    finished = Finished(external_id=accepted.external_id)
    if accepted.record is None or observation is None:
        old = current_record(shop, step)
        # made first, the successor has the address by now, and the old one is found under its token
        key = (step.id.address, old.token) if _is_deposed_by_now(step) else old.key
        outcome = shop.outcome(step, Phase.DONE, progress.intent, remove=(key,), external_id=accepted.external_id)
        return outcome, finished
    record = with_outputs(shop, attrs.evolve(accepted.record, condition=Condition.READY), observation)
    moved = step.change.moved_from
    removed = ((moved, ""),) if moved and step.operation is not Operation.CREATE else ()
    outcome = shop.outcome(
        step, Phase.DONE, progress.intent, write=(record,), remove=removed, external_id=accepted.external_id
    )
    return outcome, attrs.evolve(finished, outputs=plain_outputs(observation))


def _is_deposed_by_now(step: Step) -> bool:
    return step.change.action is Action.REPLACE and step.change.create_before_delete


def failed(shop: Workshop, progress: Progress, error: Exception) -> None:
    """Write down that the step failed, and what it left behind in the cloud."""
    step = progress.step
    phase, left = Phase.FAILED, None
    if step.operation is Operation.CREATE and progress.intent is not None:
        if progress.accepted is not None:
            left = progress.accepted.record
        else:
            phase, left = _left_behind(shop, progress, error)
    write: tuple[Record, ...] = ()
    displaced: tuple[Record, ...] = ()
    removed: tuple[tuple[Address, str], ...] = ()
    if left is not None:
        if progress.accepted is None:
            displaced, removed = _displaced(shop, step)
        write = (*displaced, attrs.evolve(left, condition=Condition.TAINTED))
    outcome = shop.outcome(
        step, phase, progress.intent, write=write, remove=removed, external_id=left.external_id if left else ""
    )
    shop.journal.commit([attrs.evolve(outcome, detail=str(error))])


def _left_behind(shop: Workshop, progress: Progress, error: Exception) -> tuple[Phase, Record | None]:
    """What a creation that failed half-way left: found by its token, told as unknown while that can't be looked up."""
    intent, inputs = progress.intent, progress.inputs
    if intent is None or inputs is None or (isinstance(error, ConflictError) and not progress.unknown):
        return Phase.FAILED, None
    change = progress.step.change
    owner = Ownership(shop.deployment, change.address, intent.token)
    try:
        found = shop.provider(change.cloud, change.kind, change.address).find(owner, Inputs(inputs.raw))
    except OrchestraError:
        return Phase.UNKNOWN, None
    ours = found is not None and (
        progress.unknown or (found.ownership is not None and found.ownership.token == owner.token)
    )
    if found is None or not ours:
        return (Phase.UNKNOWN if progress.unknown else Phase.FAILED), None
    record = Record(
        address=change.address,
        kind=change.kind,
        cloud=change.cloud,
        external_id=found.external_id,
        token=intent.token,
        condition=Condition.TAINTED,
        inputs=inputs.kept,
        dependencies=change.dependencies,
    )
    return Phase.FAILED, with_outputs(shop, record, found)
