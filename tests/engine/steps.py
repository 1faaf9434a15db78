"""Steps for tests of what orders and watches them."""

from __future__ import annotations

from collections.abc import Iterable

from orchestra.model.address import Address
from orchestra.planning.change import Change
from orchestra.planning.decide import Action, Reason
from orchestra.planning.steps import Step, StepId
from orchestra.state.journal import Operation


def step(
    address: str,
    needs: Iterable[str] = (),
    cloud: str = "one",
    kind: str = "test.Kind",
    operation: Operation = Operation.CREATE,
) -> Step:
    change = Change(address=Address(address), kind=kind, action=Action.CREATE, reason=Reason.NEW, cloud=cloud)
    return Step(
        id=StepId(Address(address), operation.value),
        change=change,
        operation=operation,
        needs=frozenset(StepId(Address(need), "create") for need in needs),
    )
