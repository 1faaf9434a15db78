"""Portable choices: the newest image of an operating system, and the cheapest size that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from orchestra.clouds.base.compute.traits import Access, Offer, region
from orchestra.clouds.sizing import Demand
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain


def image(
    access: Access,
    find: Callable[[Access, str, str, str], str | None],
    wanted: Mapping[str, Plain],
    family: str,
) -> str:
    """What ``find`` answers for the ``os``, ``version`` and ``architecture`` that are wanted."""
    system, version = str(wanted.get("os")), str(wanted.get("version"))
    architecture = str(wanted.get("architecture") or "x86_64")
    found = find(access, system, version, architecture)
    if found is None:
        raise ChoiceError(
            f"Image(os={system!r}, version={version!r}, architecture={architecture!r}): "
            f"{family} publishes no such image in {region(access)}",
            remedy="ask for another version, or give the id of one of the cloud's own images",
        )
    return found


def size(access: Access, offers: Callable[[Access], Iterable[Offer]], wanted: Mapping[str, Plain], family: str) -> str:
    """The cheapest of ``offers`` with at least what is wanted; of equal ones the first by name.

    One whose price isn't told counts as dearer than all others.
    """
    demand = Demand.of(wanted)
    fitting = [one for one in offers(access) if demand.met_by(**one.offered)]
    best = min(fitting, key=lambda one: (math.inf if one.price is None else one.price, one.id), default=None)
    if best is None:
        raise ChoiceError(
            f"{demand}: {family} has no size as large in {region(access)}",
            remedy="ask for less, or spread the work over several servers",
        )
    return best.id
