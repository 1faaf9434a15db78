"""Record sets as the kinds have them, and the forms that clouds have for their names, hosts and texts. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.contracts import Inputs, Ownership
from orchestra.errors import InvalidRequestError

TYPES: Final = ("A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT")
HOSTS: Final = ("CNAME", "MX", "NS", "SRV")
"""Types whose values end with the name of a host."""

_MARK: Final = "orchestra"
_LONGEST_MARK: Final = 250
_LONGEST_STRING: Final = 255
"""Bytes in one character string of a TXT record (RFC 1035, section 3.3)."""

_ESCAPE: Final = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)
_STRING: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ADDRESSES: Final = MappingProxyType[str, Callable[[str], object]](
    {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}
)


@attrs.frozen
class RecordSet:
    """All values of one name and type. ``name`` is that inside the zone, '' for the zone itself.

    ``values`` are sorted, texts without quotes, hosts without the last dot. ``owner`` is None where the cloud tells
    none.
    """

    name: str
    type: str
    values: tuple[str, ...]
    ttl: int
    owner: Ownership | None = attrs.field(default=None, eq=False)

    @staticmethod
    def wanted(inputs: Inputs, owner: Ownership | None = None) -> RecordSet:
        """The record set that ``inputs`` of a record ask for.

        Raises `InvalidRequestError` for a value that the cloud would tell in another form: it would be a difference
        in every plan.
        """
        kind, values = inputs.text("type"), sorted(set(inputs.texts("values")))
        for value in values:
            told = _normal(kind, value)
            if told != value:
                raise InvalidRequestError(
                    f"the value {value!r} isn't in the form that is told back", sent=False, remedy=f"write {told!r}"
                )
        return RecordSet(inputs.text("name"), kind, tuple(values), inputs.integer("ttl"), owner)


def _normal(kind: str, value: str) -> str:
    if kind in HOSTS:
        return value.rstrip(".")
    if kind not in _ADDRESSES:
        return value
    try:
        return str(_ADDRESSES[kind](value))
    except ValueError:
        raise InvalidRequestError(f"{value!r} is no address for a record of type {kind}", sent=False) from None


def quoted_text(text: str) -> str:
    """A text as zone files have it: quoted strings of at most 255 bytes, with all but plain ASCII escaped."""
    raw = text.encode()
    starts = range(0, len(raw) or 1, _LONGEST_STRING)
    return " ".join('"' + "".join(_escaped(raw[at : at + _LONGEST_STRING])) + '"' for at in starts)


def unquoted_text(told: str) -> str:
    """The text of a TXT record: its strings, put together. One that isn't quoted is left as it is."""
    strings = [_unescaped(found[1]) for found in _STRING.finditer(told.encode())]
    return b"".join(strings).decode(errors="replace") if strings and told.startswith('"') else told


def _escaped(raw: bytes) -> Iterator[str]:
    for byte in raw:
        if chr(byte) in '"\\':
            yield "\\" + chr(byte)
        else:
            yield chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}"


def _unescaped(raw: bytes) -> bytes:
    """Without escapes: three decimal digits are a byte (RFC 1035, section 5.1)."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1]) & 255]) if len(found[1]) == 3 else found[1], raw)


def mark(owner: Ownership) -> str:
    """Ownership as a line for a field that is meant for people."""
    return f"{_MARK} {owner.token} {owner.deployment} {owner.address}"[:_LONGEST_MARK]


def marked(text: str | None) -> Ownership | None:
    """The ownership that a field tells of, or None."""
    word, _, said = (text or "").partition(" ")
    parts = said.split(" ", 2)
    return Ownership(parts[1], parts[2], parts[0]) if word == _MARK and len(parts) == 3 else None
