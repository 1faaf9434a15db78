"""The cheapest size that is enough, of those that a family offers."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestra.clouds.base.compute import choosing
from orchestra.clouds.base.compute.traits import Offer
from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.errors import ChoiceError
from orchestra.model.values import Plain

ACCESS = LibcloudDriver("made-up", None, {"region": "north"})
OFFERS = (
    Offer(id="b", cpus=1, memory_mib=1024, price=5.0, disk_gb=25),
    Offer(id="a", cpus=1, memory_mib=1024, price=5.0, disk_gb=25),
    Offer(id="wide", cpus=1, memory_mib=1024, price=7.0, disk_gb=100),
    Offer(id="graphics", cpus=8, memory_mib=32768, price=90.0, disk_gb=500, gpus=2),
    Offer(id="untold", cpus=8, memory_mib=32768, price=None),
)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ({}, "a"),
        ({"disk_gib": 23}, "a"),
        ({"disk_gib": 24}, "wide"),  # 25 GB are 23.3 GiB
        ({"disk_gib": 200}, "graphics"),
        ({"gpu": 2}, "graphics"),
        ({"cpus": 8}, "graphics"),
    ],
)
def test_the_cheapest_that_is_enough(wanted: Mapping[str, Plain], chosen: str) -> None:
    for offers in (OFFERS, OFFERS[::-1]):
        asked = {"cpus": 1, "memory_gib": 1, **wanted}
        assert choosing.size(ACCESS, lambda _, offers=offers: offers, asked, "Made-up") == chosen  # type: ignore[misc]


def test_what_no_size_has_is_told_as_it_was_asked_for() -> None:
    with pytest.raises(
        ChoiceError, match=r"Size\(cpus=1, memory_gib=1, gpu=3\): Made-up has no size as large in north"
    ):
        choosing.size(ACCESS, lambda _: OFFERS, {"cpus": 1, "memory_gib": 1, "gpu": 3}, "Made-up")
