"""How damage to a state is seen: a digest for every row, and a running total of the digests of a table.

The total is a sum, so that a write brings it up to date by itself, whatever the size of the state; a row that was
lost, doubled, changed or swapped makes it differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from orchestra.errors import CorruptStateError
from orchestra.state.codec import digest

EMPTY: Final = "0" * 32
"""The total of no rows."""

_MODULUS: Final = 1 << 128

RESTORE: Final = (
    "restore a copy of it; without one, move it away and write the state anew from the clouds: Deployment.rebuild()"
)
"""What to do about a damaged state."""


def row_digest(table: str, deployment: str, *columns: str | float) -> str:
    """The digest of one row: of where it stands and of what it holds."""
    return row_check(table, deployment)(columns)


def row_check(table: str, deployment: str) -> Callable[[Sequence[str | float]], str]:
    """What gives the digests of many rows of ``table``; see `row_digest`."""
    place = f"{table}\x1f{deployment}\x1f"
    return lambda columns: digest(place + "\x1f".join(map(str, columns)))


def plus(total: str, row: str) -> str:
    """``total`` with the digest ``row`` added."""
    return f"{(int(total, 16) + int(row, 16)) % _MODULUS:032x}"


def minus(total: str, row: str) -> str:
    """``total`` with the digest ``row`` taken away."""
    return f"{(int(total, 16) - int(row, 16)) % _MODULUS:032x}"


def total_of(rows: Iterable[str]) -> str:
    """The total of the digests ``rows``."""
    return f"{sum(int(row, 16) for row in rows) % _MODULUS:032x}"


def damaged(what: str, *, where: str, deployment: str, address: str | None = None) -> CorruptStateError:
    """The error for damage to the state of ``deployment`` in ``where``; ``what`` is a sentence."""
    return CorruptStateError(
        f"the state of deployment {deployment!r} in {where} is damaged: {what}", address=address, remedy=RESTORE
    )


def combined(rows: Sequence[str]) -> str:
    """One digest for the digests ``rows``; '' if there are none."""
    return total_of(rows) if rows else ""
