"""Every input of containers and images, changed on a real Docker engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exercise import Exercise
from scenes import EXTRA, IMAGE, OTHER_IMAGE, Case, serving

import orchestra as oc
from tests.servers.docker import CannotStartError, DockerEngine, docker_engine

SERVED = serving(oc.clouds.docker(endpoint="unix:///nowhere"))
HERE = {case.kind: case for case in SERVED}
FURTHER = [one for one in EXTRA if one[0] in {case.kind for case in SERVED}]
EACH = [
    pytest.param(case, name, value, id=f"{case.kind.__name__}-{name}")
    for case in SERVED
    for name, value in case.changes.items()
    if name != "once"  # for which the program must be one that ends: see below
]


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    try:
        with docker_engine() as running:
            running.make_image(IMAGE)
            running.make_image(OTHER_IMAGE, mark="other")
            yield running
    except CannotStartError as error:
        pytest.skip(str(error))


def see_that_nothing_is_left(engine: DockerEngine) -> None:
    assert engine.containers() == []
    assert sorted(engine.images()) == [IMAGE, OTHER_IMAGE]


@pytest.mark.parametrize(("case", "name", "value"), EACH)
def test_changing_an_input_does_what_is_documented(
    engine: DockerEngine, case: Case, name: str, value: Any, tmp_path: Path
) -> None:
    exercise = Exercise(case, oc.clouds.docker(endpoint=engine.endpoint), (), tmp_path)
    exercise.change({}, name, value)
    exercise.destroy()
    see_that_nothing_is_left(engine)


@pytest.mark.parametrize(("kind", "base", "name", "value", "expected"), FURTHER)
def test_further_changes(
    engine: DockerEngine,
    kind: type[oc.Resource],
    base: dict[str, Any],
    name: str,
    value: Any,
    expected: oc.Action,
    tmp_path: Path,
) -> None:
    exercise = Exercise(HERE[kind], oc.clouds.docker(endpoint=engine.endpoint), (), tmp_path)
    exercise.change(base, name, value, expected)
    exercise.destroy()
    see_that_nothing_is_left(engine)


def test_one_that_runs_once_is_replaced_by_another_that_does(engine: DockerEngine, tmp_path: Path) -> None:
    exercise = Exercise(HERE[oc.Container], oc.clouds.docker(endpoint=engine.endpoint), (), tmp_path)
    exercise.change({"once": True, "command": ["true"]}, "command", ["sh", "-c", "sleep 1.2"], oc.Action.REPLACE)
    exercise.destroy()
    see_that_nothing_is_left(engine)
