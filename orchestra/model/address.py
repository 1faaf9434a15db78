"""Addresses: the stable name of a resource inside its deployment, made from attribute paths."""

from __future__ import annotations

import json
import re
from typing import Final, NewType

Address = NewType("Address", str)
"""``network``, ``web[0]``, ``shards["eu"].database``."""

_FORM: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*|\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\])*")
_DIGITS: Final = re.compile(r"(\d+)")


def attribute(parent: str, name: str) -> Address:
    """The address of attribute ``name`` of what is at ``parent`` ('' for the stack itself)."""
    return Address(f"{parent}.{name}" if parent else name)


def item(parent: str, key: int | str) -> Address:
    """The address of item ``key`` of the list or dict at ``parent``."""
    return Address(f"{parent}[{key if isinstance(key, int) else json.dumps(key)}]")


def is_address(text: str) -> bool:
    """Whether ``text`` has the form of an address."""
    return _FORM.fullmatch(text) is not None


def sort_key(address: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts addresses as people do: ``web[2]`` before ``web[10]``. No two addresses have the same."""
    parts = ((0, int(part), "") if part.isdigit() else (1, 0, part) for part in _DIGITS.split(address) if part)
    return (*parts, (-1, 0, address))


def covers(selector: str, address: str) -> bool:
    """Whether ``selector`` names ``address`` or something that it lies in: ``web`` covers ``web[0]``."""
    return address == selector or address.startswith((f"{selector}.", f"{selector}["))
