"""The collector of cyclic garbage is told to wait, and left as it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from orchestra.garbage import SELDOM, seldom_collected, uncollected


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    was_on, threshold = gc.isenabled(), gc.get_threshold()
    yield
    (gc.enable if was_on else gc.disable)()
    gc.set_threshold(*threshold)


def test_it_is_off_inside_and_on_again_after_an_error() -> None:
    gc.enable()
    seen = []

    @uncollected()
    def fail() -> None:
        seen.append(gc.isenabled())
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (seen, gc.isenabled()) == ([False], True)


def test_where_it_is_off_it_stays_off() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_it_comes_seldom_inside_and_as_before_after_an_error() -> None:
    gc.set_threshold(500, 7, 9)
    seen = []

    @seldom_collected()
    def fail() -> None:
        seen.append(gc.get_threshold()[0])
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (seen, gc.get_threshold()[:2]) == ([SELDOM], (500, 7))


@pytest.mark.parametrize("young", [0, 2 * SELDOM])
def test_where_it_comes_more_seldom_still_that_stays(young: int) -> None:
    gc.set_threshold(young, 10, 10)
    with seldom_collected():
        assert gc.get_threshold()[0] == young
    assert gc.get_threshold()[0] == young
