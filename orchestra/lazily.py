"""Names that a package has without having imported them: the module behind one is imported when it is first used."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazily(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of ``package``; ``modules`` maps each of its modules to the names in it, with spaces between.

    Names under ``""`` are modules themselves.
    Use it under ``if not TYPE_CHECKING``: else every name, also a mistyped one, would look as if it were there.
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}
    return functools.partial(_load, package, homes)


def _load(package: str, homes: Mapping[str, str], name: str) -> Any:
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    home = homes[name]
    module = importlib.import_module(f"{package}.{home or name}")
    found = getattr(module, name) if home else module
    setattr(sys.modules[package], name, found)  # from now on without this
    return found
