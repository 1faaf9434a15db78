"""The collector of cyclic garbage, told to wait."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Inside, nothing is searched for cyclic garbage; for what makes many objects in a bounded time and keeps them.

    The collector goes through all of them again and again meanwhile, and finds nothing: that costs up to a quarter
    of a plan, and more for each resource the more there are. Where it is switched off already, it stays so.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
