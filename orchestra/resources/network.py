"""Networks, subnets, firewalls and floating addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs

from orchestra.errors import DefinitionError
from orchestra.model.fields import input_field, output_field
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.model.values import Value
from orchestra.resources import checks

Protocol: TypeAlias = Literal["tcp", "udp", "icmp", "all"]


@attrs.frozen(kw_only=True)
class Rule:
    """One rule of a firewall; make it with `allow`."""

    protocol: Protocol
    from_port: int | None
    to_port: int | None
    cidr: str | Ref[str] | None = None
    firewall: Firewall | Ref[str] | str | None = None


def allow(
    protocol: Protocol,
    ports: int | tuple[int, int] | None = None,
    *,
    source: str | Ref[str] | Firewall = "0.0.0.0/0",
) -> Rule:
    """A firewall rule that lets traffic through.

    ``ports`` is one port or an inclusive range (first, last); none for ``icmp`` and ``all``. ``source`` is the
    network it comes from (egress: goes to), default everywhere, or a `Firewall`: whatever that one is on.
    Raises `DefinitionError` for ports that make no sense.
    """
    if protocol in ("tcp", "udp"):
        if ports is None:
            raise DefinitionError(f"allow({protocol!r}) needs a port: allow({protocol!r}, 443)")
        first, last = (ports, ports) if isinstance(ports, int) else ports
        span: tuple[int, int] | tuple[None, None] = (first, last)
        if not 0 <= first <= last <= 65535:
            raise DefinitionError(f"allow({protocol!r}, {ports}): ports from 0 to 65535 are needed, the lower first")
    elif ports is not None:
        raise DefinitionError(f"allow({protocol!r}, {ports}): {protocol} has no ports: allow({protocol!r})")
    else:
        span = (None, None)
    if isinstance(source, Firewall):
        return Rule(protocol=protocol, from_port=span[0], to_port=span[1], firewall=source)
    if isinstance(source, str) and "<<orchestra:" not in source and (fault := checks.cidr(source)):
        raise DefinitionError(f"allow({protocol!r}, source={source!r}): {fault}")
    return Rule(protocol=protocol, from_port=span[0], to_port=span[1], cidr=source)


def _sorted_rules(value: Value) -> Value:
    """Rules are a set: sorted, each once. Left alone while a part of one is unknown."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return value
    keyed: dict[str, Value] = {}
    for rule in value:
        if not isinstance(rule, Mapping) or not all(
            item is None or isinstance(item, (str, int)) for item in rule.values()
        ):
            return value
        keyed["|".join(f"{rule.get(name)!s:>5}" for name in sorted(rule))] = dict(rule)
    return [keyed[key] for key in sorted(keyed)]


@attrs.frozen
class AvailabilityZone:
    """One of a region's availability zones, by its number: a spread that every cloud with zones can do.

    They are counted from 0 in order of name, and after the last from the first again: things numbered 0, 1 and 2 are
    in three zones where the region has as many. A cloud's choice is kept when it opens more of them later.
    """

    number: int

    def __attrs_post_init__(self) -> None:
        if self.number < 0:
            raise DefinitionError(f"AvailabilityZone({self.number}): zones are counted from 0")


class Network(Resource, kind="network.Network"):
    """A private network of its own, with a way to the internet unless said otherwise.

    On AWS: a VPC, and for ``internet`` an internet gateway and a default route to it.
    """

    cidr: str | Ref[str] = input_field(
        replace=True, check=checks.cidr, doc="The address range, such as 10.0.0.0/16. AWS: /16 to /28."
    )
    internet: bool = input_field(default=True, doc="Whether it has a gateway and a default route to the internet.")
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )


class Subnet(Resource, kind="network.Subnet", create_before_delete=False):
    """A part of a network's addresses, in one zone.

    Its range can't overlap another's in the same network, so a replacement deletes the old one first.
    """

    network: Network | Ref[str] | str = input_field(replace=True, doc="The network that it is a part of.")
    cidr: str | Ref[str] = input_field(replace=True, check=checks.cidr, doc="The address range, inside the network's.")
    zone: AvailabilityZone | str | Ref[str] | None = input_field(
        default=None,
        replace=True,
        wish=True,
        doc="The availability zone: a portable `AvailabilityZone`, or the name of one of the cloud's own. "
        "Default: the cloud picks one, and it stays.",
    )
    public: bool = input_field(default=True, doc="Whether servers in it get a public address when they don't say.")
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )

    available_zone = output_field(str, doc="The zone that it is in.")


class Firewall(Resource, kind="network.Firewall"):
    """Which traffic may reach, and leave, the servers and balancers it is on. On AWS: a security group."""

    network: Network | Ref[str] | str = input_field(replace=True, doc="The network that it belongs to.")
    description: str = input_field(
        default="Managed by orchestra",
        replace=True,
        check=checks.matches(r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}", "plain text of 1 to 255 characters"),
        doc="What it is for.",
    )
    ingress: Sequence[Rule] = input_field(
        default=(), normalize=_sorted_rules, doc="What may come in, made with `allow`. Default: nothing."
    )
    egress: Sequence[Rule] = input_field(
        factory=lambda: [allow("all")], normalize=_sorted_rules, doc="What may go out. Default: everything."
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )
