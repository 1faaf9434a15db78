"""Names and texts in the forms that Route 53 has for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_LONGEST_STRING: Final = 255
"""Bytes in one character string of a TXT record (RFC 1035, section 3.3)."""

_ESCAPE: Final = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_STRING: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def decoded_name(told: str) -> str:
    """A domain name as the kinds have it: without the last dot, and without octal escapes (one for each ``*``)."""
    return _unescaped(told.encode()).decode().rstrip(".")


def quoted_text(text: str) -> str:
    """A text as a TXT record has it: quoted strings of at most 255 bytes, with all but plain ASCII escaped."""
    raw = text.encode()
    starts = range(0, len(raw) or 1, _LONGEST_STRING)
    return " ".join('"' + "".join(_escaped(raw[at : at + _LONGEST_STRING])) + '"' for at in starts)


def unquoted_text(told: str) -> str:
    """The text of a TXT record: its strings, put together. One that isn't quoted is left as it is."""
    strings = [_unescaped(found[1]) for found in _STRING.finditer(told.encode())]
    return b"".join(strings).decode(errors="replace") if strings else told


def _escaped(raw: bytes) -> Iterator[str]:
    for byte in raw:
        if chr(byte) in '"\\':
            yield "\\" + chr(byte)
        else:
            yield chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _unescaped(raw: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8)]) if len(found[1]) == 3 else found[1], raw)
