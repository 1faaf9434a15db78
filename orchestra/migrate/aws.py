"""Types of Terraform's provider for AWS, in the form of orchestra's kinds. Pure.

The names of attributes are those of the provider's schema, versions 4 to 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.errors import DefinitionError
from orchestra.migrate import aws_balancers as balancers
from orchestra.migrate.aws_networks import EGRESS, INGRESS, guards, has_internet, is_way_out, rules
from orchestra.migrate.mapping import Mapped, Part, Table, Told, alone, first, is_given, part_of
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain

_TYPES: Final = MappingProxyType({"gp3": "ssd", "st1": "hdd"})
_BLOCKS: Final = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")


def _labels(one: Instance) -> Plain:
    """Its tags, the provider's default tags among them; the name and AWS's own tags are no labels."""
    tags = one.get("tags_all") or one.get("tags") or {}
    return {
        key: str(value)
        for key, value in sorted(tags.items())
        if key != "Name" and not key.startswith(("aws:", "orchestra:"))
    }


def _public(one: Instance) -> Plain:
    return bool(one.get("map_public_ip_on_launch"))


def _volume_type(one: Instance) -> Plain:
    said = one.text("type")
    return _TYPES.get(said, said) or None


def _leads_to(one: Instance, world: World) -> Plain:
    for other in world.of("aws_eip_association", allocation_id=one.get("id")):
        return other.text("instance_id") or None
    return one.text("instance") or None


def _listener(name: str) -> Told:
    def part(one: Instance) -> Plain:
        listeners = one.blocks("listener")
        if len(listeners) != 1:
            raise DefinitionError(f"it has {len(listeners)} listeners, and a LoadBalancer has one")
        value: Plain = listeners[0].get(name)
        return value.lower() if isinstance(value, str) else value

    return alone(part)


def _members(one: Instance, world: World) -> Plain:
    others = world.of("aws_elb_attachment", elb=one.get("id"))
    return [*sorted({*one.texts("instances"), *(other.text("instance") for other in others)})]


def _health_check(one: Instance) -> Plain:
    check = first(one.blocks("health_check"))
    protocol, _, place = str(check.get("target") or "").partition(":")
    if not place:
        return None
    port, slash, path = place.partition("/")
    return {
        "protocol": protocol.lower(),
        "port": int(port),
        "path": slash + path or "/",
        "interval": check.get("interval"),
        "timeout": check.get("timeout"),
        "healthy": check.get("healthy_threshold"),
        "unhealthy": check.get("unhealthy_threshold"),
    }


def _domain(one: Instance) -> Plain:
    if one.blocks("vpc"):
        raise DefinitionError("it is a private zone, and orchestra has public ones only")
    return one.text("name").rstrip(".") or None


def _name_in_zone(one: Instance, world: World) -> str:
    zone = next(world.of("aws_route53_zone", zone_id=one.get("zone_id")), None)
    domain = zone.text("name").rstrip(".") if zone else ""
    full = (one.text("fqdn") or one.text("name")).rstrip(".")
    if not domain:
        raise DefinitionError("the domain of its zone isn't in the state")
    if one.blocks("alias") or one.has("set_identifier"):
        raise DefinitionError("it is an alias or one of several with a policy, and a Record is neither")
    return "" if full == domain else full.removesuffix(f".{domain}")


def _record_id(one: Instance, world: World) -> Plain:
    return f"{one.text('zone_id')}/{one.text('type')}/{_name_in_zone(one, world)}"


def _values(one: Instance) -> Plain:
    """Terraform has long texts in parts, with two quotes between them."""
    parts = (value.replace('""', "") if one.get("type") == "TXT" else value for value in one.texts("records"))
    return [*sorted(set(parts))]


def _settings(world: World, kind: str, bucket: Instance) -> Mapping[str, Any] | None:
    """What a resource of its own sets for a bucket; None if there is none."""
    return next((one.attributes for one in world.of(kind, bucket=bucket.get("id"))), None)


def _is_encrypted(one: Instance, world: World) -> Plain:
    by_itself = _settings(world, "aws_s3_bucket_server_side_encryption_configuration", one)
    configured = first(one.blocks("server_side_encryption_configuration"))
    return bool(first((by_itself or configured).get("rule") or ()))


def _is_public(one: Instance, world: World) -> Plain:
    """Not told where the account's own setting holds."""
    blocks = _settings(world, "aws_s3_bucket_public_access_block", one)
    return None if blocks is None else not all(blocks.get(name) for name in _BLOCKS)


def _is_versioned(one: Instance, world: World) -> Plain:
    by_itself = _settings(world, "aws_s3_bucket_versioning", one)
    if by_itself is not None:
        return first(by_itself.get("versioning_configuration") or ()).get("status") == "Enabled"
    return bool(first(one.blocks("versioning")).get("enabled"))


_BALANCER: Final = Mapped(
    kind="balancing.LoadBalancer",
    external_id=balancers.external_id,
    inputs={
        "port": balancers.port,
        "protocol": balancers.protocol,
        "member_port": balancers.member_port,
        "members": balancers.members,
        "subnets": alone(balancers.subnets),
        "firewalls": guards("security_groups"),
        "health_check": balancers.health_check,
        "labels": alone(_labels),
    },
)
_BALANCED: Final = Part(belongs=balancers.is_part)
_BLOB: Final = Mapped(
    kind="storage.Blob",
    external_id=lambda one, world: f"{one.text('bucket')}/{one.text('key')}",
    inputs={"bucket": "bucket", "key": "key", "content": "content", "content_type": "content_type"},
    in_plain=("content",),
)

