"""Whether a plan is still about the state as it is."""

from __future__ import annotations

from orchestra.errors import StalePlanError
from orchestra.planning.plan import Plan
from orchestra.state.records import Snapshot


def check_fresh(plan: Plan, snapshot: Snapshot) -> None:
    """Raise `StalePlanError` unless ``plan`` was made from exactly this state."""
    if plan.deployment != snapshot.deployment:
        raise StalePlanError(
            f"the plan is for the deployment {plan.deployment!r}, this is {snapshot.deployment!r}",
            remedy="apply it there, or make a new plan",
        )
    if plan.lineage != snapshot.lineage:
        raise StalePlanError(
            "the plan was made from another state: this one was made anew since", remedy="make a new plan"
        )
    if plan.serial != snapshot.serial:
        raise StalePlanError(
            f"the plan was made from serial {plan.serial} of the state, which is at {snapshot.serial} by now",
            remedy="make a new plan",
        )
    if snapshot.pending:
        raise StalePlanError(
            "an interrupted run left calls open since the plan was made", remedy="make a new plan: it settles them"
        )
