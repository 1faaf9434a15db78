"""Whose something is, in the forms that the services have for it.

Nova and cinder keep metadata with a server, a volume, a snapshot. Neutron takes tags in a second request only, so
ownership goes into a text that the creation takes: the description, of a security group the name. Labels are tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from orchestra.clouds.families.openstack.rest import Item
from orchestra.contracts import Inputs, Ownership, is_ownership_tag
from orchestra.errors import InvalidRequestError

_PREFIX: Final = "orchestra "
_LONGEST: Final = 255
"""Characters in a text, a tag, or a value of metadata."""
_PLAIN: Final = '/[]". :_-'


def mark(owner: Ownership, **more: str) -> str:
    """The text that tells neutron whose something is, and ``more`` that belongs to it.

    Raises `InvalidRequestError` if address and deployment are too long for it.
    """
    fields = {"token": owner.token, "deployment": owner.deployment, "address": owner.address, **more}
    text = _PREFIX + "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in fields.items())
    if len(text) > _LONGEST:
        raise InvalidRequestError(
            f"the address {owner.address} is {len(text) - _LONGEST} characters too long: "
            f"OpenStack's networks have room for {_LONGEST} in which it must stand",
            sent=False,
            remedy="use shorter names in the stack, or for the deployment",
        )
    return text


def title(owner: Ownership) -> str:
    """A name for people to read; neutron doesn't want names to be unique."""
    return f"{owner.deployment}/{owner.address}"[:_LONGEST]


def marked(text: str | None) -> dict[str, str]:
    """What a text of `mark` says; empty for any other."""
    if not text or not text.startswith(_PREFIX):
        return {}
    return dict(parse_qsl(text.removeprefix(_PREFIX), keep_blank_values=True))


def owner_in(text: str | None) -> Ownership | None:
    """The ownership that a text of `mark` tells of."""
    told = marked(text)
    return (
        Ownership.from_tags({f"orchestra:{name}": value for name, value in told.items()}) if told.get("token") else None
    )


def with_more(text: str | None, **more: str) -> str:
    """A text of `mark` with other values in it; one that isn't is replaced."""
    fields = {**marked(text), **more}
    return _PREFIX + "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in fields.items())


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
    tags = sorted(f"{quote(key, safe=_PLAIN)}={value}" for key, value in inputs.labels().items())
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
