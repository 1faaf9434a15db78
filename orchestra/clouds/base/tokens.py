"""The token that signing in gives: one for all threads, until it runs out or isn't taken any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

MARGIN: Final = 120.0
"""Seconds before its end from which on a token isn't used any more: a call takes time, and clocks differ."""


class Expiring(Protocol):
    """A token, and until when it is good, by the clock that its `Tokens` go by."""

    @property
    def text(self) -> str:
        """What is sent."""
        ...

    @property
    def ends(self) -> float:
        """When it runs out."""
        ...


T = TypeVar("T", bound=Expiring)


class Tokens(Generic[T]):
    """The token of one account, got from ``sign_in``. Safe to use from several threads.

    ``clock`` tells the seconds in which tokens end; by default those since 1970.
    """

    def __init__(self, sign_in: Callable[[], T], clock: Callable[[], float] = time.time) -> None:
        self._sign_in = sign_in
        self._clock = clock
        self._lock = threading.Lock()
        self._token: T | None = None

    def token(self) -> T:
        """The token; signs in where there is none or it has run out."""
        with self._lock:
            if self._token is None or self._token.ends - MARGIN <= self._clock():
                self._token = self._sign_in()
            return self._token

    def renew(self, refused: T) -> T:
        """Another token than ``refused``, which a service doesn't take."""
        with self._lock:
            if self._token is None or self._token.text == refused.text:
                self._token = self._sign_in()
            return self._token
