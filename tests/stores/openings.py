"""What makes our stores and opens them again, as `check_store` wants it."""

from __future__ import annotations

from collections.abc import Callable

from orchestra.contracts import Clock, Store
from orchestra.stores import open_store


class Places:
    """Makes stores, each at a new place, and opens their states again. ``new_place`` makes the next place."""

    def __init__(self, new_place: Callable[[], str]) -> None:
        self._new_place = new_place
        self._made: list[tuple[Store, str]] = []

    def make(self, *, deployment: str, clock: Clock, lease_seconds: float) -> Store:
        """A store with nothing in it."""
        place = self._new_place()
        store = open_store(place, deployment=deployment, clock=clock, lease_seconds=lease_seconds)
        self._made.append((store, place))
        return store

    def reopen(self, store: Store, /, *, deployment: str, clock: Clock, lease_seconds: float) -> Store:
        """The state of ``store`` again."""
        place = next(place for made, place in self._made if made is store)
        return open_store(place, deployment=deployment, clock=clock, lease_seconds=lease_seconds)
