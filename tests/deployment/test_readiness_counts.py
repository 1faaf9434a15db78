"""Waiting until many are ready takes one list for a poll, and nobody who waits holds a thread. Counted, not timed."""

from __future__ import annotations

import collections
import threading
from pathlib import Path

import attrs
import pytest

import orchestra as oc
from orchestra.clouds.families.simulated.behaviour import Behaviour, Call
from orchestra.testing import VirtualClock

SIZES = (20, 200)
BOOT = 60.0
MOST_POLLS = 60
"""A boot of a minute takes 30 looks, which come further apart the longer it takes."""


class Servers(oc.Stack):
    """Servers in one network."""

    count: int

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", internet=False)
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/20")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.servers = [oc.Server(image=image, size=size, subnet=self.subnet) for _ in range(self.count)]


class Watching:
    """`Faults` of the simulated cloud that count calls, and the threads that there are for calls while it is asked."""

    def __init__(self) -> None:
        self.calls: collections.Counter[str] = collections.Counter()
        self.threads = 0
        self._lock = threading.Lock()

    def before(self, call: Call) -> None:
        there = sum(thread.name.startswith("orchestra-call") for thread in threading.enumerate())
        with self._lock:
            self.calls[call.action] += 1
            self.threads = max(self.threads, there)

    def after(self, call: Call) -> None:
        pass


@attrs.frozen
class Waited:
    calls: collections.Counter[str]
    threads: int
    seconds: float


def waited(folder: Path, size: int, width: int) -> Waited:
    """What it took to make ``size`` servers and to wait for them."""
    clock, watching = VirtualClock(), Watching()
    behaviour = Behaviour(boot_seconds=BOOT, faults=watching)
    cloud = oc.clouds.simulated(":memory:", behaviour=behaviour, clock=clock)
    state = folder / f"{size}-{width}.db"
    with oc.Deployment(
        Servers(count=size), name="fleet", cloud=cloud, state=state, clock=clock, width=width, progress=False
    ) as deployment:
        plan = deployment.plan()
        watching.calls.clear()
        began = clock.now()
        deployment.apply(plan)
        seconds = clock.now() - began
        calls = watching.calls.copy()
        assert deployment.plan().is_empty
    cloud.close()
    return Waited(calls, watching.threads, seconds)


@pytest.mark.parametrize("width", [1, 16])
def test_polls_are_lists_of_the_kind_however_many_wait(tmp_path: Path, width: int) -> None:
    few, many = (waited(tmp_path, size, width) for size in SIZES)
    for size, spent in zip(SIZES, (few, many), strict=True):
        calls = dict(spent.calls)
        assert 1 <= calls.pop("list_nodes") <= MOST_POLLS
        assert calls == {"ex_create_network": 1, "ex_create_subnet": 1, "create_node": size}
    assert abs(few.calls["list_nodes"] - many.calls["list_nodes"]) <= MOST_POLLS // 10


@pytest.mark.parametrize("width", [1, 16])
def test_who_waits_holds_no_thread(tmp_path: Path, width: int) -> None:
    spent = waited(tmp_path, SIZES[-1], width)
    assert spent.threads <= width
    assert BOOT <= spent.seconds <= 1.25 * BOOT, "all boot at the same time, also where one thread makes all calls"
