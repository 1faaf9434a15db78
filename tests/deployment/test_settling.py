"""A cloud that does not show yet what was just made: not taken for gone, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from memory_cloud import MemoryCloud, MemoryProvider
from stacks import Chain, deploy

import orchestra as oc
from orchestra.contracts import Capabilities, Inputs, Observation, Ownership, Provider, Reading
from orchestra.state.journal import Holder, Intent, Operation
from orchestra.testing import VirtualClock


class LateProvider(MemoryProvider):
    def __init__(self, cloud: LateCloud, kind: str) -> None:
        super().__init__(cloud, kind)
        self._late = cloud
        self.capabilities = Capabilities(settling=30.0)

    def observe(self, ids: Sequence[str]) -> Reading:
        if self._late.clock.now() < self._late.shows_from:
            return Reading(gone=frozenset(ids))
        return super().observe(ids)

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        return None if self._late.clock.now() < self._late.shows_from else super().find(owner, inputs)


class LateCloud(MemoryCloud):
    """Shows nothing before ``shows_from``."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.shows_from = 0.0

    def provider(self, kind: str) -> Provider:
        return LateProvider(self, kind)


def test_not_shown_yet_is_not_gone(tmp_path: Path) -> None:
    clock = VirtualClock()
    cloud = LateCloud(clock)
    deployment = deploy(Chain(), cloud, tmp_path, clock=clock)
    deployment.apply()
    cloud.shows_from = clock.now() + 12.0
    assert deployment.plan().is_empty
    assert clock.now() >= cloud.shows_from


def test_gone_for_longer_than_the_cloud_takes_to_settle_is_gone(tmp_path: Path) -> None:
    clock = VirtualClock()
    cloud = LateCloud(clock)
    deployment = deploy(Chain(servers=0), cloud, tmp_path, clock=clock)
    deployment.apply()
    del cloud.things[cloud.at("zone").external_id]
    began = clock.now()
    assert [(change.address, change.reason) for change in deployment.plan().changes] == [("zone", oc.Reason.GONE)]
    assert 29.0 <= clock.now() - began <= 31.0
    clock.advance(60.0)
    before = len(clock.slept)
    deployment.plan()
    assert len(clock.slept) == before, "what is old enough is believed at once"


def test_a_killed_creation_that_is_not_shown_yet_is_not_made_again(tmp_path: Path) -> None:
    clock = VirtualClock()
    cloud = LateCloud(clock)
    stack = Chain(servers=0, with_zone=False)
    deployment = deploy(stack, cloud, tmp_path, clock=clock)
    change = deployment.plan().changes[0]
    lease = deployment.store.acquire(Holder(user="a", host="b", process=1))
    intent = Intent(
        run="dead",
        address=change.address,
        operation=Operation.CREATE,
        kind=change.kind,
        cloud=change.cloud,
        token="f" * 32,
        at=clock.now(),
        inputs=change.after,
    )
    deployment.store.begin(lease, [intent])
    deployment.store.release(lease)
    cloud.provider(change.kind).create(Inputs(change.after), Ownership("test", change.address, "f" * 32))
    cloud.shows_from = clock.now() + 5.0
    deployment.apply()
    assert [thing.kind for thing in cloud.things.values()].count("network.Network") == 1
    assert deployment.plan().is_empty
