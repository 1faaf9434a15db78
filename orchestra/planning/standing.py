"""What plainly stands: a quick look, before anything is made of a resource for the long one.

Most resources of most plans need nothing. Whatever this doesn't see at once is left to `comparing` and `decide`, so
that it only ever has to be right when it says yes.
"""

from __future__ import annotations

from typing import Final

from orchestra.contracts import Observation, Status
from orchestra.diff import same
from orchestra.model.declaration import Declared
from orchestra.model.resource import UNRULED
from orchestra.model.values import ABSENT, ATOMS, Values
from orchestra.planning.comparing import overlaid
from orchestra.state.records import Condition, Record

_RULES: Final = (
    UNRULED.protect,
    UNRULED.retain,
    UNRULED.create_before_delete,
    UNRULED.delete_timeout,
    None,
)


def stands(item: Declared, cloud: str, record: Record, told: Observation) -> bool:
    """Whether ``record`` is of what is declared, was left ready, and is what its cloud tells.

    Whether it also has the inputs that are declared is not looked at.
    """
    return (
        record.condition is Condition.READY
        and told.status is not Status.FAILED
        and item.resource.lifecycle is UNRULED
        and (record.protect, record.retain, record.create_before_delete, record.delete_timeout, record.triggers)
        == _RULES
        and (record.kind, record.cloud, record.dependencies) == (item.kind.name, cloud, item.dependencies)
        and _tells_the_outputs(record, told.outputs)
        and _tells_the_inputs(item, record, told.inputs)
    )


def _tells_the_outputs(record: Record, told: Values) -> bool:
    kept = record.outputs
    if len(kept) != len(told) + ("id" not in told) or kept.get("id") != record.external_id:
        return False
    for name, value in told.items():  # noqa: SIM110 (a generator costs more than what it would loop over)
        if name != "id" and not same(value, kept.get(name, ABSENT)):
            return False
    return True


def _tells_the_inputs(item: Declared, record: Record, told: Values) -> bool:
    kept, specs = record.inputs, item.kind.inputs
    if same(told, kept):
        return True
    for name, value in told.items():
        before = kept.get(name)
        if type(before) in ATOMS:  # nothing is laid over those
            if type(value) is not type(before) or value != before:
                return False
        elif not same(value, before) and not same(overlaid(specs.get(name), before, value), before):
            return False
    return True
