"""Creations that take more than one request: what can't be seen at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from orchestra.clouds.translate import translate
from orchestra.errors import NotFoundError, TransientError

_SOON = 2.0
"""Seconds after which AWS shows everywhere what it has made, mostly."""


@contextlib.contextmanager
def just_made(what: str) -> Iterator[None]:
    """Inside, something isn't there because it was made a moment ago: AWS's parts learn of it one after another.

    That is told as a `TransientError`, so that the creation is looked for and finished, never forgotten.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(translate(error), NotFoundError):
            raise
        raise TransientError(
            f"{what} was made, and a part of AWS doesn't know of it yet: {translate(error).message}",
            code=translate(error).code,
            retry_after=_SOON,
        ) from error
