"""Replacements that went wrong half-way: the one that works stays until another works."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_cloud import MemoryCloud
from stacks import deploy
from trouble import always, quiet

import orchestra as oc
from orchestra.testing import VirtualClock

pytestmark = pytest.mark.timeout(20)


class Guarded(oc.Stack):
    description: str = "one"

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.guard = oc.Firewall(network=self.network, description=self.description)


def stuck(cloud: MemoryCloud, folder: Path, clock: VirtualClock) -> tuple[str, oc.Deployment]:
    """A replacement that was made and did not become ready; the id of the one before it, which still works."""
    deploy(Guarded(), cloud, folder, clock=clock).apply()
    old = cloud.at("guard").external_id

    def fail(operation: str, kind: str, what: str) -> None:
        if operation == "observe" and kind == "network.Firewall":
            for thing in cloud.things.values():
                thing.failed = thing.kind == kind and thing.external_id != old

    cloud.before, cloud.polls_until_ready = fail, 1
    changed = deploy(Guarded(description="two"), cloud, folder, clock=clock)
    with pytest.raises(oc.ApplyError):
        changed.apply()
    cloud.before = quiet
    assert old in cloud.things
    return old, changed


def test_the_one_that_works_is_deleted_after_another_is_ready(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    old, changed = stuck(cloud, tmp_path, clock)
    cloud.polls_until_ready = 3
    seen: list[tuple[str, bool]] = []

    def watch(operation: str, kind: str, what: str) -> None:
        if operation == "delete" and kind == "network.Firewall" and old in cloud.things:
            works = [one for one in cloud.things.values() if one.kind == kind and not one.failed]
            seen.append((what, any(one.external_id != old and not one.polls_until_ready for one in works)))

    cloud.before = watch
    changed.apply()
    assert seen
    assert all(works for _, works in seen)
    assert old not in cloud.things
    assert changed.plan().changes == ()


def test_the_one_that_works_stays_while_another_can_not_be_made(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    old, changed = stuck(cloud, tmp_path, clock)
    cloud.before = always("create", "guard", lambda: oc.QuotaError("no more firewalls"))
    with pytest.raises(oc.ApplyError):
        changed.apply()
    assert old in cloud.things
    cloud.before, cloud.polls_until_ready = quiet, 0
    changed.apply()
    assert changed.plan().changes == ()
    assert len(cloud.things) == 2


def test_an_unfinished_one_is_waited_for_before_the_one_that_works_is_deleted(tmp_path: Path) -> None:
    cloud, clock = MemoryCloud(), VirtualClock()
    deploy(Guarded(), cloud, tmp_path, clock=clock).apply()
    old = cloud.at("guard").external_id
    cloud.polls_until_ready = 10_000
    changed = deploy(Guarded(description="two"), cloud, tmp_path, clock=clock)
    rules = oc.Lifecycle(create_timeout=5.0)
    object.__setattr__(changed.stack.guard, "lifecycle", rules)  # type: ignore[attr-defined]
    for _ in range(2):
        with pytest.raises(oc.ApplyError):
            changed.apply()
        assert old in cloud.things
    for thing in cloud.things.values():
        thing.polls_until_ready = 0
    changed.apply()
    assert old not in cloud.things
    assert changed.plan().changes == ()
    assert len(cloud.things) == 2


def test_going_back_to_what_was_replaced_waits_for_nothing(tmp_path: Path) -> None:
    class Named(oc.Stack):
        name: str = "a"

        def build(self) -> None:
            self.key = oc.KeyPair(public_key="ssh-ed25519 AAAA me", name=self.name)

    cloud = MemoryCloud(natural={"compute.KeyPair": ("name",)})
    deploy(Named(), cloud, tmp_path).apply()
    cloud.before = always("delete", "key", lambda: oc.InvalidRequestError("not now"))
    with pytest.raises(oc.ApplyError):
        deploy(Named(name="b"), cloud, tmp_path).apply()
    assert set(cloud.things) == {"a", "b"}
    cloud.before = quiet
    back = deploy(Named(), cloud, tmp_path, width=1)
    for _ in range(2):
        try:
            back.apply()
        except oc.ApplyError:
            continue
    assert set(cloud.things) == {"a"}
    assert back.plan().changes == ()
