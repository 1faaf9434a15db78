"""What Terraform made on AWS, and the state that it keeps of it: format 4, attributes of the AWS provider's schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from account import KEY, REGION, Account
from estates import SCRIPT, AwsEstate, Labels

PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'
_SECRET = [[{"type": "get_attr", "value": "user_data"}]]


class Terraform(AwsEstate):
    """Makes things by boto3 and writes down of each what Terraform's provider would."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.resources: dict[tuple[str, str, str, str], dict[str, Any]] = {}

    def keep(
        self,
        kind: str,
        name: str,
        attributes: dict[str, Any],
        *,
        module: str = "",
        key: int | str | None = None,
        mode: str = "managed",
        sensitive: list[Any] | None = None,
        **other: Any,
    ) -> None:
        """Write one instance into the state."""
        resource = self.resources.setdefault(
            (module, mode, kind, name),
            {
                **({"module": module} if module else {}),
                "mode": mode,
                "type": kind,
                "name": name,
                **({"each": "list" if isinstance(key, int) else "map"} if key is not None else {}),
                "provider": PROVIDER,
                "instances": [],
            },
        )
        instance = {
            **({"index_key": key} if key is not None else {}),
            "schema_version": 0,
            "attributes": attributes,
            "sensitive_attributes": sensitive or [],
            "private": "bnVsbA==",
            **other,
        }
        resource["instances"].append(instance)

    def count(self, kind: str, name: str, module: str = "") -> int:
        """How many instances of a resource there are."""
        found = self.resources.get((module, "managed", kind, name))
        return len(found["instances"]) if found else 0

    def state(self) -> dict[str, Any]:
        """The state."""
        return {
            "version": 4,
            "terraform_version": "1.11.4",
            "serial": 7,
            "lineage": "9d3a5e6e-4f0e-4c9e-a3f0-6f0d4a6f1c11",
            "outputs": {"password": {"value": "hunter2hunter2", "type": "string", "sensitive": True}},
            "resources": list(self.resources.values()),
            "check_results": None,
        }

    def write(self, folder: Path) -> Path:
        """The state as a file."""
        path = folder / "terraform.tfstate"
        path.write_text(json.dumps(self.state(), indent=2), encoding="utf-8")
        return path

    # -- what is made

    def network(self, name: str, cidr: str, internet: bool, labels: Labels) -> str:
        vpc = super().network(name, cidr, internet, labels)
        module = f'module.net["{cidr}"]'
        by_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        table = self.ec2.describe_route_tables(Filters=by_vpc)["RouteTables"][0]
        groups = self.ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"]
        default = next(one["GroupId"] for one in groups if one["GroupName"] == "default")
        self.keep(
            "aws_vpc",
            "this",
            {
                "arn": f"arn:aws:ec2:{REGION}:123456789012:vpc/{vpc}",
                "assign_generated_ipv6_cidr_block": False,
                "cidr_block": cidr,
                "default_network_acl_id": "acl-1",
                "default_route_table_id": table["RouteTableId"],
                "default_security_group_id": default,
                "enable_dns_hostnames": False,
                "enable_dns_support": True,
                "id": vpc,
                "instance_tenancy": "default",
                "ipv4_ipam_pool_id": None,
                "main_route_table_id": table["RouteTableId"],
                "owner_id": "123456789012",
                **_tags(name, labels),
            },
            module=module,
        )
        for route in table["Routes"]:
            if gateway := route.get("GatewayId", "").startswith("igw-") and route["GatewayId"]:
                self.keep("aws_internet_gateway", "this", {"id": gateway, "vpc_id": vpc, "tags": None}, module=module)
                self.keep(
                    "aws_route",
                    "out",
                    {
                        "id": f"r-{table['RouteTableId']}1080289494",
                        "route_table_id": table["RouteTableId"],
                        "destination_cidr_block": "0.0.0.0/0",
                        "gateway_id": gateway,
                        "nat_gateway_id": "",
                    },
                    module=module,
                )
        return vpc

    def subnet(self, network: str, name: str, cidr: str, zone: str, public: bool, labels: Labels) -> str:
        subnet = super().subnet(network, name, cidr, zone, public, labels)
        attributes = {
            "id": subnet,
            "vpc_id": network,
            "cidr_block": cidr,
            "availability_zone": zone,
            "map_public_ip_on_launch": public,
            "assign_ipv6_address_on_creation": False,
            **_tags(name, labels),
        }
        self.keep("aws_subnet", "zones", attributes, key=f"{zone}/{cidr}")
        return subnet

    def firewall(self, network: str, name: str, ports: list[int], source: str | None, labels: Labels) -> str:
        group = super().firewall(network, name, ports, source, labels)
        # AWS's own rule for a new group, which Terraform takes away
        self.ec2.revoke_security_group_egress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )
        inline = [_block(port, port, cidr_blocks=["0.0.0.0/0"]) for port in ports[:1]]
        self.keep(
            "aws_security_group",
            name,
            {
                "id": group,
                "name": name,
                "name_prefix": "",
                "description": "a guard",
                "vpc_id": network,
                "ingress": inline,
                "egress": [],
                "revoke_rules_on_delete": False,
                **_tags("", labels),
            },
        )
        for index, port in enumerate(ports[1:]):
            self.keep(
                "aws_vpc_security_group_ingress_rule",
                name,
                {
                    "id": f"sgr-{index}",
                    "security_group_id": group,
                    "cidr_ipv4": "0.0.0.0/0",
                    "cidr_ipv6": None,
                    "from_port": port,
                    "to_port": port,
                    "ip_protocol": "tcp",
                    "prefix_list_id": None,
                    "referenced_security_group_id": None,
                },
                key=index,
            )
        if source:
            self.keep(
                "aws_security_group_rule",
                f"{name}-from",
                {
                    **_block(5000, 6000),
                    "id": "sgrule-1",
                    "security_group_id": group,
                    "source_security_group_id": source,
                    "type": "ingress",
                },
            )
        return group

    def guard_itself(self, firewall: str) -> None:
        super().guard_itself(firewall)
        self.keep(
            "aws_security_group_rule",
            f"itself-{firewall}",
            {
                **_block(0, 0, protocol="-1"),
                "self": True,
                "id": "sgrule-2",
                "security_group_id": firewall,
                "source_security_group_id": None,
                "type": "ingress",
            },
        )

    def key_pair(self, name: str) -> str:
        super().key_pair(name)
        self.keep("aws_key_pair", name, {"id": name, "key_name": name, "public_key": KEY, **_tags("", {})})
        return name

    def server(self, name: str, subnet: str, firewalls: list[str], key: str | None, labels: Labels) -> str:
        server = super().server(name, subnet, firewalls, key, labels)
        told = self.ec2.describe_instances(InstanceIds=[server])["Reservations"][0]["Instances"][0]
        self.keep(
            "aws_instance",
            "app",
            {
                "id": server,
                "ami": told["ImageId"],
                "instance_type": told["InstanceType"],
                "subnet_id": subnet,
                "vpc_security_group_ids": [one["GroupId"] for one in told["SecurityGroups"]],
                "security_groups": [],
                "key_name": key or "",
                "associate_public_ip_address": True,
                "user_data": SCRIPT,
                "user_data_base64": None,
                "root_block_device": [{"volume_size": 8, "delete_on_termination": True}],
                **_tags(name, labels),
            },
            key=self.count("aws_instance", "app"),
            sensitive=_SECRET,
        )
        return server

    def volume(self, name: str, size: int, zone: str, encrypted: bool, labels: Labels) -> str:
        volume = super().volume(name, size, zone, encrypted, labels)
        attributes = {
            "id": volume,
            "availability_zone": zone,
            "size": size,
            "type": "gp2" if size % 2 else "gp3",
            "encrypted": encrypted,
            "snapshot_id": "",
            "kms_key_id": "",
            **_tags(name, labels),
        }
        self.keep("aws_ebs_volume", "disk", attributes, key=self.count("aws_ebs_volume", "disk"))
        return volume

    def attach(self, volume: str, server: str, device: str) -> None:
        super().attach(volume, server, device)
        attributes = {"id": "vai-1", "volume_id": volume, "instance_id": server, "device_name": device}
        self.keep("aws_volume_attachment", "disk", attributes, key=volume)

    def snapshot(self, volume: str, description: str) -> str:
        snapshot = super().snapshot(volume, description)
        attributes = {"id": snapshot, "volume_id": volume, "description": description, "volume_size": 10}
        self.keep("aws_ebs_snapshot", "kept", {**attributes, **_tags("", {})}, key=snapshot)
        return snapshot

    def image(self, server: str, name: str, labels: Labels) -> str:
        image = super().image(server, name, labels)
        attributes = {
            "id": image,
            "source_instance_id": server,
            "name": name,
            "description": "kept",
            "snapshot_without_reboot": False,
            "root_snapshot_id": "snap-1",
            **_tags("", labels),
        }
        self.keep("aws_ami_from_instance", "golden", attributes, key=name)
        return image

    def floating_ip(self, name: str, server: str | None) -> str:
        address = super().floating_ip(name, server)
        number = self.count("aws_eip", "ip")
        attributes = {"id": address, "allocation_id": address, "domain": "vpc", "instance": server or ""}
        if server and number % 2:
            attributes["instance"] = ""
            association = {"id": "eipassoc-1", "allocation_id": address, "instance_id": server}
            self.keep("aws_eip_association", f"ip{number}", association)
        self.keep("aws_eip", "ip", {**attributes, **_tags(name, {})}, key=number)
        return address

    def balancer(self, name: str, port: int, subnet: str, members: list[str], labels: Labels) -> str:
        super().balancer(name, port, subnet, members, labels)
        told = self.elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]
        check = told.get("HealthCheck") or {}
        listener = {
            "instance_port": port,
            "instance_protocol": "http",
            "lb_port": port,
            "lb_protocol": "http",
            "ssl_certificate_id": "",
        }
        health = {
            "target": check.get("Target"),
            "interval": check.get("Interval"),
            "timeout": check.get("Timeout"),
            "healthy_threshold": check.get("HealthyThreshold"),
            "unhealthy_threshold": check.get("UnhealthyThreshold"),
        }
        self.keep(
            "aws_elb",
            name,
            {
                "id": name,
                "name": name,
                "listener": [listener],
                "subnets": [subnet],
                "security_groups": told["SecurityGroups"],
                "instances": members[:1],
                "health_check": [health] if check.get("Target") else [],
                **_tags("", labels),
            },
        )
        for index, member in enumerate(members[1:]):
            attached = {"id": f"{name}-{index}", "elb": name, "instance": member}
            self.keep("aws_elb_attachment", name, attached, key=index)
        return name

    def zone(self, domain: str) -> str:
        zone = super().zone(domain)
        attributes = {"id": zone, "zone_id": zone, "name": domain, "vpc": [], "comment": "", "force_destroy": False}
        self.keep("aws_route53_zone", "main", {**attributes, **_tags("", {})})
        return zone

    def record(self, zone: str, name: str, kind: str, values: list[str], ttl: int) -> None:
        super().record(zone, name, kind, values, ttl)
        domain = self.route53.get_hosted_zone(Id=zone)["HostedZone"]["Name"].rstrip(".")
        self.keep(
            "aws_route53_record",
            f"{kind}-{name}",
            {
                "id": f"{zone}_{name}_{kind}",
                "zone_id": zone,
                "name": name,
                "fqdn": f"{name}.{domain}",
                "type": kind,
                "ttl": ttl,
                "records": values,
                "alias": [],
                "set_identifier": "",
            },
        )

    def bucket(self, name: str, versioned: bool, labels: Labels) -> str:
        super().bucket(name, versioned, labels)
        blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        self.s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(blocks, versioned))
        self.keep("aws_s3_bucket", "files", {"id": name, "bucket": name, "region": REGION, **_tags("", labels)})
        names = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
        blocked = {"id": name, "bucket": name, **dict.fromkeys(names, versioned)}
        self.keep("aws_s3_bucket_public_access_block", "files", blocked)
        if versioned:
            status = [{"mfa_delete": "", "status": "Enabled"}]
            kept = {"id": name, "bucket": name, "versioning_configuration": status}
            self.keep("aws_s3_bucket_versioning", "files", kept)
        return name

    def blob(self, bucket: str, key: str, content: str) -> None:
        super().blob(bucket, key, content)
        attributes = {"id": key, "bucket": bucket, "key": key, "content": content, "source": None}
        self.keep("aws_s3_object", "kept", {**attributes, "content_type": "application/octet-stream"})


def _tags(name: str, labels: Labels) -> dict[str, Any]:
    tags = {**labels, **({"Name": name} if name else {})}
    return {"tags": tags or None, "tags_all": tags}


def _block(first: int, last: int, protocol: str = "tcp", cidr_blocks: list[str] | None = None) -> dict[str, Any]:
    return {
        "cidr_blocks": cidr_blocks or [],
        "description": "",
        "from_port": first,
        "ipv6_cidr_blocks": [],
        "prefix_list_ids": [],
        "protocol": protocol,
        "security_groups": [],
        "self": False,
        "to_port": last,
    }
