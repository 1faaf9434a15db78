"""A list that was cut short, and looks complete, is not believed at once when something is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.testing import Fault, Script, Trouble, VirtualClock


class Site(oc.Stack):
    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")


class Deaf:
    """Ends the program once a network was made, before that is told."""

    def before(self, call: object) -> None:
        """Nothing goes wrong before a call."""

    def after(self, call: object) -> None:
        if getattr(call, "action", "") == "ex_create_network":
            raise SystemExit(3)


def test_what_one_list_does_not_show_is_looked_for_again(tmp_path: Path) -> None:
    clock = VirtualClock()

    def deploy(faults: object) -> oc.Deployment:
        behaviour = oc.clouds.Behaviour(faults=faults)  # type: ignore[arg-type]
        cloud = oc.clouds.simulated(tmp_path / "cloud.db", clock=clock, behaviour=behaviour)
        return oc.Deployment(Site(), name="site", cloud=cloud, state=tmp_path / "state.db", clock=clock, progress=False)

    with deploy(Deaf()) as deployment, pytest.raises(SystemExit):
        deployment.apply()
    short = Script([Fault(Trouble.SHORT, action="ex_list_networks")])
    with deploy(short) as deployment:
        (settlement,) = deployment.recover()
        assert settlement.external_id
        assert [one.trouble for one in short.log] == [Trouble.SHORT]
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.cloud.inventory()["network.Network"] == 1  # type: ignore[attr-defined]
