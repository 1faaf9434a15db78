"""Taking secrets out of what others say: a cloud's refusal may quote the request that it refuses."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, quote_plus

from orchestra.model.values import Revealed, Value, leaves

SHORTEST: Final = 4
"""Secrets with fewer characters are left alone: they stand in half of all words."""

HIDDEN: Final = "(secret)"

_LINE: Final = 8
"""How long a line of a secret must be to be hidden by itself."""
_START: Final = 12
"""How much of a secret's start is enough to tell that it was quoted and cut short."""
_LONG: Final = 1024
"""Secrets with more characters are hidden in fewer forms as a whole, and in all of them line by line."""


class Concealer:
    """Knows secrets, and hides them in texts and errors: whole, encoded, line by line, and cut short.

    Safe for several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._expecting = threading.RLock()
        self._known: dict[str, None] = {}
        self._long: dict[str, None] = {}
        self._new: list[str] = []
        self._forms: dict[str, None] = {}
        self._expected: Callable[[], None] | None = None

    def expect(self, learn_all: Callable[[], None]) -> None:
        """Call ``learn_all`` before the next text is looked at: it is to `learn` what may be told besides.

        So nothing has to be read or opened for the sake of errors that never come.
        """
        self._expected = learn_all

    def learn(self, value: Value) -> None:
        """Hide every secret in ``value`` from now on."""
        for leaf in leaves(value):
            if not isinstance(leaf, Revealed) or isinstance(leaf.value, bool):
                continue
            secret = str(leaf.value)
            lines = (line.strip() for line in secret.splitlines() if len(line.strip()) >= _LINE)
            with self._lock:
                for text in (secret, *lines):
                    if len(text) < SHORTEST or text in self._known:
                        continue
                    self._known[text] = None
                    if len(text) > _LONG:
                        self._long[text] = None
                    else:
                        self._new.append(text)

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        with self._expecting:  # nobody is told anything before it is learnt
            expected, self._expected = self._expected, None
            if expected is not None:
                expected()
        hidden = self._all_forms()
        for form in hidden:
            text = text.replace(form, HIDDEN)
        for form in hidden:
            if len(form) > _START:
                text = _without_start(text, form)
        return text

    def _all_forms(self) -> list[str]:
        """Every form of every secret, the longest first. Those of short ones are kept, made when first needed."""
        with self._lock:
            for secret in self._new:
                self._forms.update(dict.fromkeys(_forms(secret)))
            self._new.clear()
            forms, long = list(self._forms), list(self._long)
        for secret in long:
            forms += (secret, _escape(secret), json.dumps(secret)[1:-1])
            forms += (form := base64.b64encode(_bytes(secret)).decode(), quote(form, safe=""))
        return sorted(dict.fromkeys(forms), key=len, reverse=True)

    def clean(self, error: BaseException) -> None:
        """Take the secrets out of what ``error``, its causes and the errors in its group say.

        A cause that goes on saying one is cut off.
        """
        seen: set[int] = set()
        todo = [error]
        while todo:
            one = todo.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            inner = [each for each in getattr(one, "exceptions", None) or () if isinstance(each, BaseException)]
            for each in inner:  # a group says what the errors in it say
                self.clean(each)
            self._clean_one(one)
            for name in ("__cause__", "__context__"):
                under = getattr(one, name)
                if under is None or id(under) in seen:
                    continue
                self._clean_one(under)
                if self.keeps_quiet(under) or hasattr(under, "exceptions"):
                    todo.append(under)
                else:
                    setattr(one, name, None)

    def keeps_quiet(self, error: BaseException) -> bool:
        """Whether ``error`` itself says no secret."""
        said = _said(error)
        return self.text(said) == said

    def _clean_one(self, error: BaseException) -> None:
        for name, value in list(vars(error).items()):
            if name != "__notes__" and (cleaned := self._cleaned(value)) is not value:
                with contextlib.suppress(AttributeError, TypeError):  # one that can't be changed is seen by its text
                    setattr(error, name, cleaned)
        if not hasattr(error, "exceptions"):
            error.args = tuple(map(self._cleaned, error.args))
        if notes := getattr(error, "__notes__", None):
            notes[:] = [self.text(str(note)) for note in notes]

    def _cleaned(self, value: object) -> object:
        """``value`` without secrets, as far down as it consists of texts, lists and mappings."""
        if isinstance(value, str):
            cleaned = self.text(value)
            return value if cleaned == value else cleaned
        if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
            parts = [self._cleaned(one) for one in value]
            return value if all(map(operator.is_, parts, value)) else type(value)(parts)
        if isinstance(value, Mapping):
            items = {key: self._cleaned(one) for key, one in value.items()}
            return value if all(map(operator.is_, items.values(), value.values())) else items
        if value is None or isinstance(value, (int, float, BaseException)):
            return value
        said = repr(value)
        return value if self.text(said) == said else self.text(said)


def _said(error: BaseException) -> str:
    return f"{error} {error!r} {getattr(error, '__notes__', '')}"


def _bytes(secret: str) -> bytes:
    return secret.encode(errors="surrogatepass")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _json_as_is(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _quote(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _quote_path(text: str) -> str:
    return quote(text, errors="replace")


def _quote_form(text: str) -> str:
    return quote_plus(text, errors="replace")


def _quote_lower(text: str) -> str:
    """Percent-encoded as some do it: in lower case."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "-._~") else _percent(one) for one in text)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02x}" for byte in _bytes(character))


def _escape(text: str) -> str:
    """As `xml.sax.saxutils.escape`, which would load all that speaks HTTP."""
    return html.escape(text, quote=False)


def _markup(text: str) -> str:
    return _escape(text).replace('"', "&quot;").replace("'", "&apos;")


def _attribute(text: str) -> str:
    return _escape(text).replace('"', "&quot;")


_FORMS: Final[MappingProxyType[Callable[[str], str], tuple[Callable[[str], str], ...]]] = MappingProxyType(
    {
        _json: (_json, _json_as_is, _quote, _escape, _attribute, _markup, html.escape),
        _json_as_is: (_json_as_is, _quote, _escape, _attribute, _markup, html.escape),
        _escape: (_escape, _json, _quote),
        _attribute: (_attribute, _json, _quote),
        _markup: (_markup, _json, _quote),
        html.escape: (html.escape, _json, _quote),
        _quote: (_quote,),
        _quote_path: (_quote, _markup),
        _quote_form: (_quote, _markup),
        _quote_lower: (),
    }
)
"""How a text is written inside others, and how what comes of that is written inside others again."""


def _forms(secret: str) -> Iterator[str]:
    """``secret`` in the forms in which requests and answers carry it."""
    yield from (secret, repr(secret)[1:-1], repr(_bytes(secret))[2:-1], _bytes(secret).hex())
    for write, again in _FORMS.items():
        written = write(secret)
        yield written
        yield from (rewrite(written) for rewrite in again)
    for encoded in _base64(_bytes(secret)):
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
        yield _quote(encoded)


def _base64(secret: bytes) -> Iterator[str]:
    """``secret`` in base64: by itself, and what of it can be told inside a longer text, wherever that begins."""
    yield base64.b64encode(secret).decode()
    for before in range(3):
        after = -(before + len(secret)) % 3
        encoded = base64.b64encode(bytes(before) + secret + bytes(after)).decode()
        # the digits at the ends hold bits of what stands beside it
        inside = encoded[(0, 2, 3)[before] : len(encoded) - (0, 2, 3)[after]]
        if len(inside) >= _LINE:
            yield inside


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
