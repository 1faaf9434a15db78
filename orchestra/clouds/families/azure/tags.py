"""Tags: ownership and labels, from and to Azure.

At most 50 on a resource, keys of 512 characters that aren't told apart by case, values of 256:
https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/tag-resources#limitations
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestra.clouds.families.azure.rest import Item
from orchestra.contracts import Inputs, Ownership, is_ownership_tag
from orchestra.errors import InvalidRequestError

DESCRIPTION: Final = "orchestra:description"
"""The tag that has the description of what Azure has no description of."""
PART: Final = "orchestra:part"
"""The tag of what is a part of something else: which kind that is."""

_LONGEST: Final = 256
_FORBIDDEN: Final = frozenset("<>%&\\?/")
_OURS: Final = ("hidden-", "microsoft", "azure", "windows")
"""What keys begin with that Azure and its portal use themselves."""


def tags_of(owner: Ownership, labels: Mapping[str, str] | None = None, **more: str) -> dict[str, str]:
    """The tags of something new: whose it is, the user's labels, and ``more`` of our own.

    Raises `InvalidRequestError`, with nothing sent, for what Azure doesn't take as a tag.
    """
    ours = {**owner.tags(), **{f"orchestra:{name}": value for name, value in more.items()}}
    for key, value in ours.items():
        if len(value) > _LONGEST:
            raise InvalidRequestError(
                f"{key}: {len(value)} characters don't fit into a tag of Azure's, {_LONGEST} do",
                sent=False,
                remedy="use shorter names in the stack, or for the deployment",
            )
    return {**ours, **_checked(labels or {})}


def labels_in(item: Item) -> dict[str, str]:
    """The labels among the tags of ``item``: neither ours nor Azure's own."""
    return {key: str(value) for key, value in sorted(tags_in(item).items()) if not _is_reserved(key)}


def tags_in(item: Item) -> Mapping[str, str]:
    """The tags of ``item``."""
    tags: Mapping[str, str] = item.get("tags") or {}
    return tags


def owner_in(item: Item) -> Ownership | None:
    """Whose ``item`` is."""
    return Ownership.from_tags(tags_in(item))


def relabelled(item: Item, inputs: Inputs) -> dict[str, str] | None:
    """The tags of ``item`` with the labels of ``inputs``, None if it has them already."""
    wanted = _checked(inputs.labels())
    if labels_in(item) == wanted:
        return None
    kept = {key: value for key, value in tags_in(item).items() if _is_reserved(key)}
    return {**kept, **wanted}


def _is_reserved(key: str) -> bool:
    return is_ownership_tag(key) or key.lower().startswith(_OURS)


def _checked(labels: Mapping[str, str]) -> dict[str, str]:
    seen: dict[str, str] = {}
    for key, value in sorted(labels.items()):
        fault = ""
        if _FORBIDDEN.intersection(key):
            fault = f"{' '.join(sorted(_FORBIDDEN))} can't be in the key of a tag of Azure's"
        elif _is_reserved(key):
            fault = "Azure keeps such keys for itself"
        elif key.lower() in seen:
            fault = f"Azure doesn't tell it from {seen[key.lower()]!r}"
        elif len(value) > _LONGEST:
            fault = f"its value has {len(value)} characters, a tag of Azure's has room for {_LONGEST}"
        if fault:
            raise InvalidRequestError(f"label {key!r}: {fault}", sent=False, remedy="use another label")
        seen[key.lower()] = key
    return dict(labels)
