"""What AWS does and moto doesn't: keys, tokens, refusals; and breaking calls on demand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.moto_server import MotoServer, moto_server
from tests.moto_server.speaking import ask, client, ec2_driver


@pytest.mark.parametrize(
    ("service", "call", "unknown"),
    [
        ("ec2", lambda one: one.describe_vpcs(), "AuthFailure"),
        ("elb", lambda one: one.describe_load_balancers(), "InvalidClientTokenId"),
        ("route53", lambda one: one.list_hosted_zones(), "InvalidClientTokenId"),
        ("s3", lambda one: one.list_buckets(), "InvalidAccessKeyId"),
    ],
)
def test_wrong_keys_are_refused_in_the_words_of_each_service(
    server: MotoServer, service: str, call: Callable[[Any], Any], unknown: str
) -> None:
    call(client(server, service))
    with pytest.raises(ClientError) as refused:
        call(client(server, service, access_key="another"))
    assert refused.value.response["Error"]["Code"] == unknown
    with pytest.raises(ClientError) as refused:
        call(client(server, service, secret_key="another"))
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_other_keys_can_be_accepted(server: MotoServer) -> None:
    server.accept({"another": "other"})
    client(server, "ec2", access_key="another", secret_key="other").describe_vpcs()
    with pytest.raises(ClientError, match="AuthFailure"):
        client(server, "ec2").describe_vpcs()
    server.reset()
    client(server, "ec2").describe_vpcs()


def test_a_body_that_was_changed_on_the_way_is_refused(server: MotoServer) -> None:
    driver = ec2_driver(server)
    send = driver.connection.connection.request
    driver.connection.connection.request = lambda *args, **named: send(
        *args, **{**named, "body": named["body"].replace("10.0", "10.1")}
    )
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        ask(driver, "CreateVpc", CidrBlock="10.0.0.0/16")


def launch(server: MotoServer, token: str, size: str = "t3.micro") -> str:
    ec2 = client(server, "ec2")
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType=size, MinCount=1, MaxCount=1, ClientToken=token)
    return str(made["Instances"][0]["InstanceId"])


def test_a_client_token_makes_one_instance(server: MotoServer) -> None:
    first = launch(server, "one")
    assert launch(server, "one") == first
    assert launch(server, "two") != first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        launch(server, "one", size="t3.large")
    ec2 = client(server, "ec2")
    wanted = [{"Name": "client-token", "Values": ["one"]}]
    found = [one["Instances"] for one in ec2.describe_instances(Filters=wanted)["Reservations"]]
    assert [one["InstanceId"] for some in found for one in some] == [first]
    assert ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["x"]}])["Reservations"] == []


def test_a_client_token_makes_one_volume(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    made = {ec2.create_volume(Size=1, AvailabilityZone="eu-west-1a", ClientToken="one")["VolumeId"] for _ in range(2)}
    assert len(made) == len(ec2.describe_volumes()["Volumes"]) == 1


def test_a_caller_reference_makes_one_zone(server: MotoServer) -> None:
    route53 = client(server, "route53")
    route53.create_hosted_zone(Name="shop.example", CallerReference="one")
    with pytest.raises(ClientError, match="HostedZoneAlreadyExists"):
        route53.create_hosted_zone(Name="shop.example", CallerReference="one")
    assert len(route53.list_hosted_zones()["HostedZones"]) == 1


def refusal(call: Callable[..., Any], **named: Any) -> str:
    """The code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**named)
    return str(refused.value.response["Error"]["Code"])


