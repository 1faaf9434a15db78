"""Firewalls: neutron's security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, ClassVar, Final

from orchestra.clouds.base.marks import owner_in
from orchestra.clouds.base.rules import FirewallRule, told_rules, wanted_rule
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import Listing, Networked, tolerating
from orchestra.clouds.families.openstack.ownership import labels_in_tags, mark
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, NotFoundError
from orchestra.resources.network import Firewall

_DIRECTIONS: Final = ("ingress", "egress")
_RULES: Final = "/v2.0/security-group-rules"
_EVERYWHERE: Final = MappingProxyType({"IPv4": "0.0.0.0/0", "IPv6": "::/0"})
_PROTOCOLS: Final = MappingProxyType(
    {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmp", "icmpv6": "icmp", "ipv6-icmp": "icmp"}
)
"""Names of protocols that the kind has, for other names and the numbers that neutron may tell."""


class FirewallCalls(Networked):
    """A security group. Its description is the user's, so its name tells whose it is. Neutron ties it to no network."""

    kind = "network.Firewall"
    resource = Firewall
    found_by = FoundBy.TAG
    found_key = "name, which holds the token"
    set_later = ("ingress", "egress", "labels")
    listing: ClassVar[Listing] = Listing(
        service="network", path="/v2.0/security-groups", many="security_groups", one="security_group"
    )

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`."""
        del driver, inputs
        return {"name": mark(owner)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the group, then the rules that differ from what neutron gives a new one."""
        item = next(self.listed(driver, self.asked(driver, owner, inputs)), None)
        if item is None:
            fields = {"name": mark(owner), "description": inputs.text("description")}
            item = driver.create("network", self.listing.path, "security_group", fields)
        return self._bring_to(driver, item, inputs)

    def observe(self, item: Item) -> Observation:
        """See `Described.observe`."""
        return Observation(
            external_id=str(item["id"]),
            inputs={
                "description": str(item["description"]),
                **{name: told_rules(_rules(item, name), name) for name in _DIRECTIONS},
                "labels": labels_in_tags(item),
            },
            ownership=owner_in(item.get("name")),
            name="" if owner_in(item.get("name")) else str(item["name"]),
            comes_with="the project" if item["name"] == "default" else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return self._bring_to(driver, self.item(driver, external_id), update.after)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        """Bring the rules to those in ``inputs``: add first, so that nothing wanted is cut off meanwhile."""
        self.relabel(drivers, item, inputs)
        group = str(item["id"])
        for direction in _DIRECTIONS:
            there = _rules(item, direction)
            wanted = {wanted_rule(rule) for rule in inputs.mappings(direction)}
            missing = [
                sent for rule in sorted(wanted - there.keys(), key=repr) for sent in _sent(rule, direction, group)
            ]
            _add_all(drivers, missing)
            for rule in sorted(there.keys() - wanted, key=repr):
                for rule_id in there[rule]:
                    with tolerating(NotFoundError):
                        drivers.ask("network", "DELETE", f"{_RULES}/{rule_id}")
        return self.look_up(drivers, group)


def _rules(item: Item, direction: str) -> dict[FirewallRule, list[str]]:
    """The rules of a group, each with the ids of neutron's rules that it takes: for a group as source, two."""
    found: dict[FirewallRule, list[str]] = {}
    for told in item["security_group_rules"]:
        if told["direction"] == direction:
            found.setdefault(_rule(told), []).append(str(told["id"]))
    return found


def _rule(told: Item) -> FirewallRule:
    protocol = str(told["protocol"]) if told["protocol"] is not None else "all"
    group = told.get("remote_group_id")
    cidr = told.get("remote_ip_prefix") or _EVERYWHERE[str(told["ethertype"])]
    ports = (told.get("port_range_min"), told.get("port_range_max"))
    name = _PROTOCOLS.get(protocol, protocol)
    if name in ("tcp", "udp") and ports == (None, None):
        ports = (0, 65535)  # neutron has no port 0, and says "all" for it
    return FirewallRule(name, *ports, cidr=None if group else str(cidr), firewall=str(group) if group else None)


def _sent(rule: FirewallRule, direction: str, group: str) -> Iterator[dict[str, Any]]:
    """What neutron takes for a rule: one of another group as source is needed for each version of IP."""
    is_everything = rule.protocol in ("tcp", "udp") and (rule.from_port, rule.to_port) == (0, 65535)
    ports = (None, None) if is_everything else (rule.from_port, rule.to_port)
    version = "IPv6" if ":" in (rule.cidr or "") else "IPv4"
    for ethertype in ("IPv4", "IPv6") if rule.firewall else (version,):
        yield {
            "security_group_id": group,
            "direction": direction,
            "ethertype": ethertype,
            "protocol": _protocol(rule.protocol, ethertype),
            "port_range_min": ports[0],
            "port_range_max": ports[1],
            "remote_group_id": rule.firewall,
            "remote_ip_prefix": None if rule.cidr == _EVERYWHERE[ethertype] else rule.cidr,
        }


def _protocol(name: str, ethertype: str) -> str | None:
    if name == "all":
        return None
    return "ipv6-icmp" if (name, ethertype) == ("icmp", "IPv6") else name


def _add_all(drivers: Drivers, rules: list[dict[str, Any]]) -> None:
    """Add ``rules`` in one call. If one of them is there already, neutron refuses all: then each by itself."""
    if not rules:
        return
    try:
        drivers.ask("network", "POST", _RULES, body={"security_group_rules": rules})
    except Exception as error:
        if not isinstance(translate(error), ConflictError):
            raise
        for rule in rules:
            with tolerating(ConflictError):
                drivers.ask("network", "POST", _RULES, body={"security_group_rule": rule})
