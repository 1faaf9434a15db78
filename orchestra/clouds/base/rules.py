"""The rules of firewalls, as families compare what is wanted with what is there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from orchestra.model.values import Plain
from orchestra.resources.network import Firewall


@attrs.frozen(order=True)
class FirewallRule:
    """One rule: what a `orchestra.resources.network.Rule` says, in plain."""

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str | None
    firewall: str | None


def wanted_rule(rule: Mapping[str, Plain]) -> FirewallRule:
    """A rule of the inputs."""
    said: dict[str, Any] = {field.name: rule.get(field.name) for field in attrs.fields(FirewallRule)}
    return FirewallRule(**said)


def told_rules(rules: Iterable[FirewallRule], name: str) -> Plain:
    """Rules in the form and order of the input ``name`` of the kind."""
    plain: list[Plain] = [attrs.asdict(rule) for rule in rules]
    normalize = Firewall.kind.inputs[name].normalize
    return normalize(plain) if normalize else plain  # type: ignore[return-value]
