"""Graphs to measure with: which of ``count`` parts each part uses."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Final

GROUP: Final = 10
"""Parts in a group: the first is used by the nine others."""
WIDTH: Final = 50
"""How many parts of the layer below each part of a dense layer uses."""
LAYERS: Final = 3


class Shape(enum.Enum):
    """How parts use each other."""

    GROUPS = "groups"
    CHAIN = "chain"
    DENSE = "dense"
    FAN = "fan"

    def uses(self, index: int, count: int) -> Sequence[int]:
        """The indices that part ``index`` of ``count`` uses: lower ones only."""
        match self:
            case Shape.GROUPS:
                return [index - index % GROUP] if index % GROUP else []
            case Shape.CHAIN:
                return [index - 1] if index else []
            case Shape.FAN:
                return range(count - 1) if index == count - 1 else []
            case Shape.DENSE:
                layer = count // LAYERS
                below = (index // layer - 1) * layer
                return [] if below < 0 else [below + (index * 7 + step) % layer for step in range(min(WIDTH, layer))]
