"""Every input of every kind, changed on the simulated cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from exercise import Exercise, case_of
from scenes import CASES, EXTRA, Case, catalogue

import orchestra as oc

ZONES = ("sim-1a", "sim-1b")
EACH = [
    pytest.param(case, name, value, id=f"{case.kind.__name__}-{name}")
    for case in CASES
    for name, value in case.changes.items()
]


def test_every_kind_and_every_input_is_tried() -> None:
    tried = {case.kind.kind.name: set(case.changes) for case in CASES}
    assert tried == {name: set(kind.kind.inputs) for name, kind in catalogue().items()}


@pytest.mark.parametrize(("case", "name", "value"), EACH)
def test_changing_an_input_does_what_is_documented(case: Case, name: str, value: Any, tmp_path: Path) -> None:
    cloud = oc.clouds.simulated(path=tmp_path / "cloud.db")
    exercise = Exercise(case, cloud, ZONES, tmp_path)
    exercise.change({}, name, value)
    exercise.destroy()
    assert cloud.inventory() == {}


@pytest.mark.parametrize(("kind", "base", "name", "value", "expected"), EXTRA)
def test_further_changes(
    kind: type[oc.Resource], base: dict[str, Any], name: str, value: Any, expected: oc.Action, tmp_path: Path
) -> None:
    cloud = oc.clouds.simulated(path=tmp_path / "cloud.db")
    exercise = Exercise(case_of(kind), cloud, ZONES, tmp_path)
    exercise.change(base, name, value, expected)
    exercise.destroy()
    assert cloud.inventory() == {}
