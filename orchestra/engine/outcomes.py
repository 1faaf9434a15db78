"""What is written down at the end of a step: it is ready, it is gone, or it failed."""

from __future__ import annotations

import attrs

from orchestra.contracts import Inputs, Observation, Ownership
from orchestra.engine import retry
from orchestra.engine.drafts import (
    Key,
    answered,
    current_record,
    displaced,
    drafted,
    is_ours,
    plain_outputs,
    uncertain,
    with_outputs,
    with_outputs_if_possible,
)
from orchestra.engine.work import Finished, Progress, Workshop
from orchestra.errors import InternalError
from orchestra.planning.decide import Action
from orchestra.planning.steps import Step
from orchestra.state.journal import Operation, Outcome, Phase
from orchestra.state.records import Condition, Record


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
    return outcome, attrs.evolve(finished, outputs=plain_outputs(shop, record, observation))


def _is_deposed_by_now(step: Step) -> bool:
    return step.change.action is Action.REPLACE and step.change.create_before_delete


def failed(shop: Workshop, progress: Progress, error: Exception) -> None:
    """Write down that the step failed, and what it left behind in the cloud."""
    step, intent = progress.step, progress.intent
    outcome = shop.outcome(step, Phase.FAILED, intent)
    if intent is not None and step.operation is Operation.CREATE:
        outcome = _failed_creation(shop, progress, outcome)
    elif intent is not None and step.operation is Operation.UPDATE and retry.may_have_begun(error):
        after = progress.inputs.kept if progress.inputs is not None else {}
        outcome = attrs.evolve(outcome, write=(uncertain(current_record(shop, step), after),))
    shop.journal.commit([attrs.evolve(outcome, detail=str(error))])


def _failed_creation(shop: Workshop, progress: Progress, outcome: Outcome) -> Outcome:
    """With what is there of it as tainted; told as unknown while that can't be known."""
    written: tuple[Record, ...] = ()
    removed: tuple[Key, ...] = ()
    if progress.accepted is not None:
        left = progress.accepted.record
    else:
        phase, left = _left_behind(shop, progress)
        outcome = attrs.evolve(outcome, phase=phase)
        if left is not None:
            written, removed = displaced(shop, progress.step)
    if left is None:
        return outcome
    tainted = attrs.evolve(left, condition=Condition.TAINTED)
    return attrs.evolve(outcome, write=(*written, tainted), remove=removed, external_id=left.external_id)


def _left_behind(shop: Workshop, progress: Progress) -> tuple[Phase, Record | None]:
    """What a creation that failed half-way left, looked for by its token."""
    change, intent, inputs = progress.step.change, progress.intent, progress.inputs
    if intent is None or inputs is None:
        return Phase.FAILED, None
    draft = drafted(progress.step, inputs.kept)
    owner = Ownership(shop.deployment, change.address, intent.token)
    try:
        provider = shop.provider(change.cloud, change.kind, change.address)
        found = provider.find(owner, Inputs(inputs.raw))
    except Exception:  # whatever it is: the call stays open, and the next plan looks again
        return Phase.UNKNOWN, None
    if found is None:
        # what was made a moment ago may not be shown yet
        is_open = progress.unknown or provider.capabilities.settling > 0
        return (Phase.UNKNOWN if is_open else Phase.FAILED), None
    certain = found.ownership is not None or progress.unknown
    if not certain or not is_ours(found, draft, owner, shop.others()):
        return Phase.FAILED, None  # somebody else's has the natural key: ours can't be there
    record = answered(shop, draft, intent.token, found.external_id)
    return Phase.FAILED, with_outputs_if_possible(shop, record, found)