TABLE: Final[Table] = MappingProxyType(
    {
        "aws_vpc": Mapped(
            kind="network.Network", inputs={"cidr": "cidr_block", "internet": has_internet, "labels": alone(_labels)}
        ),
        "aws_internet_gateway": Part(belongs=is_way_out),
        "aws_internet_gateway_attachment": Part(belongs=is_way_out),
        "aws_default_route_table": Part(belongs=is_way_out),
        "aws_route_table": Part(belongs=is_way_out),
        "aws_route": Part(belongs=is_way_out),
        "aws_main_route_table_association": Part(belongs=is_way_out),
        "aws_subnet": Mapped(
            kind="network.Subnet",
            inputs={
                "network": "vpc_id",
                "cidr": "cidr_block",
                "zone": "availability_zone",
                "public": alone(_public),
                "labels": alone(_labels),
            },
        ),
        "aws_security_group": Mapped(
            kind="network.Firewall",
            inputs={
                "network": "vpc_id",
                "description": "description",
                "ingress": rules("ingress"),
                "egress": rules("egress"),
                "labels": alone(_labels),
            },
        ),
        "aws_security_group_rule": part_of("aws_security_group", "security_group_id"),
        INGRESS: part_of("aws_security_group", "security_group_id"),
        EGRESS: part_of("aws_security_group", "security_group_id"),
        "aws_key_pair": Mapped(
            kind="compute.KeyPair",
            external_id="key_name",
            inputs={"public_key": "public_key", "name": "key_name"},
        ),
        "aws_instance": Mapped(
            kind="compute.Server",
            inputs={
                "image": "ami",
                "size": "instance_type",
                "subnet": "subnet_id",
                "firewalls": guards("vpc_security_group_ids"),
                "key_pair": "key_name",
                "user_data": is_given("user_data", "user_data_base64"),
                "labels": alone(_labels),
            },
        ),
        "aws_ebs_volume": Mapped(
            kind="compute.Volume",
            inputs={
                "size_gib": "size",
                "zone": "availability_zone",
                "type": alone(_volume_type),
                "encrypted": "encrypted",
                "snapshot": "snapshot_id",
                "labels": alone(_labels),
            },
        ),
        "aws_volume_attachment": Mapped(
            kind="compute.VolumeAttachment",
            external_id=lambda one, world: f"{one.text('volume_id')}:{one.text('instance_id')}",
            inputs={"volume": "volume_id", "server": "instance_id", "device": "device_name"},
        ),
        "aws_ebs_snapshot": Mapped(
            kind="compute.Snapshot",
            inputs={"volume": "volume_id", "description": "description", "labels": alone(_labels)},
        ),
        "aws_ami_from_instance": Mapped(
            kind="compute.CustomImage",
            inputs={
                "server": "source_instance_id",
                "name": "name",
                "description": "description",
                "labels": alone(_labels),
            },
        ),
        "aws_eip": Mapped(kind="compute.FloatingIp", inputs={"server": _leads_to, "labels": alone(_labels)}),
        "aws_eip_association": part_of("aws_eip", "allocation_id"),
        "aws_elb": Mapped(
            kind="balancing.LoadBalancer",
            external_id="name",
            inputs={
                "port": _listener("lb_port"),
                "protocol": _listener("lb_protocol"),
                "member_port": _listener("instance_port"),
                "members": _members,
                "subnets": lambda one, world: [*sorted(one.texts("subnets"))],
                "firewalls": guards("security_groups"),
                "health_check": alone(_health_check),
                "labels": alone(_labels),
            },
        ),
        "aws_elb_attachment": part_of("aws_elb", "elb"),
        **dict.fromkeys(balancers.BALANCERS, _BALANCER),
        **dict.fromkeys((*balancers.LISTENERS, *balancers.GROUPS, *balancers.ATTACHMENTS), _BALANCED),
        "aws_route53_zone": Mapped(kind="dns.Zone", external_id="zone_id", inputs={"domain": alone(_domain)}),
        "aws_route53_record": Mapped(
            kind="dns.Record",
            external_id=_record_id,
            inputs={
                "zone": "zone_id",
                "name": _name_in_zone,
                "type": "type",
                "values": alone(_values),
                "ttl": "ttl",
            },
        ),
        "aws_s3_bucket": Mapped(
            kind="storage.Bucket",
            inputs={
                "name": "bucket",
                "encrypted": _is_encrypted,
                "public": _is_public,
                "versioned": _is_versioned,
                "labels": alone(_labels),
            },
        ),
        "aws_s3_bucket_versioning": part_of("aws_s3_bucket", "bucket"),
        "aws_s3_bucket_public_access_block": part_of("aws_s3_bucket", "bucket"),
        "aws_s3_bucket_server_side_encryption_configuration": part_of("aws_s3_bucket", "bucket"),
        "aws_s3_object": _BLOB,
        "aws_s3_bucket_object": _BLOB,
    }
)
"""Each type of AWS's provider that orchestra has a kind for."""
