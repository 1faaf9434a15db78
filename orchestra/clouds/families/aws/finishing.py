"""Creations that take more than one request: what can't be seen at once."""

from __future__ import annotations

from contextlib import AbstractContextManager

from orchestra.clouds.base import finishing


def just_made(what: str) -> AbstractContextManager[None]:
    """See `finishing.just_made`."""
    return finishing.just_made(what, "AWS")
