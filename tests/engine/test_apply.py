"""Applying plans: order, failures, retries, waiting, and what the state says afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy

import orchestra as oc
from orchestra.state.records import Condition
from orchestra.testing import VirtualClock


def raising(*script: tuple[str, str, Exception]) -> Callable[[str, str, str], None]:
    """Raises each error once, when its (operation, address) comes up."""
    left = list(script)
    lock = threading.Lock()

    def hook(operation: str, kind: str, what: str) -> None:
        with lock:
            for one in left:
                if one[0] == operation and one[1] == what:
                    left.remove(one)
                    raise one[2]

    return hook


def test_everything_is_made_after_what_it_uses_and_deleted_before_it(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)
    deployment.apply()
    made = [address for _, address in cloud.operations("create")]
    assert made.index("network") < made.index("subnet") < made.index("web[0]")
    assert sorted(made) == ["network", "subnet", "web[0]", "web[1]", "zone"]
    deployment.destroy()
    gone = [address for _, address in cloud.operations("delete")]
    assert gone.index("web[0]") < gone.index("subnet") < gone.index("network")
    assert cloud.things == {}
    assert deployment.resources == {}


def test_the_plan_after_an_apply_is_empty_and_writes_nothing(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=2)
    deployment = deploy(Chain(), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    serial = deployment.store.load().serial
    plan = deployment.plan()
    assert plan.changes == ()
    assert plan.unchanged == 5
    assert deployment.store.load().serial == serial


def test_independent_branches_go_on_after_a_failure(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "subnet", oc.InvalidRequestError("the range is taken")))
    deployment = deploy(Chain(), cloud, tmp_path)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert [(type(cause), cause.address) for cause in caught.value.exceptions] == [  # type: ignore[attr-defined]
        (oc.InvalidRequestError, "subnet")
    ]
    assert set(deployment.resources) == {"network", "zone"}
    assert "subnet: the range is taken" in str(caught.value)
    assert "2 that hang on them were skipped" in str(caught.value)
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.operations("create")) == 6


def test_two_root_causes_come_in_one_group(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(
        ("create", "web[0]", oc.QuotaError("no more servers")), ("create", "zone", oc.ConflictError("taken"))
    )
    deployment = deploy(Chain(), cloud, tmp_path)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    causes = {cause.address: type(cause) for cause in caught.value.exceptions}  # type: ignore[attr-defined]
    assert causes == {"web[0]": oc.QuotaError, "zone": oc.ConflictError}


def test_stop_begins_nothing_new_after_a_failure(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "network", oc.InvalidRequestError("no")))
    deployment = deploy(Chain(), cloud, tmp_path, width=1)
    with pytest.raises(oc.ApplyError):
        deployment.apply(on_failure="stop")
    assert cloud.operations("create") == [("create", "network")]


def test_transient_and_throttled_calls_are_made_again(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    cloud.before = raising(
        ("create", "network", oc.TransientError("connection reset")),
        ("create", "network", oc.ThrottledError("slow down", retry_after=7.0)),
        ("update", "network", oc.TransientError("reset")),
    )
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=clock)
    run = deployment.apply()
    network = next(step for step in run.steps if step.address == "network")
    assert network.attempts == 3
    assert network.seconds >= 7.0
    assert len(cloud.things) == 3


def test_a_lost_answer_makes_no_second_resource(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.after = raising(("create", "network", oc.TransientError("the connection broke before the answer")))
    deployment = deploy(Chain(), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    assert [thing.kind for thing in cloud.things.values()].count("network.Network") == 1
    assert cloud.operations("create").count(("create", "network")) == 2, "asked again, under the same token"
    assert deployment.plan().is_empty


def test_invalid_requests_are_not_made_again(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "network", oc.CredentialsError("refused")))
    deployment = deploy(Chain(), cloud, tmp_path)
    with pytest.raises(oc.ApplyError):
        deployment.apply(on_failure="stop")
    assert cloud.operations("create").count(("create", "network")) == 1
    assert "network" not in deployment.resources


def test_in_use_is_waited_out_on_deletion(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()
    cloud.before = raising(*[("delete", "subnet", oc.InUseError("still in use"))] * 3)
    run = deployment.destroy()
    assert next(step for step in run.steps if step.address == "subnet").attempts == 4
    assert cloud.things == {}


def test_in_use_for_longer_than_the_timeout_is_told(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    rules = oc.Lifecycle(delete_timeout=5.0)
    deployment = deploy(Chain(servers=1, lifecycle=rules), cloud, tmp_path, clock=VirtualClock())
    deployment.apply()

    def in_use(operation: str, kind: str, what: str) -> None:
        if operation == "delete" and what == "web[0]":
            raise oc.InUseError("a disk is attached")

    cloud.before = in_use
    with pytest.raises(oc.ApplyError) as caught:
        deployment.destroy()
    assert [cause.address for cause in caught.value.exceptions] == ["web[0]"]  # type: ignore[attr-defined]
    assert set(deployment.resources) == {"network", "subnet", "web[0]"}
    cloud.before = lambda operation, kind, what: None
    deployment.destroy()
    assert cloud.things == {}


def test_waiting_asks_once_for_all_of_a_kind(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(polls_until_ready=3), VirtualClock()
    deployment = deploy(Chain(servers=12), cloud, tmp_path, clock=clock)
    deployment.apply()
    polls = [what for operation, kind, what in cloud.calls if operation == "observe" and kind == "compute.Server"]
    assert len(polls) <= 6
    assert max(len(what.split(",")) for what in polls) == 12


def test_what_fails_after_it_was_accepted_is_tainted_and_replaced(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=2)
    deployment = deploy(Chain(servers=1), cloud, tmp_path, clock=VirtualClock())

    def fail(operation: str, kind: str, what: str) -> None:
        if operation == "observe" and kind == "compute.Server":
            cloud.at("web[0]").failed = True

    cloud.before = fail
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert isinstance(caught.value.exceptions[0], oc.NotReadyError)
    assert deployment.resources["web[0]"].condition is Condition.TAINTED
    cloud.before = lambda operation, kind, what: None
    plan = deployment.plan()
    assert [(change.address, change.action) for change in plan.changes] == [("web[0]", oc.Action.REPLACE)]
    deployment.apply(plan)
    assert deployment.plan().is_empty
    assert [thing.kind for thing in cloud.things.values()].count("compute.Server") == 1


def test_what_takes_too_long_is_told_with_how_far_it_is(tmp_path: Path) -> None:
    cloud = MemoryCloud(polls_until_ready=10_000)
    rules = oc.Lifecycle(create_timeout=30.0)
    stack = Chain(servers=0, with_zone=False)
    deployment = deploy(stack, cloud, tmp_path, clock=VirtualClock())
    object.__setattr__(stack.network, "lifecycle", rules)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    (cause,) = caught.value.exceptions
    assert "it is still pending" in str(cause)
    assert "create_timeout" in str(cause)
    assert deployment.resources["network"].condition is Condition.TAINTED
    cloud.polls_until_ready = cloud.at("network").polls_until_ready = 0
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 2, "it became ready after all, and was not made again"


def test_replacing_makes_the_new_one_first_and_repoints_its_users(tmp_path: Path) -> None:
    class Guarded(oc.Stack):
        description: str = "one"

        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
            self.guard = oc.Firewall(network=self.network, description=self.description)
            self.server = oc.Server(image="i", size="s", subnet=self.subnet, firewalls=[self.guard])

    cloud = MemoryCloud()
    deploy(Guarded(), cloud, tmp_path).apply()
    server = cloud.at("server").external_id
    cloud.calls.clear()
    changed = deploy(Guarded(description="two"), cloud, tmp_path)
    plan = changed.plan()
    assert {change.address: change.action for change in plan.changes} == {
        "guard": oc.Action.REPLACE,
        "server": oc.Action.UPDATE,
    }
    changed.apply(plan)
    assert cloud.operations() == [("create", "guard"), ("update", "server"), ("delete", "guard")]
    assert cloud.at("server").external_id == server
    assert changed.plan().is_empty


def test_a_failed_replacement_leaves_the_old_one_deposed_and_the_next_run_deletes_it(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deploy(Chain(cidr="10.0.0.0/16", servers=0), cloud, tmp_path).apply()
    cloud.before = raising(("delete", "network", oc.InvalidRequestError("not now")))
    changed = deploy(Chain(cidr="10.1.0.0/16", servers=0), cloud, tmp_path)
    with pytest.raises(oc.ApplyError):
        changed.apply()
    snapshot = changed.store.load()
    assert [record.condition for record in snapshot.deposed] == [Condition.DEPOSED]
    assert len(cloud.things) == 4
    plan = changed.plan()
    assert [(change.address, change.action, change.deposed) for change in plan.changes] == [
        ("network", oc.Action.DELETE, True)
    ]
    changed.apply(plan)
    assert len(cloud.things) == 3
    assert changed.plan().is_empty


def test_a_subnet_is_deleted_before_its_successor_is_made(tmp_path: Path) -> None:
    class Zoned(oc.Stack):
        zone: str = "a"

        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24", zone=self.zone)
            self.server = oc.Server(image="i", size="s", subnet=self.subnet)

    cloud = MemoryCloud()
    deploy(Zoned(), cloud, tmp_path).apply()
    cloud.calls.clear()
    changed = deploy(Zoned(zone="b"), cloud, tmp_path)
    changed.apply()
    assert cloud.operations() == [
        ("delete", "server"),
        ("delete", "subnet"),
        ("create", "subnet"),
        ("create", "server"),
    ]
    assert changed.plan().is_empty


def test_the_first_interrupt_finishes_calls_under_way_and_says_how_to_go_on(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    deployment = deploy(Chain(), cloud, tmp_path)

    def interrupt(event: oc.events.Event) -> None:
        if isinstance(event, oc.events.StepDone) and event.address == "network":
            raise KeyboardInterrupt

    listening = deploy(Chain(), cloud, tmp_path, listeners=[interrupt], width=1)
    with pytest.raises(KeyboardInterrupt) as caught:
        listening.apply()
    assert "apply again" in str(caught.value)
    assert {thing.owner.address for thing in cloud.things.values()} == set(deployment.resources)
    assert deployment.history()[-1].run.status.value == "interrupted"
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 5


def test_a_bug_in_a_provider_fails_its_step_only(tmp_path: Path) -> None:
    cloud = MemoryCloud()
    cloud.before = raising(("create", "zone", KeyError("oops")))
    deployment = deploy(Chain(servers=0), cloud, tmp_path)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    (cause,) = caught.value.exceptions
    assert isinstance(cause, oc.InternalError)
    assert isinstance(cause.__cause__, KeyError)
    assert "zone: the provider of dns.Zone raised KeyError: 'oops'" in str(caught.value)
    assert set(deployment.resources) == {"network", "subnet"}


def test_events_tell_the_run_in_order(tmp_path: Path) -> None:
    seen: list[oc.events.Event] = []
    cloud = MemoryCloud(polls_until_ready=1)
    stack = Chain(servers=0, with_zone=False)
    deploy(stack, cloud, tmp_path, listeners=[seen.append], clock=VirtualClock()).apply()
    told = [(type(event).__name__, getattr(event, "address", "")) for event in seen]
    assert told == [
        ("RunStarted", ""),
        ("StepBegan", "network"),
        ("StepAccepted", "network"),
        ("StepDone", "network"),
        ("StepBegan", "subnet"),
        ("StepAccepted", "subnet"),
        ("StepDone", "subnet"),
        ("RunFinished", ""),
    ]
