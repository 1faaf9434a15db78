"""Whose something is, in the forms that the services have for it.

Nova and cinder keep metadata with a server, a volume, a snapshot. Neutron takes tags in a second request only, so
ownership goes into a text that the creation takes: the description, of a security group the name. Labels are tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

from orchestra.clouds.base import marks
from orchestra.clouds.families.openstack.rest import Item
from orchestra.contracts import Inputs, Ownership, is_ownership_tag
from orchestra.errors import InvalidRequestError

_LONGEST: Final = 255
"""Characters in a text, a tag, or a value of metadata."""


def mark(owner: Ownership, **more: str) -> str:
    """The text that tells neutron whose something is, and ``more`` that belongs to it; see `marks.mark`."""
    return marks.mark(owner, longest=_LONGEST, where="OpenStack's networks", **more)


def title(owner: Ownership) -> str:
    """A name for people to read; neutron doesn't want names to be unique."""
    return f"{owner.deployment}/{owner.address}"[:_LONGEST]


def metadata_of(owner: Ownership, inputs: Inputs) -> dict[str, str]:
    """Ownership and labels as metadata, for the request that creates something."""
    return {**owner.tags(), **inputs.labels()}


def labels_in_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """The labels in metadata: neither ours nor what a service keeps there itself."""
    return {key: value for key, value in sorted(metadata.items()) if not is_ownership_tag(key) and key != "readonly"}


def relabelled(metadata: Mapping[str, str], inputs: Inputs) -> dict[str, str] | None:
    """``metadata`` with the labels of ``inputs``, None if it has them already."""
    if labels_in_metadata(metadata) == inputs.labels():
        return None
    kept = {key: value for key, value in metadata.items() if is_ownership_tag(key)}
    return {**kept, **inputs.labels()}


def tags_of(inputs: Inputs) -> list[str]:
    """The labels as tags of neutron: ``key=value``. Raises `InvalidRequestError` for one that is too long."""
    tags = sorted(f"{quote(key, safe=marks.PLAIN)}={value}" for key, value in inputs.labels().items())
    for tag in tags:
        if len(tag) > _LONGEST:
            raise InvalidRequestError(
                f"label {tag.partition('=')[0]!r}: OpenStack's networks have room for {_LONGEST} characters",
                sent=False,
                remedy="use a shorter value",
            )
    return tags


def labels_in_tags(item: Item) -> dict[str, str]:
    """The labels among the tags that neutron tells of ``item``."""
    pairs = (tag.partition("=") for tag in sorted(item.get("tags") or ()))
    return {unquote(key): value for key, _, value in pairs}
