"""A cloud that is simulated behind real Libcloud drivers and kept in a file: the embedded default."""

from __future__ import annotations

from orchestra.clouds.families.simulated.behaviour import Behaviour, Call, Distortions, Fate, Faults
from orchestra.clouds.families.simulated.cloud import Drivers, SimulatedCloud, simulated
from orchestra.clouds.families.simulated.endpoint import Endpoint

__all__ = [
    "Behaviour",
    "Call",
    "Distortions",
    "Drivers",
    "Endpoint",
    "Fate",
    "Faults",
    "SimulatedCloud",
    "simulated",
]
