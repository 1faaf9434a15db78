"""Requests that arrive a second time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, cast

from orchestra.clouds.families.simulated.behaviour import Distortions, Faults

D = TypeVar("D")


def delivered(driver: D, faults: Faults | None) -> D:
    """``driver``, or where ``faults`` may repeat requests, what passes its calls on to it once or twice."""
    return cast(D, _Repeating(driver, faults)) if isinstance(faults, Distortions) else driver


class _Repeating:
    """Looks like ``driver``. Whoever calls gets the answer to the last delivery."""

    def __init__(self, driver: object, faults: Distortions) -> None:
        self._driver = driver
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        found = getattr(self._driver, name)
        return self._repeating(name, found) if callable(found) and not isinstance(found, type) else found

    def _repeating(self, action: str, method: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            kept = [list(one) if isinstance(one, Iterator) else one for one in given]  # a body is sent whole again
            answer = method(*kept, **named)
            return method(*kept, **named) if self._faults.repeats(action) else answer

        return call
