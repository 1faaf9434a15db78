"""A plan as executable units: which calls, and which must wait for which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import attrs

from orchestra import graph
from orchestra.diff import same
from orchestra.errors import CycleError, PlanError
from orchestra.model.address import Address, sort_key
from orchestra.planning.change import Change
from orchestra.planning.decide import Action
from orchestra.state.journal import Operation


@attrs.frozen(order=True, cache_hash=True)
class StepId:
    """Identifies a step in its plan; ``token`` is '' unless it deletes a deposed resource."""

    address: Address
    operation: str
    token: str = ""

    def __str__(self) -> str:
        return f"{self.address} ({self.operation})"


@attrs.frozen(kw_only=True, eq=False)
class Step:
    """One call, or one entry in the state."""

    id: StepId
    change: Change
    operation: Operation
    needs: frozenset[StepId]


Table: TypeAlias = "Mapping[Address, StepId]"
"""The step of one sort for each resource that has one."""

Waits: TypeAlias = "dict[StepId, set[StepId]]"

_MAKES: Final = (Action.CREATE, Action.REPLACE, Action.UPDATE)
_DROPS: Final = (Action.DELETE, Action.REPLACE)
_NOTES: Final = (Action.READ, Action.MOVE, Action.ADOPT)


def expand(changes: Iterable[Change]) -> list[Step]:
    """The steps of a plan in one possible order. Raises `PlanError` if no order fits."""
    every = list(changes)
    current = {change.address: change for change in every if not change.deposed}
    makes = {a: _make_id(change) for a, change in current.items() if change.action in _MAKES}
    drops = {a: StepId(a, Operation.DELETE.value) for a, change in current.items() if change.action in _DROPS}
    notes = {a: StepId(a, Operation.RECORD.value) for a, change in current.items() if change.action in _NOTES}
    steps: dict[StepId, tuple[Change, Operation]] = {}
    for change in every:
        for step_id, operation in _steps_of(change, makes, drops):
            steps[step_id] = (change, operation)
    needs: Waits = {step_id: set() for step_id in steps}
    wishes: Waits = {step_id: set() for step_id in steps}
    _order_makes(current, makes, {**makes, **notes}, needs)
    _order_drops(current, makes, drops, needs)
    _wish_to_be_left(current, makes, drops, wishes)
    _order_deposed(every, makes, drops, needs, wishes)
    _keep_what_works(every, current, {**makes, **notes}, wishes)
    try:
        ordered = graph.order(needs, key=_key, wishes=wishes)
    except CycleError as error:
        raise PlanError(
            "no order fits these changes: " + " -> ".join(error.cycle),
            remedy="set Lifecycle(create_before_delete=…) alike on the resources named, or change them in two applies",
        ) from error
    found: list[Step] = []
    before: set[StepId] = set()
    for step_id in ordered:
        change, operation = steps[step_id]
        waits = needs[step_id] | (wishes[step_id] & before)
        found.append(Step(id=step_id, change=change, operation=operation, needs=frozenset(waits)))
        before.add(step_id)
    return found


def _key(step: StepId) -> tuple[object, str, str]:
    return sort_key(step.address), step.operation, step.token


def _make_id(change: Change) -> StepId:
    operation = Operation.UPDATE if change.action is Action.UPDATE else Operation.CREATE
    return StepId(change.address, operation.value)


def _steps_of(
    change: Change, makes: Mapping[Address, StepId], drops: Mapping[Address, StepId]
) -> list[tuple[StepId, Operation]]:
    if change.deposed:
        operation = Operation.DELETE if change.action is Action.DELETE else Operation.RECORD
        return [(StepId(change.address, operation.value, change.token), operation)]
    found: list[tuple[StepId, Operation]] = []
    if change.address in makes:
        found.append((makes[change.address], Operation(makes[change.address].operation)))
    if change.address in drops:
        found.append((drops[change.address], Operation.DELETE))
    return found or [(StepId(change.address, Operation.RECORD.value), Operation.RECORD)]


def _order_makes(current: Mapping[Address, Change], makes: Table, known_after: Table, needs: Waits) -> None:
    """What is made waits for what it uses: until that is made, or its new address and outputs are written down."""
    for address, step in makes.items():
        needs[step].update(known_after[used] for used in current[address].dependencies if used in known_after)


def _order_drops(current: Mapping[Address, Change], makes: Table, drops: Table, needs: Waits) -> None:
    """What is deleted waits for its users to be deleted; a replacement goes in the order that was settled."""
    for address, change in current.items():
        if address in drops:
            for used in change.previous_dependencies:
                if used in drops:
                    needs[drops[used]].add(drops[address])
        if change.action is Action.REPLACE:
            if change.create_before_delete:
                needs[drops[address]].add(makes[address])
            else:
                needs[makes[address]].add(drops[address])


def _wish_to_be_left(current: Mapping[Address, Change], makes: Table, drops: Table, wishes: Waits) -> None:
    """What is deleted should first be left by those who go on without it.

    That isn't always possible: what they are to use instead may have to wait for the deletion.
    """
    for address, step in makes.items():
        change = current[address]
        left = change.dependencies if address in drops else (*change.dependencies, *change.previous_dependencies)
        for used in left:
            if used in drops and (current[used].action is Action.DELETE or current[used].create_before_delete):
                wishes[drops[used]].add(step)


def _order_deposed(every: Iterable[Change], makes: Table, drops: Table, needs: Waits, wishes: Waits) -> None:
    """What was replaced before is deleted after its users, and before what it uses itself.

    The latter is a must: a cloud doesn't delete what something stands in, and a delete needs nothing itself.
    """
    deposed = [change for change in every if change.deposed and change.action is Action.DELETE]
    by_address: dict[Address, list[StepId]] = {}
    for change in deposed:
        by_address.setdefault(change.address, []).append(_deposed_id(change))
    for change in every if deposed else ():
        if not change.deposed:
            steps = [table[change.address] for table in (makes, drops) if change.address in table]
            for used in {*change.previous_dependencies, *change.dependencies} & by_address.keys():
                for old in by_address[used]:
                    wishes[old].update(steps)
    for change in deposed:
        mine = _deposed_id(change)
        for used in change.previous_dependencies:
            for old in by_address.get(used, ()):
                wishes[old].add(mine)
            if used in drops:
                needs[drops[used]].add(mine)


def _keep_what_works(every: Iterable[Change], current: Mapping[Address, Change], done_by: Table, wishes: Waits) -> None:
    """What was replaced before may be all that works until its successor is ready: it is deleted after that.

    Not where the successor is to become just what it was: its name may be in the way.
    """
    for change in every:
        is_left = change.deposed and change.action is Action.DELETE and change.address in done_by
        if is_left and not same(change.before, current[change.address].after):
            wishes[_deposed_id(change)].add(done_by[change.address])


def _deposed_id(change: Change) -> StepId:
    return StepId(change.address, Operation.DELETE.value, change.token)
