"""Calls whose answer was lost, and processes that died: nothing is made twice, nothing foreign is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import Chain, deploy
from trouble import always, causes, killed_after, killed_before, quiet, raising

import orchestra as oc
from orchestra.state.records import Condition
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)

NATURAL = {"dns.Record": ("zone", "type", "name")}


class Named(oc.Stack):
    """A zone and a record in it, which is found by its natural key."""

    values: str = "192.0.2.1"
    lifecycle: oc.Lifecycle = oc.Lifecycle()

    def build(self) -> None:
        self.zone = oc.Zone(domain="shop.example")
        self.www = oc.Record(zone=self.zone, name="www", type="A", values=[self.values], lifecycle=self.lifecycle)


def named(cloud: MemoryCloud, folder: Path, **more: object) -> oc.Deployment:
    return deploy(Named(**more), cloud, folder, clock=VirtualClock())


def with_zone(folder: Path) -> tuple[MemoryCloud, str]:
    """A cloud in which the zone is made, and its id."""
    cloud = MemoryCloud(natural=NATURAL)
    deployment = named(cloud, folder)
    deployment.apply(deployment.plan(target="zone"))
    return cloud, cloud.at("zone").external_id


def test_a_foreign_thing_under_the_natural_key_is_never_adopted_after_a_lost_answer(tmp_path: Path) -> None:
    cloud, zone = with_zone(tmp_path)
    theirs = cloud.put("dns.Record", f"{zone}/A/www", zone=zone, type="A", name="www", values=["203.0.113.9"], ttl=60)
    cloud.before = raising(("create", "www", oc.TransientError("the connection broke")))
    deployment = named(cloud, tmp_path)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"www": oc.ConflictError}
    assert set(deployment.resources) == {"zone"}
    assert theirs.inputs["values"] == ["203.0.113.9"]
    deployment.apply(deployment.plan(destroy=True, exclude="zone"))
    assert theirs.external_id in cloud.things


def test_a_foreign_thing_under_the_natural_key_is_never_adopted_after_a_crash(tmp_path: Path) -> None:
    cloud, zone = with_zone(tmp_path)
    theirs = cloud.put("dns.Record", f"{zone}/A/www", zone=zone, type="A", name="www", values=["203.0.113.9"], ttl=60)
    deployment = named(cloud, tmp_path)
    killed_before(cloud, deployment, "create", "www")
    deployment.recover()
    assert set(deployment.resources) == {"zone"}
    assert deployment.store.load().pending == ()
    assert theirs.external_id in cloud.things


def test_ones_own_thing_under_the_natural_key_is_found_after_a_lost_answer(tmp_path: Path) -> None:
    cloud, _ = with_zone(tmp_path)
    cloud.after = raising(("create", "www", oc.TransientError("the connection broke")))
    deployment = named(cloud, tmp_path)
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 2


def test_ones_own_thing_under_the_natural_key_is_found_after_a_crash(tmp_path: Path) -> None:
    cloud, _ = with_zone(tmp_path)
    deployment = named(cloud, tmp_path)
    killed_after(cloud, deployment, "create", "www")
    deployment.apply()
    assert deployment.plan().is_empty
    assert len(cloud.things) == 2
    deployment.destroy()
    assert cloud.things == {}


@pytest.mark.parametrize("crash", [False, True])
def test_a_replacement_never_takes_the_one_it_replaces_for_itself(tmp_path: Path, crash: bool) -> None:
    cloud = MemoryCloud(natural=NATURAL)
    rules = oc.Lifecycle(create_before_delete=True)
    deployment = named(cloud, tmp_path, lifecycle=rules)
    deployment.apply()
    before = deployment.resources["www"].token  # type: ignore[index]
    plan = deployment.plan(replace="www")
    if crash:
        cloud.before = raising(("create", "www", KeyboardExit()))
        with pytest.raises(KeyboardExit):
            deployment.apply(plan)
        cloud.before = quiet
        deployment.recover()
    else:
        cloud.before = raising(("create", "www", oc.TransientError("the connection broke")))
        with pytest.raises(oc.ApplyError) as caught:
            deployment.apply(plan)
        assert causes(caught.value) == {"www": oc.ConflictError}
    assert deployment.resources["www"].token == before  # type: ignore[index]
    assert deployment.store.load().deposed == ()
    assert len(cloud.things) == 2
    assert deployment.plan().is_empty


class KeyboardExit(BaseException):
    """Ends the process in the middle of a call."""


def test_no_call_is_repeated_once_the_lease_is_lost(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    deployment = deploy(Chain(servers=0, with_zone=False), cloud, tmp_path, clock=clock)

    def hook(operation: str, kind: str, what: str) -> None:
        if operation == "create":
            deploy(Chain(), cloud, tmp_path, clock=clock).break_lease()
            raise oc.TransientError("the connection broke")

    cloud.before = hook
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert [type(cause) for cause in caught.value.exceptions] == [oc.LeaseLostError]
    assert cloud.operations("create") == [("create", "network")]


@pytest.mark.parametrize("seen_after", [0.0, 4.0, 1000.0])
def test_after_a_crash_not_found_at_once_is_not_yet_never_made(tmp_path: Path, seen_after: float) -> None:
    cloud, clock = MemoryCloud(settling=10.0), VirtualClock()
    deployment = deploy(Chain(servers=0, with_zone=False), cloud, tmp_path, clock=clock)
    killed_after(cloud, deployment, "create", "network")
    began = clock.now()
    cloud.sees = lambda thing: clock.now() >= began + seen_after
    (settlement,) = deployment.recover()
    found = seen_after < 100
    assert bool(settlement.external_id) is found
    assert clock.now() < began + 60.0
    if found:
        deployment.apply()
        assert len(cloud.things) == 2
        assert deployment.plan().is_empty


def test_an_answer_that_stays_away_leaves_the_call_open_until_it_is_found(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    cloud.after = always("create", "network", lambda: oc.TransientError("no answer"))
    cloud.sees = lambda thing: False
    deployment = deploy(Chain(servers=0, with_zone=False), cloud, tmp_path, clock=clock)
    with pytest.raises(oc.ApplyError) as caught:
        deployment.apply()
    assert causes(caught.value) == {"network": oc.TransientError}
    assert [intent.address for intent in deployment.store.load().pending] == ["network"]
    cloud.after, cloud.sees = quiet, lambda thing: True
    deployment.apply()
    assert len(cloud.things) == 2
    assert deployment.plan().is_empty


class Guarded(oc.Stack):
    """A firewall that is replaced with the new one first, and a server that uses it."""

    description: str = "one"
    renamed: bool = False

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        guard = oc.Firewall(
            network=self.network,
            description=self.description,
            lifecycle=oc.Lifecycle(moved_from="guard" if self.renamed else ()),
        )
        if self.renamed:
            self.wall = guard
        else:
            self.guard = guard
        self.server = oc.Server(image="i", size="s", subnet=self.subnet, firewalls=[guard])


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize(
    ("when", "operation", "address"),
    [
        ("before", "create", "guard"),
        ("after", "create", "guard"),
        ("before", "update", "server"),
        ("after", "update", "server"),
        ("before", "delete", "guard"),
        ("after", "delete", "guard"),
    ],
)
@pytest.mark.parametrize("polls", [0, 2])
def test_a_replacement_killed_anywhere_is_finished(
    tmp_path: Path, when: str, operation: str, address: str, renamed: bool, polls: int
) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    deploy(Guarded(), cloud, tmp_path, clock=clock).apply()
    server = cloud.at("server").external_id
    old = cloud.at("guard").external_id
    cloud.polls_until_ready = polls
    changed = deploy(Guarded(description="two", renamed=renamed), cloud, tmp_path, clock=clock)
    if address == "guard" and renamed and operation == "create":
        address = "wall"
    if operation == "delete" and when == "after":
        address = old
    (killed_before if when == "before" else killed_after)(cloud, changed, operation, address)
    changed.apply()
    assert changed.plan().changes == ()
    assert sorted(thing.kind for thing in cloud.things.values()) == [
        "compute.Server",
        "network.Firewall",
        "network.Network",
        "network.Subnet",
    ]
    assert old not in cloud.things
    assert cloud.at("server").external_id == server
    snapshot = changed.store.load()
    assert snapshot.pending == snapshot.deposed == ()
    assert {record.external_id for record in snapshot.records.values()} == set(cloud.things)


def test_what_moved_while_it_was_unfinished_is_waited_for(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(polls_until_ready=3), VirtualClock()
    deployment = deploy(Guarded(), cloud, tmp_path, clock=clock)
    killed_after(cloud, deployment, "create", "guard")
    deployment.recover()
    moved = deploy(Guarded(renamed=True), cloud, tmp_path, clock=clock)
    moved.apply()
    assert moved.resources["wall"].condition is Condition.READY  # type: ignore[index]
    assert moved.plan().changes == ()
    assert len(cloud.things) == 4


class Loaded(oc.Stack):
    """A blob whose content type the cloud doesn't tell."""

    content_type: str = "text/plain"

    def build(self) -> None:
        self.bucket = oc.Bucket()
        self.page = oc.Blob(bucket=self.bucket, key="page", content="x", content_type=self.content_type)


@pytest.mark.parametrize("crash", [False, True])
def test_an_update_that_failed_half_way_is_not_forgotten_when_the_stack_goes_back(tmp_path: Path, crash: bool) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    cloud.untold = frozenset({"content", "content_type"})
    deploy(Loaded(), cloud, tmp_path, clock=clock).apply()
    changed = deploy(Loaded(content_type="text/html"), cloud, tmp_path, clock=clock)
    if crash:
        killed_after(cloud, changed, "update", "page")
    else:
        cloud.after = raising(("update", "page", oc.InvalidRequestError("half of it was refused")))
        with pytest.raises(oc.ApplyError):
            changed.apply()
        cloud.after = quiet
    assert cloud.at("page").inputs["content_type"] == "text/html"
    back = deploy(Loaded(), cloud, tmp_path, clock=clock)
    assert [(change.address, change.action) for change in back.plan().changes] == [("page", oc.Action.UPDATE)]
    back.apply()
    assert cloud.at("page").inputs["content_type"] == "text/plain"
    assert back.plan().changes == ()
