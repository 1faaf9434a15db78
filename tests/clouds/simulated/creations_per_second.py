"""Print how many servers a second the simulated cloud creates.

``python -m tests.clouds.simulated.creations_per_second`` creates 5000, or as many as its argument says.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from orchestra.clouds.families.simulated import simulated
from orchestra.contracts import Inputs, Ownership, fresh_token


def main() -> None:
    """Create, read and delete, and print what each took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as folder:
        cloud = simulated(Path(folder) / "cloud.db")
        driver = cloud.drivers.compute
        network = driver.ex_create_network("10.0.0.0/8")
        subnet = driver.ex_create_subnet(network.id, "10.0.0.0/12")
        servers = cloud.provider("compute.Server")
        assert servers is not None
        image = servers.choose("image", {"os": "debian", "version": "12", "architecture": "x86_64"})
        inputs = Inputs(
            {"image": {"id": image}, "size": {"id": "small"}, "subnet": subnet.id, "labels": {"role": "web"}}
        )
        start = time.perf_counter()
        ids = [
            servers.create(inputs, Ownership("measure", f"web[{number}]", fresh_token(str(number)))).external_id
            for number in range(count)
        ]
        created = time.perf_counter()
        assert len(servers.observe(ids).found) == count
        read = time.perf_counter()
        for id_ in ids:
            servers.delete(id_)
        deleted = time.perf_counter()
        cloud.close()
    for what, seconds in (("created", created - start), ("read", read - created), ("deleted", deleted - read)):
        print(f"{what}: {count / seconds:.0f} a second ({count} in {seconds:.2f} s)")


if __name__ == "__main__":
    main()
