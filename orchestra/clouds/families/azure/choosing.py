"""Portable choices: the newest version of a publisher's image, the cheapest size that fits, a zone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from libcloud.pricing import get_size_price

from orchestra.clouds import zoning
from orchestra.clouds.base.tolerance import if_there
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.account import place_name
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.sizing import Demand
from orchestra.errors import ChoiceError, InvalidRequestError
from orchestra.model.values import Plain

_price: Final[Any] = get_size_price


@attrs.frozen(kw_only=True)
class _Publisher:
    """Who publishes the images of an operating system, of the second generation of machines.

    ``offer`` and ``sku`` are theirs, with the version in them, as it is or with ``_`` for its dots (``under``).
    """

    os: str
    versions: tuple[str, ...] = ()
    """Those that this is about; none: any."""
    architecture: str = "x86_64"
    publisher: str
    offer: str
    sku: str


_JAMMY: Final = ("22.04",)
_FOCAL: Final = ("20.04",)

_PUBLISHERS: Final = tuple(
    _Publisher(os=os, versions=versions, architecture=architecture, publisher=publisher, offer=offer, sku=sku)
    for os, versions, architecture, publisher, offer, sku in (
        ("debian", (), "x86_64", "Debian", "debian-{version}", "{version}-gen2"),
        ("debian", (), "arm64", "Debian", "debian-{version}", "{version}-arm64"),
        ("ubuntu", _JAMMY, "x86_64", "Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"),
        ("ubuntu", _JAMMY, "arm64", "Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-arm64"),
        ("ubuntu", _FOCAL, "x86_64", "Canonical", "0001-com-ubuntu-server-focal", "20_04-lts-gen2"),
        ("ubuntu", _FOCAL, "arm64", "Canonical", "0001-com-ubuntu-server-focal", "20_04-lts-arm64"),
        ("ubuntu", (), "x86_64", "Canonical", "ubuntu-{under}-lts", "server"),
        ("ubuntu", (), "arm64", "Canonical", "ubuntu-{under}-lts", "server-arm64"),
        ("alma", (), "x86_64", "almalinux", "almalinux-x86_64", "{version}-gen2"),
        ("alma", (), "arm64", "almalinux", "almalinux-arm", "{version}-arm-gen2"),
        ("rhel", (), "x86_64", "RedHat", "RHEL", "{version}-lvm-gen2"),
    )
)
"""Sources: https://wiki.debian.org/Cloud/MicrosoftAzure,
https://documentation.ubuntu.com/azure/azure-how-to/instances/find-ubuntu-images/,
https://wiki.almalinux.org/cloud/Azure.html,
https://learn.microsoft.com/en-us/azure/virtual-machines/workloads/redhat/redhat-imagelist"""


