"""The web shop of the examples, unchanged, on every cloud: apply, empty plan, scale by one, drift, destroy."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

import orchestra as oc
from orchestra.clouds.families.aws.balancing import Balancers
from tests.moto_server import MotoServer

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "webshop.py"
    spec = importlib.util.spec_from_file_location("webshop_example", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Simulated:
    """The simulated cloud, and what is in it by its own count."""

    zones: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.cloud = oc.clouds.simulated(path=folder / "cloud.db")

    def count(self) -> dict[str, int]:
        return {kind: number for kind, number in self.cloud.inventory().items() if kind != "network.Gateway"}

    def delete_server(self, external_id: str) -> None:
        compute = self.cloud.drivers.compute
        (node,) = [node for node in compute.list_nodes() if node.id == external_id]
        compute.destroy_node(node)

    def relabel_server(self, external_id: str) -> None:
        compute = self.cloud.drivers.compute
        compute.ex_create_tags(external_id, {"role": "intruder"})


class Aws:
    """AWS's API, and what is in it as boto3 tells; newer load balancers want the shop in two ``zones``."""

    def __init__(self, server: MotoServer, balancers: Balancers = "elb") -> None:
        self.zones: tuple[str, ...] = ("eu-west-1a", "eu-west-1b") if balancers == "elbv2" else ()
        self.server = server
        keys = {"access_key": server.access_key, "secret_key": server.secret_key}
        self.cloud = oc.clouds.aws(
            region=REGION, endpoint=server.endpoint, balancers=balancers, consistency_seconds=0, **keys
        )
        self.ec2 = self.client("ec2")

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.server.endpoint,
            aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
        )

    def count(self) -> dict[str, int]:
        ours = [{"Name": "tag-key", "Values": ["orchestra:token"]}]
        alive = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
        zones = self.client("route53").list_hosted_zones()["HostedZones"]
        records = [
            one
            for zone in zones
            for one in self.client("route53").list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
            if one["Type"] not in ("NS", "SOA")
        ]
        newer = self.client("elbv2").describe_load_balancers()["LoadBalancers"]
        found = {
            "network.Network": len(self.ec2.describe_vpcs(Filters=ours)["Vpcs"]),
            "network.Subnet": len(self.ec2.describe_subnets(Filters=ours)["Subnets"]),
            "network.Firewall": len(self.ec2.describe_security_groups(Filters=ours)["SecurityGroups"]),
            "compute.KeyPair": len(self.ec2.describe_key_pairs()["KeyPairs"]),
            "compute.Server": sum(
                len(one["Instances"]) for one in self.ec2.describe_instances(Filters=alive)["Reservations"]
            ),
            "balancing.LoadBalancer": len(self.client("elb").describe_load_balancers()["LoadBalancerDescriptions"])
            + len(newer),
            "target groups": len(self.client("elbv2").describe_target_groups()["TargetGroups"]) - len(newer),
            "dns.Zone": len(zones),
            "dns.Record": len(records),
            "storage.Bucket": len(self.client("s3").list_buckets()["Buckets"]),
        }
        return {kind: number for kind, number in found.items() if number}

    def delete_server(self, external_id: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[external_id])

    def relabel_server(self, external_id: str) -> None:
        self.ec2.create_tags(Resources=[external_id], Tags=[{"Key": "role", "Value": "intruder"}])


@pytest.fixture(params=["simulated", "elb", "elbv2"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Simulated | Aws:
    return Simulated(tmp_path) if request.param == "simulated" else Aws(request.getfixturevalue("aws"), request.param)


SHOP = {
    "network.Network": 1,
    "network.Subnet": 1,
    "network.Firewall": 2,
    "compute.KeyPair": 1,
    "compute.Server": 3,
    "balancing.LoadBalancer": 1,
    "dns.Zone": 1,
    "dns.Record": 1,
    "storage.Bucket": 1,
}


def test_the_web_shop_lives_and_dies(example: ModuleType, place: Simulated | Aws, tmp_path: Path) -> None:
    def deployment(servers: int) -> oc.Deployment:
        shop = example.WebShop(web_servers=servers, zones=place.zones)
        return oc.Deployment(shop, name="shop", cloud=place.cloud, state=tmp_path / "state.db", progress=False)

    whole = {**SHOP, "network.Subnet": max(1, len(place.zones))}
    two = deployment(2)
    two.apply()
    assert place.count() == whole
    assert two.plan().is_empty
    assert two.value(two.stack.url) == "http://www.shop.example/"
    assert two.value(two.stack.address)

    three = deployment(3)
    plan = three.plan()
    assert {change.address: change.action for change in plan.changes} == {
        "web[2]": oc.Action.CREATE,
        "balancer": oc.Action.UPDATE,
    }
    three.apply(plan)
    assert place.count() == {**whole, "compute.Server": 4}
    assert three.plan().is_empty

    place.delete_server(three.value(three.stack.web[0].id))
    place.relabel_server(three.value(three.stack.web[1].id))
    drift = {change.address: change.action for change in three.drift().changes}
    assert drift["web[0]"] is oc.Action.FORGET
    assert drift["web[1]"] is oc.Action.READ
    three.apply()
    assert three.drift().is_empty
    assert three.plan().is_empty
    assert place.count() == {**whole, "compute.Server": 4}

    three.destroy()
    assert place.count() == {}
    assert three.resources == {}


def test_a_lost_state_is_rebuilt_from_the_cloud(example: ModuleType, place: Simulated | Aws, tmp_path: Path) -> None:
    def deployment(servers: int) -> oc.Deployment:
        shop = example.WebShop(web_servers=servers, zones=place.zones)
        return oc.Deployment(shop, name="shop", cloud=place.cloud, state=tmp_path / "state.db", progress=False)

    with deployment(3) as three:
        three.apply()
        before = {address: record.external_id for address, record in three.resources.items()}
        with pytest.raises(oc.PlanError, match="isn't lost"):
            three.rebuild()
    for path in tmp_path.glob("state.db*"):
        path.unlink()

    with deployment(3) as again:
        again.rebuild()
        assert {address: record.external_id for address, record in again.resources.items()} == before
        plan = again.plan()
        assert plan.changes == (), str(plan)

    with deployment(2) as two:
        assert {change.address: change.action for change in two.plan().changes} == {
            "web[2]": oc.Action.DELETE,
            "balancer": oc.Action.UPDATE,
        }
        two.apply()
        two.destroy()
    assert place.count() == {}
