"""What CloudStack says when it refuses, told as codes that `orchestra.clouds.error_codes` knows. Pure.

The numbers are those of ``org.apache.cloudstack.api.ApiErrorCode``. 431 is what it answers to anything that is wrong
with a parameter, so there the words tell what kind of wrong it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

_PARAMETER: Final = 431

_CODES: Final = MappingProxyType(
    {
        401: "AuthFailure",
        405: "UnsupportedMethod",
        411: "NotAuthorized",
        429: "RequestLimitExceeded",
        430: "MalformedParameter",
        _PARAMETER: "InvalidParameter",
        432: "UnsupportedAction",
        503: "ServiceUnavailable",
        511: "NotAuthorized",
        530: "InternalError",
        531: "NotAuthorized",
        532: "ResourceLimitExceeded",
        533: "InsufficientCapacity",
        534: "Unavailable",
        535: "ResourceLimitExceeded",
        536: "ResourceInUse",
        537: "RuleAlreadyExists",
    }
)

_WORDS: Final = tuple(
    (re.compile(words, re.IGNORECASE), code)
    for words, code in (
        # an id that never was: of the very thing that is asked for only, not of one that the request names beside it
        (r"Invalid parameter id value=", "Entity.NotFound"),
        (r"already exist|already (been )?used by|overlap|crosses with", "EntityAlreadyExists"),
        (r"as it'?s (is )?used by|not attached to any VM|is in use|already attached", "ResourceInUse"),
    )
)


@attrs.frozen
class Fault:
    """A refusal: a code of the tables, and CloudStack's own words with its number."""

    code: str
    message: str


def read_fault(content: Any) -> Fault | None:
    """What an answer's content, or the result of a job, says that it refuses with; None if CloudStack didn't say so."""
    if not isinstance(content, Mapping) or "errorcode" not in content:
        return None
    number, text = _number(content["errorcode"]), str(content.get("errortext") or "no more is told")
    code = _CODES.get(number, "InternalError" if number >= 500 else "InvalidParameter")
    if number == _PARAMETER:
        code = next((found for words, found in _WORDS if words.search(text)), code)
    return Fault(code, f"{text} ({number})")


def _number(told: Any) -> int:
    try:
        return int(told)
    except (TypeError, ValueError):
        return 0
