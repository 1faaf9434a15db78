"""What the tests of the cloud stand on: prerequisites, one case for each kind, and a census of the account."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import boto3

from orchestra.clouds.families.aws import AwsCloud
from orchestra.clouds.families.aws.balancing import Balancers
from orchestra.contracts import Inputs, Observation, Ownership, Provider, Status, Update, fresh_token
from orchestra.resources import balancing, compute, dns, network, storage
from tests.moto_server import MotoServer

REGION = "eu-west-1"
ZONE = "eu-west-1a"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one@example"
LABELS = {"env": "test", "owner": "Ünïcode & <co>"}
KINDS = {
    one.kind.name: one
    for module in (balancing, compute, dns, network, storage)
    for one in vars(module).values()
    if isinstance(one, type) and hasattr(one, "kind") and one.__module__ == module.__name__
}


def owner(address: str, generation: int = 0) -> Ownership:
    """Whose the thing at ``address`` is."""
    return Ownership("prod", address, fresh_token(f"{address}#{generation}"))


def rule(
    protocol: str, port: int | None = None, *, cidr: str | None = None, firewall: str | None = None
) -> dict[str, Any]:
    """A firewall rule as providers get it."""
    return {"protocol": protocol, "from_port": port, "to_port": port, "cidr": cidr, "firewall": firewall}


class Scene:
    """A cloud with what the subjects of tests need, each made when it is first asked for."""

    def __init__(self, cloud: AwsCloud, server: MotoServer) -> None:
        self.cloud = cloud
        self.server = server
        self._made: dict[str, str] = {}

    def provider(self, kind: str) -> Provider:
        found = self.cloud.provider(kind)
        assert found is not None
        return found

    def make(self, kind: str, address: str, **inputs: Any) -> str:
        """The external id of the thing at ``address``."""
        if address not in self._made:
            self._made[address] = self.provider(kind).create(Inputs(inputs), owner(address)).external_id
        return self._made[address]

    @property
    def network(self) -> str:
        return self.make("network.Network", "network", cidr="10.0.0.0/16", internet=True, labels={})

    def subnet(self, number: int = 1, zone: str = ZONE) -> str:
        return self.make(
            "network.Subnet",
            f"subnet[{number}]",
            network=self.network,
            cidr=f"10.0.{number}.0/24",
            zone=zone,
            public=True,
            labels={},
        )

    def firewall(self, number: int = 1) -> str:
        return self.make(
            "network.Firewall",
            f"firewall[{number}]",
            network=self.network,
            description="one",
            ingress=[],
            egress=[],
            labels={},
        )

    @property
    def image(self) -> str:
        return self.provider("compute.Server").choose("image", {"os": "debian", "version": "12"})

    def server_inputs(self, **other: Any) -> dict[str, Any]:
        return {
            "image": {"id": self.image},
            "size": {"id": "t3.micro"},
            "subnet": self.subnet(),
            "firewalls": [],
            "key_pair": None,
            "user_data": None,
            "public_address": None,
            "labels": {},
            **other,
        }

    def machine(self, number: int = 1) -> str:
        return self.make("compute.Server", f"server[{number}]", **self.server_inputs())

    @property
    def volume(self) -> str:
        return self.make(
            "compute.Volume",
            "volume",
            size_gib=200,
            zone=ZONE,
            type=None,
            encrypted=True,
            snapshot=None,
            labels={},
        )

    @property
    def zone(self) -> str:
        return self.make("dns.Zone", "zone", domain="shop.example")

    @property
    def bucket(self) -> str:
        return self.make(
            "storage.Bucket", "bucket", name=None, encrypted=True, public=False, versioned=False, labels={}
        )

    def observed(self, kind: str, external_id: str) -> Observation:
        """What a bulk read tells of one, which must be there."""
        reading = self.provider(kind).observe([external_id])
        assert list(reading.found) == [external_id], reading
        return reading.found[external_id]

    def update(self, kind: str, external_id: str, before: dict[str, Any], **changes: Any) -> Observation:
        """Bring it to ``before`` with ``changes``."""
        update = Update(before=Inputs(before), after=Inputs({**before, **changes}), changed=frozenset(changes))
        return self.provider(kind).update(external_id, update)


@functools.cache
def client(server: MotoServer, service: str) -> Any:
    """AWS's own library, to see what is really there."""
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )


