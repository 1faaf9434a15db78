"""Makes the shared test modules importable, and one AWS for all tests, empty for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for folder in (Path(__file__).parent,):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from tests.moto_server import MotoServer, moto_server  # noqa: E402


@pytest.fixture(scope="session")
def running() -> Iterator[MotoServer]:
    with moto_server() as server:
        yield server


@pytest.fixture
def server(running: MotoServer) -> MotoServer:
    running.reset()
    return running
