"""Application and network load balancers as AWS tells of them: each is put together from several things.

One of ours is a load balancer, a target group of the same name with the members in it, and a listener that forwards to
that group. The load balancer is made first and carries the external id, its ARN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

import attrs

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.balanced import PAGE, TAGGED_AT_ONCE, default_groups, guards, texts
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import tolerating
from orchestra.clouds.families.aws.tags import labels_of
from orchestra.clouds.translate import translate
from orchestra.contracts import Observation, Ownership, Status
from orchestra.errors import NotFoundError
from orchestra.model.values import Plain

ANY_ANSWER: Final = "200-499"
"""The answers that are good enough where only a connection is wanted: application load balancers can't check that."""

_STATUS: Final = MappingProxyType({"active": Status.READY, "active_impaired": Status.READY, "failed": Status.FAILED})
_LEAVING: Final = ("draining", "Target.NotRegistered")

Tags: TypeAlias = Mapping[str, str]
GroupFinder: TypeAlias = Callable[[str, str], "Element | None"]
"""The target group with an ARN, or else with a name; None if there is none."""


@attrs.frozen(kw_only=True)
class Assembled:
    """A load balancer with what belongs to it, as far as that is there."""

    balancer: Element
    tags: Tags
    listener: Element | None = None
    group: Element | None = None
    members: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """What AWS calls it."""
        return query.text(self.balancer, "LoadBalancerArn")

    @property
    def name(self) -> str:
        """Its name."""
        return query.text(self.balancer, "LoadBalancerName")

    @property
    def tags_of_parts(self) -> dict[str, str]:
        """The tags that what belongs to it is made with: its own, without AWS's."""
        return {key: value for key, value in self.tags.items() if not key.startswith("aws:")}

    @property
    def is_whole(self) -> bool:
        """Whether what comes in reaches the target group."""
        return (
            self.listener is not None
            and self.group is not None
            and forwarded_to(self.listener) == query.text(self.group, "TargetGroupArn")
        )


def find_by(drivers: Drivers, parameter: str, value: str) -> Element:
    """The load balancer whose ``Names`` or ``LoadBalancerArns`` is ``value``; raises `NotFoundError`."""
    answer = query.elbv2(drivers.elbv2, "DescribeLoadBalancers", query.numbered(f"{parameter}.member", [value]))
    for found in query.child(answer, "LoadBalancers").findall("member"):
        return found
    raise NotFoundError(f"load balancer {value} isn't there any more")


def all_balancers(drivers: Drivers) -> Iterator[Element]:
    """Every application and network load balancer, all pages."""
    for item in query.elbv2_items(drivers.elbv2, "DescribeLoadBalancers", "LoadBalancers", size=PAGE):
        if query.text(item, "Type") in ("application", "network"):
            yield item


