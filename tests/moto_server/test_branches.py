"""Branches of the server, and its own books: what crash tests stand on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.moto_server import MotoServer
from tests.moto_server.messages import Thing
from tests.moto_server.speaking import client


@pytest.fixture
def branch(server: MotoServer) -> Iterator[MotoServer]:
    client(server, "ec2").create_key_pair(KeyName="one")
    made = server.branch()
    yield made
    made.end()


def test_a_branch_begins_with_all_that_there_is_and_is_on_its_own_from_there(
    server: MotoServer, branch: MotoServer
) -> None:
    client(branch, "ec2").create_key_pair(KeyName="two")
    client(server, "ec2").create_key_pair(KeyName="three")
    assert [one.external_id for one in branch.inventory()] == ["one", "two"]
    assert [one.external_id for one in server.inventory()] == ["one", "three"]


def test_a_branch_branches(branch: MotoServer) -> None:
    second = branch.branch()
    try:
        client(second, "ec2").delete_key_pair(KeyName="one")
        assert second.inventory() == []
        assert [one.external_id for one in branch.inventory()] == ["one"]
    finally:
        second.end()


def test_what_a_dead_client_had_sent_is_done_when_it_is_quiet(server: MotoServer) -> None:
    host, _, port = server.endpoint.removeprefix("http://").partition(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as dying:
            dying.sendall(b"GET /__stats HTTP/1.1\r\nHost: here\r\n\r\n")
    server.wait_until_quiet()
    with socket.create_connection((host, int(port))) as dying:
        dying.sendall(b"POST /__credentials HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n{")
    server.wait_until_quiet()
    client(server, "ec2").describe_vpcs()  # half a request is no request: the keys are as they were


def test_the_inventory_tells_what_was_made_and_not_what_aws_makes_by_itself(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    assert server.inventory() == []
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "orchestra:address", "Value": "web"}]}]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=tags)["Subnet"]["SubnetId"]
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    launch = {"ImageId": image, "InstanceType": "t3.micro", "SubnetId": subnet, "MinCount": 1, "MaxCount": 1}
    machine = ec2.run_instances(**launch)["Instances"][0]["InstanceId"]
    ec2.stop_instances(InstanceIds=[machine])
    assert server.inventory() == [
        Thing("network.Network", vpc),
        Thing("network.Gateway", gateway, "", "attached to no network"),
        Thing("network.Subnet", subnet, "web"),
        Thing("compute.Server", machine, "", "stopped"),
    ]
    ec2.terminate_instances(InstanceIds=[machine])
    assert [one.kind for one in server.inventory()] == ["network.Network", "network.Gateway", "network.Subnet"]
