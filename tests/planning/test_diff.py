"""What differs between two values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestra.diff import PropertyChange, compare, same
from orchestra.model.values import ABSENT, UNKNOWN, Absent, Revealed, Sealed, Value

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.sampled_from([Sealed("a"), Sealed("b")]),
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)

DIFFERENT: list[Value | Absent] = [
    ABSENT,
    None,
    UNKNOWN,
    Sealed("a"),
    Sealed("b"),
    True,
    False,
    0,
    2,
    0.5,
    "",
    "a",
    "0",
    [],
    ["a"],
    [[]],
    {},
    {"a": None},
    {"a": "a"},
]


@pytest.mark.parametrize("one", range(len(DIFFERENT)))
@pytest.mark.parametrize("other", range(len(DIFFERENT)))
def test_different_things_are_never_the_same(one: int, other: int) -> None:
    expected = one == other and DIFFERENT[one] is not UNKNOWN
    assert same(DIFFERENT[one], DIFFERENT[other]) is expected
    assert (not list(compare(DIFFERENT[one], DIFFERENT[other]))) is expected


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (0, False), ([1], [True]), ({"a": 0}, {"a": False}), (["a", "b"], "ab"), (["a"], "a"), ([], "")],
)
def test_what_python_takes_for_the_same_is_not(one: Value, other: Value) -> None:
    assert not same(one, other)
    assert not same(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (("a", 1), ["a", 1]),
        ({"a": (), "b": 1}, {"b": 1, "a": []}),
        (Sealed("a"), Sealed("a")),
        (Revealed("a"), Revealed("a")),
        (ABSENT, ABSENT),
    ],
)
def test_other_forms_of_the_same_are(one: Value, other: Value) -> None:
    assert same(one, other)
    assert same(other, one)
    assert list(compare(one, other)) == []


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], {"a": UNKNOWN}, {"a": [1, UNKNOWN]}])
def test_an_unknown_is_never_the_same_as_anything(value: Value) -> None:
    assert not same(value, value)
    assert len(list(compare(value, value))) == 1


@given(VALUES)
def test_every_value_is_the_same_as_itself(value: Value) -> None:
    assert same(value, value)
    assert list(compare(value, value)) == []


@given(VALUES, VALUES)
def test_sameness_goes_both_ways_and_agrees_with_comparing(one: Value, other: Value) -> None:
    assert same(one, other) == same(other, one)
    assert same(one, other) == (not list(compare(one, other)))


@given(VALUES, VALUES)
def test_each_side_of_a_change_stands_at_its_path(one: Value, other: Value) -> None:
    for change in compare(one, other):
        for side, whole in ((change.before, one), (change.after, other)):
            found: object = whole
            for part in change.path:
                found = found.get(part, ABSENT) if isinstance(found, dict) else found[part]  # type: ignore[index]
            assert found is side


@given(st.dictionaries(st.text(max_size=3), LEAVES), st.dictionaries(st.text(max_size=3), LEAVES), st.randoms())
def test_the_order_of_keys_does_not_matter(one: dict[str, Value], other: dict[str, Value], chance: object) -> None:
    items = list(one.items())
    chance.shuffle(items)  # type: ignore[attr-defined]
    assert list(compare(dict(items), other)) == list(compare(one, other))
    paths = [change.path for change in compare(one, other)]
    assert paths == sorted(paths)


def test_leaves_are_told_one_by_one_in_the_order_of_sorted_keys() -> None:
    before = {"b": {"y": 1, "x": [1, 2]}, "a": "1", "same": {"k": [None]}}
    after = {"same": {"k": [None]}, "a": "2", "b": {"x": [1, 3], "y": 2}, "c": None}
    assert [(change.name, change.before, change.after) for change in compare(before, after)] == [
        ("a", "1", "2"),
        ("b.x[1]", 2, 3),
        ("b.y", 1, 2),
        ("c", ABSENT, None),
    ]


def test_lists_of_another_length_differ_as_a_whole() -> None:
    changes = list(compare({"l": [1, 2]}, {"l": [1, 2, 3]}))
    assert [(change.path, change.before, change.after) for change in changes] == [(("l",), [1, 2], [1, 2, 3])]


def test_another_shape_differs_as_a_whole() -> None:
    changes = list(compare({"a": {"b": 1}}, {"a": [1]}))
    assert [(change.path, change.before, change.after) for change in changes] == [(("a",), {"b": 1}, [1])]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (("size",), "size"),
        (("ingress", 0, "cidr"), "ingress[0].cidr"),
        (("labels", "a b"), "labels.a b"),
        (("grid", 1, 2), "grid[1][2]"),
        ((), ""),
    ],
)
def test_paths_read_as_code(path: tuple[str | int, ...], name: str) -> None:
    assert PropertyChange(path=path, before=1, after=2).name == name


@pytest.mark.parametrize(
    ("before", "after", "is_secret"),
    [
        (Sealed("a"), "x", True),
        ("x", Sealed("a"), True),
        ("x", Revealed("a"), True),
        (["x", Sealed("a")], ["x"], True),
        (ABSENT, {"a": {"b": Sealed("a")}}, True),
        (ABSENT, "x", False),
        ("x", ABSENT, False),
        (None, UNKNOWN, False),
    ],
)
def test_a_change_is_secret_if_a_secret_is_in_it(before: Value, after: Value, is_secret: bool) -> None:
    assert PropertyChange(path=("a",), before=before, after=after).is_secret is is_secret


@pytest.mark.parametrize(
    ("after", "is_known"),
    [
        ("x", True),
        (None, True),
        (ABSENT, True),
        (UNKNOWN, False),
        (["x", UNKNOWN], False),
        ({"a": {"b": UNKNOWN}}, False),
    ],
)
def test_a_change_is_known_if_all_of_it_is(after: Value, is_known: bool) -> None:
    assert PropertyChange(path=("a",), before="b", after=after).is_known is is_known
