"""The same asked of several at once, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def side_by_side(ask: Callable[[T], U], every: Sequence[T], width: int) -> list[U]:
    """What ``ask`` answers to each of ``every``, in their order, at most ``width`` (1 or more) asked at once.

    Raises what the first of them raised that raised anything, once all have been asked.
    """
    with ThreadPoolExecutor(max_workers=min(width, len(every)), thread_name_prefix="orchestra-ask") as pool:
        return list(pool.map(ask, every))
