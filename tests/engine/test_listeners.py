"""Events: in order, after the fact, and no listener can do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import raising

import orchestra as oc
from orchestra.errors import ExceptionGroup  # type: ignore[attr-defined]
from orchestra.events import Event, StepBegan
from orchestra.state.journal import Phase

pytestmark = pytest.mark.timeout(20)


def test_a_listener_that_raises_stops_nothing_and_is_told_after_the_run(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    heard: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError(f"the listener failed at {type(event).__name__}")

    deployment = deploy(Chain(), cloud, tmp_path, listeners=[broken, heard.append])
    with pytest.raises(RuntimeError, match="failed at RunStarted"):
        deployment.apply()
    assert len(cloud.things) == 5
    assert deployment.plan().is_empty
    assert type(heard[0]).__name__ == "RunStarted"
    assert type(heard[-1]).__name__ == "RunFinished"
    assert deployment.history()[-1].run.status.value == "succeeded"


def test_a_listener_that_raises_is_told_beside_the_steps_that_failed(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "zone", oc.QuotaError("no more zones")))

    def broken(event: Event) -> None:
        raise RuntimeError("the listener failed")

    with pytest.raises(oc.ApplyError) as caught:
        deploy(Chain(), cloud, tmp_path, listeners=[broken]).apply()
    assert [type(cause) for cause in caught.value.exceptions] == [oc.QuotaError, RuntimeError]


def test_two_listeners_that_raise_come_in_one_group(tmp_path: Path) -> None:
    def one(event: Event) -> None:
        raise RuntimeError("one")

    def other(event: Event) -> None:
        raise LookupError("other")

    with pytest.raises(ExceptionGroup) as caught:
        deploy(Chain(), MemoryCloud(), tmp_path, listeners=[one, other]).apply()
    assert [type(cause) for cause in caught.value.exceptions] == [RuntimeError, LookupError]


def test_a_step_is_told_as_begun_once_its_intent_is_written(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    unwritten: list[str] = []

    def check(event: Event) -> None:
        if isinstance(event, StepBegan):
            begun = [one.address for one in deployment.store.journal(event.run) if one.phase is Phase.BEGUN]
            if event.address not in begun:
                unwritten.append(event.address)

    deployment = deploy(Chain(), cloud, tmp_path, listeners=[check])
    deployment.apply()
    deployment.destroy()
    assert unwritten == []
