"""Checks and normal forms that several kinds share."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.model.values import UNKNOWN, Revealed, Value
from orchestra.resources import checks


@pytest.mark.parametrize("value", ["10.0.0.0/16", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0"])
def test_networks_are_taken(value: str) -> None:
    assert checks.cidr(value) is None


@pytest.mark.parametrize(
    "value", ["", "10.0.0.1/16", "10.0.0.0/33", "300.0.0.0/8", "shop.example", "10.0.0.0/-1", "/16"]
)
def test_other_text_is_no_network(value: str) -> None:
    fault = checks.cidr(value)
    assert fault is not None
    assert fault.startswith("a network such as 10.0.0.0/16 is needed (")


@pytest.mark.parametrize(
    ("value", "fits"), [(1, True), (10, True), (5.5, True), (None, True), (0, False), (10.1, False)]
)
def test_numbers_are_kept_in_range(value: float | None, fits: bool) -> None:
    assert (checks.between(1, 10)(value) is None) is fits
    if not fits:
        assert checks.between(1, 10)(value) == "1 to 10 is needed"
        assert checks.between(1, 10, "GiB")(value) == "1 to 10 GiB is needed"


@pytest.mark.parametrize(("value", "fits"), [("ab", True), (None, True), ("abc", False), ("ab\n", False), ("", False)])
def test_a_pattern_must_match_the_whole_text(value: str | None, fits: bool) -> None:
    fault = checks.matches("[a-z]{2}", "two letters")(value)
    assert fault == (None if fits else "two letters is needed")


def test_something_must_be_there() -> None:
    assert checks.not_empty([1]) is None
    assert checks.not_empty("x") is None
    assert checks.not_empty([]) == checks.not_empty("") == "at least one is needed"


@pytest.mark.parametrize(
    "value", ["shop.example", "a", "_dmarc.shop.example", "*.shop.example", "xn--bcher-kva.example", "a-b.c", "a" * 63]
)
def test_domains_are_taken(value: str) -> None:
    assert checks.domain(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-a.example",
        "a-.example",
        "a..b",
        ".a",
        "a b",
        "bücher.example",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "a\n",
        "a/b",
    ],
)
def test_other_text_is_no_domain(value: str) -> None:
    assert checks.domain(value) == "a domain name such as shop.example is needed"


@pytest.mark.parametrize(("value", "meant"), [("Shop.Example", "shop.example"), ("shop.example.", "shop.example")])
def test_a_domain_in_another_form_is_told_in_the_right_one(value: str, meant: str) -> None:
    assert checks.domain(value) == f"a domain name in lower case without the last dot is needed: {meant}"


@given(st.lists(st.text(max_size=3)))
def test_texts_as_a_set_are_sorted_and_each_once(texts: list[str]) -> None:
    found = checks.sorted_texts(texts)
    assert found == sorted(set(texts))
    assert checks.sorted_texts(found) == found
    assert checks.sorted_texts(texts[::-1]) == found


@pytest.mark.parametrize("value", [["b", UNKNOWN, "a"], ["b", Revealed("a")], [1, 0], "ba", None, {"b": 1}, UNKNOWN])
def test_what_is_not_a_list_of_texts_is_left_alone(value: Value) -> None:
    assert checks.sorted_texts(value) is value


def test_a_content_is_kept_as_its_size_and_digest() -> None:
    assert checks.content_digest("é") == "2 bytes, md5 66ddcd97cfdeabb2f6fb8a999b4bc76f"
    assert checks.content_digest("") == "0 bytes, md5 d41d8cd98f00b204e9800998ecf8427e"
    for other in (None, UNKNOWN, Revealed("x"), 3):
        assert checks.content_digest(other) is other


@given(st.text(), st.text())
def test_another_content_has_another_digest(one: str, other: str) -> None:
    assert (checks.content_digest(one) == checks.content_digest(other)) == (one == other)


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(2, 1, True), (1, 2, False), (1, 1, False), (2, UNKNOWN, False), (None, 1, False)]
)
def test_shrinking_is_known_by_numbers_only(before: Value, after: Value, expected: bool) -> None:
    assert checks.is_smaller(before, after) is expected


def test_each_item_that_is_plain_is_checked() -> None:
    def no_x(value: Any) -> str | None:
        return "no x is allowed" if "x" in value else None

    check = checks.each(no_x)
    assert check(["a", UNKNOWN, 3, "<<orchestra:x>>"]) is None
    assert check(["a", "xy", "x"]) == "'xy': no x is allowed"
