"""Firewalls: the security groups of a zone that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import attrs

from orchestra.clouds.base.rules import FirewallRule, told_rules, wanted_rule
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, labels_of, mark
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, InvalidRequestError, NotFoundError
from orchestra.model.values import Plain

_DIRECTIONS: Final = MappingProxyType({"ingress": "Ingress", "egress": "Egress"})
_ALL_PORTS: Final = (1, 65535)
"""What CloudStack takes for all ports: it has no port 0."""
_EVERYTHING: Final = FirewallRule("all", None, None, cidr="0.0.0.0/0", firewall=None)
_PROTOCOLS: Final = MappingProxyType({"1": "icmp", "6": "tcp", "17": "udp"})


class FirewallCalls(Described):
    """A security group. Its description is the user's, so its name tells whose it is. CloudStack ties it to no network.

    A group without a rule for what goes out lets everything out, and one with such a rule nothing else: so everything
    is no rule, and nothing at all can't be said.
    """

    kind = "network.Firewall"
    found_key = "name"
    listing: ClassVar[Listing] = Listing(
        command="listSecurityGroups",
        key="securitygroup",
        remove="deleteSecurityGroup",
        marked="name",
        tagged="SecurityGroup",
        zoned=False,
    )

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del inputs
        return {"securitygroupname": mark(owner)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the group, then its rules; of one that the token made before, what is missing."""
        _wanted(inputs, "egress")
        item = self.made(driver, owner, inputs)
        if item is None:
            fields = {"name": mark(owner), "description": inputs.text("description"), "projectid": driver.project}
            item = driver.do("createSecurityGroup", **fields)["securitygroup"]
        self._bring_to(driver, item, inputs)
        return self.look_up(driver, str(item["id"]))

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`."""
        owner = self.owner_of(item)
        return Observation(
            external_id=str(item["id"]),
            inputs={
                "description": str(item.get("description") or ""),
                **{name: self._told(drivers, item, name) for name in _DIRECTIONS},
                "labels": {**labels_of(item)},
            },
            ownership=owner,
            name="" if owner else str(item["name"]),
            comes_with="the account" if item["name"] == "default" else "",
        )

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. What a crash left without all its rules is pending: creating it again finishes it."""
        found = super().search(driver, owner, inputs)
        if found is None:
            return None
        for name in _DIRECTIONS:
            if told_rules({wanted_rule(rule) for rule in inputs.mappings(name)}, name) != found.inputs[name]:
                return attrs.evolve(found, status=Status.PENDING, detail="its rules aren't all there yet")
        return found

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        _wanted(update.after, "egress")
        driver.jobs.forget(external_id)
        self._bring_to(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)

    def check_unused(self, drivers: Drivers, item: Item) -> None:
        """See `Described.check_unused`."""
        if servers := item.get("virtualmachineids"):
            raise InUseError(f"security group {item['id']} is on {len(servers)} servers")

    def _told(self, drivers: Drivers, item: Item, name: str) -> Plain:
        rules = list(_rules(drivers, item, name))
        return told_rules(rules or ([_EVERYTHING] if name == "egress" else []), name)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> None:
        """Bring labels and rules to those in ``inputs``: add first, so that nothing wanted is cut off meanwhile."""
        self.relabel(drivers, item, inputs)
        group = str(item["id"])
        for name, direction in _DIRECTIONS.items():
            there, wanted = _rules(drivers, item, name), _wanted(inputs, name)
            for rule in sorted(wanted - there.keys(), key=repr):
                fields = _sent(drivers, rule)
                content = drivers.do(f"authorizeSecurityGroup{direction}", securitygroupid=group, **fields)
                drivers.jobs.began(group, content)
            for rule in sorted(there.keys() - wanted, key=repr):
                for rule_id in there[rule]:
                    drivers.jobs.began(group, drivers.do(f"revokeSecurityGroup{direction}", id=rule_id))


def _wanted(inputs: Inputs, name: str) -> set[FirewallRule]:
    """The rules in ``inputs``, as CloudStack would hold them."""
    wanted = {wanted_rule(rule) for rule in inputs.mappings(name)}
    if name != "egress":
        return wanted
    if not wanted:
        raise InvalidRequestError(
            "a security group of CloudStack's can't keep everything in: one without rules lets everything out",
            sent=False,
            remedy='give Firewall(egress=[…]) what may go out, or leave it out: allow("all")',
        )
    return set() if _EVERYTHING in wanted else wanted


def _rules(drivers: Drivers, item: Item, name: str) -> dict[FirewallRule, list[str]]:
    """The rules of a group, each with the ids of CloudStack's rules for it."""
    found: dict[FirewallRule, list[str]] = {}
    told: Sequence[Any] = item.get(f"{name}rule") or ()
    for one in told:
        found.setdefault(_rule(drivers, one), []).append(str(one["ruleid"]))
    return found


def _rule(drivers: Drivers, told: Item) -> FirewallRule:
    protocol = str(told["protocol"]).lower()
    name = _PROTOCOLS.get(protocol, protocol)
    ports: tuple[int | None, int | None] = (None, None)
    if name in ("tcp", "udp"):
        ports = (int(told["startport"]), int(told["endport"]))
        ports = (0, 65535) if ports == _ALL_PORTS else ports
    group = told.get("securitygroupname")
    source = _group_id(drivers, str(told.get("account")), str(group)) if group else None
    return FirewallRule(name, *ports, cidr=None if group else str(told["cidr"]), firewall=source)


def _sent(drivers: Drivers, rule: FirewallRule) -> dict[str, object]:
    """What CloudStack takes for a rule."""
    fields: dict[str, object] = {"protocol": rule.protocol}
    if rule.protocol in ("tcp", "udp"):
        ports = _ALL_PORTS if (rule.from_port, rule.to_port) == (0, 65535) else (rule.from_port, rule.to_port)
        fields |= {"startport": ports[0], "endport": ports[1]}
    if rule.protocol == "icmp":
        fields |= {"icmptype": -1, "icmpcode": -1}
    if rule.firewall is None:
        return {**fields, "cidrlist": rule.cidr}
    group = next((one for one in _groups(drivers) if str(one["id"]) == rule.firewall), None)
    if group is None:
        raise NotFoundError(f"there is no security group {rule.firewall} that a rule could name")
    source = {"account": group["account"], "group": group["name"]}
    return {**fields, **{f"usersecuritygrouplist[0].{part}": text for part, text in source.items()}}


def _groups(drivers: Drivers) -> Iterator[Item]:
    return drivers.items("listSecurityGroups", "securitygroup")


def _group_id(drivers: Drivers, account: str, name: str) -> str:
    """The id of the group that a rule names; the names themselves if it isn't the account's own."""
    for one in drivers.items("listSecurityGroups", "securitygroup", securitygroupname=name):
        if one["name"] == name and one.get("account") == account:
            return str(one["id"])
    return f"{account}/{name}"
