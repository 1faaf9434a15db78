"""Every provider of the simulated cloud keeps the contract, on a cloud that is brisk and on one that lags."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.contracts import Cloud, Provider
from orchestra.testing import Fault, Script, Trouble, VirtualClock, check_provider
from orchestra.testing.rules import RULES
from tests.catalogue.scenes import Case
from tests.testing.ground import EACH, lay

ZONES = ("sim-1a", "sim-1b")
BRISK = oc.clouds.Behaviour()
LAGGING = oc.clouds.Behaviour(boot_seconds=20.0, shutdown_seconds=10.0, consistency_seconds=4.0, page_size=2)


@pytest.mark.parametrize("case", EACH.values(), ids=EACH)
@pytest.mark.parametrize(("behaviour", "lag"), [(BRISK, 0.0), (LAGGING, 8.0)], ids=["brisk", "lagging"])
def test_provider_keeps_the_contract(case: Case, behaviour: oc.clouds.Behaviour, lag: float, tmp_path: Path) -> None:
    clock = VirtualClock()

    def cloud(behaviour: oc.clouds.Behaviour) -> oc.clouds.SimulatedCloud:
        return oc.clouds.simulated(tmp_path / "cloud.db", behaviour=behaviour, clock=clock)

    there = cloud(behaviour)
    out = cloud(oc.clouds.Behaviour(faults=Script([Fault(Trouble.UNSENT, calls=None)])))
    ground = lay(case, there, ZONES, clock)
    clock.advance(60.0)
    before = there.inventory()
    checked = check_provider(
        lambda: served(there, case),
        [*ground.cases(lag=lag), *ground.further_cases(lag=lag)],
        unreachable=lambda: served(out, case),
        clock=clock,
    )
    assert checked.rules == tuple(rule.name for rule in RULES)
    clock.advance(60.0)
    assert there.inventory() == before
    ground.deployment.destroy()
    ground.deployment.close()
    there.close()
    out.close()


def served(cloud: Cloud, case: Case) -> Provider:
    provider = cloud.provider(case.kind.kind.name)
    assert provider is not None
    return provider
