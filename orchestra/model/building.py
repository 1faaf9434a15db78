"""What is being declared right now: what is made and which tokens are put into text inside one ``build()``."""

from __future__ import annotations

import contextlib
import contextvars
import re
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from orchestra.model.refs import Ref
    from orchestra.model.resource import Resource
    from orchestra.model.secrets import Secret
    from orchestra.model.stack import Stack

TOKEN: Final = re.compile(r"<<orchestra:([0-9a-f]{16}):[^<>]*>>")
DAMAGED: Final = re.compile(r"<{1,2}orchestra:|orchestra(?::|%3a)[0-9a-f]{16}|-_orchestra|_orchestra>", re.IGNORECASE)
"""What a token leaves in a text: looked for where no whole token stands."""

_END: Final = ":./-_Orchestra>>"
"""Holds what texts are usually split at, replaced by or changed in: a token that went through that is not whole."""
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_.\[\]-]")
_SHOWN: Final = re.compile(r"<<orchestra:[0-9a-z]+:([^<>]*?)(?::\./-_Orchestra)?>>")


@attrs.frozen
class Placeholder:
    """One reference or secret inside a text: what to put there, and how to format it.

    ``conversion`` is ``r``, ``s`` or '' as in an f-string. ``token`` is the text that stands for it.
    """

    source: Ref[object] | Secret
    conversion: str
    spec: str
    token: str


class Token(str):
    """A token as text. A format given to it is meant for the value: ``f"{ref!s:>20}"``."""

    __slots__ = ("_format",)

    _format: Callable[[str], str]

    @staticmethod
    def make(text: str, format_: Callable[[str], str]) -> Token:
        """``text``, which `format` turns into ``format_(spec)``."""
        made = Token(text)
        made._format = format_
        return made

    def __format__(self, spec: str) -> str:
        return self._format(spec) if spec else str(self)


def holds_token(text: str) -> bool:
    """Whether a token, or what is left of one, is in ``text``."""
    return "orchestra" in text.casefold() and DAMAGED.search(text) is not None  # most texts are done after a word


def readable(text: str) -> str:
    """``text`` with the label in braces in place of each token, for messages."""
    return _SHOWN.sub(r"{\1}", text)


@attrs.define(eq=False)
class Building:
    """One run of ``build()``."""

    resources: list[Resource] = attrs.field(factory=list)
    stacks: list[Stack] = attrs.field(factory=list)
    placeholders: dict[str, Placeholder] = attrs.field(factory=dict)

    def token(self, source: Ref[object] | Secret, label: str, conversion: str, spec: str) -> str:
        """Text that stands for ``source`` until its value is known. ASCII only, so that JSON leaves it alone."""
        nonce = secrets.token_hex(8)
        token = f"<<orchestra:{nonce}:{_NOT_PLAIN.sub('.', label)}{_END}"
        self.placeholders[nonce] = Placeholder(source, conversion, spec, token)
        return token if spec else Token.make(token, lambda wanted: self.token(source, label, conversion or "s", wanted))


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
