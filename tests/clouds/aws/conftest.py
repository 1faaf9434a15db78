"""The cloud that the tests are about, with nothing in it."""

from __future__ import annotations

import pytest

from orchestra.clouds.families.aws import AwsCloud, aws
from tests.clouds.aws.scenery import REGION, Scene
from tests.moto_server import MotoServer


@pytest.fixture
def server(aws: MotoServer) -> MotoServer:
    return aws


@pytest.fixture
def cloud(server: MotoServer, request: pytest.FixtureRequest) -> AwsCloud:
    """As the test's case wants it."""
    callspec = getattr(request.node, "callspec", None)
    case = callspec.params.get("case") if callspec else None
    keys = {"access_key": server.access_key, "secret_key": server.secret_key}
    return aws(region=REGION, endpoint=server.endpoint, balancers=getattr(case, "balancers", "elb"), **keys)


@pytest.fixture
def scene(cloud: AwsCloud, server: MotoServer) -> Scene:
    return Scene(cloud, server)
