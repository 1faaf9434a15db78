"""Behaviours of the simulated cloud that users of real clouds know.

Each is a `orchestra.clouds.Behaviour`; ``attrs.evolve(presets.SLOW, faults=…)`` adds faults to one.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from orchestra.clouds.families.simulated.behaviour import Behaviour
from orchestra.testing.faults import FaultModel
from orchestra.testing.latency import LongTail

EVENTUALLY_CONSISTENT: Final = Behaviour(consistency_seconds=5.0, look_up_seconds=1.0)
"""Lists and searches lag five seconds behind, look-ups by id one second."""

SLOW: Final = Behaviour(latency=0.3, boot_seconds=45.0, shutdown_seconds=30.0)
"""Every call takes 0.3 s, servers, volumes and balancers 45 s to start, servers 30 s to go away."""

THROTTLING: Final = Behaviour(requests_per_second=4.0)
"""At most four calls a second, after a burst of as many."""

PAGED: Final = Behaviour(page_size=2)
"""Lists come two things at a time."""

CRAMPED: Final = Behaviour(
    quotas=MappingProxyType({"network.Network": 2, "compute.Server": 3, "compute.FloatingIp": 1, "storage.Bucket": 2})
)
"""Two networks, three servers, one floating address, two buckets, and no more."""


def hostile(seed: int) -> Behaviour:
    """Everything at once: slow, lagging, in small pages, and about one call in six goes wrong.

    What goes wrong is drawn by ``seed``; it is a `FaultModel` in the behaviour's ``faults``. Give the cloud and the
    deployment a `VirtualClock`, else it takes minutes.
    """
    return Behaviour(
        boot_seconds=20.0,
        shutdown_seconds=10.0,
        consistency_seconds=3.0,
        page_size=3,
        faults=FaultModel(
            seed=seed,
            unsent=0.02,
            error=0.03,
            throttled=0.03,
            lost=0.04,
            repeated=0.02,
            failed=0.01,
            short=0.02,
            latency=LongTail(0.1),
        ),
    )
