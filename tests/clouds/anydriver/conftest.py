"""The drivers that are tried on imitations, as the families' tests see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orchestra.clouds import LibcloudCloud
from tests.clouds.anydriver.scenery import DRIVERS
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import Family


@pytest.fixture(params=DRIVERS, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    found: Family = request.param
    return found


@pytest.fixture
def server(family: Family) -> Iterator[Any]:
    server = family.imitation()
    with server.running():
        yield server


@pytest.fixture
def cloud(family: Family, server: Imitation) -> LibcloudCloud:
    found: Any = family.cloud(server)
    assert isinstance(found, LibcloudCloud)
    return found
