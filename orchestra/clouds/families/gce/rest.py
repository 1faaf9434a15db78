"""What Compute Engine's REST API answers, and how its things are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import attrs
from libcloud.common.base import JsonResponse
from libcloud.common.exceptions import BaseHTTPError

from orchestra.errors import TransientError

Item: TypeAlias = Mapping[str, Any]
"""One thing, as the API tells it."""
Query: TypeAlias = Mapping[str, "str | int"]

PAGE: Final = 500
"""How many things a page holds; the API takes no more."""

_NO_PROJECT: Final = re.compile(r"'projects/[^/']+' was not found")
_refused: Final[Any] = BaseHTTPError

_UNTROUBLED: Final = ("NO_RESULTS_ON_PAGE",)
"""Warnings of a list that don't say that something is left out of it."""


class Answer(JsonResponse):
    """An answer whose refusal keeps the API's own reason: Libcloud's class takes some for success."""

    def success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= int(self.status) <= 299

    def parse_error(self) -> str:
        """``Reason: message``; the beginning of the body if it isn't the API's."""
        try:
            parse: Any = self.parse_body
            told = parse()["error"]
            reason = next((one["reason"] for one in told.get("errors") or () if one.get("reason")), told.get("status"))
            if _NO_PROJECT.search(str(told.get("message"))):
                reason = "invalidProject"  # nothing in it can be told gone because the project isn't there
            return f"{_camel(str(reason))}: {told.get('message')}"
        except Exception:  # whatever a proxy may have written
            return str(self.body)[:200]


def refuse_failed(operation: Item) -> None:
    """Raise what ``operation`` ended with, in the form of a refusal, if it failed."""
    errors = (operation.get("error") or {}).get("errors") or ()
    for error in errors:
        status = int(operation.get("httpErrorStatusCode") or 0)
        raise _refused(status, f"{_camel(str(error.get('code')))}: {error.get('message')}")


def is_done(operation: Item) -> bool:
    """Whether an operation has come to its end, well or not."""
    return operation.get("status") == "DONE"


def _camel(code: str) -> str:
    """A reason such as ``resourceNotReady`` and a code such as ``RESOURCE_NOT_READY`` in the form of our tables."""
    words = re.split(r"[^A-Za-z0-9]+", code)
    return "".join(word.capitalize() if word.isupper() else word[:1].upper() + word[1:] for word in words)


def refuse_partial(told: Item, where: str) -> None:
    """Raise `TransientError` if a list, or the part of one for a zone or region, says that it isn't whole."""
    warning = told.get("warning") or {}
    unread = told.get("unreachables") or ()
    if unread or warning.get("code", _UNTROUBLED[0]) not in _UNTROUBLED:
        raise TransientError(
            f"the list of {where} isn't whole: {warning.get('code') or 'UNREACHABLE'} {' '.join(unread)}".rstrip(),
            code=str(warning.get("code") or "UNREACHABLE"),
        )


@attrs.frozen
class Places:
    """How things of ``project`` are called: a path below the project, such as ``zones/europe-west1-b/disks/x``.

    Things of other projects have ``projects/`` and the project's id before that.
    """

    project: str

    def place(self, told: str) -> str:
        """The place of a thing that is told by its URL, in full or in part."""
        path = told.partition("/projects/")[2] if "/projects/" in told else told.removeprefix("projects/")
        if path == told:
            return told
        return path.removeprefix(f"{self.project}/") if path.startswith(f"{self.project}/") else f"projects/{path}"

    def url(self, place: str) -> str:
        """The URL, in part, that the API takes for the thing at ``place``."""
        return place if place.startswith("projects/") else f"projects/{self.project}/{place}"


def last(path: str) -> str:
    """The name at the end of a path or URL."""
    return path.rpartition("/")[2]


def zone_of(path: str) -> str:
    """The zone in a path or URL, '' if there is none."""
    found = re.search(r"(?:^|/)zones/([^/]+)", path)
    return found[1] if found else ""
