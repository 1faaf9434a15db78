"""Failures that are as good as success."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from orchestra.clouds.translate import translate
from orchestra.errors import CloudError, NotFoundError

T = TypeVar("T")


@contextlib.contextmanager
def tolerating(*classes: type[CloudError]) -> Iterator[None]:
    """What fails inside with one of ``classes`` is as good as done."""
    try:
        yield
    except Exception as error:
        if not isinstance(translate(error), classes):
            raise


def if_there(look: Callable[[], T]) -> T | None:
    """What ``look`` returns, None if it fails because nothing is there."""
    try:
        return look()
    except Exception as error:
        if not isinstance(translate(error), NotFoundError):
            raise
    return None
