"""The store contract as a check that anyone can run on a store of their own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol, TypeVar

from orchestra.contracts import Clock, Store
from orchestra.testing import durability_rules, history_rules, lease_rules, store_rules
from orchestra.testing.clock import VirtualClock
from orchestra.testing.contract import Broken, BrokenContractError, Checked, FoundWrongError, Rule
from orchestra.testing.store_bench import DEPLOYMENT, Opening, StoreBench

S = TypeVar("S", bound=Store)
S_co = TypeVar("S_co", bound=Store, covariant=True)
S_contra = TypeVar("S_contra", bound=Store, contravariant=True)

RULES: Final[tuple[Rule[StoreBench], ...]] = (
    *store_rules.RULES,
    *history_rules.RULES,
    *lease_rules.RULES,
    *durability_rules.RULES,
)
"""Every rule, in the order in which they are checked."""

STORE_RULES: Final[tuple[str, ...]] = tuple(rule.name for rule in RULES)
"""The name of every rule that `check_store` knows: a test for each can be made of them."""

THREADS: Final = 4
"""How many threads call at once in `check_store`, unless it is said otherwise."""


class StoreFactory(Protocol[S_co]):
    """Makes a store of a state with nothing in it, another one at each call."""

    def __call__(self, *, deployment: str, clock: Clock, lease_seconds: float) -> S_co:
        """The store, whose lease lasts ``lease_seconds`` by ``clock`` unless it is renewed."""
        ...


class StoreOpener(Protocol[S_contra]):
    """Opens the state of a store once more, as another process would."""

    def __call__(self, store: S_contra, /, *, deployment: str, clock: Clock, lease_seconds: float) -> Store:
        """Another store of the state that ``store``, which a `StoreFactory` made and may be closed, is of."""
        ...


def check_store(
    factory: StoreFactory[S],
    *,
    reopen: StoreOpener[S] | None = None,
    clock: Clock | None = None,
    lease_seconds: float = 60.0,
    threads: int = THREADS,
    rules: Collection[str] = STORE_RULES,
) -> Checked:
    """Check that a store keeps the contract, `orchestra.contracts.Store`: every rule, each on stores of its own.

    ``factory`` makes a store with nothing in it. ``reopen`` opens the state of a store again, after it was closed or
    beside it: without it the rules that what was written is there for whoever comes next are left out, as they must
    be for what is kept in memory. ``clock`` is what stores go by and what is waited on: a `VirtualClock` unless
    another is given, so that leases expire at once. ``lease_seconds`` is how long a lease lasts (60); make it short if
    the clock is a real one. ``threads`` is how many call at once (4). ``rules`` are the names of those to check, each
    one of ``STORE_RULES`` (all).

    What it opens it closes. Needs no pytest: call it from any test. Raises `BrokenContractError`, an `AssertionError`,
    that names every broken rule and what was found, and `ValueError` for a name that no rule has.
    """
    chosen = _chosen(rules)
    clock = clock or VirtualClock()

    def make() -> Opening:
        store = factory(deployment=DEPLOYMENT, clock=clock, lease_seconds=lease_seconds)
        if reopen is None:
            return Opening(store, None)
        return Opening(store, lambda: reopen(store, deployment=DEPLOYMENT, clock=clock, lease_seconds=lease_seconds))

    tried = [rule for rule in chosen if not rule.needs or reopen is not None]
    broken: list[Broken] = []
    first: Exception | None = None
    for rule in tried:
        bench = StoreBench(make, clock, lease_seconds, threads)
        error = _error(rule, bench)
        if error is not None:
            broken.append(Broken(bench.kind, rule.name, rule.text, _found(error)))
            first = first or error
    if broken:
        raise BrokenContractError("orchestra.contracts.Store", broken) from first
    left_out = tuple((rule.name, f"no {rule.needs}= was given") for rule in chosen if rule not in tried)
    return Checked(tuple(rule.name for rule in tried), left_out)


def _chosen(names: Collection[str]) -> list[Rule[StoreBench]]:
    unknown = sorted(set(names).difference(STORE_RULES))
    if unknown:
        raise ValueError(f"no rule is called {unknown[0]!r}: the rules are {', '.join(STORE_RULES)}")
    return [rule for rule in RULES if rule.name in names]


def _error(rule: Rule[StoreBench], bench: StoreBench) -> Exception | None:
    """What speaks against the store by ``rule``: what was found wrong, or what a call of it raised."""
    try:
        rule.check(bench)
    except Exception as error:  # whatever a store raises where it must not speaks against it
        return error
    finally:
        bench.clear()
    return None


def _found(error: Exception) -> str:
    if isinstance(error, FoundWrongError):
        return str(error)
    return f"{type(error).__name__} was raised where nothing may be: {error}"
