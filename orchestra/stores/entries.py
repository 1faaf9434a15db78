"""What the audit record says of each write, for every store alike."""

from __future__ import annotations

from orchestra.state.audit import AuditEntry, AuditEvent
from orchestra.state.journal import Holder, Intent, Outcome, Phase, RunRecord


def begun(intent: Intent) -> AuditEntry:
    """The line that says that ``intent`` was begun."""
    return AuditEntry(
        event=AuditEvent.STEP,
        at=intent.at,
        run=intent.run,
        address=intent.address,
        operation=intent.operation,
        phase=Phase.BEGUN,
        token=intent.token,
        external_id=intent.external_id,
    )


def settled(outcome: Outcome, before: str, after: str) -> AuditEntry:
    """The line that tells ``outcome``, which made of records with the digest ``before`` such with ``after``."""
    return AuditEntry(
        event=AuditEvent.STEP,
        at=outcome.at,
        run=outcome.run,
        address=outcome.address,
        operation=outcome.operation,
        phase=outcome.phase,
        token=outcome.settles.token if outcome.settles else "",
        external_id=outcome.external_id,
        detail=outcome.detail,
        before=before,
        after=after,
    )


def started(run: RunRecord) -> AuditEntry:
    """The line that says that ``run`` begins."""
    return AuditEntry(
        event=AuditEvent.RUN_STARTED,
        at=run.started,
        by=run.by,
        run=run.id,
        plan_digest=run.plan_digest,
        detail=run.purpose,
    )


def finished(run: RunRecord, now: float) -> AuditEntry:
    """The line that says that ``run`` has ended, or was found to have."""
    return AuditEntry(
        event=AuditEvent.RUN_FINISHED,
        at=run.ended if run.ended is not None else now,
        by=run.by,
        run=run.id,
        plan_digest=run.plan_digest,
        detail=run.status.value,
    )


def broken(holder: Holder, by: Holder, now: float) -> AuditEntry:
    """The line that says that ``by`` took the lease away from ``holder``."""
    return AuditEntry(event=AuditEvent.LEASE_BROKEN, at=now, by=str(by), detail=str(holder))
