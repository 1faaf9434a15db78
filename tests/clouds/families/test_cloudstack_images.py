"""Images of servers on CloudStack: a snapshot, then a template of it, whatever breaks off in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import CloudStackCloud
from orchestra.contracts import Inputs, Observation, Status
from orchestra.errors import InProgressError, InvalidRequestError, NotReadyError
from orchestra.testing import VirtualClock
from tests.clouds.families.cloudstack import CloudStack
from tests.clouds.families.scenery import LABELS
from tests.clouds.families.test_cloudstack_contract import IMAGE, SIZES, Made, cloud_at, owner, provider

KIND = "compute.CustomImage"
CREATIONS = ("createSnapshot", "createTemplate", "createTags")


class Golden(oc.Stack):
    """A server, an image of it, and others made from that."""

    copies: int = 1
    release: int = 1
    stage: str = "test"
    rules: oc.Lifecycle = oc.Lifecycle()

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24", public=False)
        self.builder = oc.Server(
            image=IMAGE, size=SIZES[0], subnet=self.subnet, user_data=f"#!/bin/sh\n# {self.release}"
        )
        self.golden = oc.CustomImage(
            server=self.builder, description="Golden", labels={"stage": self.stage}, lifecycle=self.rules
        )
        self.web = [oc.Server(image=self.golden, size=SIZES[0], subnet=self.subnet) for _ in range(self.copies)]


@pytest.fixture
def server() -> Iterator[CloudStack]:
    server = CloudStack()
    with server.running():
        yield server


def deployed(server: CloudStack, tmp_path: Path, **parameters: Any) -> oc.Deployment:
    state = tmp_path / "state.db"
    stack, cloud = Golden(**parameters), cloud_at(server)
    return oc.Deployment(stack, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())


def apply(deployment: oc.Deployment) -> oc.Plan:
    plan = deployment.plan()
    deployment.apply(plan)
    after = deployment.plan()
    assert after.is_empty, str(after)
    return plan


def census(server: CloudStack) -> tuple[int, int, int]:
    """Templates, snapshots and machines, by the cloud's own books."""
    machines = [one for one in server.machines.values() if one["state"] != "Destroyed"]
    return len(server.images), len(server.snapshots), len(machines)


def test_servers_are_made_from_an_image_of_another(server: CloudStack, tmp_path: Path) -> None:
    server.slow = 2
    with deployed(server, tmp_path) as deployment:
        assert apply(deployment).counts[oc.Action.CREATE] == 5
        assert census(server) == (1, 1, 2)
        assert {one["state"] for one in server.machines.values()} == {"Running"}
        first = deployment.resources["golden"]
        assert first.outputs["size_gib"] == 8
        assert deployment.drift().is_empty
    with deployed(server, tmp_path, copies=2, stage="prod") as deployment:
        assert apply(deployment).counts == {oc.Action.CREATE: 1, oc.Action.UPDATE: 1, oc.Action.NO_OP: 4}
        images = {one["templateid"] for one in server.machines.values()} - {"576"}
        assert images == {first.external_id}
    with deployed(server, tmp_path, release=2, stage="prod") as deployment:
        assert apply(deployment).counts[oc.Action.REPLACE] == 3
        assert census(server) == (1, 1, 2)
        deployment.destroy()
    assert census(server) == (0, 0, 0)


@pytest.mark.parametrize("command", CREATIONS)
def test_an_answer_that_is_lost_makes_nothing_twice(server: CloudStack, tmp_path: Path, command: str) -> None:
    server.slow = 1
    server.lost.append(("POST", f"/{command}"))
    with deployed(server, tmp_path) as deployment:
        apply(deployment)
        assert not server.lost
        assert census(server) == (1, 1, 2)
        deployment.destroy()
    assert census(server) == (0, 0, 0)


