"""Servers that start from Scaleway's block storage: their images, and the disk that Scaleway leaves of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Inputs, Status
from orchestra.errors import InProgressError, InvalidRequestError, NotReadyError
from orchestra.testing import VirtualClock
from tests.clouds.families.scaleway import PROJECT, REGION, Scaleway
from tests.clouds.families.scenery import (
    Family,
    census,
    create,
    family_of,
    made_and_seen,
    owner,
    plain_server,
    provider,
)
from tests.clouds.families.test_life import Golden
from tests.clouds.families.test_scaleway_volumes import BLOCK, SERVERS, attach, sent, tags, volume

IMAGE, SERVER = "compute.CustomImage", "compute.Server"
IMAGES = f"/instance/v1/zones/{REGION}/images"
FAMILY = family_of("scaleway")


@pytest.fixture
def family() -> Family:
    return family_of("scaleway")


def made(cloud: FamilyCloud, size: str) -> str:
    return made_and_seen(cloud, SERVER, "web", plain_server("image-1", size))


@pytest.fixture
def machine(cloud: FamilyCloud) -> str:
    return made(cloud, "PLAY2-NANO")


def wanted(machine: str, **more: Any) -> Inputs:
    return Inputs({"server": machine, "name": None, "description": "", "labels": {}, **more})


def until_done(call: Callable[[], Any]) -> Any:
    """What a call returns in the end, made again as long as it is under way."""
    for _ in range(10):
        with contextlib.suppress(InProgressError):
            return call()
    return call()


# -- images


def test_both_requests_have_the_tags(cloud: FamilyCloud, server: Scaleway, machine: str) -> None:
    images = provider(cloud, IMAGE)
    labels = {"env": "test"}
    with pytest.raises(InProgressError, match="its disk is being copied") as early:
        images.create(wanted(machine, labels=labels), owner("golden"))
    assert early.value.retry_after == 20.0
    image = images.create(wanted(machine, labels=labels), owner("golden"))
    (snapshot,) = server.snapshots
    root, name = server.servers[machine]["volumes"]["0"]["id"], f"prod-golden-{owner('golden').token[:10]}"
    common = {"name": name, "tags": [*tags("golden"), "env:test"]}
    assert sent(server, f"{BLOCK}/snapshots") == [
        (
            "POST",
            "",
            {**common, "volume_id": root, "project_id": PROJECT, "tags": [*common["tags"], "orchestra:of-image:1"]},
        )
    ]
    assert sent(server, IMAGES) == [
        ("POST", "", {**common, "root_volume": snapshot, "arch": "x86_64", "project": PROJECT})
    ]
    assert (image.status, image.ownership) == (Status.PENDING, owner("golden"))
    (told,) = images.list()
    told = images.observe([image.external_id]).found[image.external_id]
    assert (told.status, told.inputs["labels"], told.outputs) == (Status.READY, labels, {"size_gib": 9})
    assert list(provider(cloud, "compute.Snapshot").list()) == [], "what an image is made of is none of its own"


def test_of_a_local_disk_there_is_none(cloud: FamilyCloud, server: Scaleway) -> None:
    machine = made(cloud, "DEV1-S")
    with pytest.raises(InvalidRequestError, match=f"server {machine} starts from a local disk"):
        provider(cloud, IMAGE).create(wanted(machine), owner("golden"))
    assert not server.snapshots


def test_one_of_which_only_the_snapshot_is_there_is_gone_on_with(
    cloud: FamilyCloud, server: Scaleway, machine: str
) -> None:
    images = provider(cloud, IMAGE)
    with pytest.raises(InProgressError):
        images.create(wanted(machine), owner("golden"))
    (snapshot,) = server.snapshots
    half = images.find(owner("golden"), wanted(machine))
    assert half is not None
    assert (half.external_id, half.status) == (f"snapshot:{snapshot}", Status.PENDING)
    told = images.observe([half.external_id]).found[half.external_id]
    assert (told.status, told.ownership) == (Status.FAILED, owner("golden")), "what is recorded as such is replaced"
    image = images.create(wanted(machine), owner("golden"))
    assert len(server.snapshots) == 1
    assert half.external_id in images.observe([half.external_id]).gone
    assert [one.external_id for one in images.list()] == [image.external_id]


def test_what_is_left_half_made_can_be_deleted(cloud: FamilyCloud, server: Scaleway, machine: str) -> None:
    images = provider(cloud, IMAGE)
    with pytest.raises(InProgressError):
        images.create(wanted(machine), owner("golden"))
    (half,) = images.list()
    until_done(lambda: images.delete(half.external_id))
    assert half.external_id in images.observe([half.external_id]).gone
    assert {one["status"] for one in server.snapshots.values()} <= {"deleting"}


def test_a_snapshot_that_failed_is_made_again(cloud: FamilyCloud, server: Scaleway, machine: str) -> None:
    images = provider(cloud, IMAGE)
    with pytest.raises(InProgressError):
        images.create(wanted(machine), owner("golden"))
    (failed,) = server.snapshots
    server.snapshots[failed]["status"] = "error"
    with pytest.raises(NotReadyError, match="failed"):
        images.create(wanted(machine), owner("golden"))
    until_done(lambda: images.create(wanted(machine), owner("golden")))
    assert set(server.snapshots) - {failed}
    assert len(server.own_images) == 1


def test_an_image_is_not_gone_while_its_snapshot_is_left(cloud: FamilyCloud, server: Scaleway, machine: str) -> None:
    images = provider(cloud, IMAGE)
    image = until_done(lambda: images.create(wanted(machine), owner("golden"))).external_id
    (snapshot,) = server.snapshots
    with pytest.raises(InProgressError, match=f"the snapshot {snapshot} of an image is in_use"):
        images.delete(image)
    assert not server.own_images
    told = images.observe([image]).found[image]  # the process that deleted it has died
    assert (told.status, told.detail, told.ownership) == (Status.FAILED, "half made", owner("golden"))
    until_done(lambda: images.delete(image))
    assert image in images.observe([image]).gone
    assert {one["status"] for one in server.snapshots.values()} <= {"deleting"}


def test_public_images_are_none(cloud: FamilyCloud, server: Scaleway, machine: str) -> None:
    image = until_done(lambda: provider(cloud, IMAGE).create(wanted(machine), owner("golden"))).external_id
    server.own_images["2"] = {**server.own_images[image], "id": "2", "public": True}
    assert [one.external_id for one in provider(cloud, IMAGE).list()] == [image]


# -- what a server leaves


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_the_disk_that_it_starts_from_goes_with_it(
    cloud: FamilyCloud, server: Scaleway, machine: str, state: str
) -> None:
    servers, root = provider(cloud, SERVER), server.servers[machine]["volumes"]["0"]["id"]
    server.servers[machine]["state"] = state
    with pytest.raises(InProgressError, match=f"disk {root}, which server {machine} leaves, is in_use"):
        servers.delete(machine)
    assert sent(server, BLOCK) == [("PATCH", f"/volumes/{root}", {"tags": [f"orchestra:disk-of:{machine}"]})]
    assert (machine in server.servers, root in server.volumes) == (False, True)
    told = servers.observe([machine]).found[machine]  # the process that deleted it has died
    assert (told.status, told.detail) == (Status.FAILED, "its disk is left")
    until_done(lambda: servers.delete(machine))
    assert machine in servers.observe([machine]).gone
    assert {one["status"] for one in server.volumes.values()} <= {"deleting"}


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_what_is_attached_stays_and_so_does_a_declared_volume(
    cloud: FamilyCloud, server: Scaleway, machine: str, state: str
) -> None:
    servers, root = provider(cloud, SERVER), server.servers[machine]["volumes"]["0"]["id"]
    disk = create(cloud, "compute.Volume", "disk", volume())
    provider(cloud, "compute.Volume").observe([disk])
    attach(cloud, disk, machine)
    server.servers[machine]["state"] = state
    server.volumes[root]["tags"] = tags("root")
    servers.delete(machine)
    assert set(server.volumes) == {root, disk}


def test_local_disks_of_a_stopped_server_are_found_after_a_crash(cloud: FamilyCloud, server: Scaleway) -> None:
    machine, servers = made(cloud, "DEV1-S"), provider(cloud, SERVER)
    server.servers[machine]["state"] = "stopped"
    server.failing.append(("DELETE", f"/instance/v1/zones/{REGION}/volumes/.*", 500))
    with pytest.raises(oc.TransientError):
        servers.delete(machine)
    assert (server.servers, len(server.disks)) == ({}, 1)
    assert servers.observe([machine]).found[machine].status is Status.FAILED
    servers.delete(machine)
    assert machine in servers.observe([machine]).gone
    assert not server.disks


def test_a_run_that_died_while_deleting_is_gone_on_with(cloud: FamilyCloud, server: Scaleway, tmp_path: Path) -> None:
    class Block(oc.Stack):
        def build(self) -> None:
            rules = oc.Lifecycle(delete_timeout=15.0)
            self.web = FAMILY.server(size=FAMILY.imaged, lifecycle=rules)

    def deployed() -> oc.Deployment:
        state = tmp_path / "state.db"
        return oc.Deployment(Block(), name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    with deployed() as deployment:
        deployment.apply()
        server.failing += [("GET", f"{BLOCK}/volumes", 500)] * 30
        with pytest.raises(oc.ApplyError):
            deployment.destroy()
    assert (server.servers, len(server.volumes)) == ({}, 1)
    server.failing.clear()
    with deployed() as deployment:
        assert deployment.resources, "it is recorded until nothing of it is left"
        deployment.destroy()
    assert {one["status"] for one in server.volumes.values()} <= {"deleting"}
    assert [one for one in sent(server, SERVERS) if one[2] == {"action": "terminate"}] != []


def test_a_life_with_an_image_leaves_nothing(cloud: FamilyCloud, server: Scaleway, tmp_path: Path) -> None:
    stack = Golden(family=FAMILY, copies=2)
    with oc.Deployment(
        stack, name="shop", cloud=cloud, state=tmp_path / "state.db", progress=False, clock=VirtualClock()
    ) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        made = {kind: count for kind, count in census(cloud).items() if count}
        assert made == {SERVER: 3, IMAGE: 1, "compute.Volume": 3}
        servers = {one.external_id for one in provider(cloud, SERVER).list()}
        assert {one.comes_with for one in provider(cloud, "compute.Volume").list()} == servers
        deployment.destroy()
    assert census(cloud) == dict.fromkeys(census(cloud), 0)
