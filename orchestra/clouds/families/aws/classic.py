"""Classic load balancers, of which one request makes a whole one. Their external id is their name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from xml.etree.ElementTree import Element

import attrs

from orchestra.clouds.base.balancing import member_port, wanted_check, with_check
from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.balanced import (
    LONGEST_NAME,
    PAGE,
    TAGGED_AT_ONCE,
    default_groups,
    guards,
    texts,
)
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.finishing import just_made
from orchestra.clouds.families.aws.firewall import default_group
from orchestra.clouds.families.aws.tags import labels_in, labels_of, tags_of
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources.balancing import LoadBalancer


class ClassicCalls(Calls[Drivers]):
    """A classic load balancer. Its name is made from the token: a second one of the same creation is refused."""

    kind = "balancing.LoadBalancer"
    found_by = FoundBy.NAME
    found_key = "LoadBalancerName, with the tag orchestra:token"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the balancer with its listener and tags, then health check and members."""
        name = owner.name(LONGEST_NAME)
        try:
            query.elb(driver.elb, "CreateLoadBalancer", {"LoadBalancerName": name}, _shape(inputs, owner))
        except Exception as error:
            if not isinstance(translate(error), ConflictError) or not self.search(driver, owner, inputs):
                raise
        with just_made(f"load balancer {name}"):
            _check(driver, name, inputs)
            found = self.look_up(driver, name)
            _set_members(driver, found, inputs)
        return attrs.evolve(found, inputs={**found.inputs, "members": sorted(set(inputs.texts("members")))})

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: a list of all, for asking by name refuses everything when one of them is gone."""
        wanted = frozenset(ids)
        return _observations(driver, (item for item in _all(driver) if query.text(item, "LoadBalancerName") in wanted))

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        answer = query.elb(
            driver.elb, "DescribeLoadBalancers", query.numbered("LoadBalancerNames.member", [external_id])
        )
        for found in _observations(driver, iter(query.child(answer, "LoadBalancerDescriptions").findall("member"))):
            return found
        raise NotFoundError(f"load balancer {external_id} isn't there any more")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name and the token's tag. What a crash left half-way is pending."""
        found = self.look_up(driver, owner.name(LONGEST_NAME))
        if not found.ownership or found.ownership.token != owner.token:
            return None
        return unless_unfinished(found, LoadBalancer.kind, with_check(inputs), ("health_check", "members"))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        now = self.look_up(driver, external_id)
        _set_members(driver, now, update.after)
        if "health_check" in update.changed:
            _check(driver, external_id, update.after)
        firewalls = update.after.texts("firewalls")
        if sorted(firewalls) != now.inputs["firewalls"]:
            _guard(driver, external_id, firewalls)
        _relabel(driver, now, update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. Elastic Load Balancing takes a balancer that isn't there for deleted."""
        query.elb(driver.elb, "DeleteLoadBalancer", {"LoadBalancerName": external_id})

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return _observations(driver, _all(driver))


def _shape(inputs: Inputs, owner: Ownership) -> dict[str, str]:
    """What a balancer is made with."""
    protocol = inputs.text("protocol").upper()
    return {
        "Listeners.member.1.Protocol": protocol,
        "Listeners.member.1.LoadBalancerPort": str(inputs.integer("port")),
        "Listeners.member.1.InstanceProtocol": protocol,
        "Listeners.member.1.InstancePort": str(member_port(inputs)),
        **query.numbered("Subnets.member", inputs.texts("subnets")),
        **query.numbered("SecurityGroups.member", inputs.texts("firewalls")),
        **query.pairs("Tags.member", tags_of(owner, inputs)),
    }


def _check(drivers: Drivers, name: str, inputs: Inputs) -> None:
    check = wanted_check(inputs)
    target = f"{str(check['protocol']).upper()}:{check['port']}"
    query.elb(
        drivers.elb,
        "ConfigureHealthCheck",
        {
            "LoadBalancerName": name,
            "HealthCheck.Target": target + (str(check["path"]) if check["protocol"] == "http" else ""),
            "HealthCheck.Interval": str(check["interval"]),
            "HealthCheck.Timeout": str(check["timeout"]),
            "HealthCheck.HealthyThreshold": str(check["healthy"]),
            "HealthCheck.UnhealthyThreshold": str(check["unhealthy"]),
        },
    )


def _set_members(drivers: Drivers, now: Observation, inputs: Inputs) -> None:
    told = now.inputs["members"]
    there = {str(member) for member in told} if isinstance(told, Sequence) else set()
    wanted = set(inputs.texts("members"))
    for action, members in (
        ("RegisterInstancesWithLoadBalancer", sorted(wanted - there)),
        ("DeregisterInstancesFromLoadBalancer", sorted(there - wanted)),
    ):
        if members:
            fields = {f"Instances.member.{index}.InstanceId": one for index, one in enumerate(members, start=1)}
            query.elb(drivers.elb, action, {"LoadBalancerName": now.external_id}, fields)


def _guard(drivers: Drivers, name: str, firewalls: Sequence[str]) -> None:
    groups = list(firewalls)
    if not groups:
        answer = query.elb(drivers.elb, "DescribeLoadBalancers", query.numbered("LoadBalancerNames.member", [name]))
        groups = [default_group(drivers, query.text(answer, "LoadBalancerDescriptions/member/VPCId"))]
    query.elb(
        drivers.elb,
        "ApplySecurityGroupsToLoadBalancer",
        {"LoadBalancerName": name},
        query.numbered("SecurityGroups.member", groups),
    )


def _relabel(drivers: Drivers, now: Observation, inputs: Inputs) -> None:
    told = now.inputs["labels"]
    had = dict(told) if isinstance(told, Mapping) else {}
    wanted = labels_in(inputs)
    balancer = query.numbered("LoadBalancerNames.member", [now.external_id])
    fresh = {key: value for key, value in wanted.items() if had.get(key) != value}
    if fresh:
        query.elb(drivers.elb, "AddTags", balancer, query.pairs("Tags.member", fresh))
    stale = sorted(had.keys() - wanted.keys())
    if stale:
        query.elb(drivers.elb, "RemoveTags", balancer, query.numbered_keys("Tags.member", stale))


def _all(drivers: Drivers) -> Iterator[Element]:
    """Every balancer, all pages."""
    marker = ""
    while True:
        page = {"PageSize": str(PAGE), **({"Marker": marker} if marker else {})}
        answer = query.elb(drivers.elb, "DescribeLoadBalancers", page)
        yield from query.child(answer, "LoadBalancerDescriptions").findall("member")
        before, marker = marker, query.text(answer, "NextMarker")
        if not marker:
            return
        query.refuse_same_page("DescribeLoadBalancers", before, marker)


def _observations(drivers: Drivers, items: Iterator[Element]) -> Iterator[Observation]:
    """What ``items`` tell, with their tags read twenty at a time."""
    while chunk := list(islice(items, TAGGED_AT_ONCE)):
        names = [query.text(item, "LoadBalancerName") for item in chunk]
        answer = query.elb(drivers.elb, "DescribeTags", query.numbered("LoadBalancerNames.member", names))
        tags = {
            query.text(told, "LoadBalancerName"): {
                query.text(tag, "Key"): query.text(tag, "Value") for tag in told.findall("Tags/member")
            }
            for told in query.child(answer, "TagDescriptions").findall("member")
        }
        defaults = default_groups(drivers, chunk, "VPCId")
        for item, name in zip(chunk, names, strict=True):
            yield _told(item, tags.get(name, {}), defaults)


def _told(item: Element, tags: Mapping[str, str], defaults: set[str]) -> Observation:
    listener = query.child(item, "ListenerDescriptions/member/Listener")
    return Observation(
        external_id=query.text(item, "LoadBalancerName"),
        inputs={
            "port": int(query.text(listener, "LoadBalancerPort")),
            "protocol": query.text(listener, "Protocol").lower(),
            "member_port": int(query.text(listener, "InstancePort")),
            "members": texts(item, "Instances/member/InstanceId"),
            "subnets": texts(item, "Subnets/member"),
            "firewalls": guards(item, defaults),
            "health_check": _told_check(item),
            "labels": labels_of(tags),
        },
        outputs={"address": query.text(item, "DNSName") or None},
        ownership=Ownership.from_tags(tags),
        name=query.text(item, "LoadBalancerName"),
    )


def _told_check(item: Element) -> dict[str, Plain] | None:
    """The health check in the form of the kind's input."""
    check = item.find("HealthCheck")
    if check is None or not query.text(check, "Target"):
        return None
    protocol, _, place = query.text(check, "Target").partition(":")
    port, slash, path = place.partition("/")
    return {
        "protocol": protocol.lower(),
        "port": int(port),
        "path": slash + path or "/",
        "interval": int(query.text(check, "Interval")),
        "timeout": int(query.text(check, "Timeout")),
        "healthy": int(query.text(check, "HealthyThreshold")),
        "unhealthy": int(query.text(check, "UnhealthyThreshold")),
    }
