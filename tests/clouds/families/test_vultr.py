"""What is sent to Vultr, to the letter, and how what it tells is read."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orchestra.clouds import FamilyCloud, vultr
from orchestra.contracts import FoundBy, Status
from orchestra.errors import InvalidRequestError
from tests.clouds.families.scenery import KEYS, Family, change, create, family_of, owner, plain_server, provider
from tests.clouds.families.vultr import REGION, TOKEN, Vultr

NAME = f"prod:web_5b0_5d:{owner('web[0]').token}"
VOLUME = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": False, "snapshot": None, "labels": {}}


@pytest.fixture
def family() -> Family:
    return family_of("vultr")


def inputs(**more: Any) -> dict[str, Any]:
    return plain_server("477", "vc2-1c-1gb", **more)


def test_a_server_is_made_in_one_request(cloud: FamilyCloud, server: Vultr) -> None:
    key = create(cloud, "compute.KeyPair", "key", {"public_key": KEYS[0], "name": "mine"})
    create(cloud, "compute.Server", "web[0]", inputs(key_pair=key, user_data="#!/bin/sh"))
    (request,) = server.sent("POST", "/v2/instances")
    assert request.body == {
        "label": NAME,
        "region": "ams",
        "plan": "vc2-1c-1gb",
        "enable_ipv6": False,
        "activation_email": False,
        "os_id": 477,
        "sshkey_id": [key],
        "user_data": base64.b64encode(b"#!/bin/sh").decode(),
    }


def test_a_volume_is_made_and_used(cloud: FamilyCloud, server: Vultr) -> None:
    volume = create(cloud, "compute.Volume", "web[0]", VOLUME)
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    attachment = create(cloud, "compute.VolumeAttachment", "both", {"volume": volume, "server": machine})
    change(cloud, "compute.Volume", volume, VOLUME, size_gib=20)
    provider(cloud, "compute.VolumeAttachment").delete(attachment)
    sent = [(one.method, one.path, one.body) for one in server.requests if "blocks" in one.path and one.body]
    assert sent == [
        ("POST", "/v2/blocks", {"label": NAME, "size_gb": 10, "region": "ams"}),
        ("POST", f"/v2/blocks/{volume}/attach", {"instance_id": machine, "live": True}),
        ("PATCH", f"/v2/blocks/{volume}", {"label": NAME, "size_gb": 20}),
        ("POST", f"/v2/blocks/{volume}/detach", {"live": True}),
    ]


def test_another_size_is_one_request(cloud: FamilyCloud, server: Vultr) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    change(cloud, "compute.Server", machine, inputs(), size={"id": "vc2-1c-2gb"})
    assert [one.body for one in server.sent("PATCH")] == [{"plan": "vc2-1c-2gb"}]


@pytest.mark.parametrize(
    ("told", "status", "detail"),
    [
        ({"status": "active", "power_status": "running", "server_status": "ok"}, Status.READY, "active"),
        ({"status": "active", "power_status": "running", "server_status": "locked"}, Status.PENDING, "installing"),
        ({"status": "active", "power_status": "stopped", "server_status": "ok"}, Status.READY, "stopped"),
        ({"status": "suspended", "power_status": "stopped", "server_status": "ok"}, Status.READY, "suspended"),
        ({"status": "migrating", "power_status": "running", "server_status": "ok"}, Status.PENDING, "migrating"),
    ],
)
def test_three_words_tell_the_state(
    cloud: FamilyCloud, server: Vultr, told: dict[str, str], status: Status, detail: str
) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.servers[machine].update(told)
    found = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert (found.status, found.detail) == (status, detail)


def test_an_answer_without_the_old_tag_is_read(cloud: FamilyCloud, server: Vultr) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    del server.servers[machine]["tag"]
    found = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert found.ownership == owner("web[0]")
    assert provider(cloud, "compute.Server").capabilities.found_by is FoundBy.NAME


def test_an_address_that_is_not_there_yet_is_none(cloud: FamilyCloud, server: Vultr) -> None:
    made = provider(cloud, "compute.Server")
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.servers[machine].update(status="halted", main_ip="0.0.0.0")
    assert made.observe([machine]).found[machine].outputs["public_ip"] is None


def test_all_pages_are_read(server: Vultr) -> None:
    server.page = 3
    cloud = vultr(region=REGION, token=TOKEN, endpoint=server.endpoint)
    made = [create(cloud, "compute.Server", f"web[{number}]", inputs()) for number in range(7)]
    before = len(server.requests)
    assert set(provider(cloud, "compute.Server").observe(made).found) == set(made)
    assert [one.query.get("cursor", "0") for one in server.requests[before:]] == ["0", "3", "6"]


def test_an_image_is_a_number_or_a_snapshot(cloud: FamilyCloud, server: Vultr) -> None:
    with pytest.raises(
        InvalidRequestError, match="is neither the number of an operating system nor the id of a snapshot"
    ):
        create(cloud, "compute.Server", "web[0]", inputs(image={"id": "debian-12"}))
    assert not server.sent("POST")


def test_a_server_made_from_a_snapshot_tells_that_where_vultr_does(cloud: FamilyCloud, server: Vultr) -> None:
    builder = create(cloud, "compute.Server", "builder", inputs())
    image = create(cloud, "compute.CustomImage", "golden", {"server": builder, "name": None, "labels": {}})
    [sent] = server.sent("POST", "/v2/snapshots")
    assert sent.body == {"instance_id": builder, "description": f"prod:golden:{owner('golden').token}"}
    images = provider(cloud, "compute.CustomImage")
    assert images.observe([image]).found[image].outputs == {"size_gib": 25}
    made = create(cloud, "compute.Server", "web[0]", inputs(image={"id": image}))
    servers = provider(cloud, "compute.Server")
    assert "image" not in servers.observe([made]).found[made].inputs, "only that it was a snapshot is told"
    server.servers[made]["snapshot_id"] = image
    assert servers.observe([made]).found[made].inputs["image"] == {"id": image}
    server.snapshots[image]["status"] = "deleted"
    assert images.observe([image]).gone == {image}
