"""For every kind of the catalogue: the ground that it stands on, and the case for `check_provider`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

import orchestra as oc
from orchestra.testing import ProviderCase
from tests.catalogue.scenes import CASES, EXTRA, PARTS, Case

NATURAL: Mapping[str, Any] = {
    "Subnet": lambda number: {"cidr": f"10.0.{10 + number}.0/24"},
    "Record": lambda number: {"name": f"www{number}"},
    "Blob": lambda number: {"key": f"a/{number}.txt"},
}
"""What tells two of a kind apart that can't be alike."""

UNOWNED = ("Record", "VolumeAttachment")
"""Kinds with which no cloud keeps whose they are."""


class Ground(oc.Stack):
    """What a kind needs, without the kind. ``zones`` are two zones of the cloud."""

    case: Case
    zones: tuple[str, ...]

    def build(self) -> None:
        for name in self.case.needs:
            if not hasattr(self, name):
                PARTS[name](self)  # type: ignore[arg-type]


@attrs.define
class Laid:
    """A ground that is there."""

    case: Case
    stack: Ground
    deployment: oc.Deployment

    def cases(self, **more: Any) -> list[ProviderCase]:
        """The case for the kind, with every input changed that can be."""
        return [self._case({}, self.case.changes, more)]

    def further_cases(self, **more: Any) -> list[ProviderCase]:
        """Cases that start from other inputs."""
        return [self._case(*one, more) for one in self._further()]

    def _further(self) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        return [(base, {name: value}) for kind, base, name, value, _ in EXTRA if kind is self.case.kind]

    def _case(self, base: Mapping[str, Any], changes: Mapping[str, Any], more: Mapping[str, Any]) -> ProviderCase:
        kind = self.case.kind.__name__
        given = {name: self._plain(value) for name, value in {**self.case.base, **base}.items()}

        def make(number: int) -> oc.Resource:
            further = NATURAL[kind](number) if kind in NATURAL and not base else {}
            if kind == "VolumeAttachment" and number == 1:
                further = {name: self._plain(getattr(self.stack, f"other_{name}")) for name in ("volume", "server")}
            if base and kind == "Record":
                further = {"zone": self._plain(self.stack.other_zone)} if number else {}
            return self.case.kind(**{**given, **further})

        copies = 2 if kind == "VolumeAttachment" or base else 6
        made = {name: self._plain(value) for name, value in changes.items()}
        settings = {"copies": copies, "owned": kind not in UNOWNED, **more}
        return ProviderCase(make=make, changes=made, **settings)

    def _plain(self, value: Any) -> Any:
        """``value`` with the ids of what it refers to."""
        if isinstance(value, oc.Resource):
            return self.deployment.value(value.id)
        if callable(value):
            return self._plain(value(self.stack))
        if isinstance(value, oc.Rule):
            return attrs.evolve(value, firewall=self._plain(value.firewall))
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self._plain(one) for one in value]
        return value


def lay(case: Case, cloud: oc.Cloud, zones: tuple[str, ...], clock: Any = None) -> Laid:
    """Make what ``case`` needs."""
    stack = Ground(case=case, zones=zones)
    deployment = oc.Deployment(
        stack, name="ground", cloud=cloud, state="sqlite://:memory:", progress=False, clock=clock
    )
    deployment.apply()
    return Laid(case, stack, deployment)


EACH = {case.kind.__name__: case for case in CASES}
