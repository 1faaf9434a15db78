"""Where the state of deployments lives: `open_store` for a file or database, `MemoryStore` for tests."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

if TYPE_CHECKING:
    from orchestra.stores.memory import MemoryStore
    from orchestra.stores.opening import open_store

__all__ = ["MemoryStore", "open_store"]

_MODULES: Final = MappingProxyType({"memory": "MemoryStore", "opening": "open_store"})


if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)
