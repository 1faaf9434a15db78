"""What OpenStack's services say when they refuse: each in a form of its own. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs


@attrs.frozen
class Fault:
    """A refusal: a code in the style of the tables in `orchestra.clouds.error_codes`, and the service's own words."""

    code: str
    message: str


@attrs.frozen
class _Reading:
    """A refusal whose status says too little: nova and cinder have one status for many, and tell them apart in words.

    ``status`` and ``words`` are what is answered, ``code`` is what it means.
    """

    status: int
    words: re.Pattern[str]
    code: str


_READINGS: Final = tuple(
    _Reading(status, re.compile(words), code)
    for status, words, code in (
        (409, r"is locked", "OperationNotPermitted"),
        (409, r"while it is in (vm_state|task_state|power_state)|[Ii]nvalid (state|status)", "IncorrectInstanceState"),
        (409, r"Port .* is (still )?in use|[Ii]mage .* because it is in use", "ResourceInUse"),
        (403, r"[Qq]uota", "QuotaExceeded"),
        (413, r"[Qq]uota|[Mm]aximum number", "QuotaExceeded"),
        (413, r"", "RequestThrottled"),
        (400, r"has not been resized", "IncorrectInstanceState"),  # a resize that is being confirmed already
        (400, r"[Vv]olume \S+ (is )?already attached", "VolumeInUse"),
        (400, r"status must be .*must not be migrating, attached", "VolumeInUse"),
        (400, r"[Ss]tatus must be .*(in-use|reserved)'?\.?$", "VolumeInUse"),
        (400, r"[Ss]tatus must (currently )?be|Retype needs volume to be in available", "IncorrectState"),
        (400, r"overlaps with another subnet", "InvalidSubnet.Conflict"),
    )
)


_PLAIN: Final = frozenset(("message", "code", "title"))
"""What a refusal of glance's consists of: it has nothing around it, and HTML in the message."""


def read_fault(status: int, text: str) -> Fault | None:
    """What the body ``text`` of an answer with ``status`` says; None if OpenStack didn't write it."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    if document.keys() == _PLAIN:
        name, content = "", document
    elif len(document) == 1:
        ((name, content),) = document.items()
    else:
        return None
    message = _message(content)
    for reading in _READINGS:
        if reading.status == status and reading.words.search(message):
            return Fault(reading.code, message)
    return Fault(_code(name, content), message)


def _code(name: str, content: Any) -> str:
    """Neutron's code is in ``type``, keystone's and glance's in ``title``, nova's and cinder's around the document."""
    told = name
    if isinstance(content, Mapping):
        told = str(content.get("type") or content.get("title") or name)
    told = re.sub(r"[^A-Za-z0-9]", "", told)
    return told[:1].upper() + told[1:]


def _message(content: Any) -> str:
    if isinstance(content, Mapping):
        return re.sub(r"<[^>]*>", "", str(content.get("message") or content.get("detail") or "")).strip()
    return str(content)
