"""Creations that take more than one request: what of them a crash leaves, and what can't be seen at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Status
from orchestra.errors import NotFoundError, TransientError
from orchestra.model.fields import KindSpec

_SOON: Final = 2.0
"""Seconds after which a cloud shows everywhere what it has made, mostly."""


@contextlib.contextmanager
def just_made(what: str, cloud: str) -> Iterator[None]:
    """Inside, something isn't there because it was made a moment ago: a cloud's parts learn of it one after another.

    That is told as a `TransientError`, so that the creation is looked for and finished, never forgotten.
    """
    try:
        yield
    except Exception as error:
        told = translate(error)
        if not isinstance(told, NotFoundError):
            raise
        raise TransientError(
            f"{what} was made, and a part of {cloud} doesn't know of it yet: {told.message}",
            code=told.code,
            retry_after=_SOON,
        ) from error


def unless_unfinished(found: Observation, kind: KindSpec, inputs: Inputs, names: Sequence[str]) -> Observation:
    """``found``, pending if one of the inputs ``names`` isn't as asked for yet: then creating it again finishes it."""
    for name in names:
        wanted, normalize = inputs.values.get(name), kind.inputs[name].normalize
        if wanted is not None and (normalize(wanted) if normalize else wanted) != found.inputs[name]:
            return attrs.evolve(found, status=Status.PENDING, detail=f"{name} isn't set yet")
    return found
