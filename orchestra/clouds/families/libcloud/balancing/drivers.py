"""Which load balancing drivers are served, and why others aren't."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.clouds.base.compute.balancers import LoadBalancerCalls
from orchestra.clouds.base.compute.traits import Access, Balancers
from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.families.libcloud.balancing.brightbox import BALANCERS as BRIGHTBOX
from orchestra.clouds.families.libcloud.balancing.brightbox import BrightboxDriver
from orchestra.clouds.provider import Calls


@attrs.frozen(kw_only=True)
class Balanced:
    """What a driver's base API doesn't tell of it; ``driver`` is used in place of Libcloud's own."""

    balancers: Balancers
    driver: type
    terms: Terms = attrs.field(factory=Terms)


BALANCED: Final[Mapping[str, Balanced]] = MappingProxyType(
    {"brightbox": Balanced(balancers=BRIGHTBOX, driver=BrightboxDriver)}
)
"""What is served, by Libcloud's constant."""

_AWS: Final = "AWS has a family of its own, which does it as a whole: use oc.clouds.aws"
_NODES: Final = (
    "its create_balancer sends several requests, and the nodes that it makes on the way are named after addresses: "
    "nothing tells whose they are"
)

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alb": f"{_AWS}(balancers='elbv2')",
        "aliyun_slb": "its create_balancer sends several requests, and deletes what it made if an answer is lost",
        "cloudstack": "CloudStack has a family of its own: use oc.clouds.cloudstack",
        "dimensiondata": _NODES,
        "elb": _AWS,
        "gce": "Google has a family of its own: use oc.clouds.gce",
        "ninefold": "Ninefold has shut down",
        "nttcis": _NODES,
        "rackspace": "its members are addresses with ports: which a server has there, nothing here tells",
    }
)
"""Why others aren't: nothing may be lost or made twice, and with these something could be."""


def calls_of(provider: str) -> tuple[Calls[LibcloudDriver], ...]:
    """The calls of each kind that the load balancing driver ``provider`` can serve."""
    return (LoadBalancerCalls(BALANCED[provider].balancers),) if provider in BALANCED else ()


def terms_of(provider: str) -> Terms:
    """What the calls for ``provider`` take beside its driver."""
    return BALANCED[provider].terms if provider in BALANCED else Terms()


def ask(access: Access) -> object:
    """One call that wrong credentials fail."""
    return list(BALANCED[access.provider].balancers.all(access))
