"""Subnets and volumes spread over availability zones by number, on whatever cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import SimulatedCloud, simulated
from orchestra.clouds.families.simulated import catalogue


class Spread(oc.Stack):
    """A subnet and a disk in each of some zones."""

    zones: Sequence[Any] = ()

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnets = [
            oc.Subnet(network=self.network, cidr=f"10.0.{number}.0/24", zone=zone)
            for number, zone in enumerate(self.zones)
        ]
        self.disks = [oc.Volume(size_gib=1, zone=zone) for zone in self.zones if zone]


def numbered(count: int) -> list[oc.AvailabilityZone]:
    return [oc.AvailabilityZone(number) for number in range(count)]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[SimulatedCloud]:
    made = simulated(tmp_path / "cloud.db", region="sim-1")
    yield made
    made.close()


def deploy(stack: oc.Stack, tmp_path: Path, cloud: SimulatedCloud) -> oc.Deployment:
    return oc.Deployment(stack, name="spread", cloud=cloud, state=tmp_path / "state.db", progress=False)


def zones(deployment: oc.Deployment) -> list[Any]:
    return [
        record.outputs["available_zone"] for record in deployment.resources.values() if record.kind == "network.Subnet"
    ]


def test_numbers_go_round_the_zones_of_the_region(tmp_path: Path, cloud: SimulatedCloud) -> None:
    with deploy(Spread(zones=numbered(4)), tmp_path, cloud) as deployment:
        change = next(one for one in deployment.plan().changes if one.address == "subnets[1]")
        assert change.after["zone"] == {"number": 1, "id": "sim-1b"}
        deployment.apply()
        assert zones(deployment) == ["sim-1a", "sim-1b", "sim-1c", "sim-1a"]
        assert sorted(one.extra["zone"] for one in cloud.drivers.compute.list_volumes()) == sorted(zones(deployment))
        assert deployment.plan().is_empty
        assert deployment.drift().is_empty


def test_zones_that_are_opened_later_change_nothing(
    tmp_path: Path, cloud: SimulatedCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deploy(Spread(zones=numbered(4)), tmp_path, cloud) as deployment:
        deployment.apply()
    more = MappingProxyType({**catalogue.REGIONS, "sim-1": ("sim-10", *catalogue.REGIONS["sim-1"])})
    monkeypatch.setattr(catalogue, "REGIONS", more)
    cloud.close()
    grown = simulated(tmp_path / "cloud.db", region="sim-1")
    assert [one.name for one in grown.drivers.compute.list_locations()] == ["sim-10", "sim-1a", "sim-1b", "sim-1c"]
    with deploy(Spread(zones=numbered(5)), tmp_path, grown) as deployment:
        plan = deployment.plan()
        assert {one.address: one.action for one in plan.changes} == dict.fromkeys(
            ("subnets[4]", "disks[4]"), oc.Action.CREATE
        )
        deployment.apply(plan)
        assert zones(deployment) == ["sim-1a", "sim-1b", "sim-1c", "sim-1a", "sim-10"]
    grown.close()


def test_a_number_and_the_name_that_it_stands_for_are_the_same(tmp_path: Path, cloud: SimulatedCloud) -> None:
    for given in ("sim-1b", oc.AvailabilityZone(1), "sim-1b", oc.AvailabilityZone(4)):
        with deploy(Spread(zones=[given]), tmp_path, cloud) as deployment:
            plan = deployment.plan()
            assert plan.is_empty == (deployment.resources != {})
            deployment.apply(plan)
            assert zones(deployment) == ["sim-1b"]
    with deploy(Spread(zones=[oc.AvailabilityZone(2)]), tmp_path, cloud) as deployment:
        plan = deployment.plan()
        assert {one.action for one in plan.changes} == {oc.Action.REPLACE}
        deployment.apply(plan)
        assert zones(deployment) == ["sim-1c"]
        assert deployment.plan().is_empty


def test_what_the_cloud_picked_stays_until_a_zone_is_asked_for(tmp_path: Path, cloud: SimulatedCloud) -> None:
    with deploy(Spread(zones=[None]), tmp_path, cloud) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.resources["subnets[0]"].inputs["zone"] is None


def test_plans_are_saved_and_states_rebuilt_with_them(tmp_path: Path, cloud: SimulatedCloud) -> None:
    with deploy(Spread(zones=numbered(2)), tmp_path, cloud) as deployment:
        deployment.plan().save(tmp_path / "plan.json")
        run = deployment.apply(oc.Plan.load(tmp_path / "plan.json"))
        assert zones(deployment) == ["sim-1a", "sim-1b"]
    with deploy(Spread(zones=[oc.AvailabilityZone(2)]), tmp_path, cloud) as deployment:
        deployment.apply()
        assert zones(deployment) == ["sim-1c"]
        deployment.apply(deployment.rollback(to=run.serial))
        assert zones(deployment) == ["sim-1a", "sim-1b"]
    (tmp_path / "state.db").unlink()
    with deploy(Spread(zones=numbered(2)), tmp_path, cloud) as deployment:
        deployment.rebuild()
        assert deployment.plan().is_empty
        assert zones(deployment) == ["sim-1a", "sim-1b"]


def test_a_plan_is_stale_once_the_stack_asks_for_another_zone(tmp_path: Path, cloud: SimulatedCloud) -> None:
    with deploy(Spread(zones=["sim-1a"]), tmp_path, cloud) as deployment:
        plan = deployment.plan()
    with (
        deploy(Spread(zones=["sim-1b"]), tmp_path, cloud) as deployment,
        pytest.raises(oc.StalePlanError, match="input zone is no longer what the plan says"),
    ):
        deployment.apply(plan)
    assert not cloud.inventory()


def test_numbers_below_zero_are_refused() -> None:
    with pytest.raises(oc.DefinitionError, match=r"AvailabilityZone\(-1\): zones are counted from 0"):
        oc.AvailabilityZone(-1)
