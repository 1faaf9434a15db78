"""The permit to change a cloud: whoever sends a request asks for it right before the request leaves.

The engine holds a lease, and clouds send requests; neither sees the other. A run makes its changing calls inside
`permitted`, with what tells whether the lease still lasts; the layer that sends calls `ask`, in the same thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final

_permit: Final[ContextVar[Callable[[], None] | None]] = ContextVar("orchestra_permit", default=None)


@contextlib.contextmanager
def permitted(check: Callable[[], None]) -> Iterator[None]:
    """Inside, requests of this thread leave only after ``check``, which raises where they may not.

    It is called once on the way in, for a provider that sends its requests past `ask`.
    """
    check()
    before = _permit.set(check)
    try:
        yield
    finally:
        _permit.reset(before)


def ask() -> None:
    """Return if a request may leave now; raises `LeaseLostError` if it may not. What only reads needs no permit."""
    check = _permit.get()
    if check is not None:
        check()
