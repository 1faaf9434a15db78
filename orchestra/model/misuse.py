"""Errors for references used as if they had a value: show the line typed and the line meant."""

from __future__ import annotations

import linecache
import sys
from typing import NoReturn

from orchestra.errors import MisuseError

_PACKAGE = __name__.partition(".")[0]


def line_typed() -> str:
    """The innermost source line on the stack outside this package, or '' where there is no source."""
    frame = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        is_generated = frame.f_code.co_filename.startswith("<attrs generated")
        if not is_generated and module != _PACKAGE and not module.startswith(_PACKAGE + "."):
            return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


def refuse(subject: str, what: str, meant: str, address: str | None = None) -> NoReturn:
    """Raise the `MisuseError` for doing ``what`` to ``subject``."""
    raise MisuseError(
        f"{subject} has no value while the stack is being declared, so it can't be {what}",
        typed=line_typed(),
        meant=meant,
        address=address,
    )
