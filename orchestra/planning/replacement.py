"""In which order a replacement is made: the new one first, or the old one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from orchestra.diff import same
from orchestra.model.address import Address
from orchestra.model.declaration import Declared
from orchestra.planning.change import Change
from orchestra.planning.decide import Action


def settle_order(
    changes: Mapping[Address, Change], declared: Mapping[Address, Declared], ordered: Iterable[Address]
) -> list[Change]:
    """``changes`` with ``create_before_delete`` settled for each replacement.

    The new one comes first only if everything it uses that is replaced too comes first as well: an old one that
    must go first can't go while something made from it still stands.
    """
    settled = dict(changes)
    for address in ordered:
        change = settled.get(address)
        if change is None or change.action is not Action.REPLACE:
            continue
        first = wants_new_first(declared[address], change) and all(
            settled[used].create_before_delete
            for used in change.dependencies
            if used in settled and settled[used].action is Action.REPLACE
        )
        settled[address] = attrs.evolve(change, create_before_delete=first)
    return list(settled.values())


def wants_new_first(item: Declared, change: Change) -> bool:
    """What the user says, else the kind; a name given by the user that stays the same can't be taken twice."""
    said = item.lifecycle.create_before_delete
    if said is not None:
        return said
    names = item.kind.unique_by
    keeps_name = bool(names) and all(
        change.after.get(name) is not None and same(change.before.get(name), change.after.get(name)) for name in names
    )
    return item.kind.create_before_delete and not keeps_name
