"""Types of Terraform's provider for DigitalOcean, in the form of orchestra's kinds. Pure.

Its state says less than others': an image may be a slug, tags aren't labels. Those are asked of the cloud.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.errors import DefinitionError
from orchestra.migrate.mapping import Mapped, Part, Table, Told, alone, first, is_given
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain
from orchestra.resources.network import Firewall

_RECORD: Final = "digitalocean_record"
_ADDRESSES: Final = ("digitalocean_reserved_ip", "digitalocean_floating_ip")
_ASSIGNMENTS: Final = tuple(f"{name}_assignment" for name in _ADDRESSES)
_EVERY_PORT: Final = (0, 65535)
_WHOLE: Final = (("icmp", None, None), ("tcp", *_EVERY_PORT), ("udp", *_EVERY_PORT))
_CHECK: Final = MappingProxyType(
    {
        "protocol": "protocol",
        "port": "port",
        "interval": "check_interval_seconds",
        "timeout": "response_timeout_seconds",
        "healthy": "healthy_threshold",
        "unhealthy": "unhealthy_threshold",
    }
)


def _name(one: Instance) -> str:
    """The name inside the zone; ``@`` is the zone's own."""
    said = one.text("name")
    return "" if said == "@" else said


def _record_id(one: Instance) -> Plain:
    return f"{one.text('domain')}/{one.text('type')}/{_name(one)}"


def _values(one: Instance, world: World) -> Plain:
    """Terraform has one resource for each value, a Record has all of a name and type."""
    same = world.of(_RECORD, domain=one.get("domain"), type=one.get("type"), name=one.get("name"))
    return [*sorted({other.text("value") for other in same})]


def _rules(name: str, blocks: str, places: str) -> Told:
    """The rules of a direction, which stand in ``blocks`` and name their ``places``."""

    def rules(one: Instance) -> Plain:
        found = {rule for block in one.blocks(blocks) for rule in _told(block, places)}
        for cidr in {rule[-1] for rule in found}:
            whole = {(*one, cidr) for one in _WHOLE}
            if whole <= found:  # DigitalOcean has no rule for everything, but these three
                found = (found - whole) | {("all", None, None, cidr)}
        names = ("protocol", "from_port", "to_port", "cidr")
        normalize: Any = Firewall.kind.inputs[name].normalize  # what goes in plain comes out plain
        plain: Plain = normalize([{**dict(zip(names, rule, strict=True)), "firewall": None} for rule in found])
        return plain

    return alone(rules)


def _told(block: Mapping[str, Any], places: str) -> Iterator[tuple[str, int | None, int | None, str]]:
    """What a block of a firewall lets through: a rule for each range."""
    for name, value in block.items():
        if value and name.startswith(places) and name != f"{places}_addresses":
            raise DefinitionError(f"a rule of it names {name}, and a Firewall's rules name ranges and firewalls only")
    protocol, said = str(block.get("protocol")), str(block.get("port_range") or "all")
    first, _, last = ("1-65535" if said in ("0", "all") else said).partition("-")
    is_all = said in ("0", "all", "1-65535", "0-65535")
    ports = (None, None) if protocol == "icmp" else _EVERY_PORT if is_all else (int(first), int(last or first))
    for address in block.get(f"{places}_addresses") or ():
        yield protocol, *ports, address if "/" in address else f"{address}/{128 if ':' in address else 32}"


def _forwarding(name: str) -> Told:
    def part(one: Instance) -> Plain:
        rules = one.blocks("forwarding_rule")
        if len(rules) != 1:
            raise DefinitionError(f"it has {len(rules)} forwarding rules, and a LoadBalancer has one")
        value: Plain = rules[0].get(name)
        return value.lower() if isinstance(value, str) else value

    return alone(part)


def _members(one: Instance) -> Plain:
    if one.has("droplet_tag"):
        raise DefinitionError("its members are those with a tag, and a LoadBalancer names them")
    return [*sorted(str(each) for each in one.get("droplet_ids") or ())]


def _health_check(one: Instance) -> Plain:
    check = first(one.blocks("healthcheck"))
    if not check:
        return None
    told: dict[str, Plain] = {ours: check.get(theirs) for ours, theirs in _CHECK.items()}
    return {**told, "path": check.get("path") or "/"}


def _leads_to(one: Instance, world: World) -> Plain:
    """The droplet of a reserved address, which may be told by a resource of its own."""
    for other in world.of(*_ASSIGNMENTS, ip_address=one.get("ip_address")):
        return other.text("droplet_id") or None
    return one.text("droplet_id") if one.has("droplet_id") else None


_ADDRESS: Final = Mapped(kind="compute.FloatingIp", external_id="ip_address", inputs={"server": _leads_to})


def _is_assigned(one: Instance, world: World) -> bool:
    return any(not found.is_read for found in world.of(*_ADDRESSES, ip_address=one.get("ip_address")))


def _attached(one: Instance) -> Plain:
    return f"{one.text('volume_id')}:{one.text('droplet_id')}"


TABLE: Final[Table] = MappingProxyType(
    {
        "digitalocean_droplet": Mapped(
            kind="compute.Server",
            external_id=alone(lambda one: one.text("id")),
            inputs={"size": "size", "subnet": "vpc_uuid", "user_data": is_given("user_data")},
            asked=("image", "key_pair", "labels"),
        ),
        "digitalocean_ssh_key": Mapped(
            kind="compute.KeyPair",
            external_id=alone(lambda one: one.text("id")),
            inputs={"public_key": "public_key", "name": "name"},
        ),
        "digitalocean_volume": Mapped(
            kind="compute.Volume",
            inputs={"size_gib": "size", "zone": "region"},
            asked=("labels",),
        ),
        "digitalocean_volume_attachment": Mapped(
            kind="compute.VolumeAttachment",
            external_id=alone(_attached),
            inputs={"volume": "volume_id", "server": alone(lambda one: one.text("droplet_id"))},
        ),
        "digitalocean_volume_snapshot": Mapped(
            kind="compute.Snapshot", inputs={"volume": "volume_id"}, asked=("labels",)
        ),
        "digitalocean_vpc": Mapped(kind="network.Network", inputs={"cidr": "ip_range"}),
        "digitalocean_firewall": Mapped(
            kind="network.Firewall",
            inputs={
                "ingress": _rules("ingress", "inbound_rule", "source"),
                "egress": _rules("egress", "outbound_rule", "destination"),
            },
        ),
        "digitalocean_loadbalancer": Mapped(
            kind="balancing.LoadBalancer",
            inputs={
                "port": _forwarding("entry_port"),
                "protocol": _forwarding("entry_protocol"),
                "member_port": _forwarding("target_port"),
                "members": alone(_members),
                "subnets": alone(lambda one: [one.text("vpc_uuid")] if one.has("vpc_uuid") else None),
                "health_check": alone(_health_check),
            },
        ),
        **dict.fromkeys(_ADDRESSES, _ADDRESS),
        **dict.fromkeys(_ASSIGNMENTS, Part(belongs=_is_assigned)),
        "digitalocean_domain": Mapped(kind="dns.Zone", external_id="name", inputs={"domain": "name"}),
        _RECORD: Mapped(
            kind="dns.Record",
            external_id=alone(_record_id),
            inputs={"zone": "domain", "name": alone(_name), "type": "type", "values": _values, "ttl": "ttl"},
        ),
    }
)
"""Each type of DigitalOcean's provider that orchestra has a kind for."""
