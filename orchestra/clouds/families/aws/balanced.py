"""What classic load balancers and those of the newer API have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers

LONGEST_NAME: Final = 32

PAGE: Final = 400
"""How many balancers, listeners or target groups a page holds at most."""

TAGGED_AT_ONCE: Final = 20
"""How many balancers one call tells the tags of."""

_GROUPS: Final = "SecurityGroups/member"


def texts(item: Element, path: str) -> list[str]:
    """The different texts at ``path`` below ``item``, sorted."""
    return sorted({found.text or "" for found in item.findall(path)} - {""})


def default_groups(drivers: Drivers, items: Sequence[Element], network: str) -> set[str]:
    """The default security groups of the networks that ``items`` tell at ``network`` and have a single group in."""
    alone = {query.text(item, network) for item in items if len(item.findall(_GROUPS)) == 1} - {""}
    if not alone:
        return set()
    wanted = query.filters({"vpc-id": sorted(alone), "group-name": ["default"]})
    found = query.ec2_items(drivers.ec2, "DescribeSecurityGroups", "securityGroupInfo", wanted, size=1000)
    return {query.text(item, "groupId") for item in found}


def guards(item: Element, defaults: set[str]) -> list[str]:
    """The security groups of ``item``; none if they are what its network has by default."""
    groups = texts(item, _GROUPS)
    return [] if len(groups) == 1 and groups[0] in defaults else groups
