"""What is being declared right now: the resources made and the tokens put into text inside one ``build()``."""

from __future__ import annotations

import contextlib
import contextvars
import re
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from orchestra.model.refs import Ref
    from orchestra.model.resource import Resource
    from orchestra.model.secrets import Secret

TOKEN: Final = re.compile(r"<<orchestra:([0-9a-f]{16}):[^<>]*>>")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_.\[\]-]")
DAMAGED: Final = re.compile(r"<{1,2}orchestra:", re.IGNORECASE)


@attrs.frozen
class Placeholder:
    """One reference or secret inside a text: what to put there, and how to format it."""

    source: Ref[object] | Secret
    conversion: str
    spec: str


@attrs.define(eq=False)
class Building:
    """One run of ``build()``."""

    resources: list[Resource] = attrs.field(factory=list)
    placeholders: dict[str, Placeholder] = attrs.field(factory=dict)

    def token(self, source: Ref[object] | Secret, label: str, conversion: str, spec: str) -> str:
        """Text that stands for ``source`` until its value is known. ASCII only, so that JSON leaves it alone."""
        nonce = secrets.token_hex(8)
        self.placeholders[nonce] = Placeholder(source, conversion, spec)
        readable = _NOT_PLAIN.sub(".", label)
        return f"<<orchestra:{nonce}:{readable}>>"


_current: contextvars.ContextVar[Building | None] = contextvars.ContextVar("orchestra_building", default=None)


def current() -> Building | None:
    """The innermost ``build()`` that is running in this context."""
    return _current.get()


@contextlib.contextmanager
def building() -> Iterator[Building]:
    """Make a new `Building` the current one."""
    fresh = Building()
    reset = _current.set(fresh)
    try:
        yield fresh
    finally:
        _current.reset(reset)
