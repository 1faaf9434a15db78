"""Desired, recorded and observed in; a plan out. Pure: the same inputs give the same bytes.

What few plans take is imported when its name is first used.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

if TYPE_CHECKING:
    from orchestra.planning.steps import expand

__all__ = ["expand"]

_MODULES: Final = MappingProxyType({"steps": "expand"})

if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)
