"""The state as it once was: what the audit record says was written, done again."""

from __future__ import annotations

from collections.abc import Sequence

from orchestra.errors import StateError
from orchestra.state.audit import Records, is_whole, replay


def records_at(serial: int, newest: int, lines: Sequence[tuple[int, str]], *, deployment: str) -> Records:
    """The records at ``serial`` of a state that is at ``newest``; ``lines`` are serial and records of each line.

    Raises `StateError` for a serial that the state has not reached, or of which nothing is known any more.
    """
    first = next((at for at, changes in lines if is_whole(changes)), 0)
    if not first <= serial <= newest:
        raise StateError(
            f"the state of {deployment!r} has no serial {serial}: it is known from serial {first} to {newest}",
            remedy="name one of those; Deployment.history() tells at which serial each run began",
        )
    records: Records = {}
    for at, changes in lines:
        if at <= serial:
            replay(records, changes)
    return records
