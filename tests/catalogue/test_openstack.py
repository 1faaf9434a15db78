"""Every input of every kind that OpenStack has, changed on a real OpenStack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from exercise import Exercise, case_of
from scenes import CASES, EXTRA, Case

import orchestra as oc
from tests.openstack_server import HINT, find_server

pytestmark = pytest.mark.timeout(900)

ZONES = ("nova", "west")
OFFERED = ("network", "compute")
EACH = [
    pytest.param(case, name, value, id=f"{case.kind.__name__}-{name}")
    for case in CASES
    for name, value in case.changes.items()
    if case.kind.kind.name.partition(".")[0] in OFFERED
]
FURTHER = [
    pytest.param(kind, base, name, value, expected, id=f"{kind.__name__}-{name}-{number}")
    for number, (kind, base, name, value, expected) in enumerate(EXTRA)
    if kind.kind.name.partition(".")[0] in OFFERED
]


@pytest.fixture(scope="module")
def cloud() -> oc.Cloud:
    server = find_server("catalogue")
    if server is None:
        pytest.skip(HINT)
    return oc.clouds.openstack(**server.settings)


@pytest.mark.parametrize(("case", "name", "value"), EACH)
def test_changing_an_input_does_what_is_documented(
    cloud: oc.Cloud, case: Case, name: str, value: Any, tmp_path: Path
) -> None:
    exercise = Exercise(case, cloud, ZONES, tmp_path)
    exercise.change({}, name, value)
    exercise.destroy()


@pytest.mark.parametrize(("kind", "base", "name", "value", "expected"), FURTHER)
def test_further_changes(
    cloud: oc.Cloud,
    kind: type[oc.Resource],
    base: dict[str, Any],
    name: str,
    value: Any,
    expected: oc.Action,
    tmp_path: Path,
) -> None:
    exercise = Exercise(case_of(kind), cloud, ZONES, tmp_path)
    exercise.change(base, name, value, expected)
    exercise.destroy()
