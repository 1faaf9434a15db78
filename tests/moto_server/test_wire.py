"""The server's answers beside what AWS answered when Libcloud's fixtures were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from xml.etree.ElementTree import Element, fromstring

import libcloud
import pytest
from botocore.exceptions import ClientError
from libcloud.common.exceptions import BaseHTTPError
from libcloud.dns.providers import get_driver as get_dns_driver
from libcloud.dns.types import ZoneDoesNotExistError

from tests.moto_server import MotoServer
from tests.moto_server.speaking import ask, client, ec2_driver, elb_driver

FIXTURES = Path(libcloud.__file__).parent / "test"

OPTIONAL = {
    # told of what is rare, retired, or set up in the account that was recorded
    "CreateVolume": {"snapshotId"},
    "DescribeAddresses": {"associationId", "networkInterfaceOwnerId", "privateIpAddress"},
    "DescribeImages": {"billingProducts", "billingProduct", "virtualName", "kernelId", "item"},
    "DescribeInstances": {"kernelId", "privateDnsName"},
    "DescribeSecurityGroups": {"userId", "groupName"},
    "DescribeVolumes": {"snapshotId"},
    "DescribeVolumesModifications": {"originalIops", "originalVolumeType", "targetIops", "targetVolumeType"},
    "ModifyVolume": {"originalIops", "originalVolumeType", "targetIops", "targetVolumeType"},
    "RunInstances": {"keyName", "enabled", "dnsName", "item", "groupId"},
    "TerminateInstances": {"shutdownState", "code", "name"},
}
"""Elements of a recorded answer that the server's may lack, by the last part of their path."""


@pytest.fixture(scope="module")
def scene(running: MotoServer) -> dict[str, str]:
    """Something of each kind, so that every list tells something. By the name of its parameter."""
    running.reset()
    ec2 = client(running, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="eu-west-1a")["Subnet"]["SubnetId"]
    ec2.create_tags(Resources=[vpc, subnet], Tags=[{"Key": "Name", "Value": "one"}])
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}
    source = {"UserIdGroupPairs": [{"GroupId": group}], "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission | source])
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "one"}]}]
    ec2.import_key_pair(KeyName="one", PublicKeyMaterial=KEY)
    launch = {"ImageId": image, "InstanceType": "t3.micro", "KeyName": "one", "SubnetId": subnet}
    made = ec2.run_instances(**launch, MinCount=1, MaxCount=1, TagSpecifications=tags)
    instance = made["Instances"][0]["InstanceId"]
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": "one"}]}]
    volumes = [
        ec2.create_volume(Size=10, AvailabilityZone="eu-west-1a", TagSpecifications=tags)["VolumeId"] for _ in range(2)
    ]
    ec2.attach_volume(VolumeId=volumes[0], InstanceId=instance, Device="/dev/sdf")
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "Name", "Value": "one"}]}]
    ec2.create_snapshot(VolumeId=volumes[0], TagSpecifications=tags)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=instance)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.modify_volume(VolumeId=volumes[1], Size=20)
    return {
        "VpcId": vpc,
        "SubnetId": subnet,
        "GroupId": group,
        "ImageId": image,
        "InstanceId": instance,
        "VolumeId": volumes[0],
        "SpareVolumeId": volumes[1],
    }


KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one"
RULE = {
    "IpPermissions__1__IpProtocol": "tcp",
    "IpPermissions__1__FromPort": "5",
    "IpPermissions__1__ToPort": "5",
    "IpPermissions__1__IpRanges__1__CidrIp": "10.0.0.0/8",
}

