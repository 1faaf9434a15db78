"""Nothing that is raised to a user says a secret."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from orchestra.errors import InternalError
from orchestra.model.concealing import Concealer


class Discreet(Protocol):
    """What knows the secrets that it has to do with."""

    _concealer: Concealer


D = TypeVar("D", bound=Discreet)
P = ParamSpec("P")
T = TypeVar("T")


def discreet(method: Callable[Concatenate[D, P], T]) -> Callable[Concatenate[D, P], T]:
    """``method``, with secrets taken out of whatever it raises.

    What goes on saying one is raised as an `InternalError` that tells its type only.
    """

    @functools.wraps(method)
    def call(self: D, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except BaseException as error:
            self._concealer.clean(error)
            if self._concealer.keeps_quiet(error) or not isinstance(error, Exception):
                raise
            told = InternalError(f"{type(error).__name__} was raised, and what it says holds a secret")
        raise told

    return call