@pytest.mark.parametrize("command", CREATIONS)
def test_what_is_refused_is_gone_on_with_by_the_next_run(server: CloudStack, tmp_path: Path, command: str) -> None:
    server.failing.append(("POST", f"/{command}", 432))
    with deployed(server, tmp_path) as deployment, pytest.raises(oc.ApplyError):
        deployment.apply()
    with deployed(server, tmp_path) as deployment:
        apply(deployment)
        assert census(server) == (1, 1, 2)
        deployment.destroy()
    assert census(server) == (0, 0, 0)


@pytest.mark.parametrize("command", ["createSnapshot", "createTemplate"])
def test_a_job_that_fails_is_told_in_clouds_words(server: CloudStack, tmp_path: Path, command: str) -> None:
    server.slow = 1
    server.breaking[command] = (530, "KVM Snapshot is not supported for Running VMs")
    with deployed(server, tmp_path) as deployment:
        with pytest.raises(oc.ApplyError) as failed:
            deployment.apply()
        (cause,) = failed.value.exceptions
        assert str(cause).startswith("golden")
        assert "KVM Snapshot is not supported for Running VMs" in str(cause)
        apply(deployment)
        assert census(server) == (1, 1, 2)
        deployment.destroy()
    assert census(server) == (0, 0, 0)


def test_a_snapshot_may_take_as_long_as_the_step(server: CloudStack, tmp_path: Path) -> None:
    with deployed(server, tmp_path) as deployment:
        deployment.apply(deployment.plan(target="builder"))
        server.slow = 60
        run = deployment.apply()
        assert run.seconds > 500.0
        assert next(one for one in run.steps if one.address == "golden").attempts == 1
        assert deployment.plan().is_empty
    assert census(server) == (1, 1, 2)


def test_a_snapshot_that_takes_too_long_is_told_and_leaves_nothing_behind(server: CloudStack, tmp_path: Path) -> None:
    with deployed(server, tmp_path) as deployment:
        deployment.apply(deployment.plan(target="builder"))
    server.slow = 1000
    clock = VirtualClock()
    stack, cloud = Golden(rules=oc.Lifecycle(create_timeout=450.0)), cloud_at(server)
    with oc.Deployment(
        stack, name="shop", cloud=cloud, state=tmp_path / "state.db", progress=False, clock=clock
    ) as deployment:
        began = clock.monotonic()
        with pytest.raises(oc.ApplyError) as failed:
            deployment.apply()
        assert "its disk is being copied" in str(failed.value.exceptions[0])
        assert 420 <= clock.monotonic() - began < 480
    for job in server.jobs.values():
        job.left = 0
    server.slow = 0
    with deployed(server, tmp_path) as deployment:
        apply(deployment)
    assert census(server) == (1, 1, 2)


def test_a_lost_state_is_rebuilt_from_the_cloud(server: CloudStack, tmp_path: Path) -> None:
    with deployed(server, tmp_path) as deployment:
        apply(deployment)
        known = {str(address): record.external_id for address, record in deployment.resources.items()}
    (tmp_path / "state.db").unlink()
    with deployed(server, tmp_path) as deployment:
        deployment.rebuild()
        assert {str(address): record.external_id for address, record in deployment.resources.items()} == known
        assert deployment.plan().is_empty


# -- half made


def image_of(cloud: CloudStackCloud, machine: str, **more: Any) -> Observation:
    inputs = {"server": machine, "name": None, "description": "", "labels": LABELS, **more}
    return provider(cloud, KIND).create(Inputs(inputs), owner("golden"))


@pytest.fixture
def machine(server: CloudStack) -> str:
    made = Made(cloud_at(server))
    found = made.server(made.subnet())
    assert provider(made.cloud, "compute.Server").observe([found]).found[found].status is Status.READY
    return found


