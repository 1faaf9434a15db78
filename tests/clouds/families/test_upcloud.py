"""What is sent to UpCloud, to the letter, and what it leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.clouds import FamilyCloud, upcloud
from orchestra.contracts import Status
from orchestra.errors import CloudError, CredentialsError, InvalidRequestError
from tests.clouds.families.scenery import KEYS, Family, change, create, family_of, owner, plain_server, provider
from tests.clouds.families.upcloud import PASSWORD, REGION, USERNAME, UpCloud

NAME = f"prod:web_5b0_5d:{owner('web[0]').token}"
DEBIAN = "01000000-0000-4000-8000-000020030100"


@pytest.fixture
def family() -> Family:
    return family_of("upcloud")


def inputs(**more: Any) -> dict[str, Any]:
    return plain_server(DEBIAN, "1xCPU-1GB", **more)


def test_a_server_is_made_in_one_request(cloud: FamilyCloud, server: UpCloud) -> None:
    create(cloud, "compute.Server", "web[0]", inputs(key_pair=KEYS[0]))
    (request,) = server.sent("POST")
    assert request.body == {
        "server": {
            "title": NAME,
            "hostname": f"prod-web-5b0-5d-{owner('web[0]').token}"[:63],
            "plan": "1xCPU-1GB",
            "zone": "fi-hel1",
            "login_user": {"username": "root", "ssh_keys": {"ssh_key": [KEYS[0]]}},
            "storage_devices": {
                "storage_device": [
                    {"action": "clone", "storage": DEBIAN, "title": f"{NAME} {DEBIAN}", "size": 30, "tier": "maxiops"}
                ]
            },
        }
    }


def test_its_disk_goes_with_it(cloud: FamilyCloud, server: UpCloud) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    assert list(server.disks.values()) == [f"{NAME} {DEBIAN}"]
    provider(cloud, "compute.Server").observe([machine])
    provider(cloud, "compute.Server").delete(machine)
    assert (server.servers, server.disks) == ({}, {})
    assert [one.query for one in server.sent("DELETE")] == [{"storages": "1"}]


def test_one_that_failed_cannot_be_deleted_and_says_so(cloud: FamilyCloud, server: UpCloud) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    server.servers[machine]["state"] = "error"
    told = provider(cloud, "compute.Server").observe([machine]).found[machine]
    assert told.status is Status.FAILED
    with pytest.raises(CloudError, match="in which UpCloud can't delete it"):
        provider(cloud, "compute.Server").delete(machine)
    assert machine in server.servers


def test_only_ipv4_addresses_are_told(cloud: FamilyCloud, server: UpCloud) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    outputs = provider(cloud, "compute.Server").observe([machine]).found[machine].outputs
    assert outputs == {"private_ip": "10.1.3.163", "public_ip": outputs["public_ip"], "zone": "fi-hel1"}
    assert str(outputs["public_ip"]).startswith("198.18.0.")


def test_servers_of_other_zones_are_not_asked_for(cloud: FamilyCloud, server: UpCloud) -> None:
    create(
        upcloud(region="de-fra1", username=USERNAME, password=PASSWORD, endpoint=server.endpoint),
        "compute.Server",
        "other",
        inputs(),
    )
    before = len(server.requests)
    assert list(provider(cloud, "compute.Server").list()) == []
    assert [one.path for one in server.requests[before:]] == ["/1.2/server"]


def test_another_size_takes_another_server(cloud: FamilyCloud, server: UpCloud) -> None:
    machine = create(cloud, "compute.Server", "web[0]", inputs())
    with pytest.raises(InvalidRequestError, match="UpCloud can't change the size") as refused:
        change(cloud, "compute.Server", machine, inputs(), size={"id": "2xCPU-2GB"})
    assert refused.value.sent is False


def test_a_plan_that_is_not_there_is_refused(cloud: FamilyCloud, server: UpCloud) -> None:
    with pytest.raises(InvalidRequestError, match="'huge' is no plan of UpCloud"):
        create(cloud, "compute.Server", "web[0]", inputs(size={"id": "huge"}))
    assert not server.sent("POST")


def test_wrong_credentials_are_told(server: UpCloud) -> None:
    cloud = upcloud(region=REGION, username=USERNAME, password="other", endpoint=server.endpoint)
    with pytest.raises(CredentialsError, match="Authentication failed"):
        cloud.verify()