def test_what_is_in_use_is_not_deleted(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="eu-west-1a")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="one", Description="one", VpcId=vpc)["GroupId"]
    other = ec2.create_security_group(GroupName="two", Description="two", VpcId=vpc)["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[rule])
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    instance = ec2.run_instances(
        ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[other]
    )["Instances"][0]["InstanceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    association = ec2.associate_address(AllocationId=address, InstanceId=instance)["AssociationId"]
    volume = ec2.create_volume(Size=1, AvailabilityZone="eu-west-1b")["VolumeId"]
    detach = {"InternetGatewayId": gateway, "VpcId": vpc}
    assert refusal(ec2.delete_subnet, SubnetId=subnet) == "DependencyViolation"
    assert refusal(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert refusal(ec2.delete_security_group, GroupId=other) == "DependencyViolation"
    assert refusal(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    assert refusal(ec2.detach_internet_gateway, **detach) == "DependencyViolation"
    assert refusal(ec2.release_address, AllocationId=address) == "InvalidIPAddress.InUse"
    attach = {"VolumeId": volume, "InstanceId": instance, "Device": "/dev/sdf"}
    assert refusal(ec2.attach_volume, **attach) == "InvalidVolume.ZoneMismatch"
    assert refusal(ec2.detach_volume, VolumeId=volume) == "IncorrectState"
    resize = {"InstanceId": instance, "InstanceType": {"Value": "t3.large"}}
    assert refusal(ec2.modify_instance_attribute, **resize) == "IncorrectInstanceState"
    ec2.disassociate_address(AssociationId=association)
    ec2.release_address(AllocationId=address)
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=group)
    ec2.detach_internet_gateway(**detach)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def test_what_is_not_there_is_not_accepted(server: MotoServer) -> None:
    ec2 = client(server, "ec2")
    image = ec2.describe_images(Owners=["136693071363"])["Images"][0]["ImageId"]
    launch = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    assert refusal(ec2.run_instances, **{**launch, "ImageId": "ami-12345678"}) == "InvalidAMIID.NotFound"
    assert refusal(ec2.run_instances, **{**launch, "InstanceType": "t9.huge"}).startswith("InvalidInstanceType")
    assert refusal(ec2.run_instances, **launch, KeyName="none-such") == "InvalidKeyPair.NotFound"


def test_a_conditional_put_does_not_overwrite(server: MotoServer) -> None:
    s3 = client(server, "s3")
    s3.create_bucket(Bucket="one-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    put = {"Bucket": "one-bucket", "Key": "a b/ü", "Body": b"one", "IfNoneMatch": "*"}
    s3.put_object(**put)
    assert refusal(s3.put_object, **put) == "PreconditionFailed"


def quick(server: MotoServer) -> Any:
    """A client that tries once and doesn't wait for long."""
    return client(server, "ec2", config=Config(retries={"total_max_attempts": 1}, read_timeout=1))


@pytest.mark.parametrize(("mode", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_call_is_done_or_not(server: MotoServer, mode: str, made: int) -> None:
    ec2 = quick(server)
    before = len(ec2.describe_vpcs()["Vpcs"])
    server.fault(action="CreateVpc", mode=mode)
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert len(ec2.describe_vpcs()["Vpcs"]) == before + made
    ec2.create_vpc(CidrBlock="10.1.0.0/16")


def test_a_delayed_answer_comes_too_late(server: MotoServer) -> None:
    server.fault(method="POST", body_has="Action=DescribeVpcs", mode="delay", seconds=2.0)
    with pytest.raises(ReadTimeoutError):
        quick(server).describe_vpcs()


def test_faults_can_skip_repeat_and_answer(server: MotoServer) -> None:
    ec2 = quick(server)
    body = "<Response><Errors><Error><Code>Unavailable</Code><Message>x</Message></Error></Errors></Response>"
    server.fault(action="DescribeVpcs", mode="answer", status=503, body=body, skip=1, count=2)
    ec2.describe_vpcs()
    for _ in range(2):
        assert refusal(ec2.describe_vpcs) == "Unavailable"
    ec2.describe_vpcs()


def test_an_answer_can_be_rewritten(server: MotoServer) -> None:
    server.fault(path="^/$", mode="rewrite", find="<isDefault>true", replace="<isDefault>false")
    ec2 = quick(server)
    assert [one["IsDefault"] for one in ec2.describe_vpcs()["Vpcs"]] == [False]
    assert [one["IsDefault"] for one in ec2.describe_vpcs()["Vpcs"]] == [True]


def test_a_fault_that_makes_no_sense_is_refused(server: MotoServer) -> None:
    with pytest.raises(HTTPError):
        server.fault(mode="explode")


def test_paths_of_its_own_are_not_guessed(server: MotoServer) -> None:
    with pytest.raises(HTTPError, match="404"):
        urlopen(Request(f"{server.endpoint}/__none", data=b"", method="POST"), timeout=10)


def test_the_server_goes_when_its_block_ends() -> None:
    with moto_server() as server:
        assert server.stats() == {}
    with pytest.raises(OSError, match="refused"):
        server.stats()
