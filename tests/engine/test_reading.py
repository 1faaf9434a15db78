"""A kind is read in parts of a page, side by side, and no page is read twice because another one was refused."""

from __future__ import annotations

import collections
import threading
from collections.abc import Sequence
from pathlib import Path

from memory_cloud import MemoryCloud, MemoryProvider
from stacks import Chain, deploy

import orchestra as oc
from orchestra.clouds.families.simulated.behaviour import Behaviour, Call
from orchestra.contracts import Capabilities, Provider, Reading
from orchestra.testing import VirtualClock

PAGE = 10


class PagedProvider(MemoryProvider):
    """Tells of ten with one call."""

    def __init__(self, cloud: MemoryCloud, kind: str) -> None:
        super().__init__(cloud, kind)
        self.capabilities = Capabilities(batch=PAGE)

    def observe(self, ids: Sequence[str]) -> Reading:
        assert len(ids) <= PAGE
        return super().observe(ids)


class PagedCloud(MemoryCloud):
    def provider(self, kind: str) -> Provider:
        return PagedProvider(self, kind)


def test_parts_of_a_kind_and_kinds_are_read_side_by_side(tmp_path: Path) -> None:
    cloud = PagedCloud()
    with deploy(Chain(servers=25), cloud, tmp_path) as deployment:
        deployment.apply()
        cloud.calls.clear()
        everyone = threading.Barrier(3 + 3, timeout=60)  # servers in three parts, a network, a subnet, a zone

        def before(operation: str, kind: str, what: str) -> None:
            if operation == "observe":
                everyone.wait()

        cloud.before = before
        assert deployment.plan().is_empty
    sizes = [len(ids.split(",")) for operation, kind, ids in cloud.calls if kind == "compute.Server"]
    assert sorted(sizes) == [5, 10, 10]


def test_no_more_parts_are_read_at_once_than_the_width(tmp_path: Path) -> None:
    cloud = PagedCloud()
    with deploy(Chain(servers=95), cloud, tmp_path, width=2) as deployment:
        deployment.apply()
        threads = set()

        def before(operation: str, kind: str, what: str) -> None:
            if operation == "observe":
                threads.add(threading.get_ident())

        cloud.before = before
        assert deployment.plan().is_empty
    assert 1 <= len(threads) <= 2


class Answered:
    """Counts the calls that the cloud didn't refuse as too many."""

    def __init__(self) -> None:
        self.calls: collections.Counter[str] = collections.Counter()

    def before(self, call: Call) -> None:
        self.calls[call.action] += 1

    def after(self, call: Call) -> None:
        pass


class Servers(oc.Stack):
    """Servers in a network."""

    count: int

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/20")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.servers = [oc.Server(image=image, size=size, subnet=self.subnet) for _ in range(self.count)]


def test_a_throttled_list_goes_on_from_the_page_that_was_refused(tmp_path: Path) -> None:
    clock = VirtualClock()
    made = oc.clouds.simulated(tmp_path / "cloud.db", clock=clock)
    with deploy(Servers(count=200), made, tmp_path, clock=clock) as deployment:
        deployment.apply()
    made.close()
    answered = Answered()
    behaviour = Behaviour(page_size=PAGE, requests_per_second=5, faults=answered)
    busy = oc.clouds.simulated(tmp_path / "cloud.db", clock=clock, behaviour=behaviour)
    began = clock.now()
    with deploy(Servers(count=200), busy, tmp_path, clock=clock) as deployment:
        assert deployment.plan().is_empty
    busy.close()
    assert clock.now() > began, "it was throttled"
    assert answered.calls == {
        "list_locations": 1,
        "ex_list_networks": 1,
        "ex_list_subnets": 1,
        "list_nodes": 200 / PAGE,
    }