def census(server: MotoServer) -> collections.Counter[str]:
    """How many of everything there is, as AWS's own library tells: what was terminated doesn't count."""
    ec2, elb, elbv2, route53, s3 = (client(server, service) for service in ("ec2", "elb", "elbv2", "route53", "s3"))
    newer, groups = elbv2.describe_load_balancers()["LoadBalancers"], elbv2.describe_target_groups()["TargetGroups"]
    live = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    instances = [
        one
        for page in ec2.get_paginator("describe_instances").paginate(Filters=live)
        for some in page["Reservations"]
        for one in some["Instances"]
    ]
    zones = route53.list_hosted_zones()["HostedZones"]
    found = {
        "instances": instances,
        "vpcs": ec2.describe_vpcs()["Vpcs"],
        "subnets": ec2.describe_subnets()["Subnets"],
        "groups": ec2.describe_security_groups()["SecurityGroups"],
        "rules": ec2.describe_security_group_rules()["SecurityGroupRules"],
        "gateways": ec2.describe_internet_gateways()["InternetGateways"],
        "routes": [one for table in ec2.describe_route_tables()["RouteTables"] for one in table["Routes"]],
        "interfaces": ec2.describe_network_interfaces()["NetworkInterfaces"],
        "volumes": ec2.describe_volumes()["Volumes"],
        "attachments": [one for disk in ec2.describe_volumes()["Volumes"] for one in disk["Attachments"]],
        "snapshots": ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"],
        "images": ec2.describe_images(Owners=["self"])["Images"],
        "addresses": ec2.describe_addresses()["Addresses"],
        "keys": ec2.describe_key_pairs()["KeyPairs"],
        "balancers": elb.describe_load_balancers()["LoadBalancerDescriptions"],
        "members": [
            one for each in elb.describe_load_balancers()["LoadBalancerDescriptions"] for one in each["Instances"]
        ],
        "newer balancers": newer,
        "target groups": groups,
        "listeners": [
            listener
            for one in newer
            for listener in elbv2.describe_listeners(LoadBalancerArn=one["LoadBalancerArn"])["Listeners"]
        ],
        "targets": [
            target
            for one in groups
            for target in elbv2.describe_target_health(TargetGroupArn=one["TargetGroupArn"])["TargetHealthDescriptions"]
        ],
        "zones": zones,
        "records": [
            one
            for zone in zones
            for one in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        ],
        "buckets": s3.list_buckets()["Buckets"],
        "objects": [
            one
            for bucket in s3.list_buckets()["Buckets"]
            for one in s3.list_object_versions(Bucket=bucket["Name"]).get("Versions", [])
        ],
    }
    return collections.Counter({name: len(items) for name, items in found.items()})


