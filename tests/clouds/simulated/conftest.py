from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from orchestra.clouds.families.simulated import Behaviour, SimulatedCloud, simulated
from orchestra.testing import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make_cloud(clock: VirtualClock) -> Iterator[Callable[..., SimulatedCloud]]:
    """Makes clouds in memory with the behaviour given, and closes them."""
    made: list[SimulatedCloud] = []

    def make(path: object = ":memory:", region: str = "sim-1", **behaviour: object) -> SimulatedCloud:
        cloud = simulated(str(path), region=region, clock=clock, behaviour=Behaviour(**behaviour))  # type: ignore[arg-type]
        made.append(cloud)
        return cloud

    yield make
    for cloud in made:
        cloud.close()


@pytest.fixture
def cloud(make_cloud: Callable[..., SimulatedCloud]) -> SimulatedCloud:
    return make_cloud()
