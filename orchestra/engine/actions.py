"""One attempt at one step: write the intent, make the call, write what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from orchestra.contracts import Inputs, Observation, Ownership, Provider, Status, Update
from orchestra.diff import same
from orchestra.engine.drafts import (
    answered,
    current_record,
    declared_now,
    displaced,
    drafted,
    is_ours,
    plain_outputs,
    with_outputs,
)
from orchestra.engine.work import Accepted, Finished, Progress, Until, Workshop
from orchestra.errors import ConflictError, InternalError
from orchestra.model.declaration import Declared
from orchestra.model.values import Sealed, Value, Values
from orchestra.permit import permitted
from orchestra.planning.decide import Action
from orchestra.planning.inputs import Final
from orchestra.planning.steps import Step
from orchestra.state.journal import Intent, Operation, Phase
from orchestra.state.records import Condition, Record


def attempt(shop: Workshop, progress: Progress, began: Callable[[], None]) -> Accepted | Finished:
    """Try the step once; ``began`` is called when that is written down. What it raises is left to the caller."""
    operation = progress.step.operation
    if operation is Operation.CREATE:
        return _create(shop, progress, began)
    if operation is Operation.UPDATE:
        return _update(shop, progress, began)
    if operation is Operation.DELETE:
        return _delete(shop, progress, began)
    return _record(shop, progress.step)


def _declared(shop: Workshop, step: Step) -> Declared:
    item = shop.live.item(step.id.address)
    if item is None:
        raise InternalError("the plan makes a resource that isn't declared", address=step.id.address)
    return item


def _inputs(shop: Workshop, progress: Progress, item: Declared) -> Final:
    """The inputs of the call, the same for all its attempts; secrets in them are hidden from now on."""
    if progress.inputs is None:
        inputs = shop.live.inputs(item, progress.step.change.after)
        for value in (*inputs.raw.values(), *map(shop.live.scope.reveal, item.secrets)):
            shop.concealer.learn(value)
        progress.inputs = inputs
    return progress.inputs


def _begin(shop: Workshop, progress: Progress, token: str, cloud: str, inputs: Values) -> Intent:
    """The intent of this step, durable; the same for all its attempts.

    It is written anew for each: so none is made once the lease is lost, and the state knows when the last one was.
    """
    step, change, now = progress.step, progress.step.change, shop.clock.now()
    intent = progress.intent or Intent(
        run=shop.run,
        address=step.id.address,
        operation=step.operation,
        kind=change.kind,
        cloud=cloud,
        token=token,
        at=now,
        external_id=change.external_id if step.operation is not Operation.CREATE else "",
        inputs=inputs,
        dependencies=change.dependencies,
    )
    intent = attrs.evolve(intent, at=now)
    shop.journal.begin(intent)
    progress.intent = intent
    return intent


def _create(shop: Workshop, progress: Progress, began: Callable[[], None]) -> Accepted | Finished:
    step, change = progress.step, progress.step.change
    item = _declared(shop, step)
    provider = shop.provider(change.cloud, change.kind, change.address)
    inputs = _inputs(shop, progress, item)
    draft = declared_now(shop, drafted(step, inputs.kept), item)
    intent = _begin(shop, progress, shop.new_token(), change.cloud, inputs.kept)
    began()
    owner = Ownership(shop.deployment, change.address, intent.token)
    observation = _made(shop, progress, provider, draft, owner)
    record = answered(shop, draft, intent.token, _id(observation, draft))
    shop.made.append(record)
    record = with_outputs(shop, record, observation)
    is_ready = _is_ready(observation, item)
    record = attrs.evolve(record, condition=Condition.READY) if is_ready else record
    phase = Phase.DONE if is_ready else Phase.ACCEPTED
    written, removed = displaced(shop, step)
    shop.journal.commit(
        [shop.outcome(step, phase, intent, write=(*written, record), remove=removed, external_id=record.external_id)]
    )
    if is_ready:
        return Finished(external_id=record.external_id, outputs=plain_outputs(shop, record, observation))
    return _accepted(record, Until.READY, record)


def _is_ready(observation: Observation, item: Declared) -> bool:
    """Whether there is nothing to wait for: the cloud says that it is ready, and it has no checks of its own."""
    return observation.status is Status.READY and not item.resource.ready


def _made(shop: Workshop, progress: Progress, provider: Provider, draft: Record, owner: Ownership) -> Observation:
    """Create it. After an attempt without an answer, a name that is taken may have been taken by ourselves."""
    inputs = Inputs(progress.inputs.raw if progress.inputs is not None else {})
    try:
        with permitted(shop.permit):
            return provider.create(inputs, owner)
    except ConflictError:
        found = provider.find(owner, inputs) if progress.unknown else None
        if found is None or not is_ours(found, draft, owner, shop.others()):
            raise
        return found


def _id(observation: Observation, draft: Record) -> str:
    if not observation.external_id or not isinstance(observation.external_id, str):
        raise InternalError(f"the provider of {draft.kind} told no external id of what it made", address=draft.address)
    return observation.external_id


def _update(shop: Workshop, progress: Progress, began: Callable[[], None]) -> Accepted | Finished:
    step, change = progress.step, progress.step.change
    item, old = _declared(shop, step), current_record(shop, step)
    provider = shop.provider(change.cloud, change.kind, change.address)
    inputs = _inputs(shop, progress, item)
    draft = attrs.evolve(old, address=change.address, inputs=inputs.kept, condition=Condition.READY)
    draft = declared_now(shop, draft, item)
    intent = _begin(shop, progress, old.token, change.cloud, inputs.kept)
    began()
    changed = frozenset(name for name, value in inputs.kept.items() if not same(change.before.get(name), value))
    update = Update(before=Inputs(_usable(change.before)), after=Inputs(inputs.raw), changed=changed)
    with permitted(shop.permit):
        observation = provider.update(old.external_id, update)
    record = with_outputs(shop, draft, observation)
    if not _is_ready(observation, item):
        return _accepted(record, Until.READY, record)
    removed = ((change.moved_from, ""),) if change.moved_from else ()
    outcome = shop.outcome(step, Phase.DONE, intent, write=(record,), remove=removed, external_id=record.external_id)
    shop.journal.commit([outcome])
    return Finished(external_id=record.external_id, outputs=plain_outputs(shop, record, observation))


def _usable(values: Values) -> Values:
    """Inputs before an update, without what can't be told in plain any more: '' stands for a secret in a list."""
    return {
        name: _without_secrets(value)
        for name, value in values.items()
        if isinstance(value, (str, int, float, bool, list, dict))
    }


def _without_secrets(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item) for item in value]
    return "" if isinstance(value, Sealed) else value


def _delete(shop: Workshop, progress: Progress, began: Callable[[], None]) -> Accepted | Finished:
    old = current_record(shop, progress.step)
    provider = shop.provider(old.cloud, old.kind, progress.step.id.address)
    _begin(shop, progress, old.token, old.cloud, {})
    began()
    with permitted(shop.permit):
        provider.delete(old.external_id)
    return _accepted(old, Until.GONE, None)


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
    if old.condition is not Condition.READY:
        return _accepted(old, Until.READY, attrs.evolve(record, condition=Condition.READY))
    removed = (old.key,) if record.address != old.address else ()
    shop.journal.commit([shop.outcome(step, Phase.DONE, None, write=(record,), remove=removed)])
    return Finished(external_id=old.external_id, outputs=record.outputs)


def _accepted(there: Record, until: Until, record: Record | None) -> Accepted:
    """``there`` is to be waited for; ``record`` is what the state will say then."""
    return Accepted(cloud=there.cloud, kind=there.kind, external_id=there.external_id, until=until, record=record)
