"""Names, what comes with something else, and ids of the cloud's own: what taking over stands on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from account import Account, tags

import orchestra as oc
from orchestra.contracts import Cloud, Observation
from tests.moto_server import MotoServer


def listed(cloud: Cloud, kind: str) -> Mapping[str, Observation]:
    provider = cloud.provider(kind)
    assert provider is not None
    return {one.external_id: one for one in provider.list()}


def test_aws_tells_names_and_what_nobody_asked_for(server: MotoServer) -> None:
    account = Account(server)
    vpc = account.ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags("vpc", Name="shop", env="prod"))
    shop = vpc["Vpc"]["VpcId"]
    subnet = account.ec2.create_subnet(VpcId=shop, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = account.ec2.create_security_group(VpcId=shop, GroupName="web", Description="one")["GroupId"]
    server_id = account.ec2.run_instances(
        ImageId=account.image(), InstanceType="t3.micro", SubnetId=subnet, MinCount=1, MaxCount=1
    )["Instances"][0]["InstanceId"]

    networks = listed(account.cloud, "network.Network")
    assert (networks[shop].name, networks[shop].comes_with) == ("shop", "")
    assert networks[shop].inputs["labels"] == {"env": "prod"}
    (default,) = networks.keys() - {shop}
    assert networks[default].comes_with == "the region"
    assert {one.comes_with for one in listed(account.cloud, "network.Subnet").values()} == {default, ""}
    firewalls = listed(account.cloud, "network.Firewall")
    assert (firewalls[group].name, firewalls[group].comes_with) == ("web", "")
    assert {one.comes_with for one in firewalls.values()} == {default, shop, ""}
    assert {one.comes_with for one in listed(account.cloud, "compute.Volume").values()} == {server_id}
    assert all(one.comes_with.startswith("ami-") for one in listed(account.cloud, "compute.Snapshot").values())


def test_an_image_made_by_hand_is_told_and_its_snapshots_come_with_it(server: MotoServer) -> None:
    account = Account(server)
    vpc = account.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = account.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    machine = account.ec2.run_instances(
        ImageId=account.image(), InstanceType="t3.micro", SubnetId=subnet, MinCount=1, MaxCount=1
    )["Instances"][0]["InstanceId"]
    made = account.ec2.create_image(InstanceId=machine, Name="golden", Description="kept")["ImageId"]
    [image] = listed(account.cloud, "compute.CustomImage").values()
    assert (image.external_id, image.name, image.comes_with) == (made, "golden", "")
    assert image.inputs == {"server": machine, "name": "golden", "description": "kept", "labels": {}}
    assert made in {one.comes_with for one in listed(account.cloud, "compute.Snapshot").values()}


def test_the_simulated_cloud_tells_names_and_takes_a_name_for_no_label() -> None:
    cloud = oc.clouds.simulated(":memory:")
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16", ex_tags={"Name": "shop", "env": "prod"})
    firewall = driver.ex_create_firewall(network.id, "web")
    assert listed(cloud, "network.Network")[network.id].name == "shop"
    assert listed(cloud, "network.Network")[network.id].inputs["labels"] == {"env": "prod"}
    assert listed(cloud, "network.Firewall")[firewall.id].name == "web"


class ByIds(oc.Stack):
    """A server of AWS's own image and size."""

    image: str

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.server = oc.Server(image=self.image, size="t3.micro", subnet=self.subnet)


def test_ids_of_awss_own_images_and_sizes_are_taken_as_they_are(server: MotoServer, tmp_path: Path) -> None:
    account = Account(server)
    stack = ByIds(image=account.image())
    with oc.Deployment(
        stack, name="ids", cloud=account.cloud, state=tmp_path / "state.db", progress=False
    ) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        (found,) = listed(account.cloud, "compute.Server").values()
        assert found.inputs["image"] == {"id": stack.image}
        assert found.inputs["size"] == {"id": "t3.micro"}
