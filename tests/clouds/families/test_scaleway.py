"""What is sent to Scaleway, to the letter; servers that are made and not started."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.clouds import FamilyCloud, scaleway
from orchestra.clouds.families.scaleway.traits import STARTING
from orchestra.contracts import Inputs, Status
from orchestra.errors import (
    ChoiceError,
    CloudError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    TransientError,
)
from tests.clouds.families.scaleway import PROJECT, REGION, Scaleway
from tests.clouds.families.scenery import Family, change, create, family_of, owner, plain_server, provider

SERVERS = f"/instance/v1/zones/{REGION}/servers"
TAGS = [
    "orchestra:deployment:prod",
    "orchestra:address:web_5b0_5d",
    f"orchestra:token:{owner('web[0]').token}",
]
NAME = f"prod-web-0-{owner('web[0]').token[:10]}"


@pytest.fixture
def family() -> Family:
    return family_of("scaleway")


def inputs(**more: Any) -> dict[str, Any]:
    return plain_server("image-1", "DEV1-S", **more)


def sent(server: Scaleway) -> list[tuple[str, str, Any]]:
    """What was asked for but reads, each path without what all have in common."""
    return [(one.method, one.path.removeprefix(SERVERS), one.body) for one in server.requests if one.method != "GET"]


def test_a_server_is_made_with_its_tags_and_then_started(cloud: FamilyCloud, server: Scaleway) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs(user_data="#!/bin/sh", labels={"env": "test"}))
    tags = [*TAGS, "env:test"]
    body = {
        "name": NAME,
        "commercial_type": "DEV1-S",
        "image": "image-1",
        "project": PROJECT,
        "tags": [*tags, STARTING],
        "dynamic_ip_required": True,
    }
    assert sent(server) == [
        ("POST", "", body),
        ("PATCH", f"/{machine}/user_data/cloud-init", "#!/bin/sh"),
        ("POST", f"/{machine}/action", {"action": "poweron"}),
        ("PATCH", f"/{machine}", {"tags": tags}),
    ]


@pytest.mark.parametrize("broken", ["/[^/]+/user_data/cloud-init", "/[^/]+/action", "/[^/]+"])
def test_one_that_was_made_and_not_started_is_finished(cloud: FamilyCloud, server: Scaleway, broken: str) -> None:
    servers, wanted = provider(cloud, "compute.Server"), Inputs(inputs(user_data="#!/bin/sh"))
    server.failing += [("PATCH", SERVERS + broken, 500), ("POST", SERVERS + broken, 500)]
    with pytest.raises(CloudError):
        servers.create(wanted, owner("web[0]"))
    server.failing.clear()
    found = servers.find(owner("web[0]"), wanted)
    assert found is not None
    if broken != "/[^/]+":
        assert (found.status, found.detail) == (Status.PENDING, "made")
    made = servers.create(wanted, owner("web[0]"))
    assert made.external_id == found.external_id
    (only,) = server.servers.values()
    assert (only["state"], only["tags"], server.user_data) == ("running", TAGS, {only["id"]: "#!/bin/sh"})


def test_one_that_runs_goes_with_its_disks_in_one_request(cloud: FamilyCloud, server: Scaleway) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    provider(cloud, "compute.Server").delete(machine)
    assert sent(server)[-1] == ("POST", f"/{machine}/action", {"action": "terminate"})
    assert (server.servers, server.disks) == ({}, {})


def test_one_that_is_stopped_goes_with_its_disks_too(cloud: FamilyCloud, server: Scaleway) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.servers[machine]["state"] = "stopped"
    provider(cloud, "compute.Server").delete(machine)
    assert (server.servers, server.disks) == ({}, {})


def test_one_on_its_way_is_deleted_later(cloud: FamilyCloud, server: Scaleway) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.servers[machine]["state"] = "locked"
    with pytest.raises(TransientError, match="is locked") as early:
        provider(cloud, "compute.Server").delete(machine)
    assert early.value.retry_after == 10.0


def test_another_size_stops_and_starts_it(cloud: FamilyCloud, server: Scaleway) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    before = len(sent(server))
    change(cloud, "compute.Server", machine, inputs(), size={"id": "DEV1-M"})
    assert sent(server)[before:] == [
        ("PATCH", f"/{machine}", {"tags": [*TAGS, "orchestra:resizing:1"]}),
        ("POST", f"/{machine}/action", {"action": "poweroff"}),
        ("PATCH", f"/{machine}", {"commercial_type": "DEV1-M"}),
        ("POST", f"/{machine}/action", {"action": "poweron"}),
        ("PATCH", f"/{machine}", {"tags": TAGS}),
    ]


def test_what_is_chosen(cloud: FamilyCloud) -> None:
    choose = provider(cloud, "compute.Server").choose
    assert choose("image", {"os": "debian", "version": "12"}) == "image-1", "the newer of two"
    assert choose("image", {"os": "ubuntu", "version": "22.04"}) == "image-3"
    assert choose("size", {"cpus": 4, "memory_gib": 1}) == "DEV1-L", "not the cheaper one for another processor"
    with pytest.raises(ChoiceError):
        choose("image", {"os": "debian", "version": "12", "architecture": "arm64"})


def test_all_pages_are_read(cloud: FamilyCloud, server: Scaleway) -> None:
    made = {create(cloud, "compute.Server", "web[0]", inputs())}
    for number in range(120):
        one = {**server.servers[next(iter(made))], "id": f"741db378-{5000 + number}"}
        server.servers[one["id"]] = one
    before = len(server.requests)
    assert len(list(provider(cloud, "compute.Server").list())) == 121
    assert [one.query["page"] for one in server.requests[before:]] == ["1", "2"]


def test_wrong_credentials_are_told(server: Scaleway) -> None:
    with pytest.raises(CredentialsError, match="Authentication error"):
        scaleway(region=REGION, secret_key="other", project=PROJECT, endpoint=server.endpoint).verify()


def test_a_key_is_put_on_servers_by_being_in_their_project(cloud: FamilyCloud, server: Scaleway) -> None:
    text = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlN00 one@example"
    key = create(cloud, "compute.KeyPair", "key", {"name": None, "public_key": text})
    name = f"prod:key:{owner('key').token}"
    assert sent(server) == [
        ("POST", "/iam/v1alpha1/ssh-keys", {"name": name, "public_key": text, "project_id": PROJECT})
    ]
    create(cloud, "compute.Server", "web[0]", inputs(key_pair=key))
    assert server.servers


def test_a_server_is_not_made_without_the_key_that_it_names(cloud: FamilyCloud, server: Scaleway) -> None:
    with pytest.raises(NotFoundError):
        create(cloud, "compute.Server", "web[0]", inputs(key_pair="nowhere"))
    server.keys["theirs"] = {"id": "theirs", "name": "laptop", "project_id": "another"}
    with pytest.raises(InvalidRequestError, match="laptop is of another project"):
        create(cloud, "compute.Server", "web[0]", inputs(key_pair="theirs"))
    assert not server.servers
