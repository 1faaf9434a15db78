"""Whose a thing is, as one line of text: for clouds that keep no tags with it, but a description or a name. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, quote

from orchestra.contracts import Ownership
from orchestra.errors import InvalidRequestError

PREFIX: Final = "orchestra "
PLAIN: Final = '/[]". :_-'
"""What needs no escape in such a text."""


def mark(owner: Ownership, *, longest: int, where: str, **more: str) -> str:
    """The text that tells whose something is, and ``more`` that belongs to it.

    ``longest`` is how many characters there is room for, ``where`` says in words of what. Raises
    `InvalidRequestError` if address and deployment are too long for it.
    """
    text = _written({"token": owner.token, "deployment": owner.deployment, "address": owner.address, **more})
    if len(text) > longest:
        raise InvalidRequestError(
            f"the address {owner.address} is {len(text) - longest} characters too long: "
            f"{where} have room for {longest} in which it must stand",
            sent=False,
            remedy="use shorter names in the stack, or for the deployment",
        )
    return text


def marked(text: str | None) -> dict[str, str]:
    """What a text of `mark` says; empty for any other."""
    if not text or not text.startswith(PREFIX):
        return {}
    return dict(parse_qsl(text.removeprefix(PREFIX), keep_blank_values=True))


def owner_in(text: str | None) -> Ownership | None:
    """The ownership that a text of `mark` tells of."""
    told = marked(text)
    return (
        Ownership.from_tags({f"orchestra:{name}": value for name, value in told.items()}) if told.get("token") else None
    )


def with_more(text: str | None, **more: str) -> str:
    """A text of `mark` with other values in it; one that isn't is replaced."""
    return _written({**marked(text), **more})


def _written(fields: dict[str, str]) -> str:
    return PREFIX + "&".join(f"{name}={quote(value, safe=PLAIN)}" for name, value in fields.items())
