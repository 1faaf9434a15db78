"""Checks and normal forms that several kinds share."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from orchestra.model.fields import Check
from orchestra.model.values import Value

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?|\*", re.IGNORECASE)


def cidr(value: str) -> str | None:
    """An IPv4 or IPv6 network whose host bits are zero."""
    try:
        ipaddress.ip_network(value)
    except ValueError as fault:
        return f"a network such as 10.0.0.0/16 is needed ({fault})"
    return None


def between(low: float, high: float, unit: str = "") -> Check:
    """A number from ``low`` to ``high``, both included."""

    def check(value: Any) -> str | None:
        if value is None or low <= value <= high:
            return None
        return f"{low} to {high}{' ' + unit if unit else ''} is needed"

    return check


def matches(pattern: str, wanted: str) -> Check:
    """Text that matches ``pattern`` as a whole; ``wanted`` says it in words."""

    def check(value: Any) -> str | None:
        return None if value is None or re.fullmatch(pattern, str(value)) else f"{wanted} is needed"

    return check


def not_empty(value: Any) -> str | None:
    """At least one item, or one character."""
    return None if len(value) else "at least one is needed"


def domain(value: str) -> str | None:
    """A domain name of RFC 1035, without the last dot, in lower case."""
    if value != value.lower().rstrip("."):
        return f"a domain name in lower case without the last dot is needed: {value.lower().rstrip('.')}"
    if len(value) > 253 or not all(_LABEL.fullmatch(part) for part in value.split(".")):
        return "a domain name such as shop.example is needed"
    return None


def labels(value: Mapping[str, object]) -> str | None:
    """At most 40 labels (AWS allows 50 tags, and ours are among them), with keys that are not our own."""
    if len(value) > 40:
        return "at most 40 labels are possible"
    for key in value:
        if not 1 <= len(key) <= 128 or key.lower().startswith(("orchestra:", "aws:")) or key == "Name":
            return f"the key {key!r} can't be used: 1 to 128 characters, not Name, not starting with orchestra: or aws:"
    return None


def sorted_texts(value: Value) -> Value:
    """A list of texts as a set: sorted, each once. Left alone while one of them is unknown."""
    if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(item, str) for item in value):
        return sorted({str(item) for item in value})
    return value


def content_digest(value: Value) -> Value:
    """What is kept of a content: its size and its MD5, which is what object stores tell of it."""
    if not isinstance(value, str):
        return value
    raw = value.encode()
    return f"{len(raw)} bytes, md5 {hashlib.md5(raw, usedforsecurity=False).hexdigest()}"


def is_smaller(before: Value, after: Value) -> bool:
    """Whether a number shrinks."""
    return isinstance(before, (int, float)) and isinstance(after, (int, float)) and after < before


def each(check: Callable[[Any], str | None]) -> Check:
    """``check`` for each item that is plain text."""

    def check_all(values: Any) -> str | None:
        for value in values:
            if isinstance(value, str) and "<<orchestra:" not in value and (fault := check(value)):
                return f"{value!r}: {fault}"
        return None

    return check_all
