"""A process that applies, and stays in the middle of its first call until it is told to go on."""

from __future__ import annotations

import sys
from pathlib import Path

import orchestra as oc
from orchestra.clouds.families.simulated.behaviour import Behaviour, Call


class Site(oc.Stack):
    """Two networks, one after the other."""

    def build(self) -> None:
        self.first = oc.Network(cidr="10.0.0.0/16", internet=False)
        self.second = oc.Network(cidr="10.1.0.0/16", internet=False, depends_on=[self.first])


class Staying:
    """`Faults` of the simulated cloud that stay in each creation until a line is read."""

    def before(self, call: Call) -> None:
        if call.action == "ex_create_network":
            print("at work", flush=True)
            sys.stdin.readline()

    def after(self, call: Call) -> None:
        pass


def deployment(folder: Path, behaviour: Behaviour | None = None) -> oc.Deployment:
    """The deployment in ``folder``, for any process."""
    cloud = oc.clouds.simulated(path=folder / "cloud.db", behaviour=behaviour or Behaviour())
    return oc.Deployment(Site(), name="site", cloud=cloud, state=folder / "state.db", progress=False)


if __name__ == "__main__":
    with deployment(Path(sys.argv[1]), Behaviour(faults=Staying())) as there:
        there.apply()
