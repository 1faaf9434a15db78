"""One server for all tests of the cloud, empty for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra.clouds.families.aws import AwsCloud, aws
from tests.clouds.aws.scenery import REGION, Scene
from tests.moto_server import MotoServer, moto_server


@pytest.fixture(scope="session")
def running() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture
def server(running: MotoServer) -> MotoServer:
    running.reset()
    return running


@pytest.fixture
def cloud(server: MotoServer) -> AwsCloud:
    return aws(region=REGION, endpoint=server.endpoint, access_key=server.access_key, secret_key=server.secret_key)


@pytest.fixture
def scene(cloud: AwsCloud, server: MotoServer) -> Scene:
    return Scene(cloud, server)
