"""Taking secrets out of what others say: a cloud's refusal may quote the request that it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from orchestra.errors import OrchestraError
from orchestra.model.values import Revealed, Value, leaves

SHORTEST: Final = 4
"""Secrets with fewer characters are left alone: they stand in half of all words."""

HIDDEN: Final = "(secret)"

_LINE: Final = 8
"""How long a line of a secret must be to be hidden by itself."""
_START: Final = 12
"""How much of a secret's start is enough to tell that it was quoted and cut short."""


class Concealer:
    """Knows the secrets of a run, and hides them in texts and errors: whole, encoded, line by line, and cut short.

    Safe for several threads.
    """

    def __init__(self) -> None:
        self._hidden: dict[str, None] = {}

    def learn(self, value: Value) -> None:
        """Hide every secret in ``value`` from now on."""
        for leaf in leaves(value):
            if isinstance(leaf, Revealed) and not isinstance(leaf.value, bool):
                self._hidden.update(dict.fromkeys(_forms(str(leaf.value))))

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        hidden = sorted(self._hidden, key=len, reverse=True)
        for form in hidden:
            text = text.replace(form, HIDDEN)
        for form in hidden:
            if len(form) > _START:
                text = _without_start(text, form)
        return text

    def clean(self, error: BaseException) -> None:
        """Take the secrets out of what ``error`` and its causes say. A cause that goes on saying one is cut off."""
        seen: set[int] = set()
        todo = [error]
        while todo:
            one = todo.pop()
            seen.add(id(one))
            self._clean_one(one)
            for name in ("__cause__", "__context__"):
                under = getattr(one, name)
                if under is None or id(under) in seen:
                    continue
                self._clean_one(under)
                if self.text(_said(under)) == _said(under):
                    todo.append(under)
                else:
                    setattr(one, name, None)

    def _clean_one(self, error: BaseException) -> None:
        said = _said(error)
        if self.text(said) == said:
            return
        if isinstance(error, OrchestraError):
            error.message = self.text(error.message)
            error.remedy = None if error.remedy is None else self.text(error.remedy)
        error.args = tuple(self.text(one if isinstance(one, str) else repr(one)) for one in error.args)
        if notes := getattr(error, "__notes__", None):
            notes[:] = [self.text(str(note)) for note in notes]


def _said(error: BaseException) -> str:
    return f"{error} {error!r} {getattr(error, '__notes__', '')}"


def _forms(secret: str) -> Iterator[str]:
    """``secret`` in the forms in which requests and answers carry it."""
    if len(secret) < SHORTEST:
        return
    yield from (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], escape(secret), quote(secret, safe=""))
    yield base64.b64encode(secret.encode(errors="surrogatepass")).decode()
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= _LINE)


def _without_start(text: str, form: str) -> str:
    """``text`` without what starts as ``form`` does."""
    start = text.find(form[:_START])
    while start >= 0:
        end = start + _START
        while end < len(text) and end - start < len(form) and text[end] == form[end - start]:
            end += 1
        text = text[:start] + HIDDEN + text[end:]
        start = text.find(form[:_START], start + len(HIDDEN))
    return text
