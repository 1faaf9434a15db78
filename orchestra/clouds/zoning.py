"""The portable choice of an availability zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestra.errors import ChoiceError
from orchestra.model.values import Plain


def zone(names: Iterable[str], wanted: Mapping[str, Plain], place: str) -> str:
    """The zone of ``place`` with the number that is wanted: in order of name, and from the first again after the last.

    Raises `ChoiceError` if ``names``, those of all its zones, are none.
    """
    ordered, number = sorted(set(names)), wanted.get("number")
    if not ordered or not isinstance(number, int):
        raise ChoiceError(
            f"AvailabilityZone({number}): {place} tells of no availability zones",
            remedy="leave zone= out, or give the name of one",
        )
    return ordered[number % len(ordered)]
