"""Portable choices: the newest image of a system, and the smallest machine type that fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.rest import Item
from orchestra.clouds.sizing import Demand
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs
from orchestra.errors import ChoiceError, NotFoundError
from orchestra.model.values import Plain


@attrs.frozen
class _Published:
    """Where the images of a system are: the project, and what their families are called before and after a version."""

    project: str
    before: str
    x86_64: tuple[str, ...] = ("",)
    arm64: tuple[str, ...] = ("-arm64",)


_PUBLISHED: Final = MappingProxyType(
    {
        "almalinux": _Published("almalinux-cloud", "almalinux-"),
        "centos": _Published("centos-cloud", "centos-stream-"),
        "debian": _Published("debian-cloud", "debian-"),
        "rhel": _Published("rhel-cloud", "rhel-"),
        "rocky": _Published("rocky-linux-cloud", "rocky-linux-"),
        "sles": _Published("suse-cloud", "sles-"),
        "ubuntu": _Published(
            "ubuntu-os-cloud", "ubuntu-", ("-lts-amd64", "-lts", "-amd64", ""), ("-lts-arm64", "-arm64")
        ),
    }
)
"""Google's public images; see https://cloud.google.com/compute/docs/images/os-details."""

_CHEAP: Final = "e2"
"""The series that Google says costs least; see https://cloud.google.com/compute/docs/general-purpose-machines."""

_ARM: Final = ("t2a", "c4a", "n4a", "a4x")
"""Series with another processor: a portable size says nothing of that, and most images are for the usual one."""


def image(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The newest image of ``os``, ``version`` and ``architecture``: what the family of that name stands for now."""
    system, version = str(wanted.get("os")), str(wanted.get("version"))
    architecture = str(wanted.get("architecture") or "x86_64")
    published = _PUBLISHED.get(system)
    for family in _families(published, version, architecture) if published else ():
        try:
            found = drivers.ask("GET", family)
        except Exception as error:
            if not isinstance(translate(error), NotFoundError):
                raise
        else:
            return drivers.places.place(str(found["selfLink"]))
    raise ChoiceError(
        f"Image(os={system!r}, version={version!r}, architecture={architecture!r}): Google publishes no such image",
        remedy="ask for another version, or give the place of an image, such as "
        "'projects/debian-cloud/global/images/family/debian-12'",
    )


def _families(published: _Published, version: str, architecture: str) -> Iterator[str]:
    """The families that may have the image, the likeliest first."""
    number = version.replace(".", "") if published.project == "ubuntu-os-cloud" else version
    ends = published.arm64 if architecture == "arm64" else published.x86_64
    return (f"projects/{published.project}/global/images/family/{published.before}{number}{end}" for end in ends)


def size(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The name of the smallest machine type that has what is asked for: the API tells no prices.

    The series that costs least counts first, then processors, then memory, as these make the price; equal ones go by
    name. Those of the zone where things go that say none are looked through.
    """
    demand = Demand.of(wanted)
    place = f"zones/{drivers.zone()}/machineTypes"
    fitting = [
        (_series(one) != _CHEAP, int(one["guestCpus"]), int(one["memoryMb"]), str(one["name"]))
        for one in drivers.items(place)
        if not one.get("deprecated") and _series(one) not in _ARM and one.get("architecture") != "ARM64"
        if bool(_gpus(one)) == bool(demand.gpus)
        if demand.met_by(cpus=one["guestCpus"], memory_gib=one["memoryMb"] / 1024, gpus=_gpus(one))
    ]
    if not fitting:
        raise ChoiceError(
            f"{demand}: zone {drivers.zone()} has no machine type as large",
            remedy="ask for less, or give the name of a machine type: none has a disk that comes with it",
        )
    return min(fitting)[3]


def _series(item: Item) -> str:
    return str(item["name"]).partition("-")[0]


def _gpus(item: Item) -> int:
    return sum(int(one["guestAcceleratorCount"]) for one in item.get("accelerators") or ())


def chosen(inputs: Inputs, name: str) -> str:
    """The id of a choice."""
    value = inputs.values.get(name)
    return str(value["id"]) if isinstance(value, Mapping) else inputs.text(name)
