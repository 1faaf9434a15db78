"""UpCloud's storages as volumes: what is sent, one disk at a time, what a deleted server leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Inputs
from orchestra.errors import InUseError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.families.scenery import (
    Family,
    census,
    change,
    create,
    family_of,
    made_and_seen,
    owner,
    plain_server,
    provider,
)
from tests.clouds.families.upcloud import REGION, UpCloud

DEBIAN = "01000000-0000-4000-8000-000020030100"
VOLUME = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": False, "snapshot": None, "labels": {}}


@pytest.fixture
def family() -> Family:
    return family_of("upcloud")


@pytest.fixture
def machine(cloud: FamilyCloud) -> str:
    return made_and_seen(cloud, "compute.Server", "web", plain_server(DEBIAN, "1xCPU-1GB"))


@pytest.fixture
def disk(cloud: FamilyCloud) -> str:
    return made_and_seen(cloud, "compute.Volume", "disk", VOLUME)


def sent(server: UpCloud, part: str) -> list[tuple[str, str, Any]]:
    """What was asked for but reads, of version 1.3 and with ``part`` in its path."""
    return [
        (one.method, one.path, one.body)
        for one in server.requests
        if one.method != "GET" and one.path.startswith("/1.3/") and part in one.path
    ]


def attach(cloud: FamilyCloud, volume: str, machine: str) -> str:
    return create(cloud, "compute.VolumeAttachment", "attachment", {"volume": volume, "server": machine})


def test_what_is_sent(cloud: FamilyCloud, server: UpCloud, machine: str, disk: str) -> None:
    made = attach(cloud, disk, machine)
    provider(cloud, "compute.VolumeAttachment").delete(made)
    change(cloud, "compute.Volume", disk, VOLUME, size_gib=20)
    provider(cloud, "compute.Volume").delete(disk)
    title = f"prod:disk:{owner('disk').token}"
    device = {"type": "disk", "address": "virtio", "storage": disk}
    assert sent(server, "") == [
        ("POST", "/1.3/storage", {"storage": {"title": title, "size": 10, "tier": "maxiops", "zone": REGION}}),
        ("POST", f"/1.3/server/{machine}/storage/attach", {"storage_device": device}),
        ("POST", f"/1.3/server/{machine}/storage/detach", {"storage_device": {"address": "virtio:1"}}),
        ("PUT", f"/1.3/storage/{disk}", {"storage": {"size": 20}}),
        ("DELETE", f"/1.3/storage/{disk}", None),
    ]


def test_disks_of_servers_and_of_other_zones_are_no_volumes(
    cloud: FamilyCloud, server: UpCloud, machine: str, disk: str
) -> None:
    server.volumes["elsewhere"] = {**server.volumes[disk], "uuid": "elsewhere", "zone": "de-fra1"}
    assert len(server.disks) == 1
    assert [one.external_id for one in provider(cloud, "compute.Volume").list()] == [disk]


def test_one_that_goes_while_it_is_listed_is_left_out(cloud: FamilyCloud, server: UpCloud, disk: str) -> None:
    server.failing.append(("GET", f"/1.3/storage/{disk}", 404))
    assert list(provider(cloud, "compute.Volume").list()) == []
    server.failing.append(("GET", f"/1.3/storage/{disk}", 500))
    with pytest.raises(TransientError):
        list(provider(cloud, "compute.Volume").list())


@pytest.mark.parametrize("broken", [None, 409])
def test_a_server_that_is_being_changed_is_asked_later(
    cloud: FamilyCloud, server: UpCloud, machine: str, disk: str, broken: int | None
) -> None:
    if broken:
        server.failing.append(("POST", f"/1.3/server/{machine}/storage/attach", broken))
    else:
        server.servers[machine]["state"] = "error"
    with pytest.raises(TransientError, match=machine) as early:
        provider(cloud, "compute.VolumeAttachment").create(
            Inputs({"volume": disk, "server": machine}), owner("attachment")
        )
    assert (early.value.sent, early.value.retry_after) == (False, 5.0)


def test_what_another_server_has_is_not_asked_for(cloud: FamilyCloud, server: UpCloud, machine: str, disk: str) -> None:
    attach(cloud, disk, machine)
    with pytest.raises(InUseError, match=machine):
        provider(cloud, "compute.VolumeAttachment").create(
            Inputs({"volume": disk, "server": "another"}), owner("again")
        )
    assert len(sent(server, "attach")) == 1


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_deleted_server_leaves_what_was_attached(
    cloud: FamilyCloud, server: UpCloud, machine: str, disk: str, is_ours: bool
) -> None:
    attach(cloud, disk, machine)
    if not is_ours:
        server.servers[machine]["title"] = "made by hand"
    provider(cloud, "compute.Server").delete(machine)
    assert (server.servers, server.disks, set(server.volumes)) == ({}, {}, {disk})
    assert sent(server, "detach") == [
        ("POST", f"/1.3/server/{machine}/storage/detach", {"storage_device": {"address": "virtio:1"}})
    ]


class Shelf(oc.Stack):
    """Several disks on one server."""

    disks: int = 3

    def build(self) -> None:
        self.server = oc.Server(image=DEBIAN, size="1xCPU-1GB")
        self.volumes = [oc.Volume(size_gib=10, zone=self.server.zone, encrypted=False) for _ in range(self.disks)]
        self.attached = [oc.VolumeAttachment(volume=one, server=self.server) for one in self.volumes]


def test_several_disks_of_one_server_come_and_go_one_after_the_other(
    cloud: FamilyCloud, server: UpCloud, tmp_path: Path
) -> None:
    state = tmp_path / "state.db"
    with oc.Deployment(
        Shelf(), name="shelf", cloud=cloud, state=state, progress=False, clock=VirtualClock()
    ) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        made = {kind: count for kind, count in census(cloud).items() if count}
        assert made == {"compute.Server": 1, "compute.Volume": 3, "compute.VolumeAttachment": 3}
        deployment.destroy()
    assert census(cloud) == dict.fromkeys(census(cloud), 0)
    assert not server.disks
