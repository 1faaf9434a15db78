"""Types of Terraform's provider for OpenStack, in the form of orchestra's kinds. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from orchestra.migrate.mapping import Mapped, Part, Table, Told, alone, is_given, part_of
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain
from orchestra.resources.network import Firewall

_EVERYWHERE: Final = MappingProxyType({"IPv4": "0.0.0.0/0", "IPv6": "::/0"})
_GROUP: Final = "openstack_networking_secgroup_v2"
_RULE: Final = "openstack_networking_secgroup_rule_v2"
_ROUTER: Final = "openstack_networking_router_v2"
_INTERFACE: Final = "openstack_networking_router_interface_v2"
_SUBNET: Final = "openstack_networking_subnet_v2"
_SERVER: Final = "openstack_compute_instance_v2"
_ASSOCIATION: Final = "openstack_networking_floatingip_associate_v2"


def _labels(one: Instance) -> Plain:
    """Tags of neutron of the form ``key=value``."""
    tags = one.get("all_tags") or one.get("tags") or ()
    return {key: value for key, is_pair, value in (str(tag).partition("=") for tag in sorted(tags)) if is_pair}


def _metadata(one: Instance) -> Plain:
    told = one.get("all_metadata") or one.get("metadata") or {}
    return {key: str(value) for key, value in sorted(told.items()) if not key.startswith("orchestra:")}


def _routers_of(network: Instance, world: World) -> set[object]:
    """The routers that lead out of a network."""
    subnets = {one.get("id") for one in world.of(_SUBNET, network_id=network.get("id"))}
    reached = {one.get("router_id") for one in world.of(_INTERFACE) if one.get("subnet_id") in subnets}
    return {one.get("id") for one in world.of(_ROUTER) if one.get("id") in reached and one.has("external_network_id")}


def _has_internet(one: Instance, world: World) -> bool:
    return bool(_routers_of(one, world))


def _is_way_out(one: Instance, world: World) -> bool:
    router = one.get("id" if one.type == _ROUTER else "router_id")
    return any(router in _routers_of(network, world) for network in world.of("openstack_networking_network_v2"))


def _rules(direction: str) -> Told:
    def rules(one: Instance, world: World) -> Plain:
        group = one.get("id")
        found = [_rule(rule) for rule in world.of(_RULE, security_group_id=group, direction=direction)]
        if direction == "egress" and not one.get("delete_default_rules"):
            found += [
                {"protocol": "all", "from_port": None, "to_port": None, "cidr": cidr, "firewall": None}
                for cidr in _EVERYWHERE.values()
            ]
        normalize: Any = Firewall.kind.inputs[direction].normalize  # what goes in plain comes out plain
        plain: Plain = normalize(found)
        return plain

    return rules


def _rule(one: Instance) -> dict[str, Plain]:
    protocol = one.text("protocol") or "all"
    has_ports = protocol in ("tcp", "udp")
    group = one.text("remote_group_id") or None
    everywhere = None if group else _EVERYWHERE.get(one.text("ethertype"))
    return {
        "protocol": protocol,
        "from_port": (one.get("port_range_min") or 1) if has_ports else None,
        "to_port": (one.get("port_range_max") or 65535) if has_ports else None,
        "cidr": one.text("remote_ip_prefix") or everywhere,
        "firewall": group,
    }


def _only_subnet(one: Instance, world: World) -> Plain:
    """The subnet of a server's only network, if that has one only: the state tells the network alone."""
    networks = [block.get("uuid") for block in one.blocks("network")]
    found = [subnet.text("id") for network in networks for subnet in world.of(_SUBNET, network_id=network)]
    return found[0] if len(networks) == len(found) == 1 else None


def _guards(one: Instance, world: World) -> Plain:
    """Servers name their security groups, others go by the id."""
    names = set(one.texts("security_groups"))
    return [*sorted(group.text("id") for group in world.of(_GROUP) if group.get("name") in names)]


def _leads_to(one: Instance, world: World) -> Plain:
    for other in world.of("openstack_compute_floatingip_associate_v2", floating_ip=one.get("address")):
        return other.text("instance_id") or None
    ports = {one.get("port_id")}
    ports |= {other.get("port_id") for other in world.of(_ASSOCIATION, floating_ip=one.get("address"))}
    for server in world.of(_SERVER):
        if any(block.get("port") in ports - {None, ""} for block in server.blocks("network")):
            return server.text("id") or None
    return None


def _attached(one: Instance) -> str:
    return f"{one.text('volume_id')}:{one.text('instance_id')}"


TABLE: Final[Table] = MappingProxyType(
    {
        "openstack_networking_network_v2": Mapped(
            kind="network.Network", inputs={"internet": _has_internet, "labels": alone(_labels)}
        ),
        _ROUTER: Part(belongs=_is_way_out),
        _INTERFACE: Part(belongs=_is_way_out),
        _SUBNET: Mapped(
            kind="network.Subnet",
            inputs={
                "network": "network_id",
                "cidr": "cidr",
                "public": alone(lambda one: False),
                "labels": alone(_labels),
            },
        ),
        _GROUP: Mapped(
            kind="network.Firewall",
            inputs={
                "description": "description",
                "ingress": _rules("ingress"),
                "egress": _rules("egress"),
                "labels": alone(_labels),
            },
        ),
        _RULE: part_of(_GROUP, "security_group_id"),
        "openstack_compute_keypair_v2": Mapped(
            kind="compute.KeyPair", external_id="name", inputs={"public_key": "public_key", "name": "name"}
        ),
        _SERVER: Mapped(
            kind="compute.Server",
            inputs={
                "image": "image_id",
                "size": "flavor_name",
                "subnet": _only_subnet,
                "firewalls": _guards,
                "key_pair": "key_pair",
                "user_data": is_given("user_data"),
                "labels": alone(_metadata),
            },
        ),
        "openstack_blockstorage_volume_v3": Mapped(
            kind="compute.Volume",
            inputs={
                "size_gib": "size",
                "zone": "availability_zone",
                "snapshot": "snapshot_id",
                "labels": alone(_metadata),
            },
            asked=("encrypted",),
        ),
        "openstack_compute_volume_attach_v2": Mapped(
            kind="compute.VolumeAttachment",
            external_id=alone(_attached),
            inputs={"volume": "volume_id", "server": "instance_id"},
        ),
        "openstack_networking_floatingip_v2": Mapped(
            kind="compute.FloatingIp", inputs={"server": _leads_to, "labels": alone(_labels)}
        ),
        _ASSOCIATION: part_of("openstack_networking_floatingip_v2", "floating_ip", "address"),
        "openstack_compute_floatingip_associate_v2": part_of(
            "openstack_networking_floatingip_v2", "floating_ip", "address"
        ),
    }
)
"""Each type of OpenStack's provider that orchestra has a kind for."""
