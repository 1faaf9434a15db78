"""Acts: reads clouds in bulk, carries out the steps of a plan, journals each call, and settles what was left open.

What only acting takes is imported when its name is first used: to plan takes none of it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

if TYPE_CHECKING:
    from orchestra.engine.aside import side_by_side
    from orchestra.engine.auditing import Audit, PastRun, approve, past_runs
    from orchestra.engine.leases import this_process
    from orchestra.engine.office import Office
    from orchestra.engine.rebuilding import rebuild
    from orchestra.engine.recording import Adoption, adopt
    from orchestra.engine.recovery import Settlement, open_calls, recover
    from orchestra.engine.returning import plan_back, recalled
    from orchestra.engine.rotating import Rotating, Rotation, rotate
    from orchestra.engine.run import Run
    from orchestra.engine.running import Order, carry_out, purpose_of
    from orchestra.engine.settings import OnFailure
    from orchestra.engine.verdict import raise_for

__all__ = [
    "Adoption",
    "Audit",
    "Office",
    "OnFailure",
    "Order",
    "PastRun",
    "Rotating",
    "Rotation",
    "Run",
    "Settlement",
    "adopt",
    "approve",
    "carry_out",
    "open_calls",
    "past_runs",
    "plan_back",
    "purpose_of",
    "raise_for",
    "rebuild",
    "recalled",
    "recover",
    "rotate",
    "side_by_side",
    "this_process",
]

_MODULES: Final = MappingProxyType(
    {
        "aside": "side_by_side",
        "auditing": "Audit PastRun approve past_runs",
        "leases": "this_process",
        "office": "Office",
        "rebuilding": "rebuild",
        "recording": "Adoption adopt",
        "recovery": "Settlement open_calls recover",
        "returning": "plan_back recalled",
        "rotating": "Rotating Rotation rotate",
        "run": "Run",
        "running": "Order carry_out purpose_of",
        "settings": "OnFailure",
        "verdict": "raise_for",
    }
)

if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)
