"""Which of what was found a stack is written for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from orchestra.adoption.discovering import Discovered, Kinds
from orchestra.adoption.terms import Use, referred
from orchestra.model.resource import Resource, known_kinds
from orchestra.model.typecheck import hints_of


def _listed(kinds: Kinds | None) -> tuple[type[Resource] | str, ...] | None:
    if kinds is None:
        return None
    return (kinds,) if isinstance(kinds, (str, type)) else tuple(kinds)


@attrs.frozen(kw_only=True)
class Select:
    """What to take of what a cloud has; each thing must pass all of it.

    ``kinds``: only these, as classes or names (default: every kind that the cloud can do). ``labels``: only what has
    all of these labels. What can't have labels, such as an attachment or a blob, goes with what it needs: it is taken
    if all of that is. ``where``: only those for which this says True. ``managed``: also what another deployment made
    and manages (default: not, for two would then change the same thing).
    """

    kinds: Sequence[type[Resource] | str] | None = attrs.field(default=None, converter=_listed)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    where: Callable[[Discovered], bool] | None = None
    managed: bool = False

    def of(self, found: Sequence[Discovered]) -> list[Discovered]:
        """Those of ``found`` that are taken, in the same order."""
        taken = [one for one in found if self.where is None or self.where(one)]
        if not self.labels:
            return taken
        chosen = {_key(one) for one in taken if self.labels.items() <= one.labels.items()}
        followers = [one for one in taken if _can_have_no_labels(one)]
        before = -1
        while len(chosen) != before:  # what goes with something may itself be gone with
            before = len(chosen)
            chosen |= {_key(one) for one in followers if (needs := _needs(one)) and needs <= chosen}
        return [one for one in taken if _key(one) in chosen]


EVERYTHING: Final = Select()
"""All that nobody manages."""


def _key(one: Discovered) -> Use:
    return Use(one.kind, one.external_id)


def _can_have_no_labels(one: Discovered) -> bool:
    return "labels" not in known_kinds()[one.kind].inputs


def _needs(one: Discovered) -> set[Use]:
    """What it can't be without."""
    spec = known_kinds()[one.kind]
    hints = hints_of(spec.cls)
    return {
        Use(kind.kind.name, str(one.inputs[name]))
        for name, item in spec.inputs.items()
        if item.required and name in one.inputs and (kind := referred(hints[name])) is not None
    }
