"""Faults that bend calls: late, failed afterwards, lists cut short, requests that arrive twice."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.types import NodeState, StorageVolumeState, VolumeSnapshotState
from libcloud.loadbalancer.types import State

from orchestra.clouds.families.simulated import Behaviour, Call, Distortions, Fate, SimulatedCloud
from orchestra.contracts import Status
from orchestra.testing import VirtualClock
from tests.clouds.simulated.scenery import image, size

MakeCloud = Callable[..., SimulatedCloud]


@attrs.define
class Bending:
    """Does to every call what it is told to."""

    seconds: float = 0.0
    becomes: Fate = attrs.field(factory=Fate)
    most: int = 1000
    twice: str = ""
    calls: list[Call] = attrs.field(factory=list)

    def before(self, call: Call) -> None:
        self.calls.append(call)

    def after(self, call: Call) -> None:
        pass

    def delay(self, call: Call) -> float:
        return self.seconds

    def fate(self, call: Call) -> Fate:
        assert call == self.calls[-1]
        return self.becomes

    def shown(self, call: Call, number: int) -> int:
        assert call == self.calls[-1]
        return min(self.most, number)

    def repeats(self, action: str) -> bool:
        return action == self.twice


def test_bending_is_seen_by_its_methods() -> None:
    assert isinstance(Bending(), Distortions)
    assert Behaviour(faults=Bending()).faults is not None


def test_calls_take_longer(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    driver = make_cloud(latency=0.25, faults=Bending(seconds=1.5)).drivers.compute
    driver.ex_list_networks()
    assert clock.slept == (0.25, 1.5)


def test_what_is_late_stays_pending(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(boot_seconds=30, faults=Bending(becomes=Fate(late=100)))
    driver = cloud.drivers.compute
    node = driver.create_node("x", size(driver), image(driver))
    clock.advance(129)
    assert driver.ex_get_node(str(node.id)).state == NodeState.PENDING
    clock.advance(1)
    assert driver.ex_get_node(str(node.id)).state == NodeState.RUNNING


def test_what_failed_after_it_was_accepted_says_so_and_can_be_deleted(
    make_cloud: MakeCloud, clock: VirtualClock
) -> None:
    cloud = make_cloud(boot_seconds=30, faults=Bending(becomes=Fate(failed=True)))
    drivers = cloud.drivers
    driver = drivers.compute
    node = driver.create_node("x", size(driver), image(driver))
    disk = driver.create_volume(1, "x")
    copy = driver.create_volume_snapshot(disk)
    balancer = drivers.balancing.create_balancer("x", 80, "tcp", None, [])
    assert driver.ex_get_node(str(node.id)).state == NodeState.PENDING
    clock.advance(30)
    assert driver.ex_get_node(str(node.id)).state == NodeState.ERROR
    assert driver.ex_get_volume(disk.id).state == StorageVolumeState.ERROR
    assert driver.ex_get_snapshot(copy.id).state == VolumeSnapshotState.ERROR
    assert drivers.balancing.get_balancer(balancer.id).state == State.ERROR
    for kind in ("compute.Server", "compute.Volume", "compute.Snapshot", "balancing.LoadBalancer"):
        provider = cloud.provider(kind)
        assert provider is not None
        [one] = provider.list()
        assert (one.status, one.detail) == (Status.FAILED, "failed")
        provider.delete(one.external_id)
    assert cloud.inventory() == {}


def test_resizing_may_fail(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    faults = Bending()
    driver = make_cloud(faults=faults).drivers.compute
    node = driver.create_node("x", size(driver), image(driver))
    faults.becomes = Fate(failed=True)
    driver.ex_resize_node(str(node.id), size(driver, "large"))
    assert driver.ex_get_node(str(node.id)).extra["status"] == "failed"
    with pytest.raises(BaseHTTPError, match="IncorrectInstanceState"):
        driver.ex_resize_node(str(node.id), size(driver, "small"))


def test_an_image_may_fail_after_it_was_accepted(make_cloud: MakeCloud) -> None:
    faults = Bending()
    cloud = make_cloud(faults=faults)
    driver = cloud.drivers.compute
    node = driver.create_node("x", size(driver), image(driver))
    faults.becomes = Fate(failed=True)
    driver.create_image(node, "golden")
    provider = cloud.provider("compute.CustomImage")
    assert provider is not None
    [one] = provider.list()
    assert (one.status, one.detail) == (Status.FAILED, "failed")


@pytest.mark.parametrize(("most", "told"), [(0, 0), (1, 1), (2, 2), (3, 8)])
def test_a_list_cut_short_looks_complete(make_cloud: MakeCloud, most: int, told: int) -> None:
    faults = Bending()
    driver = make_cloud(page_size=3, faults=faults).drivers.compute
    for _ in range(8):
        driver.ex_create_network("10.0.0.0/16")
    faults.most = most
    faults.calls.clear()
    assert len(driver.ex_list_networks()) == told
    assert len(faults.calls) == (1 if most < 3 else 3)


def test_what_a_short_list_leaves_out_is_not_gone(make_cloud: MakeCloud) -> None:
    faults = Bending()
    cloud = make_cloud(faults=faults)
    ids = {cloud.drivers.compute.ex_create_network("10.0.0.0/16").id for _ in range(3)}
    faults.most = 1
    networks = cloud.provider("network.Network")
    assert networks is not None
    reading = networks.observe(sorted(ids))
    assert (set(reading.found), reading.gone, dict(reading.unread)) == (ids, frozenset(), {})


def test_requests_that_arrive_twice_under_a_token_make_one_thing(make_cloud: MakeCloud) -> None:
    faults = Bending(twice="ex_create_network")
    cloud = make_cloud(faults=faults)
    cloud.drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t")
    assert cloud.inventory() == {"network.Network": 1}
    assert [call.action for call in faults.calls] == ["ex_create_network"] * 2
    cloud.drivers.compute.ex_create_network("10.0.0.0/16")
    assert cloud.inventory() == {"network.Network": 3}


def test_the_second_answer_reaches_the_caller(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(faults=Bending(twice="ex_destroy_network"))
    network = cloud.drivers.compute.ex_create_network("10.0.0.0/16")
    with pytest.raises(BaseHTTPError, match="NotFound"):
        cloud.drivers.compute.ex_destroy_network(network.id)
    assert cloud.inventory() == {}


def test_a_body_arrives_whole_twice(make_cloud: MakeCloud) -> None:
    drivers = make_cloud(faults=Bending(twice="upload_object_via_stream")).drivers
    bucket = drivers.storage.create_container("photos")
    drivers.storage.upload_object_via_stream(iter([b"one", b"two"]), bucket, "a")
    assert b"".join(drivers.storage.download_object_as_stream(drivers.storage.get_object("photos", "a"))) == b"onetwo"
