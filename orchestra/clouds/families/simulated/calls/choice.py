"""Portable choices: the cheapest size that fits, the newest image."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from libcloud.compute.base import NodeImage, NodeSize

from orchestra.contracts import Inputs
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain


def choose_size(sizes: Sequence[NodeSize], wanted: Mapping[str, Plain]) -> str:
    """The cheapest of ``sizes`` with at least the wanted ``cpus`` and ``memory_gib``, then the first by name."""
    if isinstance(wanted.get("id"), str):
        return _known(str(wanted["id"]), [size.id for size in sizes], "size", "Size(cpus=2, memory_gib=4)")
    cpus, memory = Inputs(wanted).integer("cpus"), _number(wanted.get("memory_gib"))
    fitting = [size for size in sizes if size.extra["cpus"] >= cpus and size.ram >= memory * 1024]
    if fitting:
        return min(fitting, key=lambda size: (size.price, size.name)).id
    nearest = max(
        sizes,
        key=lambda size: (
            min(size.extra["cpus"] / cpus, 1.0) + min(size.ram / (memory * 1024), 1.0),
            -size.price,
            size.name,
        ),
    )
    raise ChoiceError(
        f"the simulated cloud has no size with {cpus} cpus and {memory:g} GiB of memory; the nearest is "
        f"{nearest.name} with {nearest.extra['cpus']} cpus and {nearest.ram / 1024:g} GiB",
        remedy=f"ask for no more than Size(cpus={nearest.extra['cpus']}, memory_gib={nearest.ram / 1024:g}), "
        "or spread the load over several servers",
    )


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


def _number(value: Plain) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _all(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))
