"""A contract as rules to be checked: what a rule is, and what is told of those that are broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import attrs

B = TypeVar("B")


class FoundWrongError(Exception):
    """A rule is broken; the message says what was found."""


@attrs.frozen
class Rule(Generic[B]):
    """One rule: ``name`` for people to point at, ``text`` is what it says, ``check`` tries it on a bench.

    ``check`` returns if the rule holds, else it raises `FoundWrongError`. ``needs`` names what must have been given
    to try it; '' if it can always be tried.
    """

    name: str
    text: str
    check: Callable[[B], None]
    needs: str = ""


@attrs.frozen
class Broken:
    """One rule that is broken: its name, what it says, and what was found.

    ``kind`` is whose contract it is of: the kind of a provider, the class of a store.
    """

    kind: str
    rule: str
    text: str
    found: str

    def __str__(self) -> str:
        return f"{self.kind} breaks the rule '{self.rule}': {self.text}\n      found: {self.found}"


class BrokenContractError(AssertionError):
    """A contract is broken. ``contract`` is its name, ``broken`` holds every rule of it that is broken."""

    def __init__(self, contract: str, broken: Iterable[Broken]) -> None:
        self.contract = contract
        self.broken = tuple(broken)
        lines = "".join(f"\n  - {one}" for one in self.broken)
        count = "one rule" if len(self.broken) == 1 else f"{len(self.broken)} rules"
        super().__init__(f"{count} of the contract {contract} broken:{lines}")


@attrs.frozen
class Checked:
    """What a check saw to: the names of the rules that hold, and of those that were left out, with why."""

    rules: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
