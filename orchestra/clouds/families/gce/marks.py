"""Whose something is, in the forms that Compute Engine has for it, and what may be a label. Pure.

Everything has a description, which the creation takes and which stays: it tells whose a thing is. What has labels has
that there too, as far as it can be said in them, for people and bills; nothing is read from those but that they are
ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from orchestra.clouds.base import marks
from orchestra.clouds.families.gce.rest import Item
from orchestra.contracts import Inputs, Ownership
from orchestra.errors import InvalidRequestError

RESIZING: Final = "orchestra-resizing"
"""The label of a server that was stopped for another size: if that is broken off, it isn't taken for one that somebody
stopped on purpose, and is started again."""

_OURS: Final = "orchestra-"
_LONGEST: Final = 2048
"""Characters in a description."""
_LABEL: Final = 63
"""Characters in the key or the value of a label."""
_BETWEEN: Final = " | "
"""Stands between a description of the user's and ours."""


def description(owner: Ownership, text: str = "", **more: str) -> str:
    """The description of something of ``owner``: the user's ``text``, then whose it is and ``more``."""
    mark = marks.mark(owner, longest=_LONGEST - len(text), where="descriptions in Compute Engine", **more)
    return f"{text}{_BETWEEN}{mark}" if text else mark


def text_in(item: Item) -> str:
    """The user's part of the description of ``item``."""
    return _parts(item)[0]


def marked(item: Item) -> dict[str, str]:
    """What the description of ``item`` tells beside the user's part; empty if it isn't one of ours."""
    return marks.marked(_parts(item)[1])


def owner_of(item: Item) -> Ownership | None:
    """Whose ``item`` is, None if it isn't from here."""
    return marks.owner_in(_parts(item)[1])


def is_of(item: Item, owner: Ownership) -> bool:
    """Whether ``item`` was made under the token of ``owner``."""
    found = owner_of(item)
    return found is not None and found.token == owner.token


def _parts(item: Item) -> tuple[str, str]:
    told = str(item.get("description") or "")
    head, between, tail = told.rpartition(_BETWEEN)
    if between and tail.startswith(marks.PREFIX):
        return head, tail
    return ("", told) if told.startswith(marks.PREFIX) else (told, "")


# -- labels


def labels_of(owner: Ownership, inputs: Inputs) -> dict[str, str]:
    """The labels of something of ``owner``: the user's, and ours. Raises `InvalidRequestError` for impossible ones."""
    return {**_checked(inputs), **_ours(owner)}


def labels_in(item: Item) -> dict[str, str]:
    """The user's labels on ``item``."""
    labels: Mapping[str, str] = item.get("labels") or {}
    return {key: value for key, value in sorted(labels.items()) if not key.startswith(_OURS)}


def relabelled(item: Item, inputs: Inputs) -> dict[str, str] | None:
    """The labels of ``item`` with those in ``inputs`` instead of the user's, None if it has these already."""
    wanted = _checked(inputs)
    if labels_in(item) == wanted:
        return None
    return {**{key: value for key, value in (item.get("labels") or {}).items() if key.startswith(_OURS)}, **wanted}


def _ours(owner: Ownership) -> dict[str, str]:
    told = {"token": owner.token, "deployment": owner.deployment, "address": owner.address}
    return {f"{_OURS}{name}": _said(value) for name, value in told.items()}


def _said(value: str) -> str:
    """``value`` as far as a label can say it."""
    return re.sub(r"[^a-z0-9_-]+", "-", value.lower()).strip("-")[:_LABEL]


def _checked(inputs: Inputs) -> dict[str, str]:
    """The user's labels; see https://cloud.google.com/compute/docs/labeling-resources#requirements."""
    labels = dict(sorted(inputs.labels().items()))
    for key, value in labels.items():
        if not (key[:1].isalpha() and _fits(key) and _fits(value)) or key.startswith(_OURS):
            raise InvalidRequestError(
                f"the label {key!r}: {value!r} isn't possible: Compute Engine takes up to {_LABEL} lower-case letters, "
                "digits, '_' and '-' for keys and values, a letter first in a key",
                sent=False,
                remedy="write it so, and not with orchestra- at its beginning",
            )
    return labels


def _fits(text: str) -> bool:
    return len(text) <= _LABEL and all(one in "_-" or (one.isalnum() and one == one.lower()) for one in text)
