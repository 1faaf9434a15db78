"""Load balancers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from orchestra.errors import DefinitionError
from orchestra.model.fields import input_field, output_field
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.resources import checks
from orchestra.resources.compute import Server
from orchestra.resources.network import Firewall, Subnet


@attrs.frozen(kw_only=True)
class HealthCheck:
    """How a balancer tells whether a member is well.

    ``protocol`` ``http`` asks for ``path`` and wants a 2xx answer, ``tcp`` only connects. ``interval`` and
    ``timeout`` are in seconds, ``healthy`` and ``unhealthy`` are how many answers in a row change the verdict.
    """

    protocol: Literal["tcp", "http"] = "tcp"
    port: int
    path: str = "/"
    interval: int = 30
    timeout: int = 5
    healthy: int = 3
    unhealthy: int = 2

    def __attrs_post_init__(self) -> None:
        faults = [
            f"{name}={value}: {low} to {high} is needed"
            for name, value, low, high in (
                ("port", self.port, 1, 65535),
                ("interval", self.interval, 5, 300),
                ("timeout", self.timeout, 2, 60),
                ("healthy", self.healthy, 2, 10),
                ("unhealthy", self.unhealthy, 2, 10),
            )
            if not low <= value <= high
        ]
        if self.timeout >= self.interval:
            faults.append(f"timeout={self.timeout}: less than the interval of {self.interval} s is needed")
        if not self.path.startswith("/"):
            faults.append(f"path={self.path!r}: a path that starts with / is needed")
        if faults:
            raise DefinitionError("HealthCheck: " + "; ".join(faults), faults=faults)


class LoadBalancer(Resource, kind="balancing.LoadBalancer", create_seconds=90.0):
    """Spreads connections over servers. Which of AWS's load balancers it is there, ``clouds.aws(balancers=…)`` says."""

    port: int = input_field(replace=True, check=checks.between(1, 65535), doc="The port that it listens on.")
    protocol: Literal["tcp", "http"] = input_field(
        default="tcp", replace=True, doc="What it speaks: tcp passes bytes through, http adds X-Forwarded-For."
    )
    member_port: int | None = input_field(
        default=None, replace=True, check=checks.between(1, 65535), doc="The port on the members. Default: ``port``."
    )
    members: Sequence[Server | Ref[str] | str] = input_field(
        default=(), normalize=checks.sorted_texts, doc="The servers behind it."
    )
    subnets: Sequence[Subnet | Ref[str] | str] = input_field(
        default=(),
        replace=True,
        normalize=checks.sorted_texts,
        doc="Where it listens: at most one subnet a zone; needed where the cloud puts balancers into subnets. "
        "Default: none.",
    )
    firewalls: Sequence[Firewall | Ref[str] | str] = input_field(
        default=(), normalize=checks.sorted_texts, doc="What guards it. Default: the network's own default."
    )
    health_check: HealthCheck | None = input_field(
        default=None, doc="How members are checked. Default: a TCP connection to the member port every 30 s."
    )
    labels: Mapping[str, str | Ref[str]] = input_field(
        factory=dict, check=checks.labels, doc="Your own tags on it: keys and values."
    )

    address = output_field(str, doc="The host name or address that clients connect to.")