@attrs.frozen(kw_only=True)
class Case:
    """How a kind is tried: its inputs, other values for those that can be changed in place, and what isn't told.

    ``name``: what it is called where that isn't its kind. ``balancers``: what makes the cloud's load balancers.
    """

    kind: str
    name: str = attrs.field(default=attrs.Factory(lambda self: self.kind, takes_self=True))
    balancers: Balancers = "elb"
    inputs: Callable[[Scene], dict[str, Any]]
    changes: Callable[[Scene], dict[str, Any]] = lambda scene: {}
    untold: tuple[str, ...] = ()

    def wanted(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs that must be told, in the form that is compared."""
        specs = KINDS[self.kind].kind.inputs
        return {
            name: normalize(value) if (normalize := specs[name].normalize) else value
            for name, value in inputs.items()
            if name not in self.untold and value is not None
        }


def checked(protocol: str, port: int, path: str = "/", **other: int) -> dict[str, Any]:
    """A health check as providers get it."""
    usual = {"interval": 30, "timeout": 5, "healthy": 3, "unhealthy": 2}
    return {"protocol": protocol, "port": port, "path": path, **usual, **other}


CASES = (
    Case(
        kind="network.Network",
        inputs=lambda scene: {"cidr": "10.1.0.0/16", "internet": True, "labels": LABELS},
        changes=lambda scene: {"internet": False, "labels": {"env": "prod"}},
    ),
    Case(
        kind="network.Subnet",
        inputs=lambda scene: {
            "network": scene.network,
            "cidr": "10.0.9.0/24",
            "zone": "eu-west-1b",
            "public": True,
            "labels": {},
        },
        changes=lambda scene: {"public": False, "labels": LABELS},
    ),
    Case(
        kind="network.Firewall",
        inputs=lambda scene: {
            "network": scene.network,
            "description": "Guards the shop",
            "ingress": [rule("tcp", 443, cidr="0.0.0.0/0"), rule("icmp", cidr="10.0.0.0/8")],
            "egress": [rule("tcp", 443, cidr="::/0")],
            "labels": LABELS,
        },
        changes=lambda scene: {
            "ingress": [
                rule("udp", 53, cidr="2001:db8::/32"),
                rule("tcp", 5432, firewall=scene.firewall()),
                rule("tcp", 443, cidr="192.0.2.0/24"),
            ],
            "egress": [rule("all", cidr="0.0.0.0/0")],
            "labels": {},
        },
    ),
    Case(kind="compute.KeyPair", inputs=lambda scene: {"public_key": KEY, "name": "my-key"}, untold=("public_key",)),
    Case(
        kind="compute.Server",
        inputs=lambda scene: scene.server_inputs(
            firewalls=[scene.firewall(1)],
            key_pair=scene.make("compute.KeyPair", "key", public_key=KEY, name=None),
            user_data="#!/bin/sh\necho 'Grüße'\n",
            public_address=True,
            labels=LABELS,
        ),
        changes=lambda scene: {
            "size": {"id": "t3.large"},
            "firewalls": [scene.firewall(2), scene.firewall(1)],
            "labels": {},
        },
        untold=("user_data", "public_address"),
    ),
    Case(
        kind="compute.CustomImage",
        inputs=lambda scene: {
            "server": scene.machine(),
            "name": "golden-1",
            "description": "before the move",
            "labels": LABELS,
        },
        changes=lambda scene: {"labels": {"env": "prod"}},
    ),
    Case(
        kind="compute.Volume",
        inputs=lambda scene: {
            "size_gib": 200,
            "zone": ZONE,
            "type": "ssd",
            "encrypted": True,
            "snapshot": None,
            "labels": LABELS,
        },
        changes=lambda scene: {"size_gib": 250, "type": "hdd", "labels": {}},
    ),
    Case(
        kind="compute.VolumeAttachment",
        inputs=lambda scene: {"volume": scene.volume, "server": scene.machine(), "device": "/dev/sdf"},
    ),
    Case(
        kind="compute.Snapshot",
        inputs=lambda scene: {"volume": scene.volume, "description": "before the move", "labels": LABELS},
        changes=lambda scene: {"labels": {}},
    ),
    Case(
        kind="compute.FloatingIp",
        inputs=lambda scene: {"server": scene.machine(1), "labels": LABELS},
        changes=lambda scene: {"server": scene.machine(2), "labels": {}},
    ),
    Case(
        kind="balancing.LoadBalancer",
        inputs=lambda scene: {
            "port": 80,
            "protocol": "http",
            "member_port": 8080,
            "members": [scene.machine(1)],
            "subnets": [scene.subnet()],
            "firewalls": [scene.firewall()],
            "health_check": {
                "protocol": "http",
                "port": 8080,
                "path": "/well?deep=1",
                "interval": 10,
                "timeout": 3,
                "healthy": 2,
                "unhealthy": 4,
            },
            "labels": LABELS,
        },
        changes=lambda scene: {
            "members": [scene.machine(2), scene.machine(3)],
            "firewalls": [],
            "health_check": {
                "protocol": "tcp",
                "port": 8081,
                "path": "/",
                "interval": 30,
                "timeout": 5,
                "healthy": 3,
                "unhealthy": 2,
            },
            "labels": {},
        },
    ),
    Case(
        kind="balancing.LoadBalancer",
        name="application load balancer",
        balancers="elbv2",
        inputs=lambda scene: {
            "port": 80,
            "protocol": "http",
            "member_port": 8080,
            "members": [scene.machine(1)],
            "subnets": [scene.subnet(), scene.subnet(2, "eu-west-1b")],
            "firewalls": [scene.firewall()],
            "health_check": checked("http", 8080, "/well?deep=1", interval=10, timeout=3, healthy=2, unhealthy=4),
            "labels": LABELS,
        },
        changes=lambda scene: {
            "members": [scene.machine(2), scene.machine(3)],
            "firewalls": [],
            "health_check": checked("tcp", 8081),
            "labels": {},
        },
    ),
    Case(
        kind="balancing.LoadBalancer",
        name="network load balancer",
        balancers="elbv2",
        inputs=lambda scene: {
            "port": 5432,
            "protocol": "tcp",
            "member_port": None,
            "members": [scene.machine(1)],
            "subnets": [scene.subnet()],
            "firewalls": [],
            "health_check": None,
            "labels": LABELS,
        },
        changes=lambda scene: {
            "members": [scene.machine(2), scene.machine(3)],
            "firewalls": [scene.firewall()],
            "health_check": checked("http", 8081, "/well", interval=10, timeout=3),
            "labels": {"env": "prod"},
        },
    ),
    Case(kind="dns.Zone", inputs=lambda scene: {"domain": "other.example"}),
    Case(
        kind="dns.Record",
        inputs=lambda scene: {
            "zone": scene.zone,
            "name": "www",
            "type": "TXT",
            "values": ['say "hi"', "a" * 300, "Grüße"],
            "ttl": 60,
        },
        changes=lambda scene: {"values": ["v=spf1 -all"], "ttl": 300},
    ),
    Case(
        kind="storage.Bucket",
        inputs=lambda scene: {
            "name": "one-bucket",
            "encrypted": True,
            "public": False,
            "versioned": True,
            "labels": LABELS,
        },
        changes=lambda scene: {"encrypted": False, "public": True, "versioned": False, "labels": {}},
    ),
    Case(
        kind="storage.Blob",
        inputs=lambda scene: {
            "bucket": scene.bucket,
            "key": "a/b c+d?e=ü.txt",
            "content": "Grüße\n",
            "content_type": "text/html; charset=utf-8",
        },
        changes=lambda scene: {"content": "other"},
        untold=("content_type",),
    ),
)
"""One for each kind that the cloud can do."""


def settled(scene: Scene, case: Case, inputs: dict[str, Any], whose: Ownership) -> Observation:
    """Look for what a call of unknown outcome made, and go on from there as the engine does; then read it."""
    provider = scene.provider(case.kind)
    found = provider.find(whose, Inputs(inputs))
    if found is None or found.status is not Status.READY:
        found = provider.create(Inputs(inputs), whose)
    return scene.observed(case.kind, found.external_id)
