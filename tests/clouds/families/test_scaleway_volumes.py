"""What is sent to Scaleway's block storage, to the letter; what is on its way; what a deleted server leaves."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.clouds.families.scaleway.volumes import size_in_bytes
from orchestra.contracts import Inputs, Status
from orchestra.errors import InUseError, TransientError
from tests.clouds.families.scaleway import PROJECT, REGION, Scaleway
from tests.clouds.families.scenery import (
    Family,
    change,
    create,
    family_of,
    made_and_seen,
    owner,
    plain_server,
    provider,
)

BLOCK = f"/block/v1/zones/{REGION}"
SERVERS = f"/instance/v1/zones/{REGION}/servers"
GB = 10**9


@pytest.fixture
def family() -> Family:
    return family_of("scaleway")


@pytest.fixture
def machine(cloud: FamilyCloud) -> str:
    return made_and_seen(cloud, "compute.Server", "web", plain_server("image-1", "DEV1-S"))


@pytest.fixture
def disk(cloud: FamilyCloud) -> str:
    return made_and_seen(cloud, "compute.Volume", "disk", volume())


def volume(**more: Any) -> dict[str, Any]:
    inputs = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": False, "snapshot": None, "labels": {}}
    return {**inputs, **more}


def sent(server: Scaleway, stem: str) -> list[tuple[str, str, Any]]:
    """What was asked for but reads, of the paths that begin so."""
    return [
        (one.method, one.path.removeprefix(stem), one.body)
        for one in server.requests
        if one.method != "GET" and one.path.startswith(stem)
    ]


def tags(address: str) -> list[str]:
    return [
        "orchestra:deployment:prod",
        f"orchestra:address:{address}",
        f"orchestra:token:{owner(address).token}",
    ]


def attach(cloud: FamilyCloud, volume: str, machine: str) -> str:
    return create(cloud, "compute.VolumeAttachment", "attachment", {"volume": volume, "server": machine})


def test_a_volume_has_its_tags_from_the_first_request(cloud: FamilyCloud, server: Scaleway) -> None:
    made = create(cloud, "compute.Volume", "disk", volume(labels={"env": "test"}))
    change(cloud, "compute.Volume", made, volume(labels={"env": "test"}), size_gib=20)
    change(cloud, "compute.Volume", made, volume(size_gib=20, labels={"env": "test"}), labels={})
    copy = create(cloud, "compute.Snapshot", "copy", {"volume": made, "labels": {}, "description": ""})
    again = create(cloud, "compute.Volume", "again", volume(size_gib=30, snapshot=copy))
    common = {"perf_iops": 5000, "project_id": PROJECT}
    named = {one: f"prod-{one}-{owner(one).token[:10]}" for one in ("disk", "copy", "again")}
    source = {"size": 33 * GB, "snapshot_id": copy}
    assert sent(server, BLOCK) == [
        (
            "POST",
            "/volumes",
            {"name": named["disk"], "tags": [*tags("disk"), "env:test"], "from_empty": {"size": 11 * GB}, **common},
        ),
        ("PATCH", f"/volumes/{made}", {"size": 22 * GB}),
        ("PATCH", f"/volumes/{made}", {"tags": tags("disk")}),
        ("POST", "/snapshots", {"volume_id": made, "name": named["copy"], "project_id": PROJECT, "tags": tags("copy")}),
        ("POST", "/volumes", {"name": named["again"], "tags": tags("again"), "from_snapshot": source, **common}),
    ]
    assert provider(cloud, "compute.Volume").observe([again]).found[again].inputs["size_gib"] == 30


@pytest.mark.parametrize("gib", [1, 10, 13, 14, 100, 1000, 9313])
def test_whole_gigabytes_have_room_and_tell_the_size_that_was_asked_for(gib: int) -> None:
    size = size_in_bytes(gib)
    assert size % GB == 0
    assert 0 <= size - gib * 2**30 < GB
    assert size // 2**30 == gib


def test_attaching_names_just_the_two(cloud: FamilyCloud, server: Scaleway, machine: str, disk: str) -> None:
    made = attach(cloud, disk, machine)
    provider(cloud, "compute.VolumeAttachment").delete(made)
    assert sent(server, f"{SERVERS}/{machine}/")[1:] == [
        ("POST", "attach-volume", {"volume_id": disk, "volume_type": "sbs_volume"}),
        ("POST", "detach-volume", {"volume_id": disk}),
    ]


def test_one_that_is_being_detached_is_neither_attached_nor_deleted(
    cloud: FamilyCloud, server: Scaleway, machine: str, disk: str
) -> None:
    volumes, attachments = provider(cloud, "compute.Volume"), provider(cloud, "compute.VolumeAttachment")
    made = attach(cloud, disk, machine)
    with pytest.raises(InUseError, match=machine):
        volumes.delete(disk)
    attachments.delete(made)
    with pytest.raises(TransientError, match="is in_use: it can't be deleted yet") as early:
        volumes.delete(disk)
    assert early.value.retry_after == 5.0
    server.volumes[disk].update(status="in_use", references=[])
    with pytest.raises(TransientError, match="can't be attached yet"):
        attachments.create(Inputs({"volume": disk, "server": machine}), owner("attachment"))
    assert not sent(server, f"{BLOCK}/volumes/")
    server.volumes[disk]["status"] = "available"
    volumes.delete(disk)
    assert disk in volumes.observe([disk]).gone, "it is told as deleting, and that is gone"


def test_what_is_in_error_is_failed_and_can_be_deleted(cloud: FamilyCloud, server: Scaleway, disk: str) -> None:
    volumes = provider(cloud, "compute.Volume")
    server.volumes[disk]["status"] = "error"
    assert volumes.observe([disk]).found[disk].status is Status.FAILED


def test_of_another_project_nothing_is_told(cloud: FamilyCloud, server: Scaleway, disk: str) -> None:
    server.volumes["volume-2"] = {**server.volumes[disk], "id": "volume-2", "project_id": "another"}
    assert [one.external_id for one in provider(cloud, "compute.Volume").list()] == [disk]


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_deleted_server_leaves_what_was_attached(
    cloud: FamilyCloud, server: Scaleway, machine: str, disk: str, state: str
) -> None:
    attach(cloud, disk, machine)
    server.servers[machine]["state"] = state
    provider(cloud, "compute.Server").delete(machine)
    assert (server.servers, server.disks, set(server.volumes)) == ({}, {}, {disk})
    assert ("POST", "/detach-volume", {"volume_id": disk}) in sent(server, f"{SERVERS}/{machine}")


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_what_a_server_starts_from_is_not_taken_from_it(
    cloud: FamilyCloud, server: Scaleway, machine: str, disk: str, state: str
) -> None:
    server.disks.clear()
    root = {"id": disk, "volume_type": "sbs_volume", "zone": REGION, "boot": True}
    server.servers[machine].update(volumes={"0": root}, state=state)
    provider(cloud, "compute.Server").delete(machine)
    assert server.servers == {}
    assert not [path for _, path, _ in sent(server, "") if "detach" in path or "volumes/" in path]


@pytest.mark.parametrize("more", [{"type": "hdd"}, {"encrypted": True}])
def test_what_cannot_be_had_is_an_error_of_the_plan(cloud: FamilyCloud, more: dict[str, Any]) -> None:
    class Disk(oc.Stack):
        def build(self) -> None:
            self.disk = oc.Volume(**{"size_gib": 10, "zone": REGION, "encrypted": False, **more})

    with (
        oc.Deployment(Disk(), name="disk", cloud=cloud, state=":memory:", progress=False) as deployment,
        pytest.raises(oc.errors.UnsupportedError, match=next(iter(more))),
    ):
        deployment.plan()
