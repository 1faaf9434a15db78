"""A cloud that is at something and not done: it is asked again until the step's timeout, and nothing has failed."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import always, causes, quiet

import orchestra as oc
from orchestra.display.progress import line_of, plain_lines
from orchestra.engine import retry
from orchestra.engine.waiting import SLOWEST_POLL
from orchestra.events import Event, StepAwaited, StepBegan, StepRetried
from orchestra.state.journal import Holder
from orchestra.testing import Fault, Script, Trouble, VirtualClock

pytestmark = pytest.mark.timeout(20)

START = 1_700_000_000.0
Hook = Callable[[str, str, str], None]


def times(number: int, operation: str, address: str, error: Callable[[int], BaseException]) -> Hook:
    """Raises ``error`` the first ``number`` times that (operation, address) comes up; it gets how often it did."""
    seen: list[str] = []

    def hook(now: str, kind: str, what: str) -> None:
        if (now, what) == (operation, address) and len(seen) < number:
            seen.append(what)
            raise error(len(seen))

    return hook


def busy(_: int = 0) -> oc.InProgressError:
    return oc.InProgressError("the disk is being copied")


def attempts(run: oc.Run, address: str) -> int:
    return next(step.attempts for step in run.steps if step.address == address)


@pytest.mark.parametrize("width", [1, 16])
def test_what_the_simulated_cloud_is_at_for_long_is_done_in_one_attempt(tmp_path: Path, width: int) -> None:
    script, clock, heard = Script([Fault(Trouble.IN_PROGRESS, action="create_node", calls=30)]), VirtualClock(), []
    cloud = oc.clouds.simulated(":memory:", behaviour=oc.clouds.Behaviour(faults=script), clock=clock)

    class One(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
            self.web = oc.Server(image=image, size=size, subnet=self.subnet)

    one = deploy(One(), cloud, tmp_path, clock=clock, width=width, listeners=[heard.append])
    run = one.apply()
    assert run.succeeded
    assert len(script.log) == 30
    assert attempts(run, "web") == 1
    assert [event.attempt for event in heard if isinstance(event, StepBegan) and event.address == "web"] == [1]
    told = [event for event in heard if isinstance(event, StepAwaited)]
    assert [(event.address, event.operation) for event in told] == [("web", "create")], "told once, not thirty times"
    assert "not done yet" in told[0].detail
    assert not [event for event in heard if isinstance(event, StepRetried)]
    assert max(clock.slept) <= SLOWEST_POLL
    assert one.plan().is_empty
    assert len(list(cloud.provider("compute.Server").list())) == 1  # type: ignore[union-attr]
    one.close()


def test_what_is_begun_is_gone_on_with_under_one_token(tmp_path: Path) -> None:
    """The first call has made it, and each later one finds it; the answer comes with the thirty-first."""
    cloud, clock = MemoryCloud(), VirtualClock()
    cloud.after = times(30, "create", "web[0]", busy)
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=clock)
    run = deployment.apply()
    assert cloud.operations("create").count(("create", "web[0]")) == 31
    assert attempts(run, "web[0]") == 1
    assert len(cloud.things) == 4
    assert deployment.plan().is_empty


def test_it_costs_nothing_of_what_failures_may() -> None:
    error = busy()
    assert isinstance(error, oc.TransientError)
    assert error.retryable
    assert not retry.is_budgeted(error)
    assert all(retry.again(error, operation, 1_000_000) for operation in retry.Operation)


def test_many_that_wait_leave_the_budget_for_those_that_fail(tmp_path: Path) -> None:
    """A hundred repetitions are what a budget has: here are many more, and then a failure that is tried again."""
    cloud, clock, seen = MemoryCloud(), VirtualClock(), dict[str, int]()

    def before(operation: str, kind: str, what: str) -> None:
        if operation != "create" or kind != "compute.Server":
            return
        seen[what] = seen.get(what, 0) + 1
        if seen[what] <= 10:
            raise busy()
        if seen[what] == 11:
            raise oc.TransientError("reset")

    cloud.before = before
    deployment = deploy(Chain(servers=60), cloud, tmp_path, clock=clock, width=1)
    run = deployment.apply()
    assert run.succeeded
    assert {step.attempts for step in run.steps if step.address.startswith("web")} == {2}


def test_failures_in_between_count_and_waiting_does_not(tmp_path: Path) -> None:
    cloud, clock, heard = MemoryCloud(), VirtualClock(), []
    cloud.before = times(
        10**6, "create", "zone", lambda number: busy() if number % 3 else oc.TransientError(f"reset {number}")
    )
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=clock, listeners=[heard.append])
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"zone": oc.TransientError}
    assert cloud.operations("create").count(("create", "zone")) == 3 * retry.ATTEMPTS
    assert [event.attempt for event in heard if isinstance(event, StepRetried)] == list(range(1, retry.ATTEMPTS))
    began = [event.attempt for event in heard if isinstance(event, StepBegan) and event.address == "zone"]
    assert began == list(range(1, retry.ATTEMPTS + 1))


def test_the_pauses_are_those_between_looks_and_what_the_cloud_says(tmp_path: Path) -> None:
    cloud, clock, at = MemoryCloud(), VirtualClock(), list[float]()

    def before(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "zone"):
            at.append(clock.now() - START)
            if len(at) <= 40:
                raise oc.InProgressError("still", retry_after=7.0 if len(at) == 40 else None)

    cloud.before = before
    deploy(Chain(servers=0), cloud, tmp_path, clock=clock).apply()
    pauses = [after - before for before, after in itertools.pairwise(at)]
    assert pauses[0] == pytest.approx(1.0)
    assert pauses[:39] == sorted(pauses[:39]), "they come further apart the longer it takes"
    assert max(pauses) <= SLOWEST_POLL + 1e-6
    assert pauses[39] >= 7.0


def test_at_the_timeout_it_is_asked_once_more_and_not_ready(tmp_path: Path) -> None:
    cloud, clock, at = MemoryCloud(), VirtualClock(), list[float]()

    def before(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "web[0]"):
            at.append(clock.now() - START)
            raise oc.InProgressError("the disk is being copied", code="Busy")

    cloud.before = before
    rules = oc.Lifecycle(create_timeout=100.0)
    deployment = deploy(Chain(servers=1, lifecycle=rules), cloud, tmp_path, clock=clock)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    failed: Any = caught.value.exceptions[0]
    assert str(failed) == (
        "web[0]: it did not become ready: after 100 s it is still in progress: the disk is being copied\n"
        "  to do: look at it in the cloud; the next plan goes on from what it finds there. "
        "If it only takes longer, raise Lifecycle(create_timeout=…, update_timeout=…, delete_timeout=…)"
    )
    assert isinstance(failed, oc.NotReadyError)
    assert isinstance(failed.__cause__, oc.InProgressError)
    assert failed.code == "Busy"
    assert at[-1] == pytest.approx(100.0, abs=1.0)
    cloud.before = quiet
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 4


def test_a_deletion_in_progress_did_not_become_deleted(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=clock)
    deployment.apply()
    cloud.before = always("delete", "zone", busy)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.destroy()
    assert str(caught.value.exceptions[0]).startswith(
        "zone: it did not become deleted: after 600 s it is still in progress: the disk is being copied"
    )
    cloud.before = times(30, "delete", "zone", busy)
    deployment.destroy()
    assert not cloud.things


def test_an_update_in_progress_goes_on_until_it_is_done(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    deploy(Chain(servers=1), cloud, tmp_path, clock=clock).apply()
    cloud.before = times(30, "update", "web[0]", busy)
    deployment = deploy(Chain(servers=1, env="new"), cloud, tmp_path, clock=clock)
    run = deployment.apply()
    assert attempts(run, "web[0]") == 1
    assert cloud.at("web[0]").inputs["labels"] == {"env": "new"}
    assert deployment.plan().is_empty


@pytest.mark.parametrize("made", [False, True])
def test_an_interrupt_while_it_waits_loses_and_doubles_nothing(tmp_path: Path, made: bool) -> None:
    cloud, clock, waits = MemoryCloud(), VirtualClock(), list[Event]()

    def interrupt(event: Event) -> None:
        if isinstance(event, StepAwaited):
            waits.append(event)
            if len(waits) == 5:
                raise KeyboardInterrupt

    hook = times(30, "create", "web[0]", lambda number: oc.InProgressError(f"{number} of 30 parts are there"))
    setattr(cloud, "after" if made else "before", hook)
    with pytest.raises(KeyboardInterrupt, match="apply again"):
        deploy(Chain(servers=1), cloud, tmp_path, clock=clock, listeners=[interrupt]).apply()
    assert cloud.operations("create").count(("create", "web[0]")) == 5, "nothing is begun any more"
    cloud.before = cloud.after = quiet
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=clock)
    assert [intent.address for intent in deployment.store.load().pending] == ["web[0]"], "it is open, and looked for"
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 4


def test_whoever_loses_the_lease_while_it_waits_calls_nothing_more(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    other = deploy(Chain(servers=1), cloud, tmp_path, clock=clock)
    calls: list[str] = []

    def before(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "web[0]"):
            calls.append(what)
            if len(calls) == 5:
                other.store.break_lease(Holder(user="grace", host="there", process=2))
            raise busy()

    cloud.before = before
    deployment = deploy(Chain(servers=1, with_zone=False), cloud, tmp_path, clock=clock)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert [type(one) for one in caught.value.exceptions] == [oc.LeaseLostError]
    assert len(calls) == 5
    cloud.before = quiet
    other.apply()
    assert other.plan().is_empty
    assert len(cloud.things) == 4


def test_it_is_shown_as_waiting_each_time_that_the_cloud_says_something_else(tmp_path: Path) -> None:
    cloud, clock, stream = MemoryCloud(), VirtualClock(), io.StringIO()
    cloud.before = times(30, "create", "zone", lambda number: oc.InProgressError(f"part {number // 11 + 1} of 3\nmore"))
    deploy(Chain(servers=0), cloud, tmp_path, clock=clock, listeners=[plain_lines(stream)]).apply()
    lines = [line.strip() for line in stream.getvalue().splitlines() if "zone" in line]
    assert lines[0] == "zone: create began"
    assert [line.rpartition(": ")[2] for line in lines[1:-1]] == ["part 1 of 3", "part 2 of 3", "part 3 of 3"]
    assert lines[1] == "zone: create waiting, asked again in 1.0 s: part 1 of 3"
    assert lines[-1].startswith("zone: create done")
    assert line_of(StepAwaited(at=0.0, run="r", address="a", operation="create", delay=2.0, detail="x"))
