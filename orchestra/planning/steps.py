"""A plan as executable units: which calls, and which must wait for which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from orchestra import graph
from orchestra.errors import CycleError, PlanError
from orchestra.model.address import Address, sort_key
from orchestra.planning.change import Change
from orchestra.planning.decide import Action
from orchestra.state.journal import Operation


@attrs.frozen(order=True)
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


_MAKES = (Action.CREATE, Action.REPLACE, Action.UPDATE)
_DROPS = (Action.DELETE, Action.REPLACE)


def expand(changes: Iterable[Change]) -> list[Step]:
    """The steps of a plan in one possible order. Raises `PlanError` if no order fits."""
    every = list(changes)
    current = {change.address: change for change in every if not change.deposed}
    makes = {a: _make_id(change) for a, change in current.items() if change.action in _MAKES}
    drops = {a: StepId(a, Operation.DELETE.value) for a, change in current.items() if change.action in _DROPS}
    needs: dict[StepId, set[StepId]] = {}
    steps: dict[StepId, tuple[Change, Operation]] = {}
    for change in every:
        for step_id, operation in _steps_of(change, makes, drops):
            steps[step_id] = (change, operation)
            needs[step_id] = set()
    _order_makes(current, makes, needs)
    _order_drops(current, makes, drops, needs)
    for change in every:
        if change.deposed and change.action is Action.DELETE:
            mine = StepId(change.address, Operation.DELETE.value, change.token)
            for a, user in current.items():
                if change.address in user.previous_dependencies or change.address in user.dependencies:
                    needs[mine].update(table[a] for table in (makes, drops) if a in table)
    try:
        ordered = graph.order(needs, key=lambda step: (sort_key(step.address), step.operation, step.token))
    except CycleError as error:
        raise PlanError(
            "no order fits these changes: " + " -> ".join(error.cycle),
            remedy="set Lifecycle(create_before_delete=…) alike on the resources named, or change them in two applies",
        ) from error
    return [
        Step(id=step_id, change=steps[step_id][0], operation=steps[step_id][1], needs=frozenset(needs[step_id]))
        for step_id in ordered
    ]


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


def _order_makes(
    current: Mapping[Address, Change], makes: Mapping[Address, StepId], needs: dict[StepId, set[StepId]]
) -> None:
    """What is made waits for what it uses."""
    for address, step in makes.items():
        needs[step].update(makes[used] for used in current[address].dependencies if used in makes)


def _order_drops(
    current: Mapping[Address, Change],
    makes: Mapping[Address, StepId],
    drops: Mapping[Address, StepId],
    needs: dict[StepId, set[StepId]],
) -> None:
    """What is deleted waits for its users to be deleted, or changed so that they no longer use it."""
    for address, change in current.items():
        for used in change.previous_dependencies:
            if used not in drops:
                continue
            if address in drops:
                needs[drops[used]].add(drops[address])
            elif address in makes and (current[used].action is Action.DELETE or current[used].create_before_delete):
                needs[drops[used]].add(makes[address])
        for used in change.dependencies:
            if address in makes and used in drops and _new_first(current[used]):
                needs[drops[used]].add(makes[address])
        if change.action is Action.REPLACE:
            if change.create_before_delete:
                needs[drops[address]].add(makes[address])
            else:
                needs[makes[address]].add(drops[address])


def _new_first(change: Change) -> bool:
    return change.action is Action.REPLACE and change.create_before_delete
