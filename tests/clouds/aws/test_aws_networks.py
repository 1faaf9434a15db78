"""Networks with their gateways, subnets, firewalls and balancers: drift put right, what belongs goes along."""

from __future__ import annotations

from typing import Any

import pytest

from orchestra.clouds.families.aws.described import tolerating
from orchestra.contracts import Inputs
from orchestra.errors import ConflictError, InUseError, NotFoundError, ThrottledError, TransientError
from tests.clouds.aws.scenery import KINDS, LABELS, ZONE, Scene, census, client, owner, rule

NETWORK: dict[str, Any] = {"cidr": "10.0.0.0/16", "internet": True, "labels": {}}


def internet(scene: Scene) -> object:
    return scene.observed("network.Network", scene.network).inputs["internet"]


def in_order(*rules: dict[str, Any]) -> object:
    """Rules in the order that they are compared in."""
    normalize = KINDS["network.Firewall"].kind.inputs["ingress"].normalize
    assert normalize is not None
    return normalize(list(rules))


def gateway_of(scene: Scene) -> str:
    wanted = [{"Name": "attachment.vpc-id", "Values": [scene.network]}]
    found = client(scene.server, "ec2").describe_internet_gateways(Filters=wanted)["InternetGateways"]
    return str(found[0]["InternetGatewayId"])


def main_table_of(scene: Scene) -> str:
    wanted = [{"Name": "vpc-id", "Values": [scene.network]}, {"Name": "association.main", "Values": ["true"]}]
    return str(client(scene.server, "ec2").describe_route_tables(Filters=wanted)["RouteTables"][0]["RouteTableId"])


def test_the_gateway_carries_the_tags_of_its_network(scene: Scene) -> None:
    gateway = gateway_of(scene)
    described = client(scene.server, "ec2").describe_internet_gateways(InternetGatewayIds=[gateway])
    tags = {tag["Key"]: tag["Value"] for tag in described["InternetGateways"][0]["Tags"]}
    assert tags == {**owner("network").tags(), "Name": "prod/network"}


@pytest.mark.parametrize("lost", ["route", "attachment", "gateway", "black hole"])
def test_a_way_to_the_internet_that_was_cut_is_told_and_made_again(scene: Scene, lost: str) -> None:
    ec2 = client(scene.server, "ec2")
    assert internet(scene) is True
    gateway, table = gateway_of(scene), main_table_of(scene)
    if lost in ("route", "gateway"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    if lost in ("attachment", "gateway", "black hole"):
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=scene.network)
    if lost in ("gateway", "black hole"):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
    assert internet(scene) is False
    scene.update("network.Network", scene.network, NETWORK, internet=True)
    assert internet(scene) is True
    assert census(scene.server)["gateways"] == 1


def test_a_gateway_is_taken_away_and_given_back(scene: Scene) -> None:
    scene.update("network.Network", scene.network, NETWORK, internet=False)
    assert census(scene.server)["gateways"] == 0
    assert internet(scene) is False
    scene.update("network.Network", scene.network, {**NETWORK, "internet": False}, internet=True, labels=LABELS)
    assert census(scene.server)["gateways"] == 1
    assert scene.observed("network.Network", scene.network).inputs == {**NETWORK, "labels": LABELS}


def test_a_network_without_internet_has_no_gateway(scene: Scene) -> None:
    scene.make("network.Network", "inner", cidr="10.0.0.0/16", internet=False, labels={})
    assert census(scene.server)["gateways"] == 0


def test_a_network_goes_with_a_gateway_that_others_gave_it(scene: Scene) -> None:
    ec2 = client(scene.server, "ec2")
    made = scene.make("network.Network", "inner", cidr="10.0.0.0/16", internet=False, labels={})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=made)
    scene.provider("network.Network").delete(made)
    assert census(scene.server)["gateways"] == 0


def test_a_network_in_use_is_kept(scene: Scene) -> None:
    scene.subnet()
    with pytest.raises(InUseError, match="DependencyViolation"):
        scene.provider("network.Network").delete(scene.network)
    assert scene.observed("network.Network", scene.network)


def test_two_networks_of_one_range_are_two(scene: Scene) -> None:
    other = scene.make("network.Network", "other", **NETWORK)
    assert other != scene.network


def test_a_range_that_is_taken_is_a_conflict_and_another_s_subnet_is_not_taken_over(scene: Scene) -> None:
    taken = scene.subnet()
    inputs = {"network": scene.network, "cidr": "10.0.1.0/24", "zone": ZONE, "public": True, "labels": {}}
    with pytest.raises(ConflictError, match=r"InvalidSubnet\.Conflict"):
        scene.provider("network.Subnet").create(Inputs(inputs), owner("other"))
    assert scene.observed("network.Subnet", taken).ownership == owner("subnet[1]")


def test_rules_are_added_before_others_are_taken_away(scene: Scene) -> None:
    before = {"network": scene.network, "description": "one", "egress": [], "labels": {}}
    inputs = {**before, "ingress": [rule("tcp", 22, cidr="10.0.0.0/8")]}
    firewall = scene.make("network.Firewall", "guard", **inputs)
    scene.server.fault(action="RevokeSecurityGroupIngress", mode="drop_before")
    with pytest.raises(TransientError):
        scene.update("network.Firewall", firewall, inputs, ingress=[rule("tcp", 443, cidr="0.0.0.0/0")])
    told = scene.observed("network.Firewall", firewall).inputs["ingress"]
    assert told == in_order(rule("tcp", 22, cidr="10.0.0.0/8"), rule("tcp", 443, cidr="0.0.0.0/0"))


