"""What people see while it happens; imported when it does."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

if TYPE_CHECKING:
    from orchestra.display.progress import progress_listener

__all__ = ["progress_listener"]

_MODULES: Final = MappingProxyType({"progress": "progress_listener"})

if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)
