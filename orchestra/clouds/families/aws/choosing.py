"""Portable choices: the newest image of a publisher, and the cheapest size that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from orchestra.clouds import zoning
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.sizing import GB_IN_GIB, Demand
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain


@attrs.frozen(kw_only=True)
class _Publisher:
    """Who publishes the images of an operating system.

    ``owner`` is the publisher's account on AWS, ``name`` the names that images have, with the version, its part
    before the first dot, and the architecture as the publisher spells it.
    """

    os: str
    owner: str
    name: str
    architectures: Mapping[str, str]
    source: str


_DEBIAN_STYLE: Final = (("x86_64", "amd64"), ("arm64", "arm64"))
_FEDORA_STYLE: Final = (("x86_64", "x86_64"), ("arm64", "aarch64"))
_AWS_STYLE: Final = (("x86_64", "x86_64"), ("arm64", "arm64"))

_PUBLISHERS: Final = tuple(
    _Publisher(os=os, owner=owner, name=name, architectures=dict(architectures), source=source)
    for os, owner, name, architectures, source in (
        (
            "debian",
            "136693071363",
            "debian-{version}-{architecture}-*",
            _DEBIAN_STYLE,
            "https://wiki.debian.org/Cloud/AmazonEC2Image",
        ),
        (
            "ubuntu",
            "099720109477",
            "ubuntu/images/hvm-ssd*/ubuntu-*-{version}-{architecture}-server-*",
            _DEBIAN_STYLE,
            "https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/",
        ),
        (
            "amazon-linux",
            "137112412989",
            "al{version}-ami-{version}.*-kernel-*-{architecture}",
            _AWS_STYLE,
            "https://docs.aws.amazon.com/linux/al2023/ug/naming-and-versioning.html",
        ),
        (
            "rhel",
            "309956199498",
            "RHEL-{version}.*_HVM-*-{architecture}-*-Hourly2-GP*",
            _AWS_STYLE,
            "https://access.redhat.com/solutions/15356",
        ),
        (
            "alma",
            "764336703387",
            "AlmaLinux OS {version}.* {architecture}*",
            _FEDORA_STYLE,
            "https://wiki.almalinux.org/cloud/AWS.html",
        ),
        (
            "rocky",
            "792107900819",
            "Rocky-{major}-EC2-Base-{version}*.{architecture}",
            _FEDORA_STYLE,
            "https://rockylinux.org/download",
        ),
        (
            "fedora",
            "125523088429",
            "Fedora-Cloud-Base-AmazonEC2.{architecture}-{version}-*",
            _FEDORA_STYLE,
            "https://fedoraproject.org/cloud/download",
        ),
    )
)
"""Owner and names as the publishers document them, each with where."""


def image(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The newest available image of ``os``, ``version`` and ``architecture``, published by who makes that system."""
    system, version = str(wanted.get("os")), str(wanted.get("version"))
    architecture = str(wanted.get("architecture") or "x86_64")
    said = f"Image(os={system!r}, version={version!r}, architecture={architecture!r})"
    publisher = next((one for one in _PUBLISHERS if one.os == system), None)
    if publisher is None:
        raise ChoiceError(
            f"{said}: no publisher of {system} on AWS is known",
            remedy=f"use one of {', '.join(one.os for one in _PUBLISHERS)}, or the id of an image: ami-…",
        )
    name = publisher.name.format(
        version=version, major=version.partition(".")[0], architecture=publisher.architectures.get(architecture, "-")
    )
    fields = query.filters({"name": [name], "architecture": [architecture], "state": ["available"]})
    found = query.ec2_items(drivers.ec2, "DescribeImages", "imagesSet", {"Owner.1": publisher.owner}, fields, size=1000)
    newest = max(((query.text(item, "creationDate"), query.text(item, "imageId")) for item in found), default=None)
    if newest is None or "*" in version or "?" in version:
        raise ChoiceError(
            f"{said}: account {publisher.owner} publishes no image named {name} in {drivers.region}",
            remedy=f"see {publisher.source} for what there is, or give the id of an image: ami-…",
        )
    return newest[1]


def zone(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The availability zone of the region with the number that is wanted; local and wavelength zones don't count."""
    fields = query.filters({"state": ["available"], "zone-type": ["availability-zone"]})
    found = query.ec2_items(drivers.ec2, "DescribeAvailabilityZones", "availabilityZoneInfo", {}, fields)
    return zoning.zone((query.text(item, "zoneName") for item in found), wanted, drivers.region)


def size(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The cheapest x86_64 instance type with at least ``cpus`` and ``memory_gib``, instance storage and GPUs if asked.

    Types of the current generation for general purposes go first; the others count only if none of those fits.
    Prices are those of Libcloud's table for Linux in the region; a type whose price it doesn't know counts as dearer
    than all others. Equal ones go by name.
    """
    demand = Demand.of(wanted)
    known = drivers.ec2.list_sizes()
    if not known:
        raise ChoiceError(
            f"{demand}: Libcloud knows no instance types of {drivers.region}",
            remedy="give the name of one, such as t3.medium",
        )
    fitting = [one for one in known if _is_x86(one) and _meets(one, demand)]
    for tier in _TIERS:
        if best := _cheapest([one for one in fitting if tier(one)]):
            return best
    raise ChoiceError(
        f"{demand}: {drivers.region} has no instance type as large",
        remedy="ask for less, or spread the work over several servers",
    )


def _meets(one: Any, demand: Demand) -> bool:
    return demand.met_by(
        cpus=int(one.extra.get("vcpu") or 0),
        memory_gib=one.ram / 1024,
        disk_gib=(one.disk or 0) * GB_IN_GIB,
        gpus=int(one.extra.get("gpu") or 0),
    )


def _is_x86(one: Any) -> bool:
    processor = str(one.extra.get("physicalProcessor"))
    return "Graviton" not in processor and "Apple" not in processor


def _is_current(one: Any) -> bool:
    return bool(one.extra.get("currentGeneration") == "Yes")


def _is_general(one: Any) -> bool:
    return bool(one.extra.get("instanceFamily") == "General purpose")


_TIERS: Final[tuple[Callable[[Any], bool], ...]] = (
    lambda one: _is_current(one) and _is_general(one),
    _is_current,
    lambda _: True,
)


def _cheapest(sizes: Sequence[Any]) -> str:
    best = min(sizes, key=lambda one: (not one.price, one.price or 0.0, one.id), default=None)
    return str(best.id) if best is not None else ""
