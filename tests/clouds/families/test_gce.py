"""What is sent to Compute Engine, to the letter; lists that aren't whole; operations that fail; lost answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from orchestra.clouds import GceCloud
from orchestra.clouds.base.rules import FirewallRule, told_rules
from orchestra.contracts import Inputs, Ownership, Status, fresh_token
from orchestra.errors import (
    ChoiceError,
    CloudError,
    ConflictError,
    CredentialsError,
    InProgressError,
    InUseError,
    InvalidRequestError,
    QuotaError,
    ThrottledError,
    TransientError,
)
from tests.clouds.families.gce import PROJECT, REGION, Gce
from tests.clouds.families.gce_scenery import ZONE, change, connect, disk, machine, make, network, provider, subnet

API = f"/compute/v1/projects/{PROJECT}/"
TOKEN = fresh_token("web[0]")
OWNER = Ownership("prod", "web[0]", TOKEN)
NAME = f"prod-web-0-{TOKEN[:10]}"
MARK = f"orchestra token={TOKEN}&deployment=prod&address=web[0]"
OURS = {"orchestra-token": TOKEN, "orchestra-deployment": "prod", "orchestra-address": "web-0"}
IMAGE = "projects/debian-cloud/global/images/debian-12-v1"


@pytest.fixture
def server() -> Iterator[Gce]:
    server = Gce()
    with server.running():
        yield server


@pytest.fixture
def cloud(server: Gce) -> GceCloud:
    return connect(server)


def sent(server: Gce, after: int = 0) -> list[tuple[str, str, Any]]:
    """What was sent but reads, each path without what all have in common, and without waits."""
    found = [(one.method, one.path.removeprefix(API), one.body) for one in server.requests[after:]]
    return [one for one in found if one[0] != "GET" and not one[1].endswith("/wait") and one[1] != "/token"]


def server_inputs(home: str, **more: Any) -> Inputs:
    plain = {"firewalls": [], "key_pair": None, "user_data": None, "public_address": None, "labels": {}}
    return Inputs({"image": {"id": IMAGE}, "size": {"id": "e2-small"}, "subnet": home, **plain, **more})


# -- creations


def test_a_server_is_made_in_one_request(cloud: GceCloud, server: Gce) -> None:
    home, start = subnet(cloud), len(server.requests)
    wanted = server_inputs(
        home, user_data="#!/bin/sh", key_pair="me:ssh-ed25519 AAAA", firewalls=["global/firewalls/x"], labels={"a": "b"}
    )
    made = provider(cloud, "compute.Server").create(wanted, OWNER)
    labels = {"a": "b", **OURS}
    body = {
        "name": NAME,
        "description": f"{MARK}&image=projects/debian-cloud/global/images/debian-12-v1",
        "machineType": f"zones/{ZONE}/machineTypes/e2-small",
        "disks": [{"boot": True, "autoDelete": True, "initializeParams": {"sourceImage": IMAGE, "labels": labels}}],
        "networkInterfaces": [
            {
                "subnetwork": f"projects/{PROJECT}/{home}",
                "accessConfigs": [{"type": "ONE_TO_ONE_NAT", "name": "External NAT"}],
            }
        ],
        "tags": {"items": ["x"]},
        "labels": labels,
        "metadata": {
            "items": [
                {"key": "startup-script", "value": "#!/bin/sh"},
                {"key": "ssh-keys", "value": "me:ssh-ed25519 AAAA"},
            ]
        },
    }
    assert sent(server, start) == [("POST", f"zones/{ZONE}/instances", body)]
    (creating,) = server.sent("POST", f"{API}zones/{ZONE}/instances")
    assert uuid.UUID(creating.query["requestId"]).version == 5
    assert made.external_id == f"zones/{ZONE}/instances/{NAME}"
    assert (made.status, made.ownership) == (Status.READY, OWNER)


def test_a_document_is_for_cloud_init_and_no_public_address_is_none(cloud: GceCloud, server: Gce) -> None:
    home = make(
        cloud, "network.Subnet", "private", network=network(cloud), cidr="10.0.2.0/24", zone=f"{REGION}-b", public=False
    )
    assert server.things[home]["privateIpGoogleAccess"] is True
    machine(cloud, "web", home, user_data="#cloud-config\n")
    body = sent(server)[-1][2]
    assert sent(server)[-1][1] == f"zones/{REGION}-b/instances", "where its subnet says"
    assert body["metadata"]["items"] == [{"key": "user-data", "value": "#cloud-config\n"}]
    assert "accessConfigs" not in body["networkInterfaces"][0]


def test_a_key_must_say_whose_it_is(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    with pytest.raises(InvalidRequestError, match="a user and a public key") as refused:
        provider(cloud, "compute.Server").create(server_inputs(home, key_pair="ssh-ed25519 AAAA a:b"), OWNER)
    assert not refused.value.sent


@pytest.mark.parametrize("labels", [{"Env": "x"}, {"env": "Prod"}, {"1": "x"}, {"a": "x" * 64}, {"orchestra-a": "x"}])
def test_labels_that_cannot_be_are_refused_before_anything_is_sent(
    cloud: GceCloud, server: Gce, labels: dict[str, str]
) -> None:
    home, start = subnet(cloud), len(server.requests)
    with pytest.raises(InvalidRequestError, match="lower-case letters") as refused:
        provider(cloud, "compute.Server").create(server_inputs(home, labels=labels), OWNER)
    assert not refused.value.sent
    assert sent(server, start) == []


def test_a_firewall_is_a_tag_and_a_rule_for_each_thing_it_allows(cloud: GceCloud, server: Gce) -> None:
    home = network(cloud)
    ingress = [{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "10.0.0.0/8", "firewall": None}]
    guard = make(cloud, "network.Firewall", "web[0]", network=home, description="Web", ingress=ingress, egress=[])
    tag = guard.removeprefix("global/firewalls/")
    (_, _, anchor), (_, _, rule) = sent(server)[-2:]
    assert anchor == {
        "name": tag,
        "description": f"Web | {MARK}",
        "network": f"projects/{PROJECT}/{home}",
        "direction": "EGRESS",
        "priority": 65534,
        "denied": [{"IPProtocol": "all"}],
        "destinationRanges": ["0.0.0.0/0"],
        "targetTags": [tag],
    }
    assert rule.pop("name").startswith(f"{tag}-")
    assert rule == {
        "description": f"Web | {MARK}",
        "network": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/{home}",
        "direction": "INGRESS",
        "priority": 1000,
        "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
        "sourceRanges": ["10.0.0.0/8"],
        "targetTags": [tag],
    }


def test_what_others_did_to_a_firewall_is_seen_and_mended(cloud: GceCloud, server: Gce) -> None:
    web = {"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr": "0.0.0.0/0", "firewall": None}
    plain = {"network": network(cloud), "description": "Web", "ingress": [web], "egress": [], "labels": {}}
    guard = make(cloud, "network.Firewall", "guard", **plain)
    (ours,) = (one for place, one in server.things.items() if place.startswith(f"{guard}-"))
    ours["disabled"] = True
    server.things["global/firewalls/theirs"] = {
        **ours,
        "name": "theirs",
        "selfLink": ours["selfLink"].replace(ours["name"], "theirs"),
        "allowed": [{"IPProtocol": "tcp"}, {"IPProtocol": "esp"}],
        "disabled": False,
    }
    told = provider(cloud, "network.Firewall").observe([guard]).found[guard].inputs["ingress"]
    everything: dict[str, Any] = {"from_port": None, "to_port": None, "cidr": "0.0.0.0/0", "firewall": None}
    theirs = [{**everything, "protocol": "esp"}, {**everything, "protocol": "tcp", "from_port": 0, "to_port": 65535}]
    assert told == told_rules([FirewallRule(**one) for one in theirs], "ingress"), "and not ours, which is switched off"
    again = change(cloud, "network.Firewall", guard, plain, ingress=[web])
    assert again.inputs["ingress"] == [web]
    assert "global/firewalls/theirs" not in server.things
    assert ours["disabled"] is False
    assert [one.external_id for one in provider(cloud, "network.Firewall").list()] == [guard]


def test_egress_to_a_firewall_is_refused_before_anything_is_made(cloud: GceCloud, server: Gce) -> None:
    home, start = network(cloud), len(server.requests)
    egress = [{"protocol": "all", "from_port": None, "to_port": None, "cidr": None, "firewall": "global/firewalls/x"}]
    with pytest.raises(InvalidRequestError, match="by address only") as refused:
        make(cloud, "network.Firewall", "guard", network=home, description="x", ingress=[], egress=egress)
    assert not refused.value.sent
    assert sent(server, start) == []


def test_a_network_without_internet_has_no_default_route(cloud: GceCloud, server: Gce) -> None:
    inputs = {"cidr": "10.0.0.0/16", "internet": False, "labels": {}}
    home = make(cloud, "network.Network", "network", **inputs)
    assert not [place for place in server.things if place.startswith("global/routes/")]
    change(cloud, "network.Network", home, inputs, internet=True)
    (route,) = (one for place, one in server.things.items() if place.startswith("global/routes/"))
    assert route["nextHopGateway"] == f"projects/{PROJECT}/global/gateways/default-internet-gateway"
    provider(cloud, "network.Network").delete(home)
    assert server.things == {}


def test_a_creation_that_was_broken_off_is_finished(cloud: GceCloud, server: Gce) -> None:
    inputs = Inputs({"cidr": "10.0.0.0/16", "internet": False, "labels": {}})
    server.failing += [("DELETE", f"{API}global/routes/.*", 500)]
    with pytest.raises(TransientError):
        provider(cloud, "network.Network").create(inputs, OWNER)
    found = provider(cloud, "network.Network").find(OWNER, inputs)
    assert found is not None
    assert (found.status, found.detail) == (Status.PENDING, "internet isn't set yet")
    assert provider(cloud, "network.Network").create(inputs, OWNER).external_id == found.external_id
    assert list(server.things) == [found.external_id]


# -- operations


TROUBLES = [
    ("QUOTA_EXCEEDED", 403, QuotaError),
    ("ZONE_RESOURCE_POOL_EXHAUSTED", 503, TransientError),
    ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", 503, TransientError),
    ("STOCKOUT", 503, TransientError),
    ("IP_SPACE_EXHAUSTED", 409, QuotaError),
    ("RESOURCE_NOT_READY", 400, InProgressError),
    ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", 400, InUseError),
    ("RATE_LIMIT_EXCEEDED", 403, ThrottledError),
    ("PERMISSIONS_ERROR", 403, CredentialsError),
    ("INVALID_FIELD_VALUE", 400, InvalidRequestError),
    ("INTERNAL_ERROR", 500, TransientError),
]


@pytest.mark.parametrize(("code", "status", "expected"), TROUBLES, ids=[one[0] for one in TROUBLES])
def test_what_an_operation_ends_with_is_told(
    cloud: GceCloud, server: Gce, code: str, status: int, expected: type[CloudError]
) -> None:
    home = subnet(cloud)
    server.troubles["instances"] = [(code, status, "Quota 'CPUS' exceeded. Limit: 24.0 in region us-central1.")]
    with pytest.raises(CloudError, match="Quota 'CPUS' exceeded") as failed:
        provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    assert type(failed.value) is expected
    assert code.lower().replace("_", "") == failed.value.code.lower()


def test_after_an_operation_that_failed_it_is_asked_for_anew(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    server.troubles["instances"] = [("ZONE_RESOURCE_POOL_EXHAUSTED", 503, "no machines")] * 2
    for _ in range(2):
        with pytest.raises(TransientError):
            provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    made = provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    assert made.external_id in server.things
    creations = server.sent("POST", f"{API}zones/{ZONE}/instances")
    assert len({one.query["requestId"] for one in creations}) == 3, "each of the same chain, by what failed before"


def test_one_that_takes_long_is_gone_on_with(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    server.slow = True
    with pytest.raises(TransientError, match="is still being made") as slow:
        provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    assert slow.value.retry_after == 3.0
    server.slow = False
    made = provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    assert made.status is Status.READY
    assert len([place for place in server.things if "/instances/" in place]) == 1


def test_a_snapshot_is_not_waited_for(cloud: GceCloud, server: Gce) -> None:
    volume, start = disk(cloud, "disk"), len(server.requests)
    wanted = Inputs({"volume": volume, "description": "Nightly", "labels": {}})
    copy = provider(cloud, "compute.Snapshot").create(wanted, OWNER)
    assert not [one for one in server.requests[start:] if one.path.endswith("/wait")]
    assert copy.status is Status.PENDING
    reading = provider(cloud, "compute.Snapshot").observe([copy.external_id])
    assert reading.found[copy.external_id].status is Status.READY


def test_answers_that_are_lost_make_nothing_twice(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    server.lost += [("POST", f"{API}zones/[^/]+/instances"), ("POST", f"{API}.*/wait")]
    servers = provider(cloud, "compute.Server")
    for _ in range(2):
        with pytest.raises(TransientError):
            servers.create(server_inputs(home), OWNER)
    found = servers.find(OWNER, server_inputs(home))
    assert found is not None
    assert servers.create(server_inputs(home), OWNER).external_id == found.external_id
    assert len([place for place in server.things if "/instances/" in place]) == 1
    server.known.clear()  # request ids are kept for a while only: then the name tells
    assert servers.create(server_inputs(home), OWNER).external_id == found.external_id


def test_one_of_the_name_that_is_another_s_is_left_alone(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    made = provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    server.things[made.external_id]["description"] = "somebody's"
    server.known.clear()
    with pytest.raises(ConflictError, match="not from here"):
        provider(cloud, "compute.Server").create(server_inputs(home), OWNER)
    assert provider(cloud, "compute.Server").find(OWNER, server_inputs(home)) is None


def test_an_image_is_made_of_the_disk_that_a_server_starts_from(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    source = machine(cloud, "machine", home)
    images, plain = provider(cloud, "compute.CustomImage"), {"description": "", "labels": {}, "server": source}
    made = images.create(Inputs({**plain, "name": "golden"}), OWNER)
    request = server.sent("POST", f"{API}global/images")[-1]
    assert request.query["forceCreate"] == "true", "it runs"
    disk_of = source.replace("/instances/", "/disks/")
    assert request.body["sourceDisk"].endswith(disk_of)
    assert (made.external_id, made.status, made.outputs) == ("global/images/golden", Status.PENDING, {"size_gib": 10})
    copy = machine(cloud, "copy", home, image=made.external_id)
    told = provider(cloud, "compute.Server").observe([copy]).found[copy].inputs["image"]
    assert told == {"id": made.external_id}
    other = Ownership("prod", "other", fresh_token("other"))
    assert images.find(other, Inputs({**plain, "name": "golden"})) is None
    with pytest.raises(ConflictError):
        images.create(Inputs({**plain, "name": "golden"}), other)
    with pytest.raises(InvalidRequestError, match="lower-case letters") as refused:
        images.create(Inputs({**plain, "name": "Golden_1"}), other)
    assert not refused.value.sent


# -- reading


def test_lists_are_read_to_the_end(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    ids = [machine(cloud, f"web[{number}]", home) for number in range(3)]
    server.page, start = 2, len(server.requests)
    assert sorted(provider(cloud, "compute.Server").observe(ids).found) == sorted(ids)
    read = server.requests[start:]
    assert [one.path.removeprefix(API) for one in read] == ["aggregated/instances"] * 2
    assert [one.query for one in read] == [{"maxResults": "500"}, {"maxResults": "500", "pageToken": "2"}]


def test_what_is_in_a_zone_that_cannot_be_reached_is_unread(cloud: GceCloud, server: Gce) -> None:
    volumes = provider(cloud, "compute.Volume")
    near = disk(cloud, "near")
    far = make(
        cloud, "compute.Volume", "far", size_gib=10, zone=f"{REGION}-b", type=None, encrypted=True, snapshot=None
    )
    server.unreachable = {f"zones/{REGION}-b"}
    reading = volumes.observe([near, far])
    assert set(reading.found) == {near}
    assert set(reading.unread) == {far}
    assert isinstance(reading.unread[far], TransientError)
    assert not reading.gone
    with pytest.raises(TransientError, match="isn't whole: UNREACHABLE"):
        list(volumes.list())
    owner = Ownership("prod", "far", fresh_token("far"))
    with pytest.raises(TransientError):
        volumes.find(owner, Inputs({}))
    server.unreachable = {"zones/europe-west1-b"}
    assert set(volumes.observe([near, far]).found) == {near, far}, "another region's zones don't matter"


def test_a_regional_list_that_is_not_whole_is_unread(cloud: GceCloud, server: Gce) -> None:
    ids = [make(cloud, "compute.FloatingIp", f"ip[{number}]", server=None) for number in range(2)]
    del server.things[ids[1]]
    server.unreachable = {f"regions/{REGION}"}
    reading = provider(cloud, "compute.FloatingIp").observe(ids)
    assert (set(reading.found), set(reading.unread), reading.gone) == ({ids[0]}, {ids[1]}, frozenset())


def test_what_is_listed_is_of_the_region(cloud: GceCloud, server: Gce) -> None:
    volume = disk(cloud, "disk")
    copy = make(cloud, "compute.Snapshot", "copy", volume=volume, description="")
    text = {**server.things[copy], "sourceDisk": server.things[volume]["selfLink"].replace(ZONE, "europe-west1-b")}
    server.things["global/snapshots/other"] = {**text, "name": "other"}
    place = "zones/europe-west1-b/disks/other"
    server.things[place] = {
        **server.things[volume],
        "selfLink": server.things[volume]["selfLink"].replace(volume, place),
    }
    assert [one.external_id for one in provider(cloud, "compute.Snapshot").list()] == [copy]
    assert [one.external_id for one in provider(cloud, "compute.Volume").list()] == [volume]


def test_a_boot_disk_comes_with_its_server(cloud: GceCloud) -> None:
    made = machine(cloud, "web", subnet(cloud))
    (boot,) = provider(cloud, "compute.Volume").list()
    assert (boot.comes_with, boot.ownership) == (made, None)


# -- changes


def test_another_size_stops_and_starts_it(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    made, before = machine(cloud, "web[0]", home), server_inputs(home).values
    start = len(server.requests)
    change(cloud, "compute.Server", made, before, size={"id": "e2-medium"})
    steps = [(path.removeprefix(f"{made}/"), body) for _, path, body in sent(server, start)]
    assert [one for one, _ in steps] == ["setLabels", "stop", "setMachineType", "start", "setLabels"]
    assert steps[0][1]["labels"] == {**OURS, "orchestra-resizing": "1"}
    assert steps[2][1] == {"machineType": f"zones/{ZONE}/machineTypes/e2-medium"}
    assert steps[4][1]["labels"] == OURS


@pytest.mark.parametrize("broken", ["stop", "setMachineType", "start"])
def test_another_size_that_was_broken_off_is_finished(cloud: GceCloud, server: Gce, broken: str) -> None:
    home = subnet(cloud)
    made, before = machine(cloud, "web[0]", home), server_inputs(home).values
    server.failing += [("POST", f"{API}{made}/{broken}", 500)]
    with pytest.raises(TransientError):
        change(cloud, "compute.Server", made, before, size={"id": "e2-medium"})
    there = provider(cloud, "compute.Server").observe([made]).found[made]
    assert there.status is Status.PENDING
    assert "size" not in there.inputs
    after = change(cloud, "compute.Server", made, before, size={"id": "e2-medium"})
    assert (after.status, after.inputs["size"]) == (Status.READY, {"id": "e2-medium"})
    assert server.things[made]["status"] == "RUNNING"


def test_a_size_that_cannot_be_had_does_not_leave_it_stopped(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    made, before = machine(cloud, "web[0]", home), server_inputs(home).values
    with pytest.raises(InvalidRequestError):
        change(cloud, "compute.Server", made, before, size={"id": "e2-nowhere"})
    assert server.things[made]["status"] == "RUNNING"
    assert server.things[made]["labels"] == OURS


def test_one_that_somebody_stopped_stays_so(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    made, before = machine(cloud, "web[0]", home), server_inputs(home).values
    server.things[made]["status"] = "TERMINATED"
    after = change(cloud, "compute.Server", made, before, size={"id": "e2-medium"})
    assert (after.status, after.detail) == (Status.READY, "TERMINATED")


def test_labels_that_another_changed_meanwhile_are_read_anew(cloud: GceCloud, server: Gce) -> None:
    volume = disk(cloud, "disk")
    plain = {"size_gib": 10, "zone": ZONE, "type": None, "encrypted": True, "snapshot": None, "labels": {}}
    server.failing += [("POST", f"{API}{volume}/setLabels", 412)]
    with pytest.raises(CloudError):
        change(cloud, "compute.Volume", volume, plain, labels={"a": "b"})
    after = change(cloud, "compute.Volume", volume, plain, labels={"a": "b"})
    assert after.inputs["labels"] == {"a": "b"}
    assert after.ownership == Ownership("prod", "disk", fresh_token("disk"))


def test_a_disk_keeps_its_type(cloud: GceCloud, server: Gce) -> None:
    volume, start = disk(cloud, "disk"), len(server.requests)
    with pytest.raises(InvalidRequestError, match="keeps its type") as refused:
        change(cloud, "compute.Volume", volume, {"type": "ssd"}, type="hdd")
    assert "replace_on" in str(refused.value)
    assert len(server.requests) == start


def test_a_floating_address_takes_the_place_of_the_other(cloud: GceCloud, server: Gce) -> None:
    home = subnet(cloud)
    first, second = (machine(cloud, f"web[{number}]", home) for number in range(2))
    inputs = {"server": first, "labels": {"a": "b"}}
    made = make(cloud, "compute.FloatingIp", "ip", **inputs)
    addresses = provider(cloud, "compute.FloatingIp")
    address = addresses.observe([made]).found[made].outputs["address"]

    def public(instance: str) -> Any:
        return provider(cloud, "compute.Server").observe([instance]).found[instance].outputs["public_ip"]

    assert public(first) == address
    assert change(cloud, "compute.FloatingIp", made, inputs, server=second).inputs["server"] == second
    assert (public(first), public(second)) == (None, address)
    addresses.delete(made)
    assert public(second) is None


def test_a_disk_that_another_server_has_is_not_taken(cloud: GceCloud) -> None:
    home, volume = subnet(cloud), disk(cloud, "disk")
    first, second = (machine(cloud, f"web[{number}]", home) for number in range(2))
    attachments = provider(cloud, "compute.VolumeAttachment")
    inputs = {"volume": volume, "device": "/dev/sdf"}
    owner = Ownership("prod", "attachment", fresh_token("attachment"))
    made = attachments.create(Inputs({**inputs, "server": first}), owner)
    assert made.inputs == {"volume": volume, "server": first, "device": "/dev/sdf"}
    assert attachments.create(Inputs({**inputs, "server": first}), owner) == made
    with pytest.raises(InUseError):
        attachments.create(Inputs({**inputs, "server": second}), owner)
    assert [one.external_id for one in attachments.list()] == [f"{volume}:{first}"]


def test_a_network_that_is_in_use_is_not_deleted_and_keeps_its_way_out(cloud: GceCloud, server: Gce) -> None:
    subnet(cloud)
    with pytest.raises(InUseError, match="still has subnets"):
        provider(cloud, "network.Network").delete(network(cloud))
    assert len([place for place in server.things if place.startswith("global/routes/")]) == 1


@pytest.mark.parametrize("kind", ["network.Network", "network.Firewall"])
def test_what_is_not_shown_yet_is_finished_later(cloud: GceCloud, server: Gce, kind: str) -> None:
    plain = {"description": "x", "ingress": [], "egress": [], "cidr": "10.0.0.0/16", "internet": True, "labels": {}}
    wanted = Inputs({"network": network(cloud, "other"), **plain})
    place = f"global/{'networks' if kind == 'network.Network' else 'firewalls'}/{NAME}"
    server.failing += [("GET", API + place, 404)]
    with pytest.raises(TransientError, match="doesn't know of it yet"):
        provider(cloud, kind).create(wanted, OWNER)
    assert provider(cloud, kind).create(wanted, OWNER).external_id == place


# -- balancers


CHECK = {
    "protocol": "http",
    "port": 80,
    "path": "/health",
    "interval": 30,
    "timeout": 5,
    "healthy": 3,
    "unhealthy": 2,
}


def balancer_inputs(cloud: GceCloud, **more: Any) -> Inputs:
    home = subnet(cloud)
    plain = {"protocol": "tcp", "member_port": None, "firewalls": [], "labels": {"a": "b"}}
    members = [machine(cloud, "member", home)]
    return Inputs({"port": 80, "members": members, "subnets": [home], "health_check": CHECK, **plain, **more})


@pytest.mark.parametrize("broken", ["targetPools", "forwardingRules", "forwardingRules/[^/]+/setLabels"])
def test_a_balancer_that_was_broken_off_is_finished(cloud: GceCloud, server: Gce, broken: str) -> None:
    inputs, balancers = balancer_inputs(cloud), provider(cloud, "balancing.LoadBalancer")
    server.failing += [("POST", f"{API}regions/{REGION}/{broken}", 500)]
    with pytest.raises(TransientError):
        balancers.create(inputs, OWNER)
    found = balancers.find(OWNER, inputs)
    assert found is not None
    assert found.status is Status.PENDING
    made = balancers.create(inputs, OWNER)
    assert (made.external_id, made.status) == (found.external_id, Status.READY)
    assert made.inputs["members"] == inputs.texts("members")
    parts = ("httpHealthChecks", "targetPools", "forwardingRules")
    assert [len([one for one in server.things if f"/{part}/" in one]) for part in parts] == [1, 1, 1]


@pytest.mark.parametrize("broken", ["targetPools", "forwardingRules"])
def test_a_balancer_that_is_half_gone_goes_whole(cloud: GceCloud, server: Gce, broken: str) -> None:
    inputs, balancers = balancer_inputs(cloud), provider(cloud, "balancing.LoadBalancer")
    made = balancers.create(inputs, OWNER).external_id
    server.failing += [("DELETE", f"{API}regions/{REGION}/{broken}/.*", 500)]
    with pytest.raises(TransientError):
        balancers.delete(made)
    assert made in balancers.observe([made]).found, "what is left is still told of"
    balancers.delete(made)
    assert balancers.observe([made]).gone == {made}
    assert not [place for place in server.things if NAME in place]


def test_a_part_that_is_missing_is_a_failure(cloud: GceCloud, server: Gce) -> None:
    balancers = provider(cloud, "balancing.LoadBalancer")
    made = balancers.create(balancer_inputs(cloud), OWNER).external_id
    del server.things[f"regions/{REGION}/forwardingRules/{NAME}"]
    found = balancers.observe([made]).found[made]
    assert (found.status, found.detail) == (Status.FAILED, "its forwarding rule isn't there")


def test_a_check_that_a_target_pool_does_not_take_is_refused(cloud: GceCloud, server: Gce) -> None:
    inputs = balancer_inputs(cloud, health_check={**CHECK, "protocol": "tcp"})
    start = len(server.requests)
    with pytest.raises(InvalidRequestError, match="HTTP only"):
        provider(cloud, "balancing.LoadBalancer").create(inputs, OWNER)
    assert len(server.requests) == start


# -- choices


def test_what_is_chosen(cloud: GceCloud) -> None:
    choose = provider(cloud, "compute.Server").choose
    debian = {"os": "debian", "version": "12"}
    assert choose("image", debian) == "projects/debian-cloud/global/images/debian-12-v20260101"
    assert "debian-12-arm64" in choose("image", {**debian, "architecture": "arm64"})
    assert "ubuntu-2404-lts-amd64" in choose("image", {"os": "ubuntu", "version": "24.04"})
    assert "ubuntu-2204-lts-" in choose("image", {"os": "ubuntu", "version": "22.04"})
    assert choose("image", {"id": IMAGE}) == IMAGE
    assert choose("size", {"cpus": 1, "memory_gib": 1}) == "e2-small", "the cheap series, not a smaller one of another"
    assert choose("size", {"cpus": 4, "memory_gib": 4}) == "n1-standard-4"
    assert choose("size", {"cpus": 1, "memory_gib": 1, "gpu": 1}) == "a2-highgpu-1g"
    zones = [provider(cloud, "compute.Volume").choose("zone", {"number": number}) for number in range(3)]
    assert zones == [f"{REGION}-a", f"{REGION}-b", f"{REGION}-a"]
    for name, wanted in (
        ("image", {"os": "debian", "version": "99"}),
        ("image", {"os": "plan9", "version": "4"}),
        ("size", {"cpus": 512, "memory_gib": 1}),
        ("size", {"cpus": 1, "memory_gib": 1, "disk_gib": 10}),
    ):
        with pytest.raises(ChoiceError):
            choose(name, wanted)


def test_a_zone_of_another_region_is_refused(cloud: GceCloud, server: Gce) -> None:
    plain = {"size_gib": 10, "type": None, "encrypted": True, "snapshot": None}
    with pytest.raises(InvalidRequestError, match="isn't in region us-central1") as refused:
        make(cloud, "compute.Volume", "disk", zone="europe-west1-b", **plain)
    assert not refused.value.sent
    assert server.requests == []
