"""What is sent to DigitalOcean, to the letter, and what its droplets do in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud, digitalocean
from orchestra.contracts import Status
from orchestra.errors import CredentialsError, InvalidRequestError, TransientError
from tests.clouds.families.digitalocean import REGION, TOKEN, DigitalOcean
from tests.clouds.families.scenery import KEYS, change, create, owner, provider

OWNER_TAGS = [
    "orchestra:deployment:prod",
    "orchestra:address:web_5b0_5d",
    f"orchestra:token:{owner('web[0]').token}",
]
NAME = f"prod-web-0-{owner('web[0]').token[:10]}"


@pytest.fixture
def server() -> Iterator[DigitalOcean]:
    server = DigitalOcean()
    with server.running():
        yield server


@pytest.fixture
def cloud(server: DigitalOcean) -> FamilyCloud:
    return digitalocean(region=REGION, token=TOKEN, endpoint=server.endpoint)


def inputs(**more: Any) -> dict[str, Any]:
    plain = {"subnet": None, "firewalls": [], "key_pair": None, "user_data": None, "public_address": None, "labels": {}}
    return {"image": {"id": "119192817"}, "size": {"id": "512mb"}, **plain, **more}


def test_a_droplet_is_made_in_one_request(cloud: FamilyCloud, server: DigitalOcean) -> None:
    key = create(cloud, "compute.KeyPair", "key", {"public_key": KEYS[0], "name": "mine"})
    create(cloud, "compute.Server", "web[0]", inputs(key_pair=key, user_data="#!/bin/sh", labels={"Env": "a b"}))
    (request,) = server.sent("POST", "/v2/droplets")
    assert request.body == {
        "name": NAME,
        "region": "nyc1",
        "size": "512mb",
        "image": 119192817,
        "user_data": "#!/bin/sh",
        "tags": [*OWNER_TAGS, "_45nv:a_20b"],
        "ssh_keys": [int(key)],
    }


def test_a_volume_is_made_in_one_request(cloud: FamilyCloud, server: DigitalOcean) -> None:
    create(cloud, "compute.Volume", "web[0]", volume_inputs_here(snapshot="snap-1"))
    (request,) = server.sent("POST")
    assert request.body == {
        "name": NAME,
        "size_gigabytes": 10,
        "region": "nyc1",
        "tags": OWNER_TAGS,
        "snapshot_id": "snap-1",
    }


def volume_inputs_here(**more: Any) -> dict[str, Any]:
    plain = {"size_gib": 10, "zone": REGION, "type": None, "encrypted": True, "snapshot": None, "labels": {}}
    return {**plain, **more}


def test_a_volume_is_attached_and_grows_and_is_detached(cloud: FamilyCloud, server: DigitalOcean) -> None:
    volume = create(cloud, "compute.Volume", "disk", volume_inputs_here())
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    attachment = create(cloud, "compute.VolumeAttachment", "both", {"volume": volume, "server": machine})
    change(cloud, "compute.Volume", volume, volume_inputs_here(), size_gib=20)
    provider(cloud, "compute.VolumeAttachment").delete(attachment)
    assert [one.body for one in server.sent("POST", f"/v2/volumes/{volume}/actions")] == [
        {"type": "attach", "droplet_id": int(machine), "region": "nyc1"},
        {"type": "resize", "size_gigabytes": 20, "region": "nyc1"},
        {"type": "detach", "droplet_id": int(machine), "region": "nyc1"},
    ]


def test_labels_are_tags_of_the_thing(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs(labels={"env": "test"}))
    server.droplets[machine]["tags"] += ["of somebody else"]
    told = change(cloud, "compute.Server", machine, inputs(labels={"env": "test"}), labels={"env": "prod"})
    assert told.inputs["labels"] == {"env": "prod"}
    resources = {"resources": [{"resource_id": machine, "resource_type": "droplet"}]}
    sent = [(one.method, one.path, one.body) for one in server.requests if one.path.startswith("/v2/tags")]
    assert sent == [
        ("POST", "/v2/tags", {"name": "env:prod"}),
        ("POST", "/v2/tags/env:prod/resources", resources),
        ("DELETE", "/v2/tags/env:test/resources", resources),
    ]
    assert set(server.droplets[machine]["tags"]) == {*OWNER_TAGS, "env:prod", "of somebody else"}


# -- another size


def resize(cloud: FamilyCloud, machine: str, size: str = "1gb") -> Any:
    return change(cloud, "compute.Server", machine, inputs(), size={"id": size})


def test_a_droplet_is_off_while_it_gets_another_size(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    server.stays_off_for = 2
    with pytest.raises(TransientError, match="is active") as early:
        resize(cloud, machine)
    assert early.value.retry_after == 20.0
    told = resize(cloud, machine)
    assert (told.inputs["size"], told.status, told.detail) == ({"id": "1gb"}, Status.READY, "active")
    actions = [one.body for one in server.sent("POST", f"/v2/droplets/{machine}/actions")]
    assert actions[0] == {"type": "shutdown"}
    assert actions[-2:] == [{"type": "resize", "size": "1gb", "disk": False}, {"type": "power_on"}]
    assert server.droplets[machine]["tags"] == OWNER_TAGS


def test_a_resize_that_is_broken_off_is_told_as_such(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    server.failing.append(("POST", f"/v2/droplets/{machine}/actions", 500))
    with pytest.raises(TransientError):
        resize(cloud, machine)
    server.droplets[machine].update(status="off")
    told = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert "size" not in told.inputs, "so the update is sent again"
    assert resize(cloud, machine).detail == "active"


def test_a_droplet_that_somebody_stopped_is_no_drift(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    server.droplets[machine].update(status="off")
    told = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert (told.status, told.detail, told.inputs["size"]) == (Status.READY, "off", {"id": "512mb"})


def test_a_size_that_cannot_be_had_leaves_it_running(cloud: FamilyCloud, server: DigitalOcean) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").observe([machine])
    with pytest.raises(InvalidRequestError, match="invalid size"):
        resize(cloud, machine, "no-such-size")
    assert server.droplets[machine]["status"] == "active"
    assert server.droplets[machine]["tags"] == OWNER_TAGS


# -- reading


def test_all_pages_are_read_of_one_region(server: DigitalOcean) -> None:
    server.page = 3
    cloud = digitalocean(region=REGION, token=TOKEN, endpoint=server.endpoint)
    made = [create(cloud, "compute.Server", f"web[{number}]", inputs()) for number in range(7)]
    elsewhere = digitalocean(region="sfo1", token=TOKEN, endpoint=server.endpoint)
    create(elsewhere, "compute.Server", "other", inputs())
    before = len(server.requests)
    assert set(provider(cloud, "compute.Server").observe(made).found) == set(made)
    assert [one.query.get("page", "1") for one in server.requests[before:]] == ["1", "2", "3"]
    assert {one.external_id for one in provider(cloud, "compute.Server").list()} == set(made)


def test_a_page_that_fails_is_not_taken_for_gone(server: DigitalOcean, cloud: FamilyCloud) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.failing.append(("GET", "/v2/droplets", 500))
    reading = provider(cloud, "compute.Server").observe([machine])
    assert (set(reading.unread), reading.gone) == ({machine}, frozenset())


def test_a_slug_is_no_image(cloud: FamilyCloud, server: DigitalOcean) -> None:
    with pytest.raises(InvalidRequestError, match="means another image from time to time"):
        create(cloud, "compute.Server", "web[0]", inputs(image={"id": "ubuntu-14-04-x64"}))
    assert not server.sent("POST")


# -- the account


def test_the_account_is_verified(server: DigitalOcean, cloud: FamilyCloud) -> None:
    cloud.verify()
    with pytest.raises(CredentialsError, match="Unable to authenticate you"):
        digitalocean(region=REGION, token="wrong", endpoint=server.endpoint).verify()
    with pytest.raises(InvalidRequestError, match="'nyc9' is no region of DigitalOcean") as unknown:
        digitalocean(region="nyc9", token=TOKEN, endpoint=server.endpoint).verify()
    assert unknown.value.remedy == "use one such as nyc1"


def test_plans_say_what_cannot_be_had(cloud: FamilyCloud) -> None:
    class Site(oc.Stack):
        def build(self) -> None:
            image, size = oc.Image(os="ubuntu", version="14.04"), oc.Size(cpus=1, memory_gib=1)
            self.inside = oc.Server(image=image, size=size, subnet="subnet-1", public_address=False)
            self.disk = oc.Volume(size_gib=10, zone=REGION, encrypted=False)
            self.network = oc.Network(cidr="10.0.0.0/16")

    with (
        oc.Deployment(Site(), name="site", cloud=cloud, state=":memory:", progress=False) as deployment,
        pytest.raises(oc.errors.UnsupportedError) as refused,
    ):
        deployment.plan()
    told = str(refused.value)
    assert "inside: the cloud 'digitalocean:nyc1' can't do compute.Server with subnet: " in told
    assert "inside: the cloud 'digitalocean:nyc1' does compute.Server only with public_address=True: " in told
    assert "disk: the cloud 'digitalocean:nyc1' does compute.Volume only with encrypted=True: " in told
    assert "network: " in told
