"""How long calls take: distributions to draw from."""

from __future__ import annotations

import math
import random
from typing import Protocol

import attrs

from orchestra.errors import DefinitionError


class Latency(Protocol):
    """A distribution of seconds."""

    def draw(self, chance: random.Random) -> float:
        """How many seconds one call takes."""
        ...


@attrs.frozen
class Uniform:
    """Anything from ``low`` to ``high`` seconds, all alike. Raises `DefinitionError` unless 0 <= low <= high."""

    low: float
    high: float

    def __attrs_post_init__(self) -> None:
        if not 0.0 <= self.low <= self.high:
            raise DefinitionError(f"{self!r}: 0 <= low <= high is needed")

    def draw(self, chance: random.Random) -> float:
        """See `Latency.draw`."""
        return chance.uniform(self.low, self.high)


@attrs.frozen
class LongTail:
    """Mostly near ``median`` seconds, now and then far above: a log-normal distribution, as clouds have.

    ``spread`` is the standard deviation of the logarithm; with 0.5 (the default) one call in a hundred takes more than
    three times the median, with 1.0 more than ten times. Raises `DefinitionError` for a median or spread that isn't
    above zero.
    """

    median: float
    spread: float = 0.5

    def __attrs_post_init__(self) -> None:
        if self.median <= 0.0 or self.spread <= 0.0:
            raise DefinitionError(f"{self!r}: both must be above zero")

    def draw(self, chance: random.Random) -> float:
        """See `Latency.draw`."""
        return chance.lognormvariate(math.log(self.median), self.spread)
