"""Networks and security groups of Terraform's provider for AWS: what is spread over many resources there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.migrate.mapping import Told
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain
from orchestra.resources.network import Firewall

_EVERYWHERE: Final = "0.0.0.0/0"
_PROTOCOLS: Final = MappingProxyType({"-1": "all", "1": "icmp", "6": "tcp", "17": "udp"})
INGRESS: Final = "aws_vpc_security_group_ingress_rule"
EGRESS: Final = "aws_vpc_security_group_egress_rule"


def _routes(world: World, vpc: Instance) -> Iterator[Mapping[str, Any]]:
    """The routes of a network's main table, wherever Terraform has them."""
    tables = _main_tables(world, vpc)
    for one in world.of("aws_default_route_table", "aws_route_table"):
        if one.attributes.get("id") in tables:
            yield from one.blocks("route")
    for one in world.of("aws_route"):
        if one.attributes.get("route_table_id") in tables:
            yield {**one.attributes, "cidr_block": one.attributes.get("destination_cidr_block")}


def _main_tables(world: World, vpc: Instance) -> set[object]:
    """The id of a network's main table: the one that was made so, else the one that it came with."""
    chosen = world.of("aws_main_route_table_association", vpc_id=vpc.get("id"))
    own = vpc.attributes.get("main_route_table_id") or vpc.attributes.get("default_route_table_id")
    return {one.attributes.get("route_table_id") for one in chosen} or {own}


def has_internet(vpc: Instance, world: World) -> bool:
    """Whether its main table leads everywhere through a gateway of its own."""
    gateways = {one.attributes.get("id") for one in world.of("aws_internet_gateway", vpc_id=vpc.get("id"))}
    return any(
        route.get("cidr_block") == _EVERYWHERE and route.get("gateway_id") in gateways for route in _routes(world, vpc)
    )


def is_way_out(one: Instance, world: World) -> bool:
    """Whether it is a part of the way to the internet that a network has."""
    table = one.attributes.get("id" if one.type.endswith("_table") else "route_table_id")
    for vpc in world.of("aws_vpc"):
        if not vpc.is_read and has_internet(vpc, world):
            is_gateway = one.type.startswith("aws_internet_gateway") and one.get("vpc_id") == vpc.get("id")
            if is_gateway or (table and table in _main_tables(world, vpc)):
                return True
    return False


def rules(direction: str) -> Told:
    """The rules of a direction: in the group itself, and in resources of their own."""

    def rules(one: Instance, world: World) -> Plain:
        group = one.text("id")
        found = [rule for block in one.blocks(direction) for rule in _expanded(block, group)]
        for other in world.of("aws_security_group_rule", security_group_id=group, type=direction):
            found += _expanded({**other.attributes, "security_groups": [other.get("source_security_group_id")]}, group)
        for other in world.of(INGRESS if direction == "ingress" else EGRESS, security_group_id=group):
            found += _expanded(_single(other), group)
        normalize: Any = Firewall.kind.inputs[direction].normalize  # what goes in plain comes out plain
        plain: Plain = normalize(found)
        return plain

    return rules


def _single(one: Instance) -> Mapping[str, Any]:
    """A rule of the newer types, which have one source each, as the older ones have it."""
    return {
        "protocol": one.get("ip_protocol"),
        "from_port": one.get("from_port"),
        "to_port": one.get("to_port"),
        "cidr_blocks": [one.get("cidr_ipv4")],
        "ipv6_cidr_blocks": [one.get("cidr_ipv6")],
        "prefix_list_ids": [one.get("prefix_list_id")],
        "security_groups": [one.get("referenced_security_group_id")],
    }


def _expanded(block: Mapping[str, Any], group: str) -> list[dict[str, Plain]]:
    """One rule for each source that a block names."""
    said = str(block.get("protocol"))
    protocol = _PROTOCOLS.get(said, said)
    ports = {
        name: None if protocol == "all" or block.get(name) in (None, -1) else int(block[name])
        for name in ("from_port", "to_port")
    }
    ranges = [cidr for name in ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids") for cidr in block.get(name) or ()]
    groups = [str(found).rpartition("/")[2] for found in block.get("security_groups") or () if found]
    groups += [group] if block.get("self") else []
    return [{"protocol": protocol, **ports, "cidr": cidr, "firewall": None} for cidr in ranges if cidr] + [
        {"protocol": protocol, **ports, "cidr": None, "firewall": found} for found in groups
    ]


def guards(attribute: str) -> Told:
    """The security groups; none if it is but the network's own one."""

    def guards(one: Instance, world: World) -> Plain:
        groups: list[Plain] = [*sorted(set(one.texts(attribute)))]
        own = {vpc.attributes.get("default_security_group_id") for vpc in world.of("aws_vpc")}
        own |= {group.attributes.get("id") for group in world.of("aws_default_security_group")}
        own |= {group.attributes.get("id") for group in world.of("aws_security_group", name="default")}
        return [] if len(groups) == 1 and groups[0] in own else groups

    return guards
