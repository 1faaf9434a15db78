"""Whose an image is: told by a tag of our own on it, since an image that is pulled can't be given labels.

``orchestra.internal/pulled/xshop/xweb.5b0.5d/xnginx.3a1:TOKEN`` belongs to the resource ``web[0]`` of the deployment
``shop``, which asked for ``nginx:1`` and had it pulled. ``found`` in place of ``pulled``: it was there before.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from orchestra.contracts import Ownership
from orchestra.errors import InvalidRequestError

_HOST: Final = "orchestra.internal"  # no registry: such a tag can be pulled and pushed nowhere
_LONGEST: Final = 255
_SHAPE: Final = re.compile(rf"{re.escape(_HOST)}/(pulled|found)/x([a-z0-9.]*)/x([a-z0-9.]*)/x([a-z0-9.]*):([0-9a-f]+)")
_ESCAPED: Final = re.compile(rb"\.([0-9a-f]{2})")
_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")


@attrs.frozen
class Mark:
    """What our tag on an image says: whose it is, under what ``name`` it was asked for, and if it was ``pulled``."""

    owner: Ownership
    name: str
    pulled: bool

    @property
    def repository(self) -> str:
        """The tag's part before the colon. Raises `InvalidRequestError` if it gets too long for an engine."""
        way = "pulled" if self.pulled else "found"
        parts = (self.owner.deployment, self.owner.address, self.name)
        found = "/".join([_HOST, way, *(f"x{_escaped(part)}" for part in parts)])
        if len(found) + 1 + len(self.owner.token) > _LONGEST:
            raise InvalidRequestError(
                f"the names of the deployment, the resource and the image {self.name!r} are too long for a tag",
                sent=False,
                remedy="choose shorter names",
            )
        return found

    def __str__(self) -> str:
        return f"{self.repository}:{self.owner.token}"


def mark_in(tag: str) -> Mark | None:
    """What a tag says if it is one of ours."""
    found = _SHAPE.fullmatch(tag)
    if found is None:
        return None
    deployment, address, name = map(_unescaped, found.group(2, 3, 4))
    return Mark(Ownership(deployment, address, found[5]), name, found[1] == "pulled")


def repository_and_tag(name: str) -> tuple[str, str]:
    """An image's name in two parts; the second is a tag or a digest, ``latest`` where there is none."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return _untagged(repository)[0], digest
    repository, tag = _untagged(name)
    return repository, tag or "latest"


def registry_of(name: str) -> str:
    """The host of the registry that an image's name leads to."""
    host, slash, _ = name.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"


def familiar(name: str) -> str:
    """The name by which an engine lists an image: without Docker's own registry, always with a tag."""
    repository, tag = repository_and_tag(name)
    repository = repository.removeprefix("docker.io/").removeprefix("library/")
    return f"{repository}{'@' if ':' in tag else ':'}{tag}"


def _untagged(name: str) -> tuple[str, str]:
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag


def _escaped(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f".{byte:02x}" for byte in text.encode())


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode()).decode()
