"""Where the state of deployments lives: `open_store` for a file or database, `MemoryStore` for tests."""

from __future__ import annotations

from orchestra.stores.memory import MemoryStore
from orchestra.stores.opening import open_store

__all__ = ["MemoryStore", "open_store"]
