"""The collector of cyclic garbage, told to wait."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

SELDOM: Final = 1_000_000
"""New objects, a hundred megabytes or so."""


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


@contextlib.contextmanager
def seldom_collected(every: int = SELDOM) -> Iterator[None]:
    """Inside, cyclic garbage is searched for only after ``every`` new objects; for what also waits for clouds.

    Other threads may make garbage meanwhile, so that it isn't put off for ever. A rarer search that was set before
    stays so.
    """
    young, *older = gc.get_threshold()
    if 0 < young < every:
        gc.set_threshold(every, *older)
    try:
        yield
    finally:
        if 0 < young < every:
            gc.set_threshold(young, *older)
