"""Portable choices: the newest image of a system, and the smallest flavor that fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.image import is_made_of_a_server
from orchestra.clouds.families.openstack.rest import Item
from orchestra.clouds.sizing import Demand
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain

_ARCHITECTURES: Final = MappingProxyType({"x86_64": ("x86_64", "amd64"), "arm64": ("aarch64", "arm64")})
"""How images spell an architecture."""

_TRUSTED: Final = ("public", "private")
"""Whose images are taken: the operator's and the project's own, not what any other project offers to all."""


def image(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The newest active image of ``os``, ``version`` and ``architecture``.

    One whose properties ``os_distro`` and ``os_version`` say so goes before one whose name does. One that was made of a
    server is left out: nova lets it say the same as the one that the server was made from.
    """
    system, version = str(wanted.get("os")), str(wanted.get("version"))
    architecture = str(wanted.get("architecture") or "x86_64")
    fitting = [
        (_says_so(one, system, version), str(one.get("created_at")), str(one["id"]))
        for one in drivers.items("image", "/v2/images", "images", {"status": "active"})
        if one.get("visibility") in _TRUSTED
        and not is_made_of_a_server(one)
        and _is_for(one, architecture)
        and (_says_so(one, system, version) or _is_named(one, system, version))
    ]
    if not fitting:
        raise ChoiceError(
            f"Image(os={system!r}, version={version!r}, architecture={architecture!r}): no image says so in its "
            f"properties os_distro and os_version, or is named like {system}-{version}",
            remedy="see `openstack image list` for what there is, or give the id of an image",
        )
    return max(fitting)[2]


def _says_so(one: Item, system: str, version: str) -> bool:
    return (str(one.get("os_distro")).lower(), str(one.get("os_version"))) == (system, version)


def _is_named(one: Item, system: str, version: str) -> bool:
    pattern = rf"(?<![a-z0-9]){re.escape(system)}[^a-z0-9]*{re.escape(version)}(?![0-9]|\.[0-9])"
    return one.get("os_distro") is None and bool(re.search(pattern, str(one.get("name")).lower()))


def _is_for(one: Item, architecture: str) -> bool:
    """Whether an image is for ``architecture``: by its property, else by its name; one that tells nothing is x86_64."""
    told = str(one.get("architecture") or one.get("hw_architecture") or "").lower()
    if not told:
        name = str(one.get("name")).lower()
        told = next((word for words in _ARCHITECTURES.values() for word in words if word in name), "x86_64")
    return told in _ARCHITECTURES.get(architecture, ())


def size(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The name of the smallest flavor that has what is asked for: OpenStack knows no prices.

    Memory counts first, then processors, then the disk; equal ones go by name. Flavors without a disk are left out:
    a server with such a one can't be started from an image.
    """
    demand = Demand.of(wanted)
    fitting = [
        (int(one["ram"]), int(one["vcpus"]), int(one["disk"]), str(one["name"]))
        for one in flavors(drivers)
        if one["disk"] > 0 and demand.met_by(cpus=one["vcpus"], memory_gib=one["ram"] / 1024, disk_gib=one["disk"])
    ]
    if not fitting:
        raise ChoiceError(
            f"{demand}: no flavor is known to be as large",
            remedy="ask for less, or give the name of a flavor: projects aren't told which have graphics processors",
        )
    return min(fitting)[3]


def flavors(drivers: Drivers) -> Iterator[Item]:
    """The flavors that the project may use."""
    return drivers.items("compute", "/flavors/detail", "flavors")


def flavor_id(drivers: Drivers, name: str) -> str:
    """The id of the flavor ``name``; ``name`` itself if there is none, which nova then refuses."""
    if name not in drivers.flavors:
        drivers.flavors.update((str(one["name"]), str(one["id"])) for one in flavors(drivers))
    return drivers.flavors.get(name, name)
