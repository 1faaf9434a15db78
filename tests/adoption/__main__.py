"""Many rounds at once: ``python -m tests.adoption --count 100 --cloud aws --first 1000``.

Those on OpenStack want one that runs: ``tests/openstack_server/openstack.sh up``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from circle import format_faults, type_faults
from rounds import ROUNDS

from tests.moto_server import moto_server
from tests.openstack_server import find_server


def main() -> int:
    """Do the rounds, then check types and format of all that was generated; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.adoption")
    parser.add_argument("--count", type=int, default=25, help="how many rounds on each cloud")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    parser.add_argument("--cloud", choices=sorted(ROUNDS), action="append", help="default: all that are here")
    asked = parser.parse_args()
    here = [cloud for cloud in sorted(ROUNDS) if cloud != "openstack" or find_server("adoption") is not None]
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="orchestra-adoption-") as folder, moto_server() as server:
        top = Path(folder)
        for cloud in asked.cloud or here:
            for seed in range(asked.first, asked.first + asked.count):
                try:
                    ROUNDS[cloud](seed, top, server)
                except Exception as error:  # the others are still worth seeing
                    faults.append(f"{cloud} {seed}: {type(error).__name__}: {error}")
                    print(faults[-1], flush=True)
        paths = sorted(top.glob("*.py"))
        faults += type_faults(paths, top / "cache") + format_faults(top)
        print(f"{len(paths)} stacks generated, {len(faults)} faults")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
