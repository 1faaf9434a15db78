"""One imitation for each test, of each family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orchestra.clouds import FamilyCloud
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import FAMILIES, Family


@pytest.fixture(params=FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    found: Family = request.param
    return found


@pytest.fixture
def server(family: Family) -> Iterator[Any]:
    server = family.imitation()
    with server.running():
        yield server


@pytest.fixture
def cloud(family: Family, server: Imitation) -> FamilyCloud:
    return family.cloud(server)
