"""Listing what is in a cloud: by kind, lazily, with whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from estates import SimulatedEstate

import orchestra as oc
from orchestra.adoption.discovering import kinds_of
from orchestra.contracts import Cloud, Observation


class OneNetwork(oc.Stack):
    """A network."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.9.0.0/16", labels={"env": "prod"})


@pytest.fixture
def estate() -> SimulatedEstate:
    return SimulatedEstate(oc.clouds.simulated(":memory:"))


def test_each_thing_is_told_with_its_kind_and_whose_it_is(estate: SimulatedEstate, tmp_path: Path) -> None:
    network = estate.network("shop", "10.0.0.0/16", True, {"env": "test"})
    subnet = estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {})
    with oc.Deployment(
        OneNetwork(), name="other", cloud=estate.cloud, state=tmp_path / "state.db", progress=False
    ) as other:
        other.apply()
    found = {one.external_id: one for one in estate.cloud.discover()}
    assert [one.kind for one in found.values()] == ["network.Network", "network.Network", "network.Subnet"]
    assert (found[network].name, found[network].is_managed, found[network].labels) == ("shop", False, {"env": "test"})
    assert found[network].inputs["internet"] is True
    assert found[subnet].outputs == {"available_zone": "sim-1a"}
    (mine,) = (one for one in found.values() if one.ownership is not None)
    assert mine.is_managed
    assert (mine.ownership.deployment, mine.ownership.address) == ("other", "network") if mine.ownership else False
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        mine.name = "x"  # type: ignore[misc]


def test_only_the_kinds_asked_for_are_listed(estate: SimulatedEstate) -> None:
    network = estate.network("", "10.0.0.0/16", False, {})
    estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {})
    assert [one.kind for one in oc.discover(estate.cloud, [oc.Subnet])] == ["network.Subnet"]
    assert [one.kind for one in oc.discover(estate.cloud, ["network.Network", oc.Network])] == ["network.Network"]
    assert list(oc.discover(estate.cloud, "compute.Server")) == []


def test_a_kind_that_the_cloud_cannot_do_is_refused_before_anything_is_read(estate: SimulatedEstate) -> None:
    with pytest.raises(oc.UnsupportedError, match=r"can't do compute\.Toaster") as caught:
        oc.discover(estate.cloud, ["compute.Toaster"])
    assert "compute.Server" in str(caught.value.remedy)
    assert kinds_of(oc.Cloud(storage=estate.cloud)) == (oc.Bucket, oc.Blob)


class Counted:
    """A cloud of one kind, which tells how much of its list was read."""

    name = "counted"
    kind = "network.Network"
    read = 0

    def provider(self, kind: str) -> Any:
        return self if kind == self.kind else None

    def verify(self) -> None: ...

    def list(self) -> Iterator[Observation]:
        for number in range(1000):
            self.read += 1
            yield Observation(external_id=f"net-{number}")


def test_lists_are_read_as_far_as_they_are_looked_at() -> None:
    counted = Counted()
    cloud: Cloud = counted
    found = oc.discover(cloud)
    assert counted.read == 0
    assert [next(found).external_id for _ in range(3)] == ["net-0", "net-1", "net-2"]
    assert counted.read == 3


def test_what_is_told_of_inputs_is_in_no_repr(estate: SimulatedEstate) -> None:
    network = estate.network("", "10.0.0.0/16", False, {})
    subnet = estate.subnet(network, "", "10.0.1.0/24", "sim-1a", True, {})
    estate.server("web", subnet, [], None, {})
    (server,) = estate.cloud.discover([oc.Server])
    assert "hunter2" in str(server.inputs["user_data"])
    assert "hunter2" not in repr(server)


def test_every_cloud_can_be_asked_what_is_in_it() -> None:
    made = [getattr(oc.clouds, name) for name in oc.clouds.__all__]
    clouds = [one for one in made if isinstance(one, type) and hasattr(one, "provider")]
    assert len(clouds) >= 4
    assert [one.__name__ for one in clouds if not hasattr(one, "discover")] == []
