"""Tags: ownership and labels, from and to AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.contracts import Inputs, Ownership, is_ownership_tag

_NAME: Final = "Name"


def tags_of(owner: Ownership, inputs: Inputs) -> dict[str, str]:
    """The tags of a new resource: whose it is, a name for AWS's console, and the user's labels."""
    return {**owner.tags(), _NAME: f"{owner.deployment}/{owner.address}"[:256], **labels_in(inputs)}


def labels_in(inputs: Inputs) -> dict[str, str]:
    """The user's labels."""
    return {key: str(value) for key, value in sorted(inputs.mapping("labels").items())}


def labels_of(tags: Mapping[str, str]) -> dict[str, str]:
    """The labels among ``tags``: neither ours nor AWS's own."""
    return {
        key: value
        for key, value in sorted(tags.items())
        if not is_ownership_tag(key) and not key.startswith("aws:") and key != _NAME
    }


def name_in(tags: Mapping[str, str]) -> str:
    """What people call it: the tag that AWS's console shows as its name."""
    return tags.get(_NAME, "")


def tags_in(item: Element, container: str = "tagSet") -> dict[str, str]:
    """The tags that EC2 tells of ``item``."""
    return {query.text(tag, "key"): query.text(tag, "value") for tag in item.findall(f"{container}/item")}


def relabel(drivers: Drivers, external_id: str, current: Mapping[str, str], inputs: Inputs) -> None:
    """Bring the labels among the ``current`` tags to those in ``inputs``."""
    wanted = labels_in(inputs)
    had = labels_of(current)
    resource = query.numbered("ResourceId", [external_id])
    fresh = {key: value for key, value in wanted.items() if had.get(key) != value}
    if fresh:
        query.ec2(drivers.ec2, "CreateTags", resource, query.pairs("Tag", fresh))
    stale = sorted(had.keys() - wanted.keys())
    if stale:
        query.ec2(drivers.ec2, "DeleteTags", resource, query.numbered_keys("Tag", stale))
