"""Firewalls: security groups and their rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final
from xml.etree.ElementTree import Element

from orchestra.clouds.base.rules import FirewallRule, told_rules, wanted_rule
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing, tolerating
from orchestra.clouds.families.aws.finishing import just_made
from orchestra.clouds.families.aws.tags import labels_of, name_in, relabel, tags_in, tags_of
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, NotFoundError
from orchestra.resources.network import Firewall

_DIRECTIONS: Final = (("ingress", "ipPermissions", "Ingress"), ("egress", "ipPermissionsEgress", "Egress"))
"""Input, element of the answer, and end of the action's name."""

_NO_PORTS: Final = ("icmp", "all")


class FirewallCalls(Described):
    """A security group. Its name is made from the token, so that a second one of the same creation is refused."""

    kind = "network.Firewall"
    resource = Firewall
    found_by = FoundBy.TAG
    found_key = "orchestra:token; a second one of GroupName, made from the token, is refused"
    set_later = ("ingress", "egress")
    listing: ClassVar[Listing] = Listing(
        action="DescribeSecurityGroups", container="securityGroupInfo", id_filter="group-id", id_parameter="GroupId"
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the group, then the rules that differ from what AWS gives a new one."""
        try:
            answer = query.ec2(
                driver.ec2,
                "CreateSecurityGroup",
                {
                    "GroupName": owner.name(255),
                    "GroupDescription": inputs.text("description"),
                    "VpcId": inputs.text("network"),
                },
                query.tagged("security-group", tags_of(owner, inputs)),
            )
            group = query.text(answer, "groupId")
        except Exception as error:
            group = self.made_before(driver, owner, inputs, error).external_id
        with just_made(f"firewall {group}"):
            return self._bring_to(driver, group, inputs)

    def observe(self, item: Element) -> Observation:
        """See `Described.observe`."""
        tags = tags_in(item)
        return Observation(
            external_id=query.text(item, "groupId"),
            inputs={
                "network": query.text(item, "vpcId"),
                "description": query.text(item, "groupDescription"),
                **{name: told_rules(_rules(item, path), name) for name, path, _ in _DIRECTIONS},
                "labels": labels_of(tags),
            },
            ownership=Ownership.from_tags(tags),
            name=name_in(tags) or query.text(item, "groupName"),
            comes_with=query.text(item, "vpcId") if query.text(item, "groupName") == "default" else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        relabel(driver, external_id, tags_in(self._item(driver, external_id)), update.after)
        return self._bring_to(driver, external_id, update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        query.ec2(driver.ec2, "DeleteSecurityGroup", {"GroupId": external_id})

    def _item(self, drivers: Drivers, group: str) -> Element:
        asked = query.numbered("GroupId", [group])
        for item in query.ec2_items(drivers.ec2, self.listing.action, self.listing.container, asked):
            return item
        raise NotFoundError(f"firewall {group} isn't there any more")

    def _bring_to(self, drivers: Drivers, group: str, inputs: Inputs) -> Observation:
        """Bring the rules to those in ``inputs``: add first, so that nothing wanted is cut off meanwhile."""
        item = self._item(drivers, group)
        for name, path, direction in _DIRECTIONS:
            there = set(_rules(item, path))
            wanted = {wanted_rule(rule) for rule in inputs.mappings(name)}
            _send_all(drivers, f"AuthorizeSecurityGroup{direction}", group, sorted(wanted - there, key=repr))
            _send_all(drivers, f"RevokeSecurityGroup{direction}", group, sorted(there - wanted, key=repr))
        return self.look_up(drivers, group)


def default_group(drivers: Drivers, vpc: str) -> str:
    """The security group that AWS puts on what is given none; each VPC has one, and it can't be deleted."""
    wanted = query.filters({"vpc-id": [vpc], "group-name": ["default"]})
    for item in query.ec2_items(drivers.ec2, "DescribeSecurityGroups", "securityGroupInfo", wanted, size=1000):
        return query.text(item, "groupId")
    raise NotFoundError(f"network {vpc} has no default security group")


def _rules(item: Element, path: str) -> Iterator[FirewallRule]:
    """The rules that EC2 tells: it puts all sources of the same ports together."""
    for permission in item.findall(f"{path}/item"):
        protocol = query.text(permission, "ipProtocol")
        ports = [_port(protocol, query.text(permission, name)) for name in ("fromPort", "toPort")]
        parts = ("all" if protocol == "-1" else protocol, ports[0], ports[1])
        for source, name in (("ipRanges", "cidrIp"), ("ipv6Ranges", "cidrIpv6"), ("prefixListIds", "prefixListId")):
            for each in permission.findall(f"{source}/item"):
                yield FirewallRule(*parts, cidr=query.text(each, name), firewall=None)
        for each in permission.findall("groups/item"):
            yield FirewallRule(*parts, cidr=None, firewall=query.text(each, "groupId"))


def _port(protocol: str, told: str) -> int | None:
    """A port as the rule has it: all ICMP messages and all protocols have none."""
    return None if protocol == "-1" or told in ("", "-1") else int(told)


def _send_all(drivers: Drivers, action: str, group: str, rules: Sequence[FirewallRule]) -> None:
    """Send ``rules`` in one call. If one of them is there (or gone) already, EC2 refuses all: then each by itself."""
    if not rules:
        return
    try:
        _send(drivers, action, group, rules)
    except Exception as error:
        if not isinstance(translate(error), (ConflictError, NotFoundError)):
            raise
        for rule in rules:
            with tolerating(ConflictError if action.startswith("Authorize") else NotFoundError):
                _send(drivers, action, group, [rule])


def _send(drivers: Drivers, action: str, group: str, rules: Sequence[FirewallRule]) -> None:
    fields = {"GroupId": group}
    for index, rule in enumerate(rules, start=1):
        stem = f"IpPermissions.{index}"
        fields[f"{stem}.IpProtocol"] = "-1" if rule.protocol == "all" else rule.protocol
        if rule.protocol != "all":
            fields[f"{stem}.FromPort"] = str(-1 if rule.from_port is None else rule.from_port)
            fields[f"{stem}.ToPort"] = str(-1 if rule.to_port is None else rule.to_port)
        fields[f"{stem}.{_source(rule)}"] = rule.firewall or rule.cidr or ""
    query.ec2(drivers.ec2, action, fields)


def _source(rule: FirewallRule) -> str:
    if rule.firewall:
        return "Groups.1.GroupId"
    if rule.cidr and rule.cidr.startswith("pl-"):
        return "PrefixListIds.1.PrefixListId"
    return "Ipv6Ranges.1.CidrIpv6" if ":" in (rule.cidr or "") else "IpRanges.1.CidrIp"
