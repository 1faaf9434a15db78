"""One server for the tests of the server itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.moto_server import MotoServer, moto_server


@pytest.fixture(scope="session")
def running() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture
def server(running: MotoServer) -> MotoServer:
    running.reset()
    return running
