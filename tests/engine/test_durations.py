"""How long steps take: learnt from what was done, kept from run to run, and read at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from steps import step
from trouble import killed_before

import orchestra as oc
from orchestra.engine.durations import Duration, Durations, Sample, decode, encode
from orchestra.state.journal import Operation, RunStatus
from orchestra.testing import VirtualClock

SERVER = step("web[0]", kind="compute.Server")
OTHER = step("web[1]", kind="compute.Server")
DISK = step("disk", kind="compute.Volume")


def test_what_nothing_is_known_about_is_guessed_and_the_state_alone_takes_no_time() -> None:
    assert Durations().seconds(SERVER) == 1.0
    assert Durations(usual=lambda one: 40.0).seconds(SERVER) == 40.0
    assert Durations(usual=lambda one: 40.0).seconds(step("web[0]", operation=Operation.RECORD)) == 0.0
    assert Durations().of(SERVER) is None


def test_of_a_run_the_median_counts() -> None:
    taken = [(40.0, 35.0), (42.0, 37.0), (41.0, 36.0), (600.0, 590.0)]
    known = Durations().after(Sample(SERVER, *one) for one in taken)
    assert known.of(OTHER) == Duration(41.5, 36.5, max(1.0, 36.5 / 8.0)), "whichever of its kind"
    assert known.seconds(OTHER) == 41.5
    assert known.of(DISK) is None


def test_clouds_kinds_and_operations_are_apart() -> None:
    elsewhere = step("web[0]", kind="compute.Server", cloud="two")
    deleted = step("web[0]", kind="compute.Server", operation=Operation.DELETE)
    known = Durations().after([Sample(SERVER, 1.0), Sample(elsewhere, 2.0), Sample(deleted, 3.0), Sample(DISK, 4.0)])
    assert [known.seconds(one) for one in (SERVER, elsewhere, deleted, DISK)] == [1.0, 2.0, 3.0, 4.0]


def test_later_runs_count_more_and_what_they_say_nothing_about_stays() -> None:
    known = Durations().after([Sample(SERVER, 40.0, 32.0), Sample(DISK, 5.0)])
    assert known.of(SERVER) == Duration(40.0, 32.0, 4.0)
    known = known.after([Sample(SERVER, 60.0, 52.0)])
    assert known.of(SERVER) == Duration(50.0, 42.0, 12.0), "it lay twenty from what was expected, and four did before"
    assert known.seconds(DISK) == 5.0
    for _ in range(20):
        known = known.after([Sample(SERVER, 60.0, 52.0)])
    assert known.of(SERVER) == Duration(
        pytest.approx(60.0, abs=1e-3), pytest.approx(52.0, abs=1e-3), pytest.approx(0.0, abs=1e-2)
    )


def test_what_only_changes_the_state_teaches_nothing() -> None:
    assert not Durations().after([Sample(step("web[0]", operation=Operation.RECORD), 0.1)]).known


def test_the_state_keeps_it_and_what_looks_otherwise_is_left_out() -> None:
    known = Durations().after([Sample(SERVER, 41.23456, 35.0), Sample(DISK, 5.0)])
    kept = encode(known)
    assert kept == {"one compute.Server create": [41.235, 35.0, 4.375], "one compute.Volume create": [5.0, 0.0, 0.0]}
    assert encode(decode(kept)) == kept
    wrong = {"a": [1.0, 2.0], "b": [1.0, 2.0, -3.0], "c": [float("nan"), 0.0, 0.0], "d": [1.0, 0.0, 0.0]}
    assert set(decode(wrong).known) == {"d"}


# -- from run to run


def learnt(deployment: oc.Deployment) -> dict[str, float]:
    """The seconds by sort that the last run left behind."""
    last = deployment.store.last_run()
    assert last is not None
    return {sort: values[0] for sort, values in last.durations.items()}


def test_runs_of_every_sort_hand_it_on(tmp_path: Path) -> None:
    clock = VirtualClock()
    cloud = MemoryCloud()
    cloud.after = lambda operation, kind, what: clock.advance(7.0 if kind == "compute.Server" else 2.0)
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=clock, width=1)
    deployment.apply()
    created = {
        "memory compute.Server create": 7.0,
        "memory network.Network create": 2.0,
        "memory network.Subnet create": 2.0,
        "memory dns.Zone create": 2.0,
    }
    assert learnt(deployment) == created
    cloud.put("compute.Server", "i-9", image={"id": "debian-12"}, size={"id": "small"}, subnet="subnet-2")
    larger = deploy(Chain(servers=2), cloud, tmp_path, clock=clock, width=1)
    larger.adopt("web[1]", "i-9")
    assert learnt(larger) == created, "taking something over took no call, and forgets nothing"
    larger.destroy()
    assert learnt(larger).keys() == created.keys() | {name.replace("create", "delete") for name in created}
    assert learnt(larger).items() >= created.items()


def test_a_run_that_died_forgets_nothing(tmp_path: Path) -> None:
    clock, cloud = VirtualClock(), MemoryCloud()
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=clock)
    deployment.apply()
    before = learnt(deployment)
    larger = deploy(Chain(servers=2), cloud, tmp_path, clock=clock)
    killed_before(cloud, larger, "create", "web[1]")
    assert learnt(larger).keys() == before.keys()
    again = deploy(Chain(servers=2), cloud, tmp_path, clock=clock)
    again.apply()
    assert learnt(again).keys() == before.keys()
    assert [one.run.status for one in again.history()].count(RunStatus.RUNNING) == 0
