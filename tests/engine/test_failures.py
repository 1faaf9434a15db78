"""What goes wrong in providers and stores: nothing hangs, nothing is lost, everything is told."""

from __future__ import annotations

import threading
from pathlib import Path

import attrs
import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import Killed, causes, quiet, raising

import orchestra as oc
from orchestra.contracts import Observation
from orchestra.state.journal import Phase
from orchestra.state.records import Condition
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)


def test_a_fault_while_waiting_fails_its_step_only(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=1)

    def told(observation: Observation) -> Observation:
        if observation.external_id.startswith("zone") and observation.outputs:
            return attrs.evolve(observation, outputs={"name_servers": object()})  # type: ignore[dict-item]
        return observation

    cloud.told = told
    deployment = deploy(Chain(), cloud, tmp_path, clock=VirtualClock())
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"zone": oc.InternalError}
    assert deployment.resources["zone"].condition is Condition.TAINTED  # type: ignore[index]
    assert set(deployment.resources) == {"network", "subnet", "web[0]", "web[1]", "zone"}


def test_an_output_that_can_not_be_kept_loses_no_resource(tmp_path: Path) -> None:
    cloud = MemoryCloud()

    def told(observation: Observation) -> Observation:
        bad = observation.external_id.startswith("zone")
        return attrs.evolve(observation, outputs={"name_servers": "\ud800"}) if bad else observation

    cloud.told = told
    deployment = deploy(Chain(servers=0), cloud, tmp_path)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"zone": oc.InternalError}
    assert deployment.resources["zone"].external_id == cloud.at("zone").external_id  # type: ignore[index]
    cloud.told = lambda observation: observation
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 3


def test_what_ends_a_thread_ends_the_run_once_the_others_are_through(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "zone", Killed()))
    deployment = deploy(Chain(servers=0), cloud, tmp_path)
    with pytest.raises(Killed):
        deployment.apply()
    snapshot = deployment.store.load()
    assert [intent.address for intent in snapshot.pending] == ["zone"]
    assert set(snapshot.records) <= {"network", "subnet"}
    assert {thing.owner.address for thing in cloud.things.values()} == set(snapshot.records)
    assert deployment.history()[-1].run.status.value == "failed"


def test_an_error_without_a_message_is_told(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "zone", AssertionError()))
    deployment = deploy(Chain(servers=0), cloud, tmp_path)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert "zone: the provider of dns.Zone raised AssertionError" in str(caught.value)
    assert set(deployment.resources) == {"network", "subnet"}


def test_a_fault_while_a_failure_is_looked_into_leaves_the_call_open(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "zone", KeyError("a")), ("find", "zone", KeyError("b")))
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=VirtualClock())
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"zone": oc.InternalError}
    assert [intent.address for intent in deployment.store.load().pending] == ["zone"]
    deployment.apply()
    assert deployment.plan().is_empty
    assert deployment.store.load().pending == ()
    assert len(cloud.things) == 3


def test_other_steps_go_on_while_a_failure_is_looked_into(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    subnet_made = threading.Event()
    waited: list[bool] = []

    def hook(operation: str, kind: str, what: str) -> None:
        if (operation, what) == ("create", "zone"):
            raise oc.InvalidRequestError("no")
        if (operation, what) == ("find", "zone"):
            waited.append(subnet_made.wait(5.0))
        if (operation, what) == ("create", "subnet"):
            subnet_made.set()
        if (operation, what) == ("create", "network"):
            threading.Event().wait(0.05)  # the zone fails first

    cloud.before = hook
    with pytest.raises(oc.ApplyError):
        deploy(Chain(servers=0), cloud, tmp_path).apply()
    assert waited == [True]


def test_a_fault_after_the_call_is_settled_by_the_next_plan(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(settling=10.0), VirtualClock()
    cloud.after = raising(("create", "zone", KeyError("the answer has no id")))
    cloud.sees = lambda thing: clock.now() > 1_700_000_003.0  # lists show it only after three seconds
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=clock)
    with pytest.raises(oc.ApplyError):
        deployment.apply()
    zone = cloud.at("zone").external_id
    deployment.apply()
    assert cloud.at("zone").external_id == zone == deployment.resources["zone"].external_id  # type: ignore[index]
    assert deployment.plan().is_empty


@pytest.mark.parametrize(
    "error", [oc.InUseError("attached elsewhere"), oc.QuotaError("no more"), oc.NotFoundError("no such image")]
)
def test_a_refused_creation_leaves_nothing_open(tmp_path: Path, error: oc.CloudError) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "zone", error))
    deployment = deploy(Chain(servers=0), cloud, tmp_path)
    with pytest.raises(oc.ApplyError):
        deployment.apply()
    assert deployment.store.load().pending == ()
    phases = [entry.phase for entry in deployment.store.journal() if entry.address == "zone"]
    assert phases == [Phase.BEGUN, Phase.FAILED]


def test_what_a_refused_creation_left_half_made_is_kept_in_mind(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.after = raising(("create", "zone", oc.ConflictError("its second request was refused")))
    deployment = deploy(Chain(servers=0), cloud, tmp_path)
    with pytest.raises(oc.ApplyError):
        deployment.apply()
    assert deployment.resources["zone"].external_id == cloud.at("zone").external_id  # type: ignore[index]
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 3


def test_a_broken_poll_fails_those_that_it_was_for(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=2)

    def hook(operation: str, kind: str, what: str) -> None:
        if operation == "observe" and kind == "dns.Zone":
            raise ValueError("not a number")

    cloud.before = hook
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=VirtualClock())
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"zone": oc.InternalError}
    cloud.before = quiet
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 4


def test_on_failure_stop_leaves_the_rest_to_the_next_apply(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=3)
    cloud.before = raising(("create", "web[0]", oc.QuotaError("no more servers")))
    deployment = deploy(Chain(servers=3), cloud, tmp_path, clock=VirtualClock())
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply(on_failure="stop")
    assert causes(caught.value) == {"web[0]": oc.QuotaError}
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 6


def test_an_empty_plan_is_applied_without_a_call(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    deployment.apply()
    plan = deployment.plan()
    cloud.calls.clear()
    run = deployment.apply(plan)
    assert run.succeeded
    assert run.steps == ()
    assert cloud.calls == []


def test_one_call_at_a_time_gets_through_everything(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=2)
    deployment = deploy(Chain(servers=5), cloud, tmp_path, clock=VirtualClock(), width=1)
    deployment.apply()
    assert deployment.plan().is_empty
    deployment.destroy()
    assert cloud.things == {}


def test_what_is_gone_again_is_not_waited_for(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(polls_until_ready=1_000, settling=10.0), VirtualClock()

    def hook(operation: str, kind: str, what: str) -> None:
        if operation == "observe" and kind == "dns.Zone":
            cloud.things.pop(what, None)

    cloud.before = hook
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=clock)
    rules = oc.Lifecycle(create_timeout=5.0)
    object.__setattr__(deployment.stack.network, "lifecycle", rules)  # type: ignore[attr-defined]
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"zone": oc.NotReadyError, "network": oc.NotReadyError}
    assert "zone: it did not become ready: it was there, and is gone again" in str(caught.value)
    assert 10.0 < clock.now() - 1_700_000_000.0 < 30.0
    cloud.before, cloud.polls_until_ready = quiet, 0
    for thing in cloud.things.values():
        thing.polls_until_ready = 0
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 3
