"""The judge of crashes sees what is lost, doubled, orphaned and left open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.contracts import Inputs, Ownership
from orchestra.state.journal import Holder, Intent, Operation, Outcome, Phase
from tests.crash.stacks import Shop
from tests.crash.verdict import Verdict, judge, simulated_world


@pytest.fixture
def cloud() -> Iterator[SimulatedCloud]:
    made = oc.clouds.simulated(path=":memory:")
    yield made
    made.close()


@pytest.fixture
def deployment(tmp_path: Path, cloud: SimulatedCloud) -> Iterator[oc.Deployment]:
    with oc.Deployment(
        Shop(web_servers=1), name="crash", cloud=cloud, state=tmp_path / "state.db", progress=False
    ) as made:
        made.apply()
        yield made


def zone(cloud: SimulatedCloud, address: str) -> str:
    provider = cloud.provider("dns.Zone")
    assert provider is not None
    return provider.create(Inputs({"domain": "shop.example"}), Ownership("crash", address, "f" * 32)).external_id


def test_what_went_well_is_good(deployment: oc.Deployment, cloud: SimulatedCloud) -> None:
    assert judge(deployment, simulated_world(cloud)) == Verdict()
    assert not judge(deployment, simulated_world(cloud), destroyed=True).is_good
    deployment.destroy()
    assert judge(deployment, simulated_world(cloud), destroyed=True).is_good
    assert len(judge(deployment, simulated_world(cloud)).lost) == len(deployment.graph())


def test_what_is_gone_is_lost(deployment: oc.Deployment, cloud: SimulatedCloud) -> None:
    backup = deployment.resources["backup"]  # type: ignore[index]
    provider = cloud.provider(backup.kind)
    assert provider is not None
    provider.delete(backup.external_id)
    verdict = judge(deployment, simulated_world(cloud))
    assert verdict.lost == (f"backup: {backup.external_id}",)
    assert "compute.Snapshot: 0 there, 1 expected" in verdict.unsettled
    assert "backup: the next plan says create, gone from the cloud" in verdict.unsettled
    assert verdict.doubled == verdict.orphaned == ()


def test_what_is_there_twice_is_doubled(deployment: oc.Deployment, cloud: SimulatedCloud) -> None:
    second = zone(cloud, "zone")
    verdict = judge(deployment, simulated_world(cloud))
    assert verdict.doubled == (f"zone: {second}",)
    assert verdict.unsettled == ("dns.Zone: 2 there, 1 expected",)


def test_what_nobody_knows_is_orphaned(deployment: oc.Deployment, cloud: SimulatedCloud) -> None:
    other = zone(cloud, "old_zone")
    assert judge(deployment, simulated_world(cloud)).orphaned == (f"old_zone: {other}",)


def test_what_is_left_open_is_unsettled(deployment: oc.Deployment, cloud: SimulatedCloud) -> None:
    lease = deployment.store.acquire(Holder(user="a", host="b", process=1))
    record = deployment.resources["zone"]  # type: ignore[index]
    delete = Intent(
        run="r",
        address=record.address,
        operation=Operation.DELETE,
        kind=record.kind,
        cloud=record.cloud,
        token=record.token,
        at=0.0,
    )
    forget = Outcome(
        run="r",
        address=record.address,
        operation=Operation.RECORD,
        phase=Phase.DONE,
        at=0.0,
        remove=(deployment.resources["page"].key,),  # type: ignore[index]
    )
    deployment.store.commit(lease, [forget])
    deployment.store.begin(lease, [delete])
    deployment.store.release(lease)
    verdict = judge(deployment, simulated_world(cloud))
    assert verdict.lost == ("page: not recorded",)
    assert len(verdict.orphaned) == 1
    assert "zone: delete pending" in verdict.unsettled


def test_what_was_made_by_one_that_died_and_is_gone_was_made_again(
    deployment: oc.Deployment, cloud: SimulatedCloud
) -> None:
    made = {("dns.Zone", deployment.resources["zone"].external_id), ("dns.Zone", "Z1")}
    assert judge(deployment, simulated_world(cloud), made=made) == Verdict(remade=("dns.Zone: Z1",))


def test_a_verdict_goes_from_process_to_process() -> None:
    verdict = Verdict(lost=("a",), unsettled=("b", "c"))
    assert Verdict.from_json(verdict.to_json()) == verdict
