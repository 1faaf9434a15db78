"""Addresses: how they are made, told from other text, sorted and matched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.model.address import Address, attribute, covers, is_address, item, sort_key

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
KEYS = st.one_of(st.integers(0, 10**6), st.text(max_size=6))


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    found = attribute("", draw(NAMES))
    for part in draw(st.lists(st.one_of(NAMES.map(lambda name: (True, name)), KEYS.map(lambda key: (False, key))))):
        is_attribute, value = part
        found = attribute(found, str(value)) if is_attribute else item(found, value)
    return found


@given(addresses())
def test_what_is_made_is_an_address(address: Address) -> None:
    assert is_address(address)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (attribute("", "network"), "network"),
        (item("web", 0), "web[0]"),
        (attribute(item("shards", "eu"), "database"), 'shards["eu"].database'),
        (item("d", 'a"b\\c\n'), 'd["a\\"b\\\\c\\n"]'),
        (item("d", "é"), 'd["\\u00e9"]'),
        (item(item("grid", 1), 2), "grid[1][2]"),
    ],
)
def test_addresses_read_as_code(made: Address, text: str) -> None:
    assert made == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "web.",
        ".web",
        "web..x",
        "web[",
        "web[]",
        "web[-1]",
        "web[x]",
        "web[0]x",
        "web.[0]",
        "[0]",
        "0web",
        "web[0",
        'web["x]',
        "web ",
        " web",
        "web\n",
        "web-1",
    ],
)
def test_other_text_is_no_address(text: str) -> None:
    assert not is_address(text)


def test_addresses_may_be_of_any_alphabet() -> None:
    assert is_address("größe")


def test_numbers_sort_as_numbers() -> None:
    wanted = ["a", "a2", "a10", "web", "web.x", "web[2]", "web[2].x", "web[2][3]", "web[10]", "zone"]
    assert sorted(set(wanted), key=sort_key) == wanted


def test_texts_that_count_the_same_keep_apart() -> None:
    assert sort_key('d["1"]') != sort_key('d["01"]')
    assert sorted(['d["1"]', 'd["01"]'], key=sort_key) == sorted(['d["01"]', 'd["1"]'], key=sort_key)


@given(addresses(), addresses())
def test_different_addresses_never_sort_alike(one: Address, other: Address) -> None:
    assert (sort_key(one) == sort_key(other)) == (one == other)


@pytest.mark.parametrize(
    ("selector", "address", "is_covered"),
    [
        ("web", "web", True),
        ("web", "web[0]", True),
        ("web", "web.disk", True),
        ("web[0]", "web[0].disk", True),
        ("web[1]", "web[10]", False),
        ("web", "website", False),
        ("web[0]", "web", False),
        ("", "web", False),
    ],
)
def test_a_selector_covers_itself_and_what_lies_in_it(selector: str, address: str, is_covered: bool) -> None:
    assert covers(selector, address) is is_covered
