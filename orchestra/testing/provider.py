"""The provider contract as a check that anyone can run on a provider of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from orchestra.contracts import Clock, Provider
from orchestra.engine.clock import SystemClock
from orchestra.testing.bench import Bench
from orchestra.testing.cases import ProviderCase
from orchestra.testing.contract import Broken, BrokenContractError, Checked, FoundWrongError, Rule
from orchestra.testing.rules import RULES

THREADS: Final = 6
"""How many threads call at once in `check_provider`, unless it is said otherwise."""


def check_provider(
    factory: Callable[[], Provider],
    cases: Iterable[ProviderCase],
    *,
    unreachable: Callable[[], Provider] | None = None,
    clock: Clock | None = None,
    threads: int = THREADS,
) -> Checked:
    """Check that a provider keeps the contract, `orchestra.contracts.Provider`: every rule, on every case.

    ``factory`` makes a provider; all that it makes look at the same cloud, and each is used by several threads.
    ``cases`` are ways to declare its kind. ``unreachable`` makes a provider whose cloud can't be reached, or that
    fails every call: without it the rule that a failure is never taken for gone is left out. ``clock`` is what is
    waited on (the machine's); give a `VirtualClock` where the cloud goes by one too. ``threads`` is how many call at
    once (6), as far as the case permits so many copies.

    What it makes it deletes again. Needs no pytest: call it from any test. Raises `BrokenContractError`, an
    `AssertionError`, that names every broken rule and what was found, and `DefinitionError` for a faulty case.
    """
    broken: list[Broken] = []
    left_out: dict[str, str] = {}
    for case in cases:
        for rule in RULES:
            if rule.needs and unreachable is None:
                left_out[rule.name] = f"no {rule.needs}= was given"
                continue
            bench = Bench(factory(), factory, unreachable, case, clock or SystemClock(), threads)
            broken += _broken(rule, bench)
    if broken:
        raise BrokenContractError("orchestra.contracts.Provider", broken)
    return Checked(tuple(rule.name for rule in RULES if rule.name not in left_out), tuple(left_out.items()))


def _broken(rule: Rule[Bench], bench: Bench) -> list[Broken]:
    """What there is to say against the provider by ``rule``: nothing, or one thing."""
    try:
        rule.check(bench)
    except FoundWrongError as error:
        return [Broken(str(bench.provider.kind), rule.name, rule.text, str(error))]
    finally:
        bench.clear()
    return []