CALLS: list[tuple[str, str, Callable[[dict[str, str]], dict[str, str]]]] = [
    ("create_vpc", "CreateVpc", lambda of: {"CidrBlock": "10.9.0.0/16"}),
    ("describe_vpcs", "DescribeVpcs", lambda of: {}),
    ("create_subnet", "CreateSubnet", lambda of: {"VpcId": of["VpcId"], "CidrBlock": "10.0.7.0/24"}),
    ("describe_subnets", "DescribeSubnets", lambda of: {}),
    ("describe_internet_gateways", "DescribeInternetGateways", lambda of: {}),
    ("create_internet_gateway", "CreateInternetGateway", lambda of: {}),
    (
        "create_security_group",
        "CreateSecurityGroup",
        lambda of: {"GroupName": "two", "GroupDescription": "two", "VpcId": of["VpcId"]},
    ),
    ("describe_security_groups", "DescribeSecurityGroups", lambda of: {"GroupId__1": of["GroupId"]}),
    (
        "authorize_security_group_ingress",
        "AuthorizeSecurityGroupIngress",
        lambda of: {"GroupId": of["GroupId"], **RULE},
    ),
    ("revoke_security_group_ingress", "RevokeSecurityGroupIngress", lambda of: {"GroupId": of["GroupId"], **RULE}),
    ("describe_key_pairs", "DescribeKeyPairs", lambda of: {}),
    ("describe_images", "DescribeImages", lambda of: {}),
    (
        "run_instances",
        "RunInstances",
        lambda of: {"ImageId": of["ImageId"], "MinCount": "1", "MaxCount": "1", "SubnetId": of["SubnetId"]},
    ),
    ("describe_instances", "DescribeInstances", lambda of: {}),
    ("stop_instances", "StopInstances", lambda of: {"InstanceId__1": of["InstanceId"]}),
    ("start_instances", "StartInstances", lambda of: {"InstanceId__1": of["InstanceId"]}),
    (
        "modify_instance_attribute",
        "ModifyInstanceAttribute",
        lambda of: {"InstanceId": of["InstanceId"], "GroupId__1": of["GroupId"]},
    ),
    (
        "modify_subnet_attribute",
        "ModifySubnetAttribute",
        lambda of: {"SubnetId": of["SubnetId"], "MapPublicIpOnLaunch__Value": "true"},
    ),
    ("create_encrypted_volume", "CreateVolume", lambda of: {"Size": "1", "AvailabilityZone": "eu-west-1a"}),
    ("describe_volumes", "DescribeVolumes", lambda of: {}),
    ("modify_volume", "ModifyVolume", lambda of: {"VolumeId": of["SpareVolumeId"], "Size": "30"}),
    ("describe_volumes_modifications", "DescribeVolumesModifications", lambda of: {}),
    ("create_snapshot", "CreateSnapshot", lambda of: {"VolumeId": of["VolumeId"], "Description": "one"}),
    ("create_image", "CreateImage", lambda of: {"InstanceId": of["InstanceId"], "Name": "golden"}),
    ("describe_snapshots", "DescribeSnapshots", lambda of: {"Owner__1": "self"}),
    ("allocate_vpc_address", "AllocateAddress", lambda of: {"Domain": "vpc"}),
    ("describe_addresses_all", "DescribeAddresses", lambda of: {}),
    (
        "create_tags",
        "CreateTags",
        lambda of: {"ResourceId__1": of["SubnetId"], "Tag__1__Key": "a", "Tag__1__Value": "b"},
    ),
    ("delete_tags", "DeleteTags", lambda of: {"ResourceId__1": of["SubnetId"], "Tag__1__Key": "a"}),
    ("detach_volume", "DetachVolume", lambda of: {"VolumeId": of["VolumeId"]}),
    (
        "attach_volume",
        "AttachVolume",
        lambda of: {"VolumeId": of["VolumeId"], "InstanceId": of["InstanceId"], "Device": "/dev/sdg"},
    ),
    ("delete_volume", "DeleteVolume", lambda of: {"VolumeId": of["SpareVolumeId"]}),
    ("terminate_instances", "TerminateInstances", lambda of: {"InstanceId__1": of["InstanceId"]}),
]


def paths(element: Element, prefix: str = "") -> Iterator[str]:
    """Every path below ``element``, with plain names."""
    for child in element:
        path = f"{prefix}/{child.tag.rpartition('}')[2]}"
        yield path
        yield from paths(child, path)


def lacking(recorded: Element, told: Element, optional: set[str]) -> set[str]:
    """The paths of ``recorded`` that ``told`` hasn't."""
    return {path for path in set(paths(recorded)) - set(paths(told)) if path.rpartition("/")[2] not in optional}


