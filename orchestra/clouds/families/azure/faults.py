"""What Azure says when it refuses: Resource Manager, its providers, and who signs in. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen
class Fault:
    """A refusal: Azure's code, or one that says more than it, and Azure's own words."""

    code: str
    message: str


@attrs.frozen
class _Reading:
    """A refusal whose code says too little: Compute has one for many, and tells them apart in words."""

    code: str
    words: re.Pattern[str]
    means: str


_READINGS: Final = tuple(
    _Reading(code, re.compile(words, re.IGNORECASE), means)
    for code, words, means in (
        ("OperationNotAllowed", r"quota|exceeding approved", "QuotaExceeded"),
        ("OperationNotAllowed", r"is attached to|in use", "ResourceInUse"),
        ("OperationNotAllowed", r"in progress|being (created|updated|deleted)", "AnotherOperationInProgress"),
        ("ConflictingUserInput", r"already (owned|attached|in use)", "ResourceInUse"),
    )
)
"""The words are those of https://learn.microsoft.com/en-us/azure/azure-resource-manager/troubleshooting/common-deployment-errors
and of https://learn.microsoft.com/en-us/troubleshoot/azure/virtual-machines/windows/error-messages"""

_SIGN_IN: Final = re.compile(r"(AADSTS\d+): (.*)", re.DOTALL)


def read_fault(text: str) -> Fault | None:
    """What the body ``text`` of a refusal says; None if Resource Manager didn't write it."""
    document = _document(text)
    error = document.get("error") if document is not None else None
    if not isinstance(error, Mapping) or not error.get("code"):
        return None
    code, message = str(error["code"]), str(error.get("message") or "")
    for reading in _READINGS:
        if reading.code == code and reading.words.search(message):
            return Fault(reading.means, message)
    return Fault(re.sub(r"[^A-Za-z0-9.]", "", code), message)


def read_sign_in_fault(text: str) -> Fault | None:
    """What a refusal to sign in says: its number, and its first line, without what is for tracing it."""
    document = _document(text)
    if document is None:
        return None
    described = str(document.get("error_description") or "")
    first = described.split("\r\n", maxsplit=1)[0].split(" Trace ID:", maxsplit=1)[0].strip()
    if found := _SIGN_IN.match(first):
        return Fault(found[1], found[2])
    return Fault("InvalidSignIn", first or str(document.get("error") or "")) if document.get("error") else None


def _document(text: str) -> Mapping[str, object] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, Mapping) else None
