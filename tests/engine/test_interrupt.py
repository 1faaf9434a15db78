"""Ctrl-C, once and twice, wherever it comes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import quiet, raising

import orchestra as oc
from orchestra.contracts import Store
from orchestra.events import Event, StepRetried, StepSkipped
from orchestra.state.journal import Holder, Lease
from orchestra.stores import open_store
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C as it is on a terminal: a shell that runs the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(number: int = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


class Patience:
    """A listener that lets a call go on once the run has been asked to stop."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepSkipped):
            self._stopping.set()

    def press_and_wait(self, number: int = signal.SIGINT) -> None:
        press(number)
        assert self._stopping.wait(10.0)


def settle() -> None:
    """Wait for the threads of runs that were left behind."""
    for thread in threading.enumerate():
        if thread.name.startswith("orchestra"):
            thread.join(10.0)


@pytest.mark.parametrize("number", range(14))
def test_an_interrupt_at_any_event_loses_nothing(tmp_path: Path, number: int) -> None:
    cloud = MemoryCloud(polls_until_ready=1)
    heard: list[Event] = []

    def interrupt(event: Event) -> None:
        heard.append(event)
        if len(heard) == number + 1:
            raise KeyboardInterrupt

    listening = deploy(Chain(servers=1), cloud, tmp_path, listeners=[interrupt], clock=VirtualClock())
    with pytest.raises(KeyboardInterrupt):
        listening.apply()
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 4


def test_the_first_interrupt_lets_calls_under_way_finish(tmp_path: Path) -> None:
    cloud, patience = MemoryCloud(), Patience()

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "network"):
            patience.press_and_wait()

    cloud.before = hook
    deployment = deploy(Chain(with_zone=False), cloud, tmp_path, listeners=[patience])
    with pytest.raises(KeyboardInterrupt, match="apply again"):
        deployment.apply()
    assert set(deployment.resources) == {"network"}
    assert deployment.store.load().pending == ()
    assert deployment.history()[-1].run.status.value == "interrupted"


def test_the_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    go_on, stuck, pressed_enough = threading.Event(), threading.Event(), threading.Event()

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "network"):
            press()
            stuck.set()
            go_on.wait(10.0)

    def once_more() -> None:
        stuck.wait(10.0)
        while not pressed_enough.wait(0.05):
            press()

    cloud.before = hook
    deployment = deploy(Chain(with_zone=False), cloud, tmp_path)
    impatient = threading.Thread(target=once_more)
    impatient.start()
    with pytest.raises(KeyboardInterrupt, match="twice"):
        deployment.apply()
    pressed_enough.set()
    impatient.join()
    cloud.before = quiet
    with pytest.raises(oc.LockedError):  # the call is under way: nobody else may begin
        deploy(Chain(with_zone=False), cloud, tmp_path).recover()
    go_on.set()
    settle()
    assert set(deployment.resources) == {"network"}
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 4


def test_a_call_that_would_be_tried_again_is_left_open(tmp_path: Path) -> None:
    cloud, patience = MemoryCloud(), Patience()

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "network"):
            cloud.before = quiet
            patience.press_and_wait()
            raise oc.TransientError("the connection broke")

    cloud.before = hook
    clock = VirtualClock()
    stack = Chain(servers=0, with_zone=False)
    deployment = deploy(stack, cloud, tmp_path, clock=clock, listeners=[patience])
    with pytest.raises(KeyboardInterrupt) as caught:
        deployment.apply()
    assert "0 steps are done" in str(caught.value)
    assert [intent.address for intent in deployment.store.load().pending] == ["network"]
    deployment.apply()
    assert len(cloud.things) == 2


def test_an_interrupt_is_told_as_one_even_if_steps_failed(tmp_path: Path) -> None:
    cloud, patience = MemoryCloud(), Patience()

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "network"):
            patience.press_and_wait()
            raise oc.QuotaError("no more networks")

    cloud.before = hook
    with pytest.raises(KeyboardInterrupt) as caught:
        deploy(Chain(servers=0, with_zone=False), cloud, tmp_path, listeners=[patience]).apply()
    assert isinstance(caught.value.__cause__, oc.ApplyError)
    assert "1 failed" in str(caught.value)


def test_an_interrupt_ends_a_long_pause(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "network", oc.ThrottledError("slow down", retry_after=60.0)))

    def listener(event: Event) -> None:
        if isinstance(event, StepRetried):
            threading.Timer(0.1, press).start()

    deployment = deploy(Chain(servers=0, with_zone=False), cloud, tmp_path, listeners=[listener])
    with pytest.raises(KeyboardInterrupt):
        deployment.apply()
    assert cloud.operations("create") == [("create", "network")]


def test_a_program_that_is_told_to_exit_exits_once_calls_under_way_are_recorded(tmp_path: Path) -> None:
    cloud, patience = MemoryCloud(), Patience()

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "network"):
            patience.press_and_wait(signal.SIGUSR1)

    def leave(number: int, frame: object) -> None:
        raise SystemExit(3)

    cloud.before = hook
    before = signal.signal(signal.SIGUSR1, leave)
    try:
        deployment = deploy(Chain(), cloud, tmp_path, listeners=[patience])
        with pytest.raises(SystemExit):
            deployment.apply()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert "network" in deployment.resources
    assert deployment.store.load().pending == ()


def test_an_interrupt_that_comes_as_the_run_ends_is_not_swallowed(tmp_path: Path) -> None:
    released: list[bool] = []

    class Ending:
        """A store that is interrupted while the lease is given back: nothing is left to stop then."""

        def __init__(self, store: Store) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        def release(self, lease: Lease) -> None:
            self._store.release(lease)
            released.append(True)
            press()

    deployment = deploy(Chain(servers=0), MemoryCloud(), tmp_path)
    deployment._store = Ending(deployment.store)  # type: ignore[assignment]

    def applied_and_waited() -> None:
        deployment.apply()
        threading.Event().wait(5.0)  # should the interrupt come after the run, it comes here

    with pytest.raises(KeyboardInterrupt):
        applied_and_waited()
    assert released == [True]
    assert set(deploy(Chain(servers=0), MemoryCloud(), tmp_path).resources) == {"network", "subnet", "zone"}


def test_an_interrupt_while_it_waits_for_the_lease_begins_nothing(tmp_path: Path) -> None:
    class Pressing(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 2:
                press()

    cloud, clock = MemoryCloud(), Pressing()
    opened = open_store(tmp_path / "state.db", deployment="test", clock=clock, lease_seconds=2e9)
    with contextlib.closing(opened) as other:
        other.acquire(Holder(user="bea", host="elsewhere", process=7))
        deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=clock, lock_timeout=1e9)
        with pytest.raises(KeyboardInterrupt, match="while it waited for the lease: nothing was begun"):
            deployment.apply()
    assert cloud.calls == []
    assert deployment.history() == ()


def test_an_interrupt_while_it_plans_begins_nothing_and_gives_the_lease_back(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=VirtualClock())

    def hook(operation: str, kind: str, what: str) -> None:
        if operation == "verify":
            press()

    cloud.before = hook
    with pytest.raises(KeyboardInterrupt, match="0 steps are done and recorded"):
        deployment.apply()
    cloud.before = quiet
    assert cloud.operations() == []
    deployment.apply()
    assert len(cloud.things) == 4