def tags_of_all(drivers: Drivers, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of each; at most `TAGGED_AT_ONCE`."""
    answer = query.elbv2(drivers.elbv2, "DescribeTags", query.numbered("ResourceArns.member", arns))
    return {
        query.text(told, "ResourceArn"): {
            query.text(tag, "Key"): query.text(tag, "Value") for tag in told.findall("Tags/member")
        }
        for told in query.child(answer, "TagDescriptions").findall("member")
    }


def own_group(drivers: Drivers, name: str) -> Element | None:
    """The target group ``name``, if it was made for the load balancer of that name: both end in their token."""
    with tolerating(NotFoundError):
        answer = query.elbv2(drivers.elbv2, "DescribeTargetGroups", query.numbered("Names.member", [name]))
        for group in query.child(answer, "TargetGroups").findall("member"):
            arn = query.text(group, "TargetGroupArn")
            if is_own(tags_of_all(drivers, [arn]).get(arn, {}), name):
                return group
    return None


def is_own(tags: Tags, name: str) -> bool:
    """Whether what is called ``name`` and has these tags was made by a creation whose token the name tells."""
    owner = Ownership.from_tags(tags)
    return owner is not None and name.endswith(owner.token[:10])


def forwarded_to(listener: Element) -> str:
    """The target group that a listener forwards to; '' if it does anything else."""
    for action in listener.findall("DefaultActions/member"):
        if query.text(action, "Type") == "forward":
            return query.text(action, "TargetGroupArn") or query.text(
                action, "ForwardConfig/TargetGroups/member/TargetGroupArn"
            )
    return ""


def listeners(drivers: Drivers, arn: str) -> Iterator[Element]:
    """All listeners of the load balancer ``arn``."""
    asked = {"LoadBalancerArn": arn}
    return query.elbv2_items(drivers.elbv2, "DescribeListeners", "Listeners", asked, size=PAGE)


def assembled(drivers: Drivers, balancer: Element, tags: Tags, find_group: GroupFinder | None = None) -> Assembled:
    """``balancer`` with its parts.

    Of several listeners it is the one that forwards to our target group, else to any, else the one on the lowest port.
    """
    whole = Assembled(balancer=balancer, tags=tags)
    by_rank = sorted(
        listeners(drivers, whole.arn),
        key=lambda one: (
            f"/{whole.name}/" not in forwarded_to(one),
            not forwarded_to(one),
            int(query.text(one, "Port")),
        ),
    )
    listener = by_rank[0] if by_rank else None
    arn = forwarded_to(listener) if listener is not None else ""
    group = (find_group or _asking(drivers))(arn, whole.name)
    members = _members(drivers, query.text(group, "TargetGroupArn")) if group is not None else ()
    return attrs.evolve(whole, listener=listener, group=group, members=members)


def _asking(drivers: Drivers) -> GroupFinder:
    def find(arn: str, name: str) -> Element | None:
        if not arn:
            return own_group(drivers, name)
        answer = query.elbv2(drivers.elbv2, "DescribeTargetGroups", query.numbered("TargetGroupArns.member", [arn]))
        return query.child(answer, "TargetGroups/member")

    return find


def _listed(drivers: Drivers) -> GroupFinder:
    """For many: all target groups are listed once."""
    listed: dict[str, Element] = {}

    def find(arn: str, name: str) -> Element | None:
        if not listed:
            groups = query.elbv2_items(drivers.elbv2, "DescribeTargetGroups", "TargetGroups", size=PAGE)
            listed.update((query.text(one, "TargetGroupArn"), one) for one in groups)
        return listed.get(arn) if arn else own_group(drivers, name)

    return find


def _members(drivers: Drivers, group: str) -> tuple[str, ...]:
    """The members registered with a target group, without those that are on their way out."""
    answer = query.elbv2(drivers.elbv2, "DescribeTargetHealth", {"TargetGroupArn": group})
    return tuple(
        sorted(
            query.text(told, "Target/Id")
            for told in query.child(answer, "TargetHealthDescriptions").findall("member")
            if not {query.text(told, "TargetHealth/State"), query.text(told, "TargetHealth/Reason")} & {*_LEAVING}
        )
    )


def observations(drivers: Drivers, items: Iterator[Element]) -> Iterator[Observation]:
    """What ``items`` tell; their tags are read twenty at a time. One that goes meanwhile is left out."""
    find_group = _listed(drivers)
    while chunk := list(islice(items, TAGGED_AT_ONCE)):
        tags = _tags_of_those_there(drivers, [query.text(item, "LoadBalancerArn") for item in chunk])
        defaults = default_groups(drivers, chunk, "VpcId")
        for item in chunk:
            with tolerating(NotFoundError):
                if (arn := query.text(item, "LoadBalancerArn")) in tags:
                    whole = assembled(drivers, item, tags[arn], find_group)
                    yield told(whole, defaults)


def _tags_of_those_there(drivers: Drivers, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """The tags of those that are still there: AWS refuses to tell of any when one of them is gone."""
    try:
        found = tags_of_all(drivers, arns)
    except Exception as error:
        if not isinstance(translate(error), NotFoundError):
            raise
        if len(arns) == 1:
            return {}
        return {arn: tags for one in arns for arn, tags in _tags_of_those_there(drivers, [one]).items()}
    return {arn: found.get(arn, {}) for arn in arns}


def observation(drivers: Drivers, balancer: Element) -> Observation:
    """What one tells."""
    arn = query.text(balancer, "LoadBalancerArn")
    whole = assembled(drivers, balancer, tags_of_all(drivers, [arn]).get(arn, {}))
    return told(whole, default_groups(drivers, [balancer], "VpcId"))


def told(whole: Assembled, defaults: set[str]) -> Observation:
    """In the form of the kind.

    ``members`` is None while nothing reaches them. No declaration asks for that, so the next plan puts it right.
    """
    state = query.text(whole.balancer, "State/Code")
    inputs: dict[str, Plain] = {
        "subnets": texts(whole.balancer, "AvailabilityZones/member/SubnetId"),
        "firewalls": guards(whole.balancer, defaults),
        "members": list(whole.members) if whole.is_whole else None,
        "health_check": told_check(whole.group) if whole.group is not None else None,
        "labels": labels_of(whole.tags),
    }
    if whole.listener is not None:
        inputs["port"] = int(query.text(whole.listener, "Port"))
        inputs["protocol"] = query.text(whole.listener, "Protocol").lower()
    if whole.group is not None:
        inputs["member_port"] = int(query.text(whole.group, "Port"))
    return Observation(
        external_id=whole.arn,
        status=_STATUS.get(state, Status.PENDING),
        inputs=inputs,
        outputs={"address": query.text(whole.balancer, "DNSName") or None},
        detail=query.text(whole.balancer, "State/Reason") or state,
        ownership=Ownership.from_tags(whole.tags),
        name=whole.name,
    )


def told_check(group: Element) -> dict[str, Plain]:
    """The health check of a target group in the form of the kind's input."""
    protocol = query.text(group, "HealthCheckProtocol").lower()
    port = query.text(group, "HealthCheckPort")
    only_connects = protocol == "http" and query.text(group, "Matcher/HttpCode") == ANY_ANSWER
    return {
        "protocol": "tcp" if only_connects else protocol,
        "port": int(query.text(group, "Port") if port == "traffic-port" else port),
        "path": query.text(group, "HealthCheckPath") or "/",
        "interval": int(query.text(group, "HealthCheckIntervalSeconds")),
        "timeout": int(query.text(group, "HealthCheckTimeoutSeconds")),
        "healthy": int(query.text(group, "HealthyThresholdCount")),
        "unhealthy": int(query.text(group, "UnhealthyThresholdCount")),
    }
