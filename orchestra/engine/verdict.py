"""What a run came to, as it is raised to whoever asked for it."""

from __future__ import annotations

import sys

from orchestra.engine.run import Rollback, Run, StepStatus
from orchestra.errors import ApplyError, StateError
from orchestra.planning.rollback import RULE

if sys.version_info < (3, 11):  # pragma: no cover
    from exceptiongroup import ExceptionGroup


def raise_for(run: Run) -> None:
    """Raise what the run came to, unless all is well.

    `KeyboardInterrupt` if it was interrupted, whatever else happened; else `ApplyError` with the root causes if
    steps failed, else what a listener raised.
    """
    failure = _failure(run)
    if run.interrupted:
        open_steps = [step.address for step in run.steps if step.status is StepStatus.SKIPPED]
        failed = f", {len(run.failures)} failed" if run.failures else ""
        raise KeyboardInterrupt(
            f"interrupted: {run.count(StepStatus.DONE)} steps are done and recorded{failed}, {len(open_steps)} are "
            f"open ({', '.join(open_steps[:5])}{', …' if len(open_steps) > 5 else ''}). To go on: apply again"
        ) from failure
    if failure is not None:
        raise failure


def _failure(run: Run) -> Exception | None:
    """The exception that tells of steps that failed and of listeners that raised; None if all is well."""
    heard = run.listener_errors
    if run.failures:
        causes = list({_cause(step.error): step.error for step in run.failures if step.error is not None}.values())
        skipped = run.count(StepStatus.SKIPPED)
        undone, more, remedy = _told_of(run.rollback)
        return ApplyError(
            f"{run.purpose} of {run.deployment!r}: {len(run.failures)} of {len(run.steps)} steps failed"
            + (f", {skipped} that hang on them were skipped" if skipped else "")
            + undone,
            [*causes, *more, *heard],
            remedy,
        )
    if len(heard) > 1:
        return ExceptionGroup(f"{run.purpose} of {run.deployment!r} is done, but its listeners failed", list(heard))
    return heard[0] if heard else None


def _told_of(rollback: Rollback | None) -> tuple[str, list[Exception], str]:
    """What a rollback came to: the end of the message, further causes, and what to do."""
    if rollback is None:
        return "", [], "see to the causes and apply again: a new plan goes on from what was done"
    by_hand = f"see to the causes, then look at deployment.rollback(to={rollback.to}), or apply again"
    if rollback.run is None:
        error = [] if rollback.error is None else [rollback.error]
        return f"; it could not be rolled back to serial {rollback.to}", error, by_hand
    causes = [step.error for step in rollback.run.failures if step.error is not None]
    if causes:
        failed = f"{len(causes)} of {len(rollback.run.steps)} steps of that failed"
        return f"; it was rolled back to serial {rollback.to} in part: {failed}", causes, by_hand
    findings = rollback.plan.findings if rollback.plan is not None else ()
    left = "".join(f"\n  - {one.address}: {one.message}" for one in findings if one.rule == RULE)
    return (
        f"; it was rolled back to serial {rollback.to}",
        [],
        "see to the causes and apply again" + (f"; what can't be undone:{left}" if left else ""),
    )


def _cause(error: Exception) -> str | int:
    """Tells causes apart: a store that fails ends several steps at once, and is one cause."""
    return str(error) if isinstance(error, StateError) else id(error)
