"""Slow, inconsistent, strict or broken, as it is told to be."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
import requests
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.types import NodeState, StorageVolumeState, VolumeSnapshotState
from libcloud.loadbalancer.types import State

from orchestra.clouds.families.simulated import Behaviour, Call, SimulatedCloud
from orchestra.clouds.families.simulated.behaviour import SystemClock
from orchestra.clouds.families.simulated.kinds import KIND_NAMES
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Ownership
from orchestra.errors import CloudError, DefinitionError, QuotaError, ThrottledError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.simulated.scenery import build_site, image, size

MakeCloud = Callable[..., SimulatedCloud]


@attrs.define
class Recording:
    """Faults that only write down the calls."""

    calls: list[Call] = attrs.field(factory=list)
    answered: list[Call] = attrs.field(factory=list)

    def before(self, call: Call) -> None:
        self.calls.append(call)

    def after(self, call: Call) -> None:
        self.answered.append(call)


@attrs.define
class Failing(Recording):
    """Faults that raise for one action, before or after it happens."""

    action: str = ""
    lost: bool = False
    since: int = 0
    """How many calls of the action go well first."""

    def before(self, call: Call) -> None:
        super().before(call)
        if not self.lost:
            self._fail(call)

    def after(self, call: Call) -> None:
        super().after(call)
        if self.lost:
            self._fail(call)

    def _fail(self, call: Call) -> None:
        if call.action == self.action and [one.action for one in self.calls].count(self.action) > self.since:
            raise requests.exceptions.ReadTimeout("no answer")


def test_every_call_takes_its_time(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    driver = make_cloud(latency=0.25).drivers.compute
    driver.ex_create_network("10.0.0.0/16")
    driver.ex_list_networks()
    assert clock.slept == (0.25, 0.25)


def test_time_is_the_machine_s_unless_told_otherwise() -> None:
    clock = SystemClock()
    before, started = clock.now(), clock.monotonic()
    clock.sleep(0.0)
    assert abs(clock.now() - before) < 3600
    assert before > 1_700_000_000
    assert clock.monotonic() >= started


def test_states_go_by_the_clock(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    drivers = make_cloud(boot_seconds=30).drivers
    driver = drivers.compute
    node = driver.create_node("x", size(driver), image(driver))
    disk = driver.create_volume(1, "x")
    copy = driver.create_volume_snapshot(disk)
    balancer = drivers.balancing.create_balancer("x", 80, "tcp", None, [])

    def states() -> tuple[object, ...]:
        return (
            driver.ex_get_node(str(node.id)).state,
            driver.ex_get_volume(disk.id).state,
            driver.ex_get_snapshot(copy.id).state,
            drivers.balancing.get_balancer(balancer.id).state,
        )

    pending = (NodeState.PENDING, StorageVolumeState.CREATING, VolumeSnapshotState.CREATING, State.PENDING)
    ready = (NodeState.RUNNING, StorageVolumeState.AVAILABLE, VolumeSnapshotState.AVAILABLE, State.RUNNING)
    assert states() == pending
    clock.advance(29)
    assert states() == pending
    clock.advance(1)
    assert states() == ready


def test_server_passes_through_its_states(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    driver = make_cloud(boot_seconds=10).drivers.compute
    node = driver.create_node("x", size(driver), image(driver))

    def state() -> str:
        return str(driver.ex_get_node(str(node.id)).extra["status"])

    with pytest.raises(BaseHTTPError, match="IncorrectInstanceState"):
        driver.stop_node(node)
    clock.advance(10)
    passed = [state()]
    for act in (
        lambda: driver.stop_node(node),
        lambda: driver.start_node(node),
        lambda: driver.reboot_node(node),
        lambda: driver.ex_resize_node(str(node.id), size(driver, "large")),
    ):
        act()
        passed.append(state())
        clock.advance(10)
        passed.append(state())
    clock.advance(10)
    assert [*passed, state()] == [
        "running",
        *("stopping", "stopped"),
        *("pending", "running"),
        *("rebooting", "running"),
        *("resizing", "pending", "running"),
    ]


def test_server_shutting_down_still_uses_its_subnet(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(shutdown_seconds=40)
    driver = cloud.drivers.compute
    site = build_site(cloud)
    driver.destroy_node(site.server)
    driver.destroy_node(site.server)
    assert driver.ex_get_node(str(site.server.id)).state == NodeState.TERMINATED
    for attempt in (
        lambda: driver.ex_destroy_subnet(site.subnet.id),
        lambda: driver.ex_destroy_firewall(site.firewall.id),
    ):
        with pytest.raises(BaseHTTPError, match="DependencyViolation"):
            attempt()
    clock.advance(40)
    with pytest.raises(BaseHTTPError, match="NotFound"):
        driver.ex_get_node(str(site.server.id))
    assert driver.list_nodes() == []
    assert driver.ex_destroy_subnet(site.subnet.id)
    assert driver.ex_destroy_firewall(site.firewall.id)


def test_lists_lag_behind_writes(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    driver = make_cloud(consistency_seconds=5).drivers.compute
    network = driver.ex_create_network("10.0.0.0/16", ex_token="t")

    def listed() -> list[dict[str, str]]:
        everything = driver.ex_list_networks()
        assert driver.ex_list_networks([network.id]) == everything
        return [dict(one.tags) for one in everything]

    assert listed() == []
    assert driver.ex_list_networks(ex_token="t") == []
    assert driver.ex_get_network(network.id) == network
    assert driver.ex_create_network("10.0.0.0/16", ex_token="t") == network
    clock.advance(5)
    assert listed() == [{}]
    driver.ex_create_tags(network.id, {"a": "1"})
    clock.advance(3)
    driver.ex_create_tags(network.id, {"a": "2"})
    assert listed() == [{}]
    assert driver.ex_get_network(network.id).tags == {"a": "2"}
    clock.advance(5)
    assert listed() == [{"a": "2"}]
    driver.ex_destroy_network(network.id)
    assert listed() == [{"a": "2"}]
    with pytest.raises(BaseHTTPError, match="NotFound"):
        driver.ex_get_network(network.id)
    clock.advance(5)
    assert listed() == []


def test_look_ups_lag_where_they_are_told_to(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(look_up_seconds=2)
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16")
    with pytest.raises(BaseHTTPError, match="NotFound"):
        driver.ex_get_network(network.id)
    assert driver.ex_list_networks() == [network]
    subnet = driver.ex_create_subnet(network.id, "10.0.0.0/24")  # what changes something sees what really is
    clock.advance(2)
    assert driver.ex_get_network(network.id) == network
    driver.ex_destroy_subnet(subnet.id)
    assert driver.ex_get_subnet(subnet.id) == subnet
    assert cloud.inventory() == {"network.Network": 1}


def test_what_lists_do_not_tell_yet_is_not_gone(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(consistency_seconds=5)
    networks = cloud.provider("network.Network")
    assert networks is not None
    inputs = Inputs({"cidr": "10.0.0.0/16", "internet": False, "labels": {}})
    owner = Ownership("shop", "network", "t" * 32)
    made = networks.create(inputs, owner)
    assert networks.observe([made.external_id]).found == {made.external_id: made}
    assert networks.find(owner, inputs) is None  # the search lags, but the token brings back the same one
    assert networks.create(inputs, owner) == made
    clock.advance(5)
    networks.delete(made.external_id)
    assert networks.observe([made.external_id]).found == {made.external_id: made}
    clock.advance(5)
    assert networks.observe([made.external_id]).gone == {made.external_id}


def test_names_are_free_at_once_after_deletion(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(consistency_seconds=60)
    driver = cloud.drivers.storage
    for _ in range(3):
        bucket = driver.create_container("photos", ex_token="t")
        bucket.upload_object_via_stream(iter([b"x"]), "a").delete()
        driver.delete_container(bucket)
    assert cloud.inventory() == {}


def test_long_lists_take_several_calls(make_cloud: MakeCloud) -> None:
    faults = Recording()
    driver = make_cloud(page_size=10, faults=faults).drivers.compute
    made = [driver.ex_create_network("10.0.0.0/16").id for _ in range(25)]
    faults.calls.clear()
    assert [one.id for one in driver.ex_list_networks()] == made
    assert [call.action for call in faults.calls] == ["ex_list_networks"] * 3
    faults.calls.clear()
    assert [one.id for one in driver.ex_list_networks(made[:20])] == made[:20]
    assert len(faults.calls) in (2, 4)


def test_a_full_last_page_ends_the_list(make_cloud: MakeCloud) -> None:
    driver = make_cloud(page_size=5).drivers.compute
    made = [driver.ex_create_network("10.0.0.0/16").id for _ in range(10)]
    assert [one.id for one in driver.ex_list_networks()] == made


def test_quota(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(quotas={"network.Network": 2, "storage.Bucket": 0})
    drivers = cloud.drivers
    one = drivers.compute.ex_create_network("10.0.0.0/16")
    drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t")
    with pytest.raises(BaseHTTPError, match=r"VpcLimitExceeded: the limit of 2 for networks") as caught:
        drivers.compute.ex_create_network("10.0.0.0/16")
    assert type(translate(caught.value)) is QuotaError
    assert drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t").id != one.id
    with pytest.raises(BaseHTTPError, match="BucketLimitExceeded"):
        drivers.storage.create_container("photos")
    drivers.compute.ex_destroy_network(one.id)
    drivers.compute.ex_create_network("10.0.0.0/16")


def test_throttle(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    driver = make_cloud(requests_per_second=4).drivers.compute
    for _ in range(4):
        driver.ex_list_networks()
    with pytest.raises(BaseHTTPError, match="RequestLimitExceeded") as caught:
        driver.ex_list_networks()
    assert caught.value.code == 503
    assert type(translate(caught.value)) is ThrottledError
    clock.advance(0.25)
    driver.ex_list_networks()
    with pytest.raises(BaseHTTPError, match="RequestLimitExceeded"):
        driver.ex_list_networks()
    clock.advance(60)
    for _ in range(4):
        driver.ex_list_networks()


def test_faults_are_told_of_every_call(make_cloud: MakeCloud) -> None:
    faults = Recording()
    drivers = make_cloud(faults=faults).drivers
    network = drivers.compute.ex_create_network("10.0.0.0/16", ex_token="t")
    drivers.compute.ex_destroy_network(network.id)
    drivers.dns.list_zones()
    assert faults.calls == [
        Call(service="network", action="ex_create_network", token="t"),
        Call(service="network", action="ex_destroy_network", id=network.id),
        Call(service="dns", action="list_zones"),
    ]
    assert faults.answered == faults.calls


def test_call_that_never_arrives(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(faults=Failing(action="ex_create_network"))
    with pytest.raises(requests.exceptions.ReadTimeout):
        cloud.drivers.compute.ex_create_network("10.0.0.0/16")
    assert cloud.inventory() == {}


def test_lost_answer(make_cloud: MakeCloud) -> None:
    faults = Failing(action="ex_create_network", lost=True)
    cloud = make_cloud(faults=faults)
    networks = cloud.provider("network.Network")
    assert networks is not None
    inputs = Inputs({"cidr": "10.0.0.0/16", "internet": False, "labels": {}})
    owner = Ownership("shop", "network", "t" * 32)
    with pytest.raises(TransientError) as caught:
        networks.create(inputs, owner)
    assert caught.value.sent
    assert cloud.inventory() == {"network.Network": 1}
    faults.action = ""
    found = networks.find(owner, inputs)
    assert found is not None
    assert networks.create(inputs, owner) == found
    assert cloud.inventory() == {"network.Network": 1}


def test_list_cut_short_is_not_gone(make_cloud: MakeCloud) -> None:
    faults = Failing()
    cloud = make_cloud(page_size=2, faults=faults)
    ids = [cloud.drivers.compute.ex_create_network("10.0.0.0/16").id for _ in range(5)]
    faults.action, faults.since = "ex_list_networks", 1
    networks = cloud.provider("network.Network")
    assert networks is not None
    reading = networks.observe(ids)
    assert (list(reading.found), reading.gone, list(reading.unread)) == (ids[:2], frozenset(), ids[2:])


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"latency": -1}, "latency=-1"),
        ({"boot_seconds": -0.1}, "boot_seconds=-0.1"),
        ({"shutdown_seconds": -1}, "shutdown_seconds=-1"),
        ({"consistency_seconds": -1}, "consistency_seconds=-1"),
        ({"look_up_seconds": -1}, "look_up_seconds=-1"),
        ({"requests_per_second": 0}, "requests_per_second=0"),
        ({"page_size": 0}, "page_size=0"),
        ({"quotas": {"compute.Server": -1}}, r"quotas\['compute.Server'\]=-1"),
        ({"quotas": {"Server": 1}}, r"quotas\['Server'\]: no such kind"),
    ],
)
def test_senseless_behaviour_is_refused(given: dict[str, object], named: str) -> None:
    with pytest.raises(DefinitionError, match=named):
        Behaviour(**given)  # type: ignore[arg-type]


def test_all_senseless_values_are_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        Behaviour(latency=-1, page_size=0)
    assert len(caught.value.faults) == 2


def test_every_kind_can_have_a_quota(make_cloud: MakeCloud) -> None:
    cloud = make_cloud(quotas=dict.fromkeys(KIND_NAMES, 0))
    drivers = cloud.drivers
    with pytest.raises(BaseHTTPError) as caught:
        drivers.dns.create_zone("a.example")
    assert isinstance(translate(caught.value), CloudError)
