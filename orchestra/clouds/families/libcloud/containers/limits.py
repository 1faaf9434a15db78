"""What can't be changed of a container where it is made anew for every change."""

from __future__ import annotations

from typing import Final

from orchestra.contracts import Update
from orchestra.errors import InvalidRequestError

FIXED_LATER: Final = frozenset({"restart", "memory_mib", "cpus"})
"""Inputs that other clouds change in place."""


def refuse_change(update: Update, where: str, external_id: str) -> None:
    """Raise `InvalidRequestError` if ``update`` is about more than can be changed ``where``: nothing."""
    changed = sorted(update.changed & FIXED_LATER)
    if changed:
        raise InvalidRequestError(
            f"{where} can't change {', '.join(changed)} of container {external_id} in place",
            sent=False,
            remedy="replace it: plan(replace=[…]) makes another",
        )
