"""Stores on the bench: made, opened again and closed, written to, and asked what they tell."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import attrs

from orchestra.contracts import Clock, Store
from orchestra.state.journal import Intent, Lease
from orchestra.state.records import Record, Snapshot
from orchestra.testing.contract import FoundWrongError
from orchestra.testing.samples import intent, key_rotated, outcome, run_record

E = TypeVar("E", bound=Exception)

DEPLOYMENT: Final = "check-store"
LONGEST: Final = 200
"""How many characters of a value are shown at most."""


@attrs.frozen(eq=False)
class Opening:
    """A store, and what opens its state once more; None if that can't be done."""

    store: Store
    again: Callable[[], Store] | None


@attrs.define(eq=False)
class StoreBench:
    """Where the rules get their stores. Remembers all that is open, and closes it."""

    make: Callable[[], Opening]
    clock: Clock
    lease_seconds: float
    threads: int
    kind: str = "the store"
    """The class of the stores, once there is one."""
    _open: list[Opening] = attrs.field(factory=list)

    def fresh(self) -> Store:
        """A store with nothing in it."""
        opening = self.make()
        self._open.append(opening)
        self.kind = type(opening.store).__name__
        return opening.store

    def again(self, store: Store) -> Store:
        """The state of ``store``, opened once more beside it, as another process would."""
        return self._opened_again(self._opening(store))

    def reopened(self, store: Store) -> Store:
        """The state of ``store``, closed and opened again."""
        opening = self._opening(store)
        self._open.remove(opening)
        store.close()
        return self._opened_again(opening)

    def wait(self, leases: float) -> None:
        """Let so many times the length of a lease pass."""
        self.clock.sleep(leases * self.lease_seconds)

    def clear(self) -> None:
        """Close all that is open, whatever a store makes of it."""
        while self._open:
            with contextlib.suppress(Exception):  # a broken store may raise anything: its rule has said so
                self._open.pop().store.close()

    def _opened_again(self, opening: Opening) -> Store:
        if opening.again is None:
            raise FoundWrongError("its state can't be opened again: no reopen= was given")
        self._open.append(Opening(opening.again(), opening.again))
        return self._open[-1].store

    def _opening(self, store: Store) -> Opening:
        return next(one for one in self._open if one.store is store)


# -- writing


def writes(store: Store, lease: Lease) -> tuple[tuple[str, Callable[[], object]], ...]:
    """One of every sort of write, in an order in which they can be made."""
    return (
        ("start_run()", lambda: store.start_run(lease, run_record())),
        ("begin()", lambda: store.begin(lease, [intent()])),
        ("commit()", lambda: store.commit(lease, [outcome()])),
        ("enter()", lambda: store.enter(lease, [outcome()], [intent()])),
        ("commit() of nothing", lambda: store.commit(lease, [])),
        ("rekey()", lambda: store.rekey(lease, "wrapped", [], key_rotated())),
        ("finish_run()", lambda: store.finish_run(lease, run_record())),
    )


def claims(store: Store, lease: Lease) -> tuple[tuple[str, Callable[[], object]], ...]:
    """All that only the holder of the lease may do."""
    return *writes(store, lease), ("renew()", lambda: store.renew(lease))


# -- what is found


def check_same(what: str, found: object, wanted: object) -> None:
    """``what`` must be told as it is wanted; the innermost part that differs is named."""
    if found != wanted:
        what, found, wanted = _innermost(what, found, wanted)
        raise FoundWrongError(f"{what}: {_shown(found)} is told, {_shown(wanted)} is right")


def check_as_secret(what: str, found: bytes, wanted: bytes) -> None:
    """``what`` must be told as it is wanted, and stands in no message."""
    if found != wanted:
        raise FoundWrongError(f"{what}: not what it was at first")


def check_records(
    found: Snapshot, wanted: Sequence[Record], deposed: Sequence[Record] = (), *, of: str = "load()"
) -> None:
    """Exactly these records must be told, in this order."""
    check_same(f"the keys of {of}.records", [*found.records], [one.address for one in wanted])
    check_same(f"{of}.records", found.records, {one.address: one for one in wanted})
    check_same(f"the keys of {of}.deposed", [one.key for one in found.deposed], [one.key for one in deposed])
    check_same(f"{of}.deposed", [*found.deposed], [*deposed])


def check_pending(found: Snapshot, wanted: Sequence[Intent], *, of: str = "load()") -> None:
    """Exactly these calls must be told as pending, in this order."""
    told, right = ([f"{one.operation.value} {one.address}" for one in every] for every in (found.pending, wanted))
    if told != right:  # all of them tell more than the first that differs
        raise FoundWrongError(f"{of}.pending: {_shown(told)} is told, {_shown(right)} is right")
    check_same(f"{of}.pending", [*found.pending], [*wanted])


def refused(call: Callable[[], object], kind: type[E], what: str) -> E:
    """The error of ``kind`` with which ``call`` must be refused."""
    try:
        answer = call()
    except kind as error:
        return error
    except Exception as error:
        raise FoundWrongError(f"{what} raised {type(error).__name__}, not {kind.__name__}: {error}") from error
    raise FoundWrongError(f"{what} returned {_shown(answer)}: {kind.__name__} should have been raised")


def _innermost(what: str, found: object, wanted: object) -> tuple[str, object, object]:
    """Of two values that differ, the innermost part in which they do."""
    for name, one, other in _parts(found, wanted):
        if one != other:
            return _innermost(f"{what}{name}", one, other)
    return what, found, wanted


def _parts(found: object, wanted: object) -> Iterator[tuple[str, object, object]]:
    """The parts of two values, by name; none if they aren't made of the same parts."""
    if isinstance(found, (list, tuple)) and isinstance(wanted, (list, tuple)) and len(found) == len(wanted):
        yield from ((f"[{place}]", *pair) for place, pair in enumerate(zip(found, wanted, strict=True)))
    elif isinstance(found, Mapping) and isinstance(wanted, Mapping) and set(found) == set(wanted):
        yield from ((f"[{str(key)!r}]", found[key], wanted[key]) for key in wanted)
    elif attrs.has(kind := type(found)) and kind is type(wanted):
        names = [field.name for field in attrs.fields(kind)]
        yield from ((f".{name}", getattr(found, name), getattr(wanted, name)) for name in names)


def _shown(value: object) -> str:
    text = repr(attrs.evolve(value, salt=b"") if isinstance(value, Snapshot) else value)  # the salt is to be kept
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
