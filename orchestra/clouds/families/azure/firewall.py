"""Firewalls: network security groups, each with an application security group that stands for what it is on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.rules import FirewallRule, told_rules, wanted_rule
from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described, state_of
from orchestra.clouds.families.azure.ids import name_in
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import DESCRIPTION, labels_in, owner_in, tags_in, tags_of
from orchestra.contracts import Inputs, Observation, Ownership, Update
from orchestra.errors import InvalidRequestError, NotFoundError
from orchestra.resources.network import Firewall

_EVERYWHERE: Final = "*"
_FIRST: Final = 100
_LAST: Final = 4096
"""The priorities that rules may have, the first to be looked at first."""
_MOST: Final = 1000
"""https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/azure-subscription-service-limits"""

_PROTOCOLS: Final = MappingProxyType({"tcp": "Tcp", "udp": "Udp", "icmp": "Icmp", "all": "*"})
_TOLD: Final = MappingProxyType({told.lower(): name for name, told in _PROTOCOLS.items()})


@attrs.frozen
class _Direction:
    """How a direction's rules are said: ``far`` is the end that a rule's source names."""

    word: str
    far: str
    near: str


_DIRECTIONS: Final = MappingProxyType(
    {
        "ingress": _Direction("Inbound", "source", "destination"),
        "egress": _Direction("Outbound", "destination", "source"),
    }
)


class FirewallCalls(Described):
    """A network security group.

    What Azure lets through by default, all traffic inside the network and outwards, is closed by a last rule of each
    direction, so that only what is declared may pass. The rules are put as a whole, their priorities by their order.
    A server may have one of them; the application security group of the same name is what others' rules call it.
    """

    kind = "network.Firewall"
    resource = Firewall
    azure_type = rest.SECURITY_GROUP
    parts = (rest.APPLICATION_GROUP,)

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: first what stands for it in rules, which its own may refer to, then itself."""
        found = self.made_before(driver, owner)
        if found is not None:
            return found
        name, where = self.name_for(owner), {"location": driver.region}
        body = {
            **where,
            "tags": tags_of(owner, inputs.labels(), description=inputs.text("description")),
            "properties": {"securityRules": list(_sent(inputs))},
        }
        driver.put_part(
            driver.ids.of(rest.APPLICATION_GROUP, name),
            {**where, "tags": tags_of(owner, part=self.kind), "properties": {}},
        )
        return self.observe(driver, driver.put(driver.ids.of(self.azure_type, name), body))

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`. The network isn't told: a security group belongs to none."""
        status, word = state_of(item)
        rules = item["properties"].get("securityRules") or ()
        told = tags_in(item)
        return Observation(
            external_id=driver.ids.told(item["id"]),
            status=status,
            inputs={
                **({"description": told[DESCRIPTION]} if DESCRIPTION in told else {}),
                **{name: told_rules(_rules(driver, rules, name), name) for name in _DIRECTIONS},
                "labels": labels_in(item),
            },
            detail=word,
            ownership=owner_in(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: all rules in one request, unless another has changed them meanwhile."""
        wanted = {name: told_rules(map(wanted_rule, update.after.mappings(name)), name) for name in _DIRECTIONS}

        def edit(item: Item) -> Item | None:
            told = self.observe(driver, item).inputs
            if all(told[name] == rules for name, rules in wanted.items()):
                return None
            properties = {"securityRules": list(_sent(update.after))}
            return {"location": item["location"], "tags": item.get("tags") or {}, "properties": properties}

        item = driver.change(external_id, edit)
        self.relabel(driver, item, external_id, update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: what stands for it in rules goes first, so that nothing is left if this breaks off."""
        if self.is_whole(external_id):
            name = name_in(external_id)
            with tolerating(NotFoundError):
                driver.change(external_id, lambda item: _without_own(driver, item, name))
            self.remove_parts(driver, name)
        super().delete(driver, external_id)


def group_of(drivers: Drivers, firewall: str) -> str:
    """The id of the application security group that stands for a firewall in rules."""
    head, _, name = drivers.ids.told(firewall).rpartition("/")
    return f"{head.replace(rest.SECURITY_GROUP.name, rest.APPLICATION_GROUP.name)}/{name}"


def _without_own(drivers: Drivers, item: Item, name: str) -> Item | None:
    """The group without the rules that name itself, None if there are none: they would keep its other half."""
    own = drivers.ids.of(rest.APPLICATION_GROUP, name).lower()
    rules = item["properties"].get("securityRules") or []
    kept = [one for one in rules if own not in {group.lower() for group in _groups(one)}]
    if len(kept) == len(rules):
        return None
    return {"location": item["location"], "tags": item.get("tags") or {}, "properties": {"securityRules": kept}}


def _groups(rule: Item) -> Iterator[str]:
    for end in ("source", "destination"):
        yield from (str(one["id"]) for one in rule["properties"].get(f"{end}ApplicationSecurityGroups") or ())


# -- rules


def _sent(inputs: Inputs) -> Iterator[Item]:
    """Azure's rules for those of ``inputs``, in their order, and behind them one that closes each direction."""
    for name, direction in _DIRECTIONS.items():
        rules = inputs.mappings(name)
        if len(rules) > _MOST - len(_DIRECTIONS):
            raise InvalidRequestError(
                f"{name}: {len(rules)} rules, a network security group has room for {_MOST}",
                sent=False,
                remedy="join ranges of addresses or ports",
            )
        for number, rule in enumerate(rules):
            yield _rule(direction, _FIRST + number, "Allow", _said(wanted_rule(rule), direction))
        yield _rule(direction, _LAST, "Deny", {"protocol": "*", **_far(direction, _EVERYWHERE), **_ports("*")})


def _rule(direction: _Direction, priority: int, access: str, said: Item) -> Item:
    name = f"{access.lower()}-{direction.word.lower()}-{priority}"
    return {
        "name": name,
        "properties": {
            "priority": priority,
            "direction": direction.word,
            "access": access,
            "sourcePortRange": "*",
            f"{direction.near}AddressPrefix": _EVERYWHERE,
            **said,
        },
    }


def _said(rule: FirewallRule, direction: _Direction) -> dict[str, Any]:
    ports = "*" if rule.from_port is None else f"{rule.from_port}-{rule.to_port}"
    if rule.from_port == rule.to_port and rule.from_port is not None:
        ports = str(rule.from_port)
    if rule.firewall:
        group = rule.firewall.replace(rest.SECURITY_GROUP.name, rest.APPLICATION_GROUP.name)
        far: dict[str, Any] = {f"{direction.far}ApplicationSecurityGroups": [{"id": group}]}
    else:
        far = _far(direction, rule.cidr or _EVERYWHERE)
    return {"protocol": _PROTOCOLS[rule.protocol], **far, **_ports(ports)}


def _far(direction: _Direction, prefix: str) -> dict[str, Any]:
    return {f"{direction.far}AddressPrefix": prefix}


def _ports(said: str) -> dict[str, Any]:
    return {"destinationPortRange": said}


def _rules(drivers: Drivers, rules: Iterable[Item], name: str) -> Iterator[FirewallRule]:
    """The rules of a direction as they are told, but for the one that closes it.

    What can't be declared here, such as a rule that denies, is told in words that no declaration has: so it shows.
    """
    direction = _DIRECTIONS[name]
    for rule in rules:
        told = rule["properties"]
        is_last = told["priority"] == _LAST and told["access"] == "Deny"
        if told["direction"] == direction.word and not is_last:
            yield from _parted(drivers, told, direction)


def _parted(drivers: Drivers, told: Mapping[str, Any], direction: _Direction) -> Iterator[FirewallRule]:
    """One rule of Azure's may have several ranges and ends: each pair is one of ours."""
    protocol = _TOLD.get(str(told["protocol"]).lower(), str(told["protocol"]))
    if told["access"] != "Allow":
        protocol = f"{str(told['access']).lower()} {protocol}"
    ports = told.get("destinationPortRanges") or [told.get("destinationPortRange") or "*"]
    groups = [str(one["id"]) for one in told.get(f"{direction.far}ApplicationSecurityGroups") or ()]
    prefixes = told.get(f"{direction.far}AddressPrefixes") or []
    if not prefixes and not groups:
        prefixes = [told.get(f"{direction.far}AddressPrefix") or _EVERYWHERE]
    for span in ports:
        first, last = _span(str(span), protocol)
        for prefix in prefixes:
            yield FirewallRule(protocol, first, last, cidr=str(prefix), firewall=None)
        for group in groups:
            told_group = drivers.ids.told(group)
            firewall = told_group.replace(rest.APPLICATION_GROUP.name, rest.SECURITY_GROUP.name)
            yield FirewallRule(protocol, first, last, cidr=None, firewall=firewall)


def _span(said: str, protocol: str) -> tuple[int | None, int | None]:
    if said == "*":
        return (0, 65535) if protocol in ("tcp", "udp") else (None, None)
    first, _, last = said.partition("-")
    return int(first), int(last or first)
