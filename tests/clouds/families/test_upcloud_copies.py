"""UpCloud's backups and templates: what is sent, what a crash leaves between the steps, and that it is finished."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Inputs, Status
from orchestra.errors import InProgressError, InvalidRequestError, NotReadyError, TransientError
from orchestra.testing import VirtualClock
from tests.clouds.families.scenery import (
    Family,
    create,
    family_of,
    made_and_seen,
    owner,
    plain_server,
    provider,
)
from tests.clouds.families.test_life import Golden
from tests.clouds.families.test_upcloud_volumes import DEBIAN, VOLUME
from tests.clouds.families.upcloud import REGION, UpCloud

IMAGE, SNAPSHOT = "compute.CustomImage", "compute.Snapshot"
TITLE = f"prod:golden:{owner('golden').token}"
FAMILY = family_of("upcloud")


@pytest.fixture
def family() -> Family:
    return family_of("upcloud")


@pytest.fixture
def machine(cloud: FamilyCloud) -> str:
    return made_and_seen(cloud, "compute.Server", "web", plain_server(DEBIAN, "1xCPU-1GB"))


@pytest.fixture
def disk(cloud: FamilyCloud) -> str:
    return made_and_seen(cloud, "compute.Volume", "disk", VOLUME)


def wanted(machine: str) -> Inputs:
    return Inputs({"server": machine, "name": None, "description": "", "labels": {}})


def sent(server: UpCloud) -> list[tuple[str, str, Any]]:
    """What was asked for but reads, of storages."""
    return [
        (one.method, one.path.removeprefix("/1.3/storage/"), one.body)
        for one in server.requests
        if one.method != "GET" and one.path.startswith("/1.3/storage/")
    ]


def kinds(server: UpCloud) -> list[str]:
    """The kinds of all storages that no server was made with."""
    return sorted(one["type"] for one in (*server.volumes.values(), *server.copies.values()))


def step(cloud: FamilyCloud, machine: str) -> object:
    """Ask once for the image, in a process of its own: what it is told instead of one."""
    with contextlib.suppress(InProgressError):
        return provider(cloud, IMAGE).create(wanted(machine), owner("golden"))
    return None


def until_made(cloud: FamilyCloud, machine: str) -> Any:
    for _ in range(20):
        made = step(cloud, machine)
        if made is not None:
            return made
    raise AssertionError("it is never made")


def test_a_snapshot_is_a_backup_with_its_title(cloud: FamilyCloud, server: UpCloud, disk: str) -> None:
    made = create(cloud, SNAPSHOT, "copy", {"volume": disk, "labels": {}, "description": ""})
    assert sent(server) == [
        ("POST", f"{disk}/backup", {"storage": {"title": f"prod:copy:{owner('copy').token}"}}),
    ]
    (told,) = provider(cloud, SNAPSHOT).list()
    assert (told.external_id, told.inputs, told.outputs) == (made, {"volume": disk}, {"size_gib": 10})
    assert told.ownership == owner("copy")


def test_a_volume_is_made_of_a_backup_as_large_as_that(cloud: FamilyCloud, server: UpCloud, disk: str) -> None:
    copy = create(cloud, SNAPSHOT, "copy", {"volume": disk, "labels": {}, "description": ""})
    provider(cloud, SNAPSHOT).observe([copy])
    with pytest.raises(InvalidRequestError, match="as large as that is: 10 GiB, not 20") as refused:
        create(cloud, "compute.Volume", "again", {**VOLUME, "snapshot": copy, "size_gib": 20})
    assert refused.value.sent is False
    again = create(cloud, "compute.Volume", "again", {**VOLUME, "snapshot": copy})
    body = {"title": f"prod:again:{owner('again').token}", "zone": REGION, "tier": "maxiops"}
    assert sent(server)[1:] == [("POST", f"{copy}/clone", {"storage": body})]
    assert server.volumes[again]["size"] == 10


def test_an_image_is_made_by_way_of_two_copies_that_go(cloud: FamilyCloud, server: UpCloud, machine: str) -> None:
    made = until_made(cloud, machine)
    (own,) = server.disks
    part = f"{TITLE} for image"
    assert [(method, path.partition("/")[2], body) for method, path, body in sent(server)] == [
        ("POST", "backup", {"storage": {"title": part}}),
        ("POST", "clone", {"storage": {"title": part, "zone": REGION, "tier": "maxiops"}}),
        ("POST", "templatize", {"storage": {"title": TITLE}}),
        ("DELETE", "", None),
        ("DELETE", "", None),
    ]
    assert sent(server)[0][1] == f"{own}/backup", "of the disk that the server was made with"
    assert kinds(server) == ["template"]
    assert server.servers[machine]["state"] == "started", "it goes on"
    assert (made.ownership, made.status, made.outputs) == (owner("golden"), Status.READY, {"size_gib": 10})


def test_what_it_is_made_by_way_of_is_neither_volume_nor_snapshot(
    cloud: FamilyCloud, server: UpCloud, machine: str
) -> None:
    seen = set()
    while step(cloud, machine) is None:
        seen.update(kinds(server))
        assert list(provider(cloud, SNAPSHOT).list()) == []
        assert list(provider(cloud, "compute.Volume").list()) == []
    assert seen == {"backup", "normal", "template"}


@pytest.mark.parametrize("steps", range(1, 4))
def test_what_a_crash_leaves_is_found_finished_or_taken_away(
    cloud: FamilyCloud, server: UpCloud, machine: str, steps: int
) -> None:
    images = provider(cloud, IMAGE)
    for _ in range(steps):
        assert step(cloud, machine) is None
    half = images.find(owner("golden"), wanted(machine))
    assert half is not None
    assert half.status is Status.PENDING
    told = images.observe([half.external_id]).found[half.external_id]
    assert (told.status, told.ownership) == (Status.FAILED, owner("golden")), "what is recorded as such is replaced"
    if steps % 2:
        until_made(cloud, machine)
        assert kinds(server) == ["template"]
        return
    for _ in range(5):
        try:
            images.delete(half.external_id)
        except TransientError:
            continue  # what is in maintenance isn't deleted
    assert kinds(server) == []
    assert half.external_id in images.observe([half.external_id]).gone


@pytest.mark.parametrize("what", ["backup", "clone", "templatize"])
def test_a_copy_that_failed_is_made_again(cloud: FamilyCloud, server: UpCloud, machine: str, what: str) -> None:
    while not server.sent("POST", f"/1.3/storage/[^/]+/{what}"):
        step(cloud, machine)
    latest = max((*server.volumes.values(), *server.copies.values()), key=lambda one: str(one["uuid"]))
    latest["state"] = "error"
    with pytest.raises(NotReadyError, match="for an image failed"):
        step(cloud, machine)
    until_made(cloud, machine)
    assert kinds(server) == ["template"]


def test_a_disk_that_is_being_backed_up_is_asked_for_later(cloud: FamilyCloud, server: UpCloud, machine: str) -> None:
    server.failing.append(("POST", "/1.3/storage/[^/]+/backup", 409))
    with pytest.raises(TransientError, match="is being changed") as early:
        provider(cloud, IMAGE).create(wanted(machine), owner("golden"))
    assert (early.value.sent, early.value.retry_after) == (False, 5.0)


def test_a_run_that_died_between_the_copies_leaves_one_image(
    cloud: FamilyCloud, server: UpCloud, tmp_path: Path
) -> None:
    def deployed(seconds: float) -> oc.Deployment:
        stack, state = Golden(family=FAMILY, create_timeout=seconds), tmp_path / "state.db"
        return oc.Deployment(stack, name="shop", cloud=cloud, state=state, progress=False, clock=VirtualClock())

    with deployed(30.0) as deployment, pytest.raises(oc.ApplyError) as failed:
        deployment.apply()
    assert {type(one) for one in failed.value.exceptions} == {oc.NotReadyError}
    with deployed(7200.0) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert kinds(server) == ["template"]
        deployment.destroy()
    assert kinds(server) == []
    assert not server.disks
