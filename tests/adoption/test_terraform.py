"""States of Terraform: what is read, what it becomes, and what is left out and why."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from account import Account
from estates import furnish
from terraformed import Terraform

import orchestra as oc
from orchestra.adoption.deriving import covering
from orchestra.migrate.states import read_state
from tests.moto_server import MotoServer

CONFIGURATION = """
variable "password" {
  sensitive = true
  default   = "hunter2hunter2"
}
resource "terraform_data" "one" {
  input = "plain"
}
resource "terraform_data" "counted" {
  count = 2
  input = { name = "web", password = var.password }
}
module "inner" {
  source   = "./inner"
  for_each = toset(["eu", "us \\"west\\""])
  region   = each.key
}
"""
INNER = """
variable "region" {}
resource "terraform_data" "zones" {
  for_each = toset(["a", "b"])
  input    = "${var.region}${each.key}"
}
"""


def state(*resources: Mapping[str, Any], version: int = 4) -> dict[str, Any]:
    return {"version": version, "terraform_version": "1.11.4", "serial": 1, "lineage": "x", "resources": [*resources]}


def resource(kind: str, name: str, attributes: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    """One resource with one instance; ``module`` and ``mode`` belong to the resource, the rest to the instance."""
    instance = {"schema_version": 0, "attributes": dict(attributes), "sensitive_attributes": [], **other}
    outer = {key: instance.pop(key) for key in ("module", "mode") if key in instance}
    return {"mode": "managed", "type": kind, "name": name, "provider": "", "instances": [instance], **outer}


VPC = {"id": "vpc-1", "cidr_block": "10.0.0.0/16", "tags_all": {"Name": "x", "env": "prod", "aws:made": "y"}}


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs the program terraform")
def test_a_state_that_terraform_wrote_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "main.tf").write_text(CONFIGURATION, encoding="utf-8")
    (tmp_path / "inner" / "main.tf").write_text(INNER, encoding="utf-8")
    for arguments in (["init"], ["apply", "-auto-approve"]):
        subprocess.run(
            ["terraform", *arguments, "-no-color", "-input=false"], cwd=tmp_path, check=True, capture_output=True
        )
    world = read_state(tmp_path / "terraform.tfstate")
    assert sorted(one.address for one in world.instances) == sorted(listed(tmp_path / "terraform.tfstate"))
    modules = {one.modules for one in world.of("terraform_data")}
    assert modules == {(), ("inner eu",), ('inner us \\"west\\"',)}
    assert "hunter2" not in repr(world.instances) + str([one.attributes for one in world.instances])
    generated = oc.migrate.terraform(tmp_path / "terraform.tfstate")
    assert len(generated.left_out) == len(world.instances) == 7
    assert "hunter2" not in str(generated) + generated.source
    assert {one.why for one in generated.left_out} == {"orchestra knows no kind for this type"}


def test_what_is_marked_in_one_place_is_hidden_in_all() -> None:
    made = resource(
        "aws_s3_object",
        "one",
        {
            "bucket": "hunter2hunter2",
            "key": "k",
            "content": "the password is hunter2hunter2",
            "tags": ["hunter2hunter2"],
        },
        sensitive_attributes=[[{"type": "get_attr", "value": "tags"}, {"type": "index", "value": {"value": 0}}]],
    )
    (one,) = read_state(state(made)).instances
    assert one.sensitive == {"bucket", "content", "tags"}
    assert dict(one.attributes) == {"key": "k"}
    (left,) = oc.migrate.terraform(state(made)).left_out
    assert left.why == "Terraform marks its bucket as sensitive"


def listed(path: Path) -> list[str]:
    """The addresses that Terraform itself finds in a state."""
    told = subprocess.run(
        ["terraform", "state", "list", f"-state={path}"], cwd=path.parent, check=True, capture_output=True, text=True
    )
    return told.stdout.split("\n")[:-1]


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs the program terraform")
def test_terraform_reads_the_states_that_the_tests_write(server: MotoServer, tmp_path: Path) -> None:
    made = Terraform(Account(server))
    furnish(made, 5)
    path = made.write(tmp_path)
    assert sorted(listed(path)) == sorted(one.address for one in read_state(path).instances)


def test_count_for_each_and_modules_become_names(tmp_path: Path) -> None:
    net = {"module": 'module.net["eu-west"].module.inner[0]'}
    subnets = resource("aws_subnet", "zones", {})
    subnets["instances"] = [
        {"index_key": zone, "attributes": {"id": f"s-{zone}", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"}}
        for zone in ("b", "a")
    ]
    servers = resource("aws_instance", "web", {})
    servers["instances"] = [
        {"index_key": index, "attributes": {"id": f"i-{index}", "ami": "ami-1", "instance_type": "t3.micro"}}
        | {"sensitive_attributes": [[{"type": "get_attr", "value": "user_data"}]]}
        for index in (1, 0)
    ]
    for one in servers["instances"]:
        one["attributes"] |= {"subnet_id": "s-a", "user_data": "hunter2", "key_name": "missing"}
    alone = resource("aws_eip", "ip", {"id": "eipalloc-1", "instance": "i-0"}, index_key=0)
    generated = oc.migrate.terraform(state(resource("aws_vpc", "this", VPC, **net), subnets, servers, alone))
    assert dict(generated.adoptions) == {
        "net_eu_west_inner_0_network": "vpc-1",
        'zones["a"]': "s-a",
        'zones["b"]': "s-b",
        "web[0]": "i-0",
        "web[1]": "i-1",
        "ip": "eipalloc-1",
    }
    assert 'subnet=self.zones["a"]' in generated.source
    assert 'key_pair="missing"' in generated.source
    assert "self.ip = oc.FloatingIp(server=self.web[0])" in generated.source
    assert "hunter2" not in generated.source + str(generated)
    assert [one.input for one in generated.left_out] == ["user_data", "user_data"]
    assert 'labels={"env": "prod"}' in generated.source


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (resource("aws_vpc", "x", VPC, status="tainted"), "tainted"),
        (resource("aws_vpc", "x", VPC, deposed="0123abcd"), "still to be deleted"),
        (resource("aws_vpc", "x", {**VPC, "id": None}), "its id isn't in the state"),
        (resource("aws_iam_role", "x", {"id": "role"}), "orchestra knows no kind for this type"),
        (resource("aws_security_group_rule", "x", {"security_group_id": "sg-9"}), "isn't taken over"),
        (resource("aws_internet_gateway", "x", {"id": "igw-1", "vpc_id": "vpc-9"}), "isn't taken over"),
        (resource("aws_route53_zone", "x", {"zone_id": "Z", "name": "a.b", "vpc": [{"vpc_id": "v"}]}), "private zone"),
        (resource("aws_route53_record", "x", {"zone_id": "Z", "name": "www"}), "domain of its zone isn't in the state"),
        (resource("aws_elb", "x", {"id": "a", "name": "a", "listener": [{}, {}]}), "it has 2 listeners"),
        (resource("aws_s3_object", "x", {"bucket": "b", "key": "k", "source": "f"}), "its content isn't told"),
        (
            resource(
                "aws_s3_object",
                "x",
                {"bucket": "b", "key": "k", "content": "hunter2"},
                sensitive_attributes=[[{"type": "get_attr", "value": "content"}]],
            ),
            "marks its content as sensitive",
        ),
        (
            resource("aws_vpc", "x", VPC, sensitive_attributes=[[{"type": "get_attr", "value": "tags_all"}, {}]]),
            "marks its tags_all as sensitive",
        ),
        (
            resource(
                "aws_elb",
                "x",
                {
                    "id": "a",
                    "name": "a",
                    "subnets": ["s"],
                    "listener": [{"lb_port": 443, "lb_protocol": "https", "instance_port": 80}],
                },
            ),
            "protocol='https'",
        ),
        (resource("digitalocean_droplet", "x", {"id": "1", "image": "debian-12-x64"}), "give cloud="),
    ],
)
def test_what_cannot_be_taken_over_is_left_out_with_why(made: dict[str, Any], why: str) -> None:
    generated = oc.migrate.terraform(state(made))
    assert not generated.adoptions
    (left,) = generated.left_out
    assert why in left.why
    assert "hunter2" not in str(generated) + repr(generated) + generated.source


def test_what_was_only_looked_up_is_no_resource_and_helps_to_read_others() -> None:
    zone = resource("aws_route53_zone", "shop", {"zone_id": "Z1", "name": "shop.example"}, mode="data")
    record = {"zone_id": "Z1", "name": "www", "fqdn": "www.shop.example", "type": "TXT", "ttl": 60, "alias": []}
    record["records"] = ['v=spf1""-all']
    generated = oc.migrate.terraform(state(zone, resource("aws_route53_record", "spf", record)))
    assert dict(generated.adoptions) == {"spf": "Z1/TXT/www"}
    assert generated.left_out == ()
    assert 'zone="Z1"' in generated.source
    assert 'values=["v=spf1-all"]' in generated.source


def test_rules_come_from_the_group_and_from_resources_of_their_own() -> None:
    block = {"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_blocks": ["10.0.0.0/8"], "self": True}
    group = {"id": "sg-1", "vpc_id": "vpc-1", "description": "a", "ingress": [block], "egress": []}
    older = {"type": "egress", "security_group_id": "sg-1", "protocol": "-1", "from_port": 0, "to_port": 0}
    newer = {"security_group_id": "sg-1", "ip_protocol": "17", "from_port": 53, "to_port": 53, "cidr_ipv6": "::/0"}
    source = oc.migrate.terraform(
        state(
            resource("aws_security_group", "web", group),
            resource("aws_security_group_rule", "out", {**older, "cidr_blocks": ["0.0.0.0/0"], "self": False}),
            resource("aws_vpc_security_group_ingress_rule", "dns", newer),
        )
    ).source
    for wanted in (
        'oc.allow("tcp", 80, source="10.0.0.0/8")',
        'oc.allow("udp", 53, source="::/0")',
        'firewall="sg-1"',
    ):
        assert wanted in source
    assert "egress" not in source  # everything may go out, as by default


@pytest.mark.parametrize(
    ("content", "what"),
    [('{"version": 3, "modules": []}', "version 4"), ("{", "no Terraform state"), ("[]", "version")],
)
def test_another_format_is_refused(content: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(oc.DefinitionError, match=what) as caught:
        oc.migrate.terraform(path)
    assert "state pull" in str(caught.value.remedy)


def test_the_cloud_tells_what_each_thing_is_by_now(server: MotoServer) -> None:
    account = Account(server)
    made = Terraform(account)
    vpc = made.network("", "10.0.0.0/16", False, {})
    made.subnet(vpc, "", "10.0.1.0/24", "eu-west-1a", False, {})
    gone = made.bucket("gone-by-now", False, {})
    account.client("s3").delete_bucket(Bucket=gone)
    account.ec2.create_tags(Resources=[vpc], Tags=[{"Key": "env", "Value": "late"}])
    believed = oc.migrate.terraform(made.state())
    assert "late" not in believed.source
    assert "gone-by-now" in believed.source
    asked = oc.migrate.terraform(made.state(), cloud=account.cloud)
    assert 'labels={"env": "late"}' in asked.source
    assert [(one.external_id, one.why) for one in asked.left_out] == [
        ("gone-by-now", "the cloud 'aws:eu-west-1' doesn't have it")
    ]
    with_less = oc.migrate.terraform(made.state(), cloud=oc.Cloud(storage=account.cloud, name="files"))
    assert {one.why for one in with_less.left_out} > {"the cloud 'files' can't do network.Network"}


OPENSTACK = (
    resource("openstack_networking_network_v2", "net", {"id": "n1", "all_tags": ["env=prod", "plain"]}),
    resource("openstack_networking_subnet_v2", "a", {"id": "s1", "network_id": "n1", "cidr": "10.0.1.0/24"}),
    resource("openstack_networking_subnet_v2", "b", {"id": "s2", "network_id": "n2", "cidr": "10.0.2.0/24"}),
    resource("openstack_networking_router_v2", "out", {"id": "r1", "external_network_id": "ext"}),
    resource("openstack_networking_router_interface_v2", "out", {"id": "x", "router_id": "r1", "subnet_id": "s1"}),
    resource("openstack_networking_secgroup_v2", "web", {"id": "g1", "name": "web", "description": "web"}),
    resource(
        "openstack_networking_secgroup_rule_v2",
        "web",
        {
            "security_group_id": "g1",
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 443,
            "port_range_max": 443,
            "remote_ip_prefix": "0.0.0.0/0",
            "remote_group_id": "",
        },
    ),
    resource(
        "openstack_compute_instance_v2",
        "web",
        {
            "id": "i1",
            "image_id": "img",
            "flavor_name": "m1.small",
            "network": [{"uuid": "n1"}],
            "security_groups": ["web"],
            "all_metadata": {"role": "web"},
        },
    ),
    resource("openstack_networking_floatingip_v2", "ip", {"id": "f1", "address": "192.0.2.9"}),
    resource(
        "openstack_compute_floatingip_associate_v2", "ip", {"id": "y", "floating_ip": "192.0.2.9", "instance_id": "i1"}
    ),
)
GOOGLE = (
    resource(
        "google_dns_managed_zone",
        "shop",
        {"id": "projects/p/managedZones/shop", "name": "shop", "managed_zone_id": 77, "dns_name": "shop.example."},
    ),
    resource(
        "google_dns_record_set",
        "www",
        {"managed_zone": "shop", "name": "www.shop.example.", "type": "A", "ttl": 60, "rrdatas": ["192.0.2.1"]},
    ),
    resource("google_storage_bucket", "files", {"id": "files", "name": "files-of-shop"}),
    resource(
        "google_storage_bucket_object", "a", {"bucket": "files-of-shop", "name": "a.txt", "content": "hello", "id": "x"}
    ),
)
DIGITALOCEAN = (
    resource("digitalocean_domain", "shop", {"id": "shop.example", "name": "shop.example"}),
    *(
        resource(
            "digitalocean_record",
            f"www{number}",
            {"id": str(number), "domain": "shop.example", "type": "A", "name": "@", "value": f"192.0.2.{number}"}
            | {"ttl": 1800},
        )
        for number in (1, 2)
    ),
    resource("digitalocean_ssh_key", "key", {"id": 17, "name": "mine", "public_key": "ssh-ed25519 AAAA x"}),
)


@pytest.mark.parametrize(
    ("resources", "adoptions", "lines"),
    [
        (
            OPENSTACK,
            {"net": "n1", "a": "s1", "b": "s2", "web_firewall": "g1", "web_server": "i1", "ip": "f1"},
            (
                'self.net = oc.Network(cidr="10.0.1.0/24", labels={"env": "prod"})',
                "network=self.net,",
                'ingress=[oc.allow("tcp", 443)]',
                "firewalls=[self.web_firewall]",
                "subnet=self.a,",
                "self.ip = oc.FloatingIp(server=self.web_server)",
            ),
        ),
        (
            GOOGLE,
            {"shop": "77", "www": "77/A/www", "files": "files-of-shop", "a": "files-of-shop/a.txt"},
            ('self.shop = oc.Zone(domain="shop.example")', "zone=self.shop,", 'content="hello"'),
        ),
        (
            DIGITALOCEAN,
            {"key": "17", "shop": "shop.example", "www1": "shop.example/A/"},
            ('values=["192.0.2.1", "192.0.2.2"]', "zone=self.shop,"),
        ),
    ],
)
def test_other_providers_are_read_too(
    resources: tuple[dict[str, Any], ...], adoptions: dict[str, str], lines: tuple[str, ...]
) -> None:
    generated = oc.migrate.terraform(state(*resources))
    assert dict(generated.adoptions) == adoptions, str(generated)
    assert generated.left_out == ()
    for line in lines:
        assert line in generated.source


def test_a_range_covers_all_others() -> None:
    assert covering(["10.0.1.0/24"]) == "10.0.1.0/24"
    assert covering(["10.0.0.0/24", "10.0.1.0/24", "10.0.5.0/24"]) == "10.0.0.0/21"
    assert covering(["10.0.0.0/24", "2001:db8::/64"]) == "10.0.0.0/24"
    assert covering([]) is None


def test_states_of_the_tests_are_json(server: MotoServer) -> None:
    made = Terraform(Account(server))
    made.network("a", "10.0.0.0/16", True, {})
    assert oc.migrate.terraform(json.loads(json.dumps(made.state()))) == oc.migrate.terraform(made.state())
