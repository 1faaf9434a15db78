"""Every input of every kind, changed on AWS's API over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
from exercise import Exercise, case_of
from scenes import EXTRA, Case, serving

import orchestra as oc
from tests.moto_server import MotoServer

REGION = "eu-west-1"
ZONES = ("eu-west-1a", "eu-west-1b")
SERVED = serving(oc.clouds.aws(region=REGION, access_key="none", secret_key="none"))
EACH = [
    pytest.param(case, name, value, id=f"{case.kind.__name__}-{name}")
    for case in SERVED
    for name, value in case.changes.items()
]


@pytest.fixture
def cloud(aws: MotoServer) -> oc.Cloud:
    return oc.clouds.aws(
        region=REGION,
        endpoint=aws.endpoint,
        access_key=aws.access_key,
        secret_key=aws.secret_key,
        consistency_seconds=0,
    )


@pytest.mark.parametrize(("case", "name", "value"), EACH)
def test_changing_an_input_does_what_is_documented(
    cloud: oc.Cloud, case: Case, name: str, value: Any, tmp_path: Path
) -> None:
    exercise = Exercise(case, cloud, ZONES, tmp_path)
    exercise.change({}, name, value)
    exercise.destroy()


IN_TWO_ZONES = attrs.evolve(
    case_of(oc.LoadBalancer),
    needs=("subnet", "far_subnet", "firewall", "server"),
    base={"port": 80, "protocol": "http", "subnets": lambda scene: [scene.subnet, scene.far_subnet]},
    changes={
        **case_of(oc.LoadBalancer).changes,
        "subnets": lambda scene: [scene.other_subnet, scene.far_subnet],
    },
)


@pytest.mark.parametrize("name", list(IN_TWO_ZONES.changes))
def test_changing_an_input_of_a_newer_balancer_does_what_is_documented(
    aws: MotoServer, name: str, tmp_path: Path
) -> None:
    keys = {"access_key": aws.access_key, "secret_key": aws.secret_key}
    cloud = oc.clouds.aws(region=REGION, endpoint=aws.endpoint, balancers="elbv2", consistency_seconds=0, **keys)
    exercise = Exercise(IN_TWO_ZONES, cloud, ZONES, tmp_path)
    exercise.change({}, name, IN_TWO_ZONES.changes[name])
    exercise.destroy()


FURTHER = [one for one in EXTRA if one[0] in {case.kind for case in SERVED}]


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
