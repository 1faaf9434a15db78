"""An apply reads the whole state once, under the lease, and knows by itself what it has made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.contracts import Store
from orchestra.engine.keyring import Keyring
from orchestra.model.address import Address
from orchestra.state.codec import encode_record
from orchestra.state.records import Record


class Site(oc.Stack):
    """Networks and servers; ``cidr`` forces replacement, ``old`` gives one another address."""

    servers: int = 2
    cidr: str = "10.0.1.0/24"
    label: str = "a"
    moved: bool = False

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", internet=False)
        self.subnet = oc.Subnet(network=self.network, cidr=self.cidr)
        self.web = [
            oc.Server(
                image=oc.Image(os="debian", version="12"),
                size=oc.Size(cpus=1, memory_gib=1),
                subnet=self.subnet,
                labels={"label": self.label},
            )
            for _ in range(self.servers)
        ]
        if self.moved:
            self.files = oc.Bucket(lifecycle=oc.Lifecycle(moved_from="uploads"))
        else:
            self.uploads = oc.Bucket()
        self.addresses = oc.Output([one.private_ip for one in self.web])
        self.together = oc.Output(oc.Ref.all([one.private_ip for one in self.web]))
        self.place = oc.Output(f"in {self.network.id}")


class Counting:
    """A store that counts how often the whole of it is read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.loads = 0
        self.tells_version = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def load(self) -> Any:
        self.loads += 1
        found = self._store.load()
        return found if self.tells_version else attrs.evolve(found, version="")


@pytest.fixture
def cloud() -> Iterator[SimulatedCloud]:
    made = oc.clouds.simulated(":memory:")
    yield made
    made.close()


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[Address, Record]]:
    """What each run says that it left, as it came to its outputs."""
    told: list[Mapping[Address, Record]] = []
    evaluate = oc.Deployment._output_values

    def listened(self: oc.Deployment, keyring: Keyring, records: Mapping[Address, Record]) -> dict[str, Any]:
        told.append(records)
        return evaluate(self, keyring, records)

    monkeypatch.setattr(oc.Deployment, "_output_values", listened)
    return told


def deployed(cloud: SimulatedCloud, folder: Path, **parameters: Any) -> oc.Deployment:
    return oc.Deployment(Site(**parameters), name="site", cloud=cloud, state=folder / "state.db", progress=False)


def counting(deployment: oc.Deployment) -> Counting:
    counter = Counting(deployment.store)
    deployment._store = counter  # type: ignore[assignment]
    return counter


def test_an_apply_reads_the_state_once(cloud: SimulatedCloud, tmp_path: Path) -> None:
    deployment = deployed(cloud, tmp_path)
    counter = counting(deployment)
    plan = deployment.plan()
    assert counter.loads == 1
    run = deployment.apply(plan)
    assert counter.loads == 1, "nothing was written since it was planned"
    assert run.serial == deployment.history()[0].serial
    deployment.apply()
    assert counter.loads == 2
    wider = deployed(cloud, tmp_path, servers=3, label="b")
    counter = counting(wider)
    back = wider.apply().serial, wider.rollback(to=run.serial)
    assert counter.loads == 2
    assert wider.apply(back[1]).serial > back[0]
    assert counter.loads == 2
    wider.destroy()
    assert counter.loads == 3
    assert cloud.inventory() == {}


def test_a_plan_reads_the_state_again_if_somebody_has_written(cloud: SimulatedCloud, tmp_path: Path) -> None:
    deployment = deployed(cloud, tmp_path)
    deployment.apply()
    counter = counting(deployment)
    plans = [deployment.plan(), deployment.plan(), deployment.drift()]
    assert (counter.loads, {plan.is_empty for plan in plans}) == (1, {True})
    with deployed(cloud, tmp_path, servers=3) as other:
        other.apply()
    after = deployment.plan()
    assert (counter.loads, [str(change.address) for change in after.changes]) == (2, ["web[2]"])
    with pytest.raises(oc.StalePlanError):
        deployment.apply(plans[0])


def test_a_state_whose_version_is_not_known_is_read_each_time(cloud: SimulatedCloud, tmp_path: Path) -> None:
    deployment = deployed(cloud, tmp_path)
    deployment.apply()
    counter = counting(deployment)
    counter.tells_version = False
    assert deployment.plan().is_empty
    assert deployment.plan().is_empty
    assert counter.loads == 2


def test_what_a_run_says_that_it_left_is_what_the_state_says(
    cloud: SimulatedCloud, tmp_path: Path, left: list[Mapping[Address, Record]]
) -> None:
    lives: tuple[dict[str, Any], ...] = (
        {},
        {"servers": 4, "label": "b"},
        {"servers": 1, "cidr": "10.0.2.0/24"},
        {"servers": 1, "moved": True},
        {"servers": 0, "moved": True},
    )
    serials = []
    for parameters in lives:
        with deployed(cloud, tmp_path, **parameters) as deployment:
            run = deployment.apply()
            _same(deployment, run, left[-1])
            serials.append(run.serial)
    with deployed(cloud, tmp_path) as deployment:
        run = deployment.apply(deployment.rollback(to=serials[1]))
        _same(deployment, run, left[-1])
        run = deployment.destroy()
        _same(deployment, run, left[-1])
        assert left[-1] == {}


def _same(deployment: oc.Deployment, run: oc.Run, records: Mapping[Address, Record]) -> None:
    snapshot = deployment.store.load()
    assert run.serial == snapshot.serial
    told, kept = (
        [(str(address), encode_record(one)) for address, one in all_of.items()]
        for all_of in (records, snapshot.records)
    )
    assert told == kept
    if records:
        stack = deployment.stack
        assert run.outputs == {
            name: deployment.value(getattr(stack, name)) for name in ("place", "addresses", "together")
        }
