"""The four things that are easily confused, and walking over values."""

from __future__ import annotations

import pytest

from orchestra.model.values import ABSENT, UNKNOWN, Revealed, Sealed, Value, is_known, leaves


def test_absent_none_unknown_and_secrets_differ() -> None:
    four = [ABSENT, None, UNKNOWN, Sealed("d"), Revealed("d")]
    assert all((one is other) == (one == other) for one in four for other in four)


def test_a_revealed_secret_shows_nothing() -> None:
    secret = Revealed("hunter2")
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {{'a': {secret}}}"
    assert "hunter2" not in shown
    assert "Revealed(…)" in shown


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text", ["text"]),
        (None, [None]),
        ([], []),
        ({}, []),
        ([1, [2, {"a": 3}], ()], [1, 2, 3]),
        ({"b": "xy", "a": Sealed("d")}, ["xy", Sealed("d")]),
    ],
)
def test_leaves_are_found_in_order(value: Value, found: list[Value]) -> None:
    assert list(leaves(value)) == found


@pytest.mark.parametrize("value", [UNKNOWN, [1, UNKNOWN], {"a": {"b": [UNKNOWN]}}])
def test_one_unknown_leaf_makes_a_value_unknown(value: Value) -> None:
    assert not is_known(value)


@pytest.mark.parametrize("value", [None, "", 0, [], {"a": None}, Sealed("d"), Revealed("d")])
def test_everything_else_is_known(value: Value) -> None:
    assert is_known(value)
