"""Checking values against annotations at run time."""

from __future__ import annotations

import collections.abc
import enum
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Optional, Union

import attrs
import pytest

import orchestra as oc
from orchestra.model.typecheck import compile_check, describe, hints_of, not_needed, shown
from tests.model.kinds import Thing


class Size(enum.Enum):
    SMALL = "s"


@attrs.frozen
class Point:
    x: int


T = typing.TypeVar("T")
REF = Thing().name
SECRET = oc.Secret.env("A")


@pytest.mark.parametrize(
    ("annotation", "fits", "does_not"),
    [
        (int, [0, -1, 10**20], [True, 1.0, "1", None, REF, SECRET]),
        (float, [0, 1.5, -1], [True, "1", None, REF]),
        (bool, [True, False], [0, 1, "", None, REF]),
        (str, ["", "x", SECRET], [1, None, b"x", REF, ["x"]]),
        (type(None), [None], [0, "", REF]),
        (None, [None], [0, ""]),
        (bytes, [b""], ["", None]),
        (Point, [Point(1)], [1, {"x": 1}, Point]),
        (Size, [Size.SMALL], ["s", "SMALL"]),
        (int | None, [1, None], ["1", True, REF]),
        (Optional[int], [1, None], ["1", True]),  # noqa: UP045
        (Union[int, str], [1, "1"], [1.5, None]),  # noqa: UP007
        (str | oc.Ref[str], ["x", REF, Thing().port, SECRET], [1, None]),
        (oc.Ref[str], [REF], ["x", None, Thing()]),
        (oc.Ref, [REF], ["x"]),
        (Thing | oc.Ref[str] | str, [Thing(), REF, "i-1"], [1, None, oc.Zone(domain="a.example")]),
        (Literal["tcp", "udp"], ["tcp"], ["TCP", "icmp", None, REF, 1]),
        (Literal[1, None], [1, None], [True, 1.0, "1"]),
        (Any, [1, None, REF, object()], []),
        (T, [1, None], []),
        (Annotated[int, "of seconds"], [1], ["1"]),
        (list[int], [[], [1]], [(1,), [True], ["1"], "1", {1}]),
        (Sequence[str], [[], ("a",), ["a", SECRET]], ["a", b"a", {"a"}, REF, [1]]),
        (Sequence[str | oc.Ref[str]], [["a", REF]], [REF, [None]]),
        (collections.abc.Iterable[int], [[1], {1}, (1,)], ["1", REF, 1]),
        (set[int], [{1}, set()], [[1], {"1"}]),
        (frozenset[str], [frozenset("a")], [{"a"}]),
        (tuple[int, ...], [(), (1, 2)], [[1], ("1",)]),
        (tuple[int, str], [(1, "a")], [(), (1,), (1, 2), (1, "a", 2), [1, "a"]]),
        (Mapping[str, int], [{}, {"a": 1}], [{1: 1}, {"a": "1"}, [("a", 1)], REF]),
        (dict[str, list[int]], [{"a": [1]}], [{"a": [True]}, {"a": 1}]),
        (Mapping[str, str | oc.Ref[str]], [{"a": REF}], [{"a": 1}]),
        (Callable[[int], int], [len, lambda x: x], [1, "len"]),
        (type[int], [int, str], [1]),
        (typing.Sequence, [[1], ("a",)], [1, {1}]),
        (typing.Mapping, [{1: 2}], [[1]]),
        (list, [[1]], [(1,)]),
        (typing.NewType("Id", str), ["x", 1], []),
    ],
)
def test_values_fit_their_annotation(annotation: Any, fits: list[object], does_not: list[object]) -> None:
    accepts = compile_check(annotation)
    assert [value for value in fits if not accepts(value)] == []
    assert [value for value in does_not if accepts(value)] == []


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (int | None, "int | None"),
        (Optional[str], "str | None"),  # noqa: UP045
        (Thing | oc.Ref[str] | str, "Thing | Ref[str] | str"),
        (Sequence[str | oc.Ref[str]], "Sequence[str | Ref[str]]"),
        (Mapping[str, list[int]], "Mapping[str, list[int]]"),
        (tuple[int, ...], "tuple[int, …]"),
        (Literal["tcp", 1], "'tcp' or 1"),
        (Callable[[int, str], bool], "Callable[[int, str], bool]"),
        (typing.Sequence, "Sequence"),
        ("int", "int"),
    ],
)
def test_annotations_are_told_as_they_are_written(annotation: Any, text: str) -> None:
    assert describe(annotation) == text


def test_a_wrong_value_is_told_with_what_is_wanted() -> None:
    assert not_needed("port", "80", "int") == "port='80': int is needed, not str"


def test_a_reference_is_told_by_its_label_the_same_every_time() -> None:
    told = []

    class Wrong(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            told.append(not_needed("port", self.thing.name, "int"))
            told.append(shown("names", [self.thing.name, f"x{self.thing.port}"]))

    Wrong()
    Wrong()
    assert told[:2] == told[2:]
    assert told[0] == "port=thing.name: int is needed, not a reference"
    assert told[1] == "names=[{thing.name}, 'x{thing.port}']"


def test_annotations_of_local_classes_are_left_out_and_no_others() -> None:
    class Local:
        pass

    class Holder:
        known: typing.ClassVar[int] = 1
        local: Local
        size: int
        cloud: Cloud  # type: ignore[name-defined] # noqa: F821

    assert hints_of(Holder, Cloud=object) == {"size": int, "cloud": object}


def test_annotations_are_looked_up_in_the_module_of_the_class() -> None:
    assert hints_of(Thing)["number"] == int | oc.Ref[int] | None
