"""Application and network load balancers. Each takes several requests to make; its external id is its ARN.

The load balancer is made first, so that whatever a crash leaves can be found by its name and tags, and is deleted
first, which deletion protection may refuse with nothing lost. What then remains of it, its target group, is told as a
load balancer that has failed: the next deletion takes it away.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element

import attrs

from orchestra.clouds.base.balancing import member_port, wanted_check, with_check
from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.families.aws import assembled, query
from orchestra.clouds.families.aws.assembled import ANY_ANSWER, Assembled, told_check
from orchestra.clouds.families.aws.balanced import LONGEST_NAME
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.finishing import just_made
from orchestra.clouds.families.aws.firewall import default_group
from orchestra.clouds.families.aws.tags import labels_in, labels_of, tags_of
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, InvalidRequestError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources.balancing import LoadBalancer

_TYPES: Final = MappingProxyType({"http": "application", "tcp": "network"})
_GONE: Final = "its load balancer is gone, the target group is still there"


class ElbV2Calls(Calls[Drivers]):
    """An application load balancer for http, a network load balancer for tcp; named after the token."""

    kind = "balancing.LoadBalancer"
    found_by = FoundBy.NAME
    found_key = "Name, with the tag orchestra:token"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. AWS takes a second request of one name with the same settings for the first."""
        name, tags = _name(owner), tags_of(owner, inputs)
        try:
            answer = query.elbv2(driver.elbv2, "CreateLoadBalancer", {"Name": name}, _shape(driver, inputs, tags))
            whole = Assembled(balancer=query.child(answer, "LoadBalancers/member"), tags=tags)
        except Exception as error:
            whole = _made_before(driver, owner, error)
        with just_made(f"load balancer {name}"):
            _assemble(driver, whole, inputs, {"health_check"})
        found = assembled.told(whole, set())
        made: dict[str, Plain] = {
            "port": inputs.integer("port"),
            "protocol": inputs.text("protocol"),
            "member_port": member_port(inputs),
            "members": sorted(set(inputs.texts("members"))),
            "firewalls": sorted(set(inputs.texts("firewalls"))),
            "health_check": wanted_check(inputs),
        }
        return attrs.evolve(found, inputs={**found.inputs, **made})

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: a list of all, for asking by name refuses everything when one of them is gone."""
        wanted = frozenset(ids)
        items = (one for one in assembled.all_balancers(driver) if query.text(one, "LoadBalancerArn") in wanted)
        return assembled.observations(driver, items)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        try:
            return assembled.observation(driver, assembled.find_by(driver, "LoadBalancerArns", external_id))
        except Exception as error:
            if not isinstance(translate(error), NotFoundError):
                raise
            if assembled.own_group(driver, _name_in(external_id)) is None:
                raise
        return Observation(external_id=external_id, status=Status.FAILED, detail=_GONE, name=_name_in(external_id))

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name and the token's tag. What a crash left half-way is pending."""
        found = assembled.observation(driver, assembled.find_by(driver, "Names", _name(owner)))
        if not found.ownership or found.ownership.token != owner.token:
            return None
        return unless_unfinished(found, LoadBalancer.kind, with_check(inputs), ("members", "health_check"))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: parts that are missing are made again."""
        balancer = assembled.find_by(driver, "LoadBalancerArns", external_id)
        tags = assembled.tags_of_all(driver, [external_id]).get(external_id, {})
        whole = assembled.assembled(driver, balancer, tags)
        if not whole.is_whole and not assembled.is_own(tags, whole.name):
            raise InvalidRequestError(
                f"load balancer {whole.name} has no listener that forwards to a target group, and wasn't made here",
                remedy="give it one where it was made, or replace it: plan(replace=[…])",
            )
        _assemble(driver, whole, update.after, update.changed)
        if "firewalls" in update.changed:
            groups = update.after.texts("firewalls") or [default_group(driver, query.text(balancer, "VpcId"))]
            query.elbv2(
                driver.elbv2,
                "SetSecurityGroups",
                {"LoadBalancerArn": external_id},
                query.numbered("SecurityGroups.member", groups),
            )
        _relabel(driver, external_id, labels_of(tags), update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. Its listeners go with it; one that is gone already is deleted again without an error."""
        query.elbv2(driver.elbv2, "DeleteLoadBalancer", {"LoadBalancerArn": external_id})
        group = assembled.own_group(driver, _name_in(external_id))
        if group is not None:
            query.elbv2(driver.elbv2, "DeleteTargetGroup", {"TargetGroupArn": query.text(group, "TargetGroupArn")})

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return assembled.observations(driver, assembled.all_balancers(driver))


def _name(owner: Ownership) -> str:
    """The name of what ``owner`` makes. AWS keeps names that begin with ``internal-`` to itself."""
    return owner.name(LONGEST_NAME).removeprefix("internal-")


def _name_in(arn: str) -> str:
    """The name in an ARN: ``…:loadbalancer/app/name/50dc6c495c0c9188``."""
    return arn.rsplit("/", 2)[-2] if arn.count("/") > 1 else ""


