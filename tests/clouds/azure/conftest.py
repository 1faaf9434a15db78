"""One imitation for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra.clouds import AzureCloud
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import Scene, cloud_at


@pytest.fixture
def server() -> Iterator[Azure]:
    server = Azure()
    with server.running():
        yield server


@pytest.fixture
def cloud(server: Azure) -> AzureCloud:
    return cloud_at(server)


@pytest.fixture
def scene(cloud: AzureCloud) -> Scene:
    return Scene(cloud)
