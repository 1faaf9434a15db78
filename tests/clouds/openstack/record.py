"""Takes the scenarios down anew from a real OpenStack: ``python -m tests.clouds.openstack.record [SCENARIO…]``."""

from __future__ import annotations

import sys

from orchestra.engine.clock import SystemClock
from tests.clouds.openstack.scenarios import SCENARIOS, Scene, cloud_at
from tests.clouds.openstack.tape import Recorder, save
from tests.openstack_server import HINT, server_for


def main() -> None:
    """Record those named, or all. The project must be empty."""
    server = server_for("tape")
    if server is None:
        sys.exit(HINT)
    for scenario in SCENARIOS:
        if len(sys.argv) > 1 and scenario.__name__ not in sys.argv[1:]:
            continue
        recorder = Recorder()
        before = server.census()
        scenario(Scene(cloud_at(server.endpoint, recorder), SystemClock()))
        assert server.census() == before, f"{scenario.__name__} left something behind"
        save(scenario.__name__, recorder.exchanges)
        print(f"{scenario.__name__}: {len(recorder.exchanges)} exchanges")


if __name__ == "__main__":
    main()
