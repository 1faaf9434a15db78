"""Makes the shared test modules importable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

for folder in (Path(__file__).parent,):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from tests.moto_server import MotoServer  # noqa: E402


@pytest.fixture
def server(aws: MotoServer) -> MotoServer:
    return aws