def _shape(drivers: Drivers, inputs: Inputs, tags: Mapping[str, str]) -> dict[str, str]:
    """What a load balancer is made with.

    A network load balancer that was made without security groups can't be given any later, so it gets its network's
    default one, as AWS gives it to an application load balancer.
    """
    kind = _TYPES[inputs.text("protocol")]
    groups, subnets = inputs.texts("firewalls"), inputs.texts("subnets")
    if not groups and kind == "network":
        asked = query.numbered("SubnetId", subnets[:1])
        for subnet in query.ec2_items(drivers.ec2, "DescribeSubnets", "subnetSet", asked):
            groups = [default_group(drivers, query.text(subnet, "vpcId"))]
    return {
        "Type": kind,
        "Scheme": "internet-facing",
        **query.numbered("Subnets.member", subnets),
        **query.numbered("SecurityGroups.member", groups),
        **query.pairs("Tags.member", tags),
    }


def _made_before(drivers: Drivers, owner: Ownership, error: Exception) -> Assembled:
    """What the token made earlier, after a creation was refused as a duplicate; else raises ``error`` again."""
    if not isinstance(translate(error), ConflictError):
        raise error
    balancer = assembled.find_by(drivers, "Names", _name(owner))
    arn = query.text(balancer, "LoadBalancerArn")
    tags = assembled.tags_of_all(drivers, [arn]).get(arn, {})
    if Ownership.from_tags(tags) != owner:
        raise error
    return assembled.assembled(drivers, balancer, tags)


def _assemble(drivers: Drivers, whole: Assembled, inputs: Inputs, changed: frozenset[str] | set[str]) -> None:
    """Make what is missing of ``whole``, and bring its members and, where it has ``changed``, its health check."""
    group = whole.group
    if group is None:
        group = _make_group(drivers, whole, inputs)
    elif "health_check" in changed and told_check(group) != wanted_check(inputs):
        arn = {"TargetGroupArn": query.text(group, "TargetGroupArn")}
        query.elbv2(drivers.elbv2, "ModifyTargetGroup", arn, _check(inputs))
    if not whole.is_whole:
        _connect(drivers, whole, query.text(group, "TargetGroupArn"), inputs)
    _set_members(drivers, query.text(group, "TargetGroupArn"), set(whole.members), set(inputs.texts("members")))


def _make_group(drivers: Drivers, whole: Assembled, inputs: Inputs) -> Element:
    try:
        answer = query.elbv2(
            drivers.elbv2,
            "CreateTargetGroup",
            {
                "Name": whole.name,
                "Protocol": inputs.text("protocol").upper(),
                "Port": str(member_port(inputs)),
                "VpcId": query.text(whole.balancer, "VpcId"),
                "TargetType": "instance",
            },
            _check(inputs),
            query.pairs("Tags.member", whole.tags_of_parts),
        )
    except Exception as error:
        known = assembled.own_group(drivers, whole.name) if isinstance(translate(error), ConflictError) else None
        if known is None:
            raise
        return known
    return query.child(answer, "TargetGroups/member")


def _check(inputs: Inputs) -> dict[str, str]:
    """The health check of a target group.

    Application load balancers can't only connect: there, any answer counts but one that tells of an error of the
    server.
    """
    check = wanted_check(inputs)
    only_connects = check["protocol"] == "tcp"
    fields = {
        "HealthCheckProtocol": "TCP" if only_connects and inputs.text("protocol") == "tcp" else "HTTP",
        "HealthCheckPort": str(check["port"]),
        "HealthCheckIntervalSeconds": str(check["interval"]),
        "HealthCheckTimeoutSeconds": str(check["timeout"]),
        "HealthyThresholdCount": str(check["healthy"]),
        "UnhealthyThresholdCount": str(check["unhealthy"]),
    }
    if fields["HealthCheckProtocol"] == "HTTP":
        fields["HealthCheckPath"] = str(check["path"])
        fields["Matcher.HttpCode"] = ANY_ANSWER if only_connects else "200-299"
    return fields


def _connect(drivers: Drivers, whole: Assembled, group: str, inputs: Inputs) -> None:
    """Have what comes in on the port forwarded to ``group``: by the listener that is there, or by a new one."""
    port = str(inputs.integer("port"))
    action = {"DefaultActions.member.1.Type": "forward", "DefaultActions.member.1.TargetGroupArn": group}
    for listener in assembled.listeners(drivers, whole.arn) if whole.listener is not None else ():
        if query.text(listener, "Port") == port:
            arn = {"ListenerArn": query.text(listener, "ListenerArn")}
            query.elbv2(drivers.elbv2, "ModifyListener", arn, action)
            return
    query.elbv2(
        drivers.elbv2,
        "CreateListener",
        {"LoadBalancerArn": whole.arn, "Port": port, "Protocol": inputs.text("protocol").upper()},
        action,
        query.pairs("Tags.member", whole.tags_of_parts),
    )


def _set_members(drivers: Drivers, group: str, there: set[str], wanted: set[str]) -> None:
    for action, members in (("RegisterTargets", wanted - there), ("DeregisterTargets", there - wanted)):
        if members:
            fields = {f"Targets.member.{index}.Id": one for index, one in enumerate(sorted(members), start=1)}
            query.elbv2(drivers.elbv2, action, {"TargetGroupArn": group}, fields)


def _relabel(drivers: Drivers, arn: str, had: Mapping[str, str], inputs: Inputs) -> None:
    wanted = labels_in(inputs)
    balancer = query.numbered("ResourceArns.member", [arn])
    fresh = {key: value for key, value in wanted.items() if had.get(key) != value}
    if fresh:
        query.elbv2(drivers.elbv2, "AddTags", balancer, query.pairs("Tags.member", fresh))
    stale = sorted(had.keys() - wanted.keys())
    if stale:
        query.elbv2(drivers.elbv2, "RemoveTags", balancer, query.numbered("TagKeys.member", stale))
