"""Portable choices: the cheapest size that fits, the newest image."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence

import attrs
from libcloud.compute.base import NodeImage, NodeLocation, NodeSize

from orchestra.clouds import zoning
from orchestra.clouds.sizing import GB_IN_GIB, Demand
from orchestra.contracts import Inputs
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain


def choose_size(sizes: Sequence[NodeSize], wanted: Mapping[str, Plain]) -> str:
    """The cheapest of ``sizes`` with at least what is wanted, then the first by name."""
    if isinstance(wanted.get("id"), str):
        return _known(str(wanted["id"]), [size.id for size in sizes], "size", "Size(cpus=2, memory_gib=4)")
    demand = Demand.of(wanted)
    fitting = [size for size in sizes if demand.met_by(**_offered(size))]
    if fitting:
        return min(fitting, key=lambda size: (size.price, size.name)).id
    nearest = max(sizes, key=lambda size: (_closeness(demand, size), -size.price, size.name))
    asked = {name: math.floor(offered * 10) / 10 for name, offered in _offered(nearest).items() if _asked(demand)[name]}
    raise ChoiceError(
        f"the simulated cloud has no size for {demand}; the nearest is {nearest.name}",
        remedy=f"ask for no more than {Demand(**asked)}, or spread the load over several servers",
    )


def _offered(size: NodeSize) -> dict[str, float]:
    return {
        "cpus": size.extra["cpus"],
        "memory_gib": size.ram / 1024,
        "disk_gib": size.disk * GB_IN_GIB,
        "gpus": size.extra["gpus"],
    }


def _closeness(demand: Demand, size: NodeSize) -> float:
    """How much of the demand a size meets: for each thing that is asked for, at most 1."""
    asked = _asked(demand)
    return sum(min(offered / asked[name], 1.0) for name, offered in _offered(size).items() if asked[name])


def _asked(demand: Demand) -> dict[str, float]:
    return {name: float(value) for name, value in attrs.asdict(demand).items()}


def choose_zone(zones: Sequence[NodeLocation], wanted: Mapping[str, Plain]) -> str:
    """The one of ``zones`` with the wanted number."""
    return zoning.zone((one.name for one in zones), wanted, "the simulated region")


def choose_image(images: Sequence[NodeImage], wanted: Mapping[str, Plain]) -> str:
    """The newest of ``images`` with the wanted ``os``, ``version`` and ``architecture``, then the last by id."""
    if isinstance(wanted.get("id"), str):
        known = [image.id for image in images]
        return _known(str(wanted["id"]), known, "image", "Image(os='debian', version='12')")
    asked = Inputs(wanted)
    os, version, architecture = (asked.text(name) for name in ("os", "version", "architecture"))
    of_os = [image for image in images if image.extra["os"] == os]
    of_version = [image for image in of_os if image.extra["version"] == version]
    fitting = [image for image in of_version if image.extra["architecture"] == architecture]
    if fitting:
        return max(fitting, key=lambda image: (image.extra["created"], image.id)).id
    if of_version:
        nearest = f"{os} {version} for {_all(image.extra['architecture'] for image in of_version)}"
    elif of_os:
        nearest = f"{os} {_all(image.extra['version'] for image in of_os)}"
    else:
        nearest = _all(f"{image.extra['os']} {image.extra['version']}" for image in images)
    raise ChoiceError(
        f"the simulated cloud has no image of {os} {version} for {architecture}; it has {nearest}",
        remedy="ask for one that it has, or name an image of its own by its id",
    )


def _known(id_: str, known: Sequence[str], what: str, portable: str) -> str:
    if id_ in known:
        return id_
    near = difflib.get_close_matches(id_, known, n=1)
    raise ChoiceError(
        f"the simulated cloud has no {what} {id_!r}" + (f"; the nearest name is {near[0]!r}" if near else ""),
        remedy=f"take one of its {what}s by name, or a portable one such as {portable}",
    )


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))
