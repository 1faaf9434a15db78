"""Whose a thing is, on clouds whose tags are plain words, and on clouds that have but names. Pure.

A tag is ``key:value``. Clouds differ in which characters they let through, and some don't tell upper from lower case,
so all but lower-case letters, digits and '-' is escaped: ``web[0]`` is ``web_5b0_5d``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from typing import Final

from orchestra.contracts import Ownership
from orchestra.errors import InvalidRequestError

MARK: Final = "orchestra"
"""The first part of our own tags."""
RESIZING: Final = f"{MARK}:resizing:1"
"""The tag of a server that was stopped for another size: if that is broken off, it isn't taken for one that somebody
stopped on purpose, and is started again."""

_PLAIN: Final = frozenset(string.ascii_lowercase + string.digits + "-")
_ESCAPE: Final = re.compile(rb"_([0-9a-f]{2})")
_NAME: Final = re.compile(r"([a-z0-9_-]+):([a-z0-9_-]+):([0-9a-f]{32})")
_PARTS: Final = ("deployment", "address", "token")


def owner_tags(owner: Ownership, longest: int) -> list[str]:
    """The tags that carry ``owner``, each of at most ``longest`` characters: what doesn't fit into one goes on in more.

    ``orchestra:address:…``, then ``orchestra:address:1:…`` and so on.
    """
    tags = []
    for part in _PARTS:
        left, number = _escaped(getattr(owner, part)), 0
        while left or not number:
            stem = f"{MARK}:{part}:{number}:" if number else f"{MARK}:{part}:"
            tags.append(stem + left[: longest - len(stem)])
            left, number = left[longest - len(stem) :], number + 1
    return tags


def owner_in_tags(tags: Iterable[str]) -> Ownership | None:
    """The ownership that ``tags`` carry, in whatever order; None if they carry none."""
    pieces: dict[str, dict[int, str]] = {part: {} for part in _PARTS}
    for tag in tags:
        mark, _, rest = tag.partition(":")
        part, _, value = rest.partition(":")
        if mark == MARK and part in pieces:
            number, colon, more = value.partition(":")
            pieces[part][int(number) if colon and number.isdigit() else 0] = more if colon else value
    if not pieces["token"]:
        return None
    whole = ("".join(pieces[part][number] for number in sorted(pieces[part])) for part in _PARTS)
    return Ownership(*map(_unescaped, whole))


def label_tags(labels: Mapping[str, str], longest: int) -> list[str]:
    """The tags that carry the user's labels. Raises `InvalidRequestError` for one that doesn't fit into a tag."""
    tags = [f"{_escaped(key)}:{_escaped(value)}" for key, value in sorted(labels.items())]
    for tag, key in zip(tags, sorted(labels), strict=True):
        if len(tag) > longest:
            raise InvalidRequestError(
                f"the label {key!r} is too long: as a tag it has {len(tag)} characters, at most {longest} are possible",
                sent=False,
                remedy="shorten its key or its value; all but lower-case letters, digits and '-' counts threefold",
            )
    return tags


def labels_in_tags(tags: Iterable[str]) -> dict[str, str]:
    """The labels among ``tags``; what is no ``key:value`` was put there by somebody else, and means nothing to us."""
    pairs = (tag.partition(":") for tag in tags)
    found = {_unescaped(key): _unescaped(value) for key, colon, value in pairs if colon and ":" not in value}
    return dict(sorted(found.items()))


def others(tags: Iterable[str]) -> list[str]:
    """Those among ``tags`` that are no labels: ours, and what others put there."""
    return [tag for tag in tags if tag.count(":") != 1]


def owner_name(owner: Ownership, longest: int) -> str:
    """A name that carries ``owner`` as a whole, ``deployment:address:token``; one that is unique if that is longer.

    Of the second kind nobody can tell whose the thing is who doesn't know it already.
    """
    name = f"{_escaped(owner.deployment)}:{_escaped(owner.address)}:{owner.token}"
    return name if len(name) <= longest else unique_name(owner, longest)


def unique_name(owner: Ownership, longest: int) -> str:
    """`Ownership.name`, but that its first character is a letter: some clouds want that."""
    name = owner.name(longest)
    return name if name[0].isalpha() else f"o-{owner.name(longest - 2).lstrip('-')}"


def owner_in_name(name: str) -> Ownership | None:
    """The ownership that a name carries, or None."""
    found = _NAME.fullmatch(name)
    return Ownership(_unescaped(found[1]), _unescaped(found[2]), found[3]) if found else None


def dotted(name: str) -> str:
    """A name that carries an ownership, for clouds whose names have dots and '-' alone: '..' for ':', '.' for '_'."""
    return name.replace(":", "..").replace("_", ".")


def undotted(name: str) -> str:
    """The name that `dotted` was given; in it a dot is followed by two hexadecimal digits or by another dot."""
    return name.replace("..", ":").replace(".", "_")


def _escaped(text: str) -> str:
    return "".join(one if one in _PLAIN else "".join(f"_{byte:02x}" for byte in one.encode()) for one in text)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text.encode()).decode(errors="replace")
