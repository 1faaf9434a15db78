"""One change of one input of one kind, on a real deployment: the documented action, then an empty plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenes import CASES, EXTRA, Case, Scene

import orchestra as oc
from orchestra.contracts import Clock, Cloud
from orchestra.model.address import Address
from orchestra.planning.comparing import forces


def case_of(kind: type[oc.Resource]) -> Case:
    return next(case for case in CASES if case.kind is kind)


class Exercise:
    """A deployment of a scene that is changed and looked at."""

    def __init__(
        self, case: Case, cloud: Cloud, zones: tuple[str, ...], folder: Path, clock: Clock | None = None
    ) -> None:
        self._case = case
        self._cloud = cloud
        self._zones = zones
        self._state = folder / "state.db"
        self._clock = clock

    def deployment(self, inputs: Mapping[str, Any]) -> oc.Deployment:
        scene = Scene(case=self._case, inputs={**self._case.base, **inputs}, zones=self._zones)
        return oc.Deployment(
            scene, name="catalogue", cloud=self._cloud, state=self._state, clock=self._clock, progress=False
        )

    def apply(self, inputs: Mapping[str, Any]) -> oc.Plan:
        """Apply the scene with these inputs, and see that the next plan is empty; returns the plan applied."""
        with self.deployment(inputs) as deployment:
            plan = deployment.plan()
            deployment.apply(plan)
            after = deployment.plan()
            assert after.is_empty, f"after applying {inputs}:\n{after}"
            assert deployment.drift().is_empty, f"after applying {inputs}:\n{deployment.drift()}"
        return plan

    def change(self, before: Mapping[str, Any], name: str, value: Any, expected: oc.Action | None = None) -> None:
        """Change one input and see that the plan does what the kind documents, and that it holds."""
        self.apply(before)
        with self.deployment(before) as deployment:
            recorded = deployment.resources[Address("subject")]
        plan = self.apply({**before, name: value})
        change = next((one for one in plan.changes if one.address == "subject"), None)
        assert change is not None, f"changing {name} changes nothing:\n{plan}"
        if expected is None:
            spec = self._case.kind.kind.inputs[name]
            forced = forces(spec, change.before.get(name), change.after.get(name))
            expected = oc.Action.REPLACE if forced else oc.Action.UPDATE
        assert change.action is expected, f"changing {name}:\n{plan}"
        others = [one.address for one in plan.changes if one.action is not oc.Action.READ]
        assert others == ["subject"], f"changing {name}:\n{plan}"
        with self.deployment(before) as deployment:
            kept = deployment.resources[Address("subject")].external_id == recorded.external_id
        natural_key = self._case.kind.kind.name in ("dns.Record", "storage.Blob", "compute.VolumeAttachment")
        assert kept is (expected is oc.Action.UPDATE) or natural_key

    def change_everything(self) -> None:
        """Make every change that there is for the kind, each from the same inputs: brought back to them in between."""
        for name, value in self._case.changes.items():
            self.change({}, name, value)
        for kind, before, name, value, expected in EXTRA:
            if kind is self._case.kind:
                self.change(before, name, value, expected)

    def destroy(self) -> None:
        with self.deployment({}) as deployment:
            deployment.destroy()
            assert deployment.resources == {}
