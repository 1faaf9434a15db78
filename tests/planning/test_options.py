"""Which resources are meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import orchestra as oc
from orchestra.model.address import Address
from orchestra.planning.decide import Mode
from orchestra.planning.options import Options, matching, select

KNOWN = [Address(text) for text in ("net", "sub", "web[0]", "web[1]", "website", "dns")]
NEEDS = {
    Address("sub"): (Address("net"),),
    Address("web[0]"): (Address("sub"),),
    Address("web[1]"): (Address("sub"),),
    Address("dns"): (Address("web[0]"), Address("web[1]")),
    Address("net"): (),
    Address("website"): (),
}


@pytest.mark.parametrize(
    ("options", "partial"),
    [
        (Options(), False),
        (Options(replace=("web",), mode=Mode.DESTROY), False),
        (Options(target=("web",)), True),
        (Options(exclude=("web",)), True),
    ],
)
def test_a_plan_is_partial_if_something_is_left_out(options: Options, partial: bool) -> None:
    assert options.partial is partial


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        ((), set()),
        (("web",), {"web[0]", "web[1]"}),
        (("web[1]", "dns"), {"web[1]", "dns"}),
        (("website", "website"), {"website"}),
    ],
)
def test_selectors_cover(selectors: tuple[str, ...], found: set[str]) -> None:
    assert matching(selectors, KNOWN, "target") == found


@pytest.mark.parametrize("selector", ["web[2]", "we", "", "web[", "webs"])
def test_a_selector_that_covers_nothing_is_refused(selector: str) -> None:
    with pytest.raises(oc.PlanError, match="names nothing in this deployment"):
        matching(("net", selector), KNOWN, "exclude")


@pytest.mark.parametrize(
    ("mode", "target", "exclude", "found"),
    [
        (Mode.NORMAL, (), (), {"net", "sub", "web[0]", "web[1]", "website", "dns"}),
        (Mode.NORMAL, ("web[0]",), (), {"net", "sub", "web[0]"}),
        (Mode.NORMAL, (), ("web[0]",), {"net", "sub", "web[1]", "website"}),
        (Mode.NORMAL, ("dns",), ("web[0]",), {"net", "sub", "web[1]"}),
        (Mode.REFRESH_ONLY, ("sub",), (), {"net", "sub"}),
        (Mode.DESTROY, ("web[0]",), (), {"web[0]", "dns"}),
        (Mode.DESTROY, (), ("web[0]",), {"web[1]", "dns", "website"}),
        (Mode.DESTROY, ("net",), ("web[1]",), {"web[0]", "dns"}),
    ],
)
def test_closures_follow_the_direction_of_the_plan(
    mode: Mode, target: tuple[str, ...], exclude: tuple[str, ...], found: set[str]
) -> None:
    assert select(Options(mode=mode, target=target, exclude=exclude), KNOWN, NEEDS) == found


def test_needs_of_what_is_not_known_do_not_matter() -> None:
    needs = {Address("a"): (Address("gone"),)}
    assert select(Options(target=("a",)), [Address("a")], needs) >= {"a"}


@given(st.sets(st.sampled_from(KNOWN), min_size=1), st.sets(st.sampled_from(KNOWN)), st.sampled_from(Mode))
def test_what_is_excluded_is_never_selected(target: set[Address], exclude: set[Address], mode: Mode) -> None:
    options = Options(mode=mode, target=tuple(target), exclude=tuple(exclude))
    found = select(options, KNOWN, NEEDS)
    assert not found & exclude
    for address in found:
        for needed in NEEDS[address]:
            if mode is not Mode.DESTROY:
                assert needed in found, "selected without what it needs"
        if mode is Mode.DESTROY:
            users = {user for user, needs in NEEDS.items() if address in needs}
            assert users <= found, "destroyed before its users"