@pytest.mark.parametrize(("fixture", "action", "fields"), CALLS, ids=[action for _, action, _ in CALLS])
def test_ec2_answers_have_the_recorded_skeleton(
    running: MotoServer,
    scene: dict[str, str],
    fixture: str,
    action: str,
    fields: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    recorded = fromstring((FIXTURES / f"compute/fixtures/ec2/{fixture}.xml").read_text())
    told = ask(ec2_driver(running), action, **fields(scene))
    assert told.tag == recorded.tag
    assert lacking(recorded, told, OPTIONAL.get(action, set())) == set()


def test_a_missing_element_would_be_seen() -> None:
    assert lacking(fromstring("<a><b><c/></b></a>"), fromstring("<a><b/></a>"), set()) == {"/b/c"}


def test_elb_answers_have_the_recorded_skeleton(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    elb = client(server, "elb")
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    tags = [{"Key": "project", "Value": "one"}]
    elb.create_load_balancer(LoadBalancerName="one", Listeners=[listener], Subnets=[subnet], Tags=tags)
    driver = elb_driver(server)
    for fixture, action, field in (
        ("describe_load_balancers", "DescribeLoadBalancers", {}),
        ("describe_tags", "DescribeTags", {"LoadBalancerNames__member__1": "one"}),
    ):
        recorded = fromstring((FIXTURES / f"loadbalancer/fixtures/elb/{fixture}.xml").read_text())
        told = ask(driver, action, "/2012-06-01/", **field)
        assert told.tag == recorded.tag
        rare = {
            "InstanceId",
            "member",
            "PolicyName",
            "CookieExpirationPeriod",
            "HealthyThreshold",
            "UnhealthyThreshold",
            "Interval",
            "Timeout",
            "Target",
            "HealthCheck",
            "CanonicalHostedZoneNameID",
        }
        assert lacking(recorded, told, rare) == set()
    described = elb.describe_load_balancers()["LoadBalancerDescriptions"][0]
    default = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    assert described["SecurityGroups"] == [default[0]["GroupId"]]


def test_ec2_errors_have_the_recorded_form(server: MotoServer) -> None:
    recorded = fromstring((FIXTURES / "compute/fixtures/ec2/run_instances_idem_mismatch.xml").read_text())
    with pytest.raises(BaseHTTPError, match=r"^InvalidVpcID\.NotFound: "):
        ask(ec2_driver(server), "DeleteVpc", VpcId="vpc-1")
    seen: list[str] = []
    driver = ec2_driver(server)
    kind = driver.connection.responseCls
    driver.connection.responseCls = lambda response, connection: (
        seen.append(response.text) or kind(response, connection)
    )
    with pytest.raises(BaseHTTPError):
        ask(driver, "DeleteVpc", VpcId="vpc-1")
    told = fromstring(seen[0])
    assert told.tag == recorded.tag == "Response"
    assert list(paths(told)) == list(paths(recorded))


def test_route53_errors_have_the_recorded_form(server: MotoServer) -> None:
    host, _, port = server.endpoint.removeprefix("http://").partition(":")
    driver = get_dns_driver("route53")(server.access_key, server.secret_key, secure=False, host=host, port=int(port))
    with pytest.raises(ZoneDoesNotExistError, match="No hosted zone found with ID: Z1"):
        driver.get_zone("Z1")


def test_libclouds_own_driver_reads_what_it_makes(server: MotoServer) -> None:
    """With its defaults: signature version 2, names in a second request that counts from 0, and texts beyond ASCII."""
    driver = ec2_driver(server, region="us-east-1", signature_version=None)
    made = driver.ex_create_network("10.0.0.0/16", name="Grüße")
    assert [one.name for one in driver.ex_list_networks() if one.id == made.id] == ["Grüße"]
    assert driver.ex_delete_network(made) is True


def test_a_new_instance_tells_its_groups_and_its_interface_goes_with_it(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    launch = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    plain = ec2.run_instances(**launch, SubnetId=subnet)["Instances"][0]
    interface = {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group]}
    guarded = ec2.run_instances(**launch, NetworkInterfaces=[interface])["Instances"][0]
    assert [one["GroupName"] for one in plain["SecurityGroups"]] == ["default"]
    assert [one["GroupId"] for one in guarded["SecurityGroups"]] == [group]
    assert {plain["State"]["Name"], guarded["State"]["Name"]} == {"pending"}
    ec2.terminate_instances(InstanceIds=[plain["InstanceId"], guarded["InstanceId"]])
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_bucket_is_tagged_in_the_request_that_creates_it(server: MotoServer) -> None:
    s3 = client(server, "s3")
    tags = [{"Key": "project", "Value": "Grüße & <co>"}]
    s3.create_bucket(Bucket="one-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1", "Tags": tags})
    assert s3.get_bucket_tagging(Bucket="one-bucket")["TagSet"] == tags


def test_pages_are_short(server: MotoServer) -> None:
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="one-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for index in range(41):
        s3.put_object(Bucket="one-bucket", Key=f"{index:02}", Body=b"")
    first = s3.list_objects_v2(Bucket="one-bucket", MaxKeys=1000)
    assert (first["KeyCount"], first["IsTruncated"]) == (40, True)
    rest = s3.list_objects_v2(Bucket="one-bucket", ContinuationToken=first["NextContinuationToken"])
    assert [one["Key"] for one in rest["Contents"]] == ["40"]


def test_calls_are_counted_by_action(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    ec2.describe_vpcs()
    ec2.describe_vpcs()
    with pytest.raises(ClientError):
        client(server, "s3").get_bucket_tagging(Bucket="none-such")
    assert server.stats() == {"DescribeVpcs": 2, "GET bucket?tagging": 1}
    server.reset()
    assert server.stats() == {}


def test_connections_are_kept_alive(server: MotoServer) -> None:
    with urlopen(f"{server.endpoint}/__stats", timeout=10) as answer:
        assert answer.version == 11
        assert answer.headers["Content-Length"] == "2"