def test_rules_made_by_others_are_told_and_taken_away(scene: Scene) -> None:
    firewall = scene.firewall()
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 9, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    client(scene.server, "ec2").authorize_security_group_ingress(GroupId=firewall, IpPermissions=[permission])
    told = scene.observed("network.Firewall", firewall).inputs["ingress"]
    assert told == [{**rule("tcp", 1, cidr="0.0.0.0/0"), "to_port": 9}]
    inputs = {"network": scene.network, "description": "one", "ingress": [], "egress": [], "labels": {}}
    scene.update("network.Firewall", firewall, inputs, ingress=[])
    assert scene.observed("network.Firewall", firewall).inputs["ingress"] == []


def test_rules_that_came_or_went_meanwhile_are_no_error(scene: Scene) -> None:
    """A list that lags behind: EC2 refuses all of a call for one rule, so each is sent by itself then."""
    inputs = {"network": scene.network, "description": "one", "egress": [], "labels": {}}
    there, fresh = rule("tcp", 22, cidr="10.0.0.0/8"), rule("tcp", 443, cidr="0.0.0.0/0")
    firewall = scene.make("network.Firewall", "guard", **inputs, ingress=[there])
    blind = {"find": "<ipPermissions>.*?</ipPermissions>", "replace": "<ipPermissions/>"}
    scene.server.fault(action="DescribeSecurityGroups", mode="rewrite", count=2, **blind)
    scene.update("network.Firewall", firewall, {**inputs, "ingress": []}, ingress=[there, fresh])
    assert scene.observed("network.Firewall", firewall).inputs["ingress"] == in_order(there, fresh)


def test_a_firewall_of_another_is_a_source(scene: Scene) -> None:
    source = scene.firewall(1)
    inputs = {"network": scene.network, "description": "two", "egress": [], "labels": {}}
    guard = scene.make("network.Firewall", "guard", **inputs, ingress=[rule("tcp", 5432, firewall=source)])
    assert scene.observed("network.Firewall", guard).inputs["ingress"] == [rule("tcp", 5432, firewall=source)]
    with pytest.raises(InUseError):
        scene.provider("network.Firewall").delete(source)


def test_a_firewall_of_a_network_that_is_not_there_is_refused(scene: Scene) -> None:
    inputs = {"network": "vpc-0123456789abcdef0", "description": "one", "ingress": [], "egress": [], "labels": {}}
    with pytest.raises(NotFoundError):
        scene.provider("network.Firewall").create(Inputs(inputs), owner("guard"))


BALANCER: dict[str, Any] = {
    "port": 80,
    "protocol": "tcp",
    "member_port": None,
    "members": [],
    "firewalls": [],
    "health_check": None,
    "labels": {},
}


def test_a_balancer_listens_and_can_be_reached(scene: Scene) -> None:
    name = scene.make("balancing.LoadBalancer", "balancer", **BALANCER, subnets=[scene.subnet()])
    assert len(name) <= 32
    told = client(scene.server, "elb").describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]
    assert told["ListenerDescriptions"][0]["Listener"] | {"SSLCertificateId": ""} == {
        "Protocol": "TCP",
        "LoadBalancerPort": 80,
        "InstanceProtocol": "TCP",
        "InstancePort": 80,
        "SSLCertificateId": "",
    }
    assert scene.observed("balancing.LoadBalancer", name).outputs == {"address": told["DNSName"]}


def test_a_balancer_of_another_with_the_same_name_is_not_taken_over(scene: Scene) -> None:
    listener = {"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}
    client(scene.server, "elb").create_load_balancer(
        LoadBalancerName=owner("balancer").name(32), Listeners=[listener], Subnets=[scene.subnet()]
    )
    with pytest.raises(ConflictError, match="DuplicateLoadBalancerName"):
        scene.make("balancing.LoadBalancer", "balancer", **BALANCER, subnets=[scene.subnet()])


def test_members_that_came_and_went_behind_our_back_are_put_right(scene: Scene) -> None:
    inputs = {**BALANCER, "subnets": [scene.subnet()], "members": [scene.machine(1)]}
    name = scene.make("balancing.LoadBalancer", "balancer", **inputs)
    elb = client(scene.server, "elb")
    elb.deregister_instances_from_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": scene.machine(1)}])
    elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": scene.machine(2)}])
    assert scene.observed("balancing.LoadBalancer", name).inputs["members"] == [scene.machine(2)]
    scene.update("balancing.LoadBalancer", name, inputs, members=[scene.machine(1)])
    assert scene.observed("balancing.LoadBalancer", name).inputs["members"] == [scene.machine(1)]


def test_the_network_s_own_firewall_is_told_as_none(scene: Scene) -> None:
    inputs = {**BALANCER, "subnets": [scene.subnet()], "firewalls": [scene.firewall()]}
    name = scene.make("balancing.LoadBalancer", "balancer", **inputs)
    assert scene.observed("balancing.LoadBalancer", name).inputs["firewalls"] == [scene.firewall()]
    scene.update("balancing.LoadBalancer", name, inputs, firewalls=[])
    assert scene.observed("balancing.LoadBalancer", name).inputs["firewalls"] == []


def test_only_what_is_meant_is_tolerated() -> None:
    with tolerating(NotFoundError):
        raise NotFoundError("gone")
    with pytest.raises(ThrottledError), tolerating(NotFoundError):
        raise ThrottledError("slow")
