"""One engine for all tests of the cloud, empty for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestra.clouds.families.docker import DockerCloud, docker
from tests.servers.docker import CannotStartError, DockerEngine, docker_engine, registry


@pytest.fixture(scope="session")
def running() -> Iterator[DockerEngine]:
    try:
        with docker_engine() as engine:
            yield engine
    except CannotStartError as error:
        pytest.skip(str(error))


@pytest.fixture
def engine(running: DockerEngine) -> Iterator[DockerEngine]:
    running.clear()
    running.make_image("busybox:1")
    yield running
    running.clear()


@pytest.fixture
def cloud(engine: DockerEngine) -> DockerCloud:
    return docker(endpoint=engine.endpoint)


@pytest.fixture(scope="session")
def registry_address() -> Iterator[str]:
    try:
        with registry() as address:
            yield address
    except CannotStartError as error:
        pytest.skip(str(error))
