"""Application and network load balancers of Terraform's provider for AWS: a LoadBalancer is three types there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.errors import DefinitionError
from orchestra.migrate.mapping import first
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain

BALANCERS: Final = ("aws_lb", "aws_alb")
LISTENERS: Final = ("aws_lb_listener", "aws_alb_listener")
GROUPS: Final = ("aws_lb_target_group", "aws_alb_target_group")
ATTACHMENTS: Final = ("aws_lb_target_group_attachment", "aws_alb_target_group_attachment")

_ANY_ANSWER: Final = "200-499"
"""What a check over HTTP matches that only looks whether there is an answer."""
_CHECK: Final = MappingProxyType(
    {"interval": "interval", "timeout": "timeout", "healthy": "healthy_threshold", "unhealthy": "unhealthy_threshold"}
)


def _listener(one: Instance, world: World) -> Instance:
    """The only listener of a balancer."""
    found = [other for other in world.of(*LISTENERS, load_balancer_arn=one.get("arn")) if not other.is_read]
    if len(found) != 1:
        raise DefinitionError(f"it has {len(found)} listeners in the state, and a LoadBalancer has one")
    return found[0]


def _forwarded(listener: Instance) -> str:
    """The only target group that a listener forwards to."""
    actions = listener.blocks("default_action")
    action: Mapping[str, Any] = first(actions)
    weighed = [group for block in action.get("forward") or () for group in block.get("target_group") or ()]
    group = action.get("target_group_arn") or (weighed[0].get("arn") if len(weighed) == 1 else None)
    if len(actions) != 1 or action.get("type") != "forward" or not group or len(weighed) > 1:
        raise DefinitionError("its listener does more than to forward to one target group, and a LoadBalancer doesn't")
    return str(group)


def _group(one: Instance, world: World) -> Instance:
    arn = _forwarded(_listener(one, world))
    group = next(world.of(*GROUPS, arn=arn), None)
    if group is None:
        raise DefinitionError("the target group that it forwards to isn't in the state")
    if group.text("target_type") not in ("", "instance"):
        raise DefinitionError(f"its targets are of the type {group.text('target_type')}, and a LoadBalancer's servers")
    return group


def external_id(one: Instance, world: World) -> Plain:
    """The ARN."""
    if one.text("load_balancer_type") not in ("", "application", "network"):
        raise DefinitionError(f"it is of the type {one.text('load_balancer_type')}, and a LoadBalancer isn't")
    _group(one, world)
    return one.text("arn") or None


def port(one: Instance, world: World) -> Plain:
    """The port that it listens on."""
    value: Plain = _listener(one, world).get("port")
    return value


def protocol(one: Instance, world: World) -> Plain:
    """What it speaks."""
    return _listener(one, world).text("protocol").lower() or None


def member_port(one: Instance, world: World) -> Plain:
    """The port on its members."""
    value: Plain = _group(one, world).get("port")
    return value


def members(one: Instance, world: World) -> Plain:
    """The servers that are registered with its target group."""
    group = _group(one, world)
    attached = list(world.of(*ATTACHMENTS, target_group_arn=group.get("arn")))
    for other in attached:
        if other.get("port") not in (None, group.get("port")):
            raise DefinitionError("its members listen on different ports, and a LoadBalancer's don't")
    return [*sorted({other.text("target_id") for other in attached})]


def subnets(one: Instance) -> Plain:
    """Where it listens."""
    mapped = [str(block.get("subnet_id")) for block in one.blocks("subnet_mapping") if block.get("subnet_id")]
    return [*sorted({*one.texts("subnets"), *mapped})]


def health_check(one: Instance, world: World) -> Plain:
    """How its target group checks members; the port is the members' own unless another is named."""
    group = _group(one, world)
    check = first(group.blocks("health_check"))
    if not check:
        return None
    said = str(check.get("protocol") or "").lower()
    place = check.get("port")
    return {
        "protocol": "tcp" if said == "http" and check.get("matcher") == _ANY_ANSWER else said,
        "port": group.get("port") if place in (None, "", "traffic-port") else int(str(place)),
        "path": check.get("path") or "/",
        **{ours: check.get(theirs) for ours, theirs in _CHECK.items()},
    }


def _balanced(world: World) -> Iterator[tuple[Instance, Instance]]:
    """The listeners and target groups of balancers that are taken over."""
    for balancer in world.of(*BALANCERS):
        if not balancer.is_read:
            try:
                yield _listener(balancer, world), _group(balancer, world)
            except DefinitionError:
                continue  # it is left out itself, with that reason


def is_part(one: Instance, world: World) -> bool:
    """Whether it is the listener or the target group of a balancer, or a member of that."""
    arn = one.get("target_group_arn" if one.type in ATTACHMENTS else "arn")
    return any(
        arn in (listener.get("arn"), group.get("arn")) for listener, group in _balanced(world) if arn is not None
    )
