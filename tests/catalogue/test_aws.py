"""Every input of every kind, changed on AWS's API over HTTP; what a kind needs is made once for all changes of it."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from exercise import Exercise, case_of
from scenes import Case, serving

import orchestra as oc
from orchestra.testing import VirtualClock
from tests.moto_server import MotoServer

REGION = "eu-west-1"
ZONES = ("eu-west-1a", "eu-west-1b")
SERVED = serving(oc.clouds.aws(region=REGION, access_key="none", secret_key="none"))


@pytest.fixture
def cloud(aws: MotoServer) -> oc.Cloud:
    return oc.clouds.aws(
        region=REGION,
        endpoint=aws.endpoint,
        access_key=aws.access_key,
        secret_key=aws.secret_key,
        consistency_seconds=0,
    )


@pytest.mark.parametrize("case", SERVED, ids=lambda case: case.kind.__name__)
def test_changing_an_input_does_what_is_documented(cloud: oc.Cloud, case: Case, tmp_path: Path) -> None:
    exercise = Exercise(case, cloud, ZONES, tmp_path, VirtualClock())
    exercise.change_everything()
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


def test_changing_an_input_of_a_newer_balancer_does_what_is_documented(aws: MotoServer, tmp_path: Path) -> None:
    keys = {"access_key": aws.access_key, "secret_key": aws.secret_key}
    cloud = oc.clouds.aws(region=REGION, endpoint=aws.endpoint, balancers="elbv2", consistency_seconds=0, **keys)
    exercise = Exercise(IN_TWO_ZONES, cloud, ZONES, tmp_path, VirtualClock())
    exercise.change_everything()
    exercise.destroy()
