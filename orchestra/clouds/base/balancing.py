"""What load balancers are asked for, where nothing is said of it. Pure."""

from __future__ import annotations

import attrs

from orchestra.contracts import Inputs
from orchestra.model.values import Plain
from orchestra.resources.balancing import HealthCheck


def member_port(inputs: Inputs) -> int:
    """The port on the members; by default the one that the balancer listens on."""
    return inputs.integer("member_port", inputs.integer("port"))


def wanted_check(inputs: Inputs) -> dict[str, Plain]:
    """The health check asked for; by default a connection to the members' port."""
    said = inputs.mapping("health_check")
    return attrs.asdict(HealthCheck(port=member_port(inputs))) | dict(said)


def with_check(inputs: Inputs) -> Inputs:
    """``inputs`` with the health check that they come to."""
    return Inputs({**inputs.values, "health_check": wanted_check(inputs)})
