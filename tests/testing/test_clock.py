"""Clocks for tests."""

from __future__ import annotations

import threading

import pytest

import orchestra as oc
from orchestra.contracts import Clock
from orchestra.testing import SkewedClock, VirtualClock


def test_sleeping_takes_no_time_and_moves_the_clock() -> None:
    clock = VirtualClock(start=100.0)
    clock.sleep(86_400.0)
    clock.advance(5.0)
    clock.sleep(-1.0)
    assert (clock.now(), clock.monotonic(), clock.slept) == (86_505.0, 86_505.0, (86_400.0, -1.0))
    assert repr(clock) == "VirtualClock(86505.0)"


def test_several_threads_sleep_one_after_the_other() -> None:
    clock = VirtualClock(start=0.0)
    threads = [threading.Thread(target=clock.sleep, args=(1.0,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == 20.0


def test_a_wrong_clock_is_wrong_by_what_it_was_told() -> None:
    true = VirtualClock(start=1000.0)
    clock: Clock = SkewedClock(true, ahead=-60.0, rate=2.0)
    assert clock.now() == 940.0
    clock.sleep(10.0)
    assert (true.now(), clock.now(), clock.monotonic()) == (1010.0, 960.0, 1010.0)


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        SkewedClock(VirtualClock(), rate=0.0)


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_a_cloud_whose_clock_is_wrong_changes_nothing(ahead: float) -> None:
    class Disks(oc.Stack):
        def build(self) -> None:
            self.volume = oc.Volume(size_gib=1, zone="sim-1a")

    clock = VirtualClock()
    cloud = oc.clouds.simulated(
        ":memory:", behaviour=oc.clouds.Behaviour(boot_seconds=60.0), clock=SkewedClock(clock, ahead=ahead)
    )
    with oc.Deployment(
        Disks(), name="disks", cloud=cloud, state="sqlite://:memory:", clock=clock, progress=False
    ) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        deployment.destroy()
    assert cloud.inventory() == {}
