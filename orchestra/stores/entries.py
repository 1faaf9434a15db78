"""What the journal says of a call, for every store alike."""

from __future__ import annotations

from orchestra.state.journal import Entry, Intent, Outcome, Phase


def begun(intent: Intent, sequence: int) -> Entry:
    """The line that says that ``intent`` was begun."""
    return Entry(
        sequence=sequence,
        run=intent.run,
        address=intent.address,
        operation=intent.operation,
        phase=Phase.BEGUN,
        at=intent.at,
        token=intent.token,
        external_id=intent.external_id,
    )


def settled(outcome: Outcome, sequence: int) -> Entry:
    """The line that tells ``outcome``."""
    return Entry(
        sequence=sequence,
        run=outcome.run,
        address=outcome.address,
        operation=outcome.operation,
        phase=outcome.phase,
        at=outcome.at,
        token=outcome.settles.token if outcome.settles else "",
        external_id=outcome.external_id,
        detail=outcome.detail,
    )
