"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def row(*cells: str) -> str:
    """One row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def head(*cells: str) -> Sequence[str]:
    """The two rows that a table begins with."""
    return row(*cells), row(*("---" for _ in cells))
