"""Portable choices: the newest template of a system, and the smallest service offering that fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.sizing import Demand
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain

_ARCHITECTURES: Final = MappingProxyType({"x86_64": ("x86_64", "amd64", "x64"), "arm64": ("aarch64", "arm64")})
"""How templates spell an architecture."""

_FILTERS: Final = ("featured", "community")
"""Whose templates are taken: those that the operator features, then the public ones that others share."""


def image(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The newest ready template of ``os``, ``version`` and ``architecture``, of the featured ones if there is any.

    What it is stands in its name, or else in that of its kind of operating system, such as
    ``Debian GNU/Linux 12 (64-bit)``. A point release is one of its version: ``12.5`` of 12.
    """
    system, version = str(wanted.get("os")), str(wanted.get("version"))
    architecture = str(wanted.get("architecture") or "x86_64")
    for whose in _FILTERS:
        offered = drivers.items("listTemplates", "template", templatefilter=whose, zoneid=drivers.zone_id)
        ready = [one for one in offered if one.get("isready") and _is_for(one, architecture)]
        for field in ("name", "ostypename"):
            fitting = [one for one in ready if _names(str(one.get(field) or ""), system, version)]
            if fitting:
                return max((str(one.get("created")), str(one["id"])) for one in fitting)[1]
    raise ChoiceError(
        f"Image(os={system!r}, version={version!r}, architecture={architecture!r}): no template that is featured or "
        f"public in {drivers.zone_name} is named so, or is of such an operating system",
        remedy="give the id of a template: cloudmonkey's `list templates templatefilter=all` shows them",
    )


def _names(text: str, system: str, version: str) -> bool:
    pattern = rf"(?<![a-z0-9]){re.escape(system)}(?![a-z])([^0-9]*[^0-9.])?{re.escape(version)}(?![0-9])"
    return bool(re.search(pattern, text.lower()))


def _is_for(one: Item, architecture: str) -> bool:
    """Whether a template is for ``architecture``: by its field, else by its names; else it is of x86 with 64 bits."""
    told = str(one.get("arch") or "").lower()
    if not told:
        words = f"{one.get('name')} {one.get('ostypename')}".lower()
        if "32-bit" in words:
            return False
        told = next((word for names in _ARCHITECTURES.values() for word in names if word in words), "x86_64")
    return told in _ARCHITECTURES.get(architecture, ())


def size(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The name of the smallest service offering that has what is asked for: CloudStack knows no prices.

    Memory counts first, then processors, then the disk; equal ones go by name. Offerings that leave the numbers to the
    user are left out. The disk is that of the offering's own root disk; without one it is as large as the template.
    """
    demand = Demand.of(wanted)
    fitting = [
        (int(one["memory"]), int(one["cpunumber"]), _disk(one), str(one["name"]))
        for one in _offerings(drivers)
        if demand.met_by(cpus=one["cpunumber"], memory_gib=one["memory"] / 1024, disk_gib=_disk(one))
    ]
    if not fitting:
        raise ChoiceError(
            f"{demand}: no service offering is as large",
            remedy="ask for less, or give the name of an offering: which have graphics processors isn't told",
        )
    return min(fitting)[3]


def _offerings(drivers: Drivers) -> Iterator[Item]:
    offered = drivers.items("listServiceOfferings", "serviceoffering")
    return (one for one in offered if not one.get("iscustomized") and one.get("memory") and one.get("cpunumber"))


def _disk(one: Item) -> int:
    return int(one.get("rootdisksize") or 0)
