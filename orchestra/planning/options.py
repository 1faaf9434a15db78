"""What the user asked of a plan."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

import attrs

from orchestra.errors import PlanError
from orchestra.graph import closure, dependents
from orchestra.model.address import Address, covers
from orchestra.planning.decide import Mode


@attrs.frozen(kw_only=True)
class Options:
    """``target``, ``exclude`` and ``replace`` are addresses, or what covers them: ``web`` is every ``web[…]``."""

    mode: Mode = Mode.NORMAL
    target: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether some resources are left out."""
        return bool(self.target or self.exclude)


def matching(selectors: tuple[str, ...], known: Collection[Address], what: str) -> set[Address]:
    """The addresses that ``selectors`` cover. Raises `PlanError` for one that covers none."""
    found: set[Address] = set()
    for selector in selectors:
        covered = [address for address in known if covers(selector, address)]
        if not covered:
            near = difflib.get_close_matches(selector, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see deployment.resources for the addresses"
            raise PlanError(f"{what}={selector!r} names nothing in this deployment", remedy=hint)
        found.update(covered)
    return found


def select(
    options: Options,
    known: Collection[Address],
    needs: Mapping[Address, Collection[Address]],
) -> set[Address]:
    """The addresses that the plan may change.

    A target brings what it needs; what is excluded takes what needs it along. For a destroy plan it is the
    other way round: a target brings what needs it.
    """
    users: Mapping[Address, Collection[Address]] = dependents(needs)
    brings, drags = needs, users
    if options.mode is Mode.DESTROY:
        brings, drags = users, needs
    selected = set(known)
    if options.target:
        wanted = matching(options.target, known, "target")
        selected = closure(wanted, lambda one: brings.get(one, ()))
    if options.exclude:
        unwanted = matching(options.exclude, known, "exclude")
        dragged = closure(unwanted, lambda one: drags.get(one, ()))
        selected -= dragged
    return selected
