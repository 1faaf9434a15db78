"""Plans: complete, ordered, and all that apply may do."""

from __future__ import annotations

import collections
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from orchestra.model.values import Value
from orchestra.planning import planfile, text
from orchestra.planning.change import Change, Finding
from orchestra.planning.decide import Action, Mode


@attrs.frozen(kw_only=True, repr=False)
class Plan:
    """What apply would do, for one serial of one state: nothing that isn't in it is done.

    ``changes`` are sorted by address and leave out what needs no change; ``unchanged`` counts those. ``outputs``
    are the stack's outputs as far as they are known. ``print(plan)`` shows it to people; `to_json` to programs.
    """

    deployment: str
    stack: str
    mode: Mode
    lineage: str
    serial: int
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    outputs: Mapping[str, Value] = attrs.field(factory=dict)
    findings: tuple[Finding, ...] = ()
    partial: bool = False
    """Made with ``target`` or ``exclude``: what was left out may still need changes."""
    rollback_to: int | None = None
    """The serial that it goes back to; None for a plan of the stack as it is declared."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing needs to be done: a normal plan may still bring outputs in the state up to date."""
        if self.mode is Mode.REFRESH_ONLY:
            return not self.changes
        return all(change.action is Action.READ for change in self.changes)

    @property
    def counts(self) -> dict[Action, int]:
        """How many changes there are of each action that occurs."""
        found = collections.Counter(change.action for change in self.changes)
        found[Action.NO_OP] = self.unchanged
        return {action: found[action] for action in Action if found[action]}

    @functools.cached_property
    def digest(self) -> str:
        """Identifies the plan: another plan, or an edited one, has another."""
        return planfile.digest(self)

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON: format ``orchestra-plan``, see the plan format in the docs. Holds no secret."""
        return planfile.encode(self)

    def save(self, path: str | Path) -> None:
        """Write it to ``path``, readable by the owner only."""
        planfile.save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Plan:
        """Read a saved plan. Raises `PlanFileError` if it is damaged, was edited, or has another format."""
        return planfile.load(Path(path), Plan)

    def __str__(self) -> str:
        return text.plain(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number} {action.value}" for action, number in self.counts.items())
        return f"<Plan of {self.deployment!r} at serial {self.serial}: {counts or 'nothing'}>"

    def _repr_html_(self) -> str:
        return text.html(self)
