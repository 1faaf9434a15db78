"""What is sent to Linode, to the letter, and what its driver of Libcloud's would stumble over."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orchestra.clouds import FamilyCloud, linode
from orchestra.contracts import Status
from orchestra.errors import InUseError, InvalidRequestError, TransientError
from tests.clouds.families.linode import REGION, TOKEN, Linode
from tests.clouds.families.scenery import KEYS, LABELS, Family, change, create, family_of, owner, plain_server, provider

TAGS = [
    "orchestra:deployment:prod",
    "orchestra:address:web_5b0_5d",
    f"orchestra:token:{owner('web[0]').token}",
]
NAME = f"prod-web-0-{owner('web[0]').token[:10]}"
VOLUME = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": False, "snapshot": None, "labels": {}}


@pytest.fixture
def family() -> Family:
    return family_of("linode")


def inputs(**more: Any) -> dict[str, Any]:
    return plain_server("linode/debian10", "g6-nanode-1", **more)


def test_a_server_is_made_in_one_request(cloud: FamilyCloud, server: Linode) -> None:
    key = create(cloud, "compute.KeyPair", "key", {"public_key": KEYS[0], "name": "mine"})
    create(cloud, "compute.Server", "web[0]", inputs(key_pair=key, user_data="#!/bin/sh", labels={"env": "test"}))
    (request,) = server.sent("POST", "/v4/linode/instances")
    password = request.body.pop("root_pass")
    assert len(password) >= 64, "a password that nobody knows"
    assert request.body == {
        "region": "eu-west",
        "type": "g6-nanode-1",
        "private_ip": False,
        "backups_enabled": False,
        "metadata": {"user_data": base64.b64encode(b"#!/bin/sh").decode()},
        "image": "linode/debian10",
        "label": NAME,
        "authorized_keys": [KEYS[0]],
        "tags": [*TAGS, "env:test"],
    }


def test_a_volume_is_made_and_used(cloud: FamilyCloud, server: Linode) -> None:
    volume = create(cloud, "compute.Volume", "web[0]", VOLUME)
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    attachment = create(cloud, "compute.VolumeAttachment", "both", {"volume": volume, "server": machine})
    with pytest.raises(InUseError, match=f"is attached to {machine}"):
        provider(cloud, "compute.Volume").delete(volume)
    change(cloud, "compute.Volume", volume, VOLUME, size_gib=20)
    provider(cloud, "compute.VolumeAttachment").delete(attachment)
    sent = [(one.path, one.body) for one in server.sent("POST", "/v4/volumes.*")]
    name = f"prod-web-0-{owner('web[0]').token[:10]}"
    assert sent == [
        ("/v4/volumes", {"label": name, "size": 10, "region": "eu-west", "tags": TAGS}),
        (f"/v4/volumes/{volume}/attach", {"linode_id": int(machine), "persist_across_boots": True}),
        (f"/v4/volumes/{volume}/resize", {"size": 20}),
        (f"/v4/volumes/{volume}/detach", None),
    ]


def test_labels_are_set_with_all_other_tags(cloud: FamilyCloud, server: Linode) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs(labels={"env": "test"}))
    server.servers[machine]["tags"].append("of somebody else")
    change(cloud, "compute.Server", machine, inputs(labels={"env": "test"}), labels={"env": "prod"})
    (request,) = server.sent("PUT")
    assert request.body == {"tags": [*TAGS, "of somebody else", "env:prod"]}


def test_another_size_waits_for_what_is_under_way(cloud: FamilyCloud, server: Linode) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.servers[machine]["status"] = "migrating"
    with pytest.raises(TransientError, match="is migrating") as early:
        change(cloud, "compute.Server", machine, inputs(), size={"id": "g6-standard-2"})
    assert early.value.retry_after == 20.0
    assert not server.sent("POST", ".*/resize")
    server.servers[machine]["status"] = "running"
    change(cloud, "compute.Server", machine, inputs(), size={"id": "g6-standard-2"})
    (request,) = server.sent("POST", ".*/resize")
    assert request.body == {"type": "g6-standard-2", "allow_auto_disk_resize": False}


def test_states_that_libcloud_does_not_know_are_told(cloud: FamilyCloud, server: Linode) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    volume = create(cloud, "compute.Volume", "disk", VOLUME)
    server.servers[machine]["status"] = "billing_suspension"
    server.volumes[volume]["status"] = "key_rotating"
    for kind, identity in (("compute.Server", machine), ("compute.Volume", volume)):
        told = provider(cloud, kind).observe([identity]).found[identity]
        assert (told.status, told.detail) == (Status.PENDING, server.of(kind)[identity]["status"])


def test_all_pages_are_read(server: Linode) -> None:
    server.page = 3
    cloud = linode(region=REGION, token=TOKEN, endpoint=server.endpoint)
    made = [create(cloud, "compute.Server", f"web[{number}]", inputs()) for number in range(7)]
    before = len(server.requests)
    assert set(provider(cloud, "compute.Server").observe(made).found) == set(made)
    assert [one.query.get("page", "1") for one in server.requests[before:]] == ["1", "2", "3"]


def test_a_label_that_does_not_fit_is_refused_unsent(cloud: FamilyCloud, server: Linode) -> None:
    with pytest.raises(InvalidRequestError, match="at most 50 are possible") as refused:
        create(cloud, "compute.Server", "web[0]", inputs(labels={"env": "x" * 50}))
    assert refused.value.sent is False
    assert not server.sent("POST")


def test_an_image_is_made_of_the_disk_that_is_started_from(cloud: FamilyCloud, server: Linode) -> None:
    builder = create(cloud, "compute.Server", "builder", inputs())
    wanted = {"server": builder, "name": "golden", "labels": LABELS}
    image = create(cloud, "compute.CustomImage", "golden", wanted)
    [sent] = server.sent("POST", "/v4/images")
    assert (sent.body["disk_id"], sent.body["label"]) == (int(builder) + 500000, "golden")
    images = provider(cloud, "compute.CustomImage")
    told = images.observe([image]).found[image]
    assert told.inputs == {"name": "golden", "labels": LABELS}
    assert (told.ownership, told.outputs) == (owner("golden"), {"size_gib": 25})
    assert [one.external_id for one in images.list()] == [image], "Linode's own aren't told"
    made = create(cloud, "compute.Server", "web[0]", inputs(image={"id": image}))
    assert provider(cloud, "compute.Server").observe([made]).found[made].inputs["image"] == {"id": image}