def image(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The newest version of the image of ``os``, ``version`` and ``architecture``: ``publisher:offer:sku:version``."""
    system, version = str(wanted.get("os")), str(wanted.get("version"))
    architecture = str(wanted.get("architecture") or "x86_64")
    for one in _PUBLISHERS:
        if (one.os, one.architecture) == (system, architecture) and (not one.versions or version in one.versions):
            spelt = {"version": version, "under": version.replace(".", "_")}
            offer, sku = one.offer.format(**spelt), one.sku.format(**spelt)
            if found := _newest(drivers, f"{one.publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}"):
                return f"{one.publisher}:{offer}:{sku}:{found}"
            break
    raise ChoiceError(
        f"Image(os={system!r}, version={version!r}, architecture={architecture!r}): "
        f"no publisher is known here who has such an image in {drivers.region}",
        remedy="see `az vm image list` for what there is, and give publisher:offer:sku:version, or an image's id",
    )


def _newest(drivers: Drivers, sku: str) -> str:
    """The newest version of an image; '' if there is none, or no such image."""
    path = f"{drivers.subscription}/providers/Microsoft.Compute/locations/{drivers.region}/publishers/{sku}/versions"
    answer = if_there(lambda: drivers.ask("GET", path, rest.IMAGES))
    found: list[Item] = answer.object if answer is not None else []
    return max((str(one["name"]) for one in found), key=_number, default="")


def _number(version: str) -> tuple[tuple[int, ...], str]:
    """What versions are compared by: their numbers."""
    parts = version.split(".")
    return tuple(int(part) if part.isdigit() else -1 for part in parts), version


def reference(image_id: str) -> dict[str, str]:
    """What a machine is made from: ``publisher:offer:sku:version``, or the id of an image of one's own.

    Raises `InvalidRequestError` for ``latest``: that is another image from time to time.
    """
    if image_id.startswith("/"):
        return {"id": image_id}
    names = ("publisher", "offer", "sku", "version")
    parts = image_id.split(":")
    if len(parts) != len(names) or parts[-1] == "latest":
        raise InvalidRequestError(
            f"the image {image_id!r} is none: publisher:offer:sku:version is needed, and the version not as 'latest'",
            sent=False,
            remedy="give that, the id of an image of your own, or an oc.Image",
        )
    return dict(zip(names, parts, strict=True))


def size(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The cheapest x86_64 size of the second generation with at least what is wanted, that this subscription may use.

    Prices are those of Libcloud's table for Linux in the region; a size whose price it doesn't know counts as dearer
    than all others. Equal ones go by memory, processors and name. Disks are those that come with a size.
    """
    demand = Demand.of(wanted)
    fitting = [one for one in _sizes(drivers) if demand.met_by(**one.offered)]
    best = min(
        fitting, key=lambda one: (one.price, one.offered["memory_gib"], one.offered["cpus"], one.name), default=None
    )
    if best is None:
        raise ChoiceError(
            f"{demand}: this subscription has no size as large in {drivers.region}",
            remedy="ask for less, or give the name of a size; see `az vm list-skus --location` for what is restricted",
        )
    return best.name


@attrs.frozen
class _Size:
    name: str
    price: float
    offered: Mapping[str, float]


def _sizes(drivers: Drivers) -> Iterator[_Size]:
    """The sizes for machines, by https://learn.microsoft.com/en-us/rest/api/compute/resource-skus/list .

    The list of ``vmSizes`` is deprecated, and tells neither processors' kinds nor what the subscription may not use.
    """
    query = {"$filter": f"location eq '{drivers.region}'"}
    for one in drivers.items(f"{drivers.subscription}/providers/Microsoft.Compute/skus", rest.SIZES, query):
        if one["resourceType"] != "virtualMachines" or _is_restricted(one, drivers.region):
            continue
        has = {each["name"]: each["value"] for each in one.get("capabilities") or ()}
        if has.get("CpuArchitectureType", "x64") == "x64" and "V2" in has.get("HyperVGenerations", "V1").split(","):
            yield _Size(one["name"], _cost(one["name"], drivers.region), _offered(has))


def _offered(has: Mapping[str, str]) -> dict[str, float]:
    return {
        "cpus": float(has.get("vCPUsAvailable") or has.get("vCPUs") or 0),
        "memory_gib": float(has.get("MemoryGB") or 0),
        "disk_gib": float(has.get("MaxResourceVolumeMB") or 0) / 1024,
        "gpus": float(has.get("GPUs") or 0),
    }


def _is_restricted(one: Item, region: str) -> bool:
    return any(
        each.get("type") == "Location" and region in map(place_name, each.get("values") or ())
        for each in one.get("restrictions") or ()
    )


def _cost(name: str, region: str) -> float:
    price = _price("compute", "azure_linux", name.lower().replace("_", ""), region)
    return math.inf if price is None else float(price)


def zone(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The zone with the number that is wanted."""
    names = [
        str(each["logicalZone"])
        for one in locations(drivers)
        if place_name(str(one["name"])) == drivers.region
        for each in one.get("availabilityZoneMappings") or ()
    ]
    return zoning.zone(names, wanted, drivers.region)


def locations(drivers: Drivers) -> Iterator[Item]:
    """The regions that the subscription may use, with their zones as it numbers them.

    https://learn.microsoft.com/en-us/rest/api/resources/subscriptions/list-locations
    """
    return drivers.items(f"{drivers.subscription}/locations", rest.LOCATIONS)