def test_one_of_which_only_the_snapshot_was_made_is_found_and_finished(server: CloudStack, machine: str) -> None:
    server.slow = 3
    with pytest.raises(InProgressError, match="is being copied") as waiting:
        image_of(cloud_at(server), machine)
    assert waiting.value.retry_after == 10
    other = cloud_at(server)  # the first has died
    (half,) = provider(other, KIND).list()
    assert (half.status, half.ownership) == (Status.FAILED, owner("golden"))
    wanted = Inputs({"server": machine, "name": None, "description": "", "labels": LABELS})
    found = provider(other, KIND).find(owner("golden"), wanted)
    assert found is not None
    assert (found.status, found.external_id) == (Status.PENDING, half.external_id)
    (snapshot,) = provider(other, "compute.Snapshot").list()
    assert (snapshot.comes_with, snapshot.ownership) == ("an image", None)
    server.slow = 0
    made = image_of(other, machine).external_id
    assert provider(other, KIND).observe([made]).found[made].status is Status.READY
    assert [one.external_id for one in provider(other, KIND).list()] == [made]
    assert len(server.snapshots) == 1


def test_one_of_which_only_the_snapshot_was_made_can_be_taken_away(server: CloudStack, machine: str) -> None:
    cloud = cloud_at(server)
    server.failing.append(("POST", "/createTemplate", 432))
    with pytest.raises(InvalidRequestError):
        image_of(cloud, machine)
    (half,) = provider(cloud, KIND).list()
    assert provider(cloud, KIND).observe([half.external_id]).found[half.external_id].status is Status.FAILED
    provider(cloud, KIND).delete(half.external_id)
    assert provider(cloud, KIND).observe([half.external_id]).gone == {half.external_id}
    assert server.snapshots == {}


def test_another_snapshot_is_not_taken_for_that_of_an_image(server: CloudStack) -> None:
    made = Made(cloud_at(server))
    copy = made.make("compute.Snapshot", "copy", volume=made.volume(0), description="")
    assert provider(made.cloud, KIND).observe([f"snapshot:{copy}"]).gone
    assert not list(provider(made.cloud, KIND).list())


def test_the_snapshot_of_a_template_that_somebody_deleted_is_told(server: CloudStack, machine: str) -> None:
    cloud = cloud_at(server)
    made = image_of(cloud, machine).external_id
    assert provider(cloud, KIND).observe([made]).found
    server.drop(server.images, made)
    (left,) = provider(cloud, KIND).list()
    assert (left.external_id, left.status) == (made, Status.FAILED)
    assert provider(cloud, KIND).observe([made]).found[made] == left
    provider(cloud, KIND).delete(made)
    assert provider(cloud, KIND).observe([made]).gone
    assert not list(provider(cloud, KIND).list())
    assert server.snapshots == {}


def test_a_template_that_was_registered_or_is_elsewhere_is_none(server: CloudStack, machine: str) -> None:
    cloud = cloud_at(server)
    made = image_of(cloud, machine).external_id
    plain = {name: value for name, value in server.images[made].items() if name != "sourcetemplateid"}
    others = (
        {**plain, "displaytext": "Debian 12"},
        {**server.images[made], "zoneid": "another"},
        {**server.images[made], "templatetype": "BUILTIN"},
    )
    for number, row in enumerate(others):
        server.images[f"other-{number}"] = {**row, "id": f"other-{number}"}
    server.images["theirs"] = {**server.images[made], "id": "theirs", "displaytext": "made by hand"}
    told = {one.external_id: one for one in provider(cloud, KIND).list()}
    assert set(told) == {made, "theirs"}
    assert told["theirs"].ownership is None
    assert told["theirs"].inputs["description"] == "made by hand"
    assert told[made].ownership == owner("golden")


def test_a_snapshot_that_fails_is_taken_away(server: CloudStack, machine: str) -> None:
    server.breaking["createSnapshot"] = (530, "no room is left")
    with pytest.raises(NotReadyError, match="no room is left"):
        image_of(cloud_at(server), machine)
    assert not list(provider(cloud_at(server), KIND).list())
    assert server.snapshots == {}


def test_a_server_without_a_disk_is_refused(server: CloudStack, machine: str) -> None:
    server.roots.clear()
    with pytest.raises(InvalidRequestError, match="no disk of its own"):
        image_of(cloud_at(server), machine)
