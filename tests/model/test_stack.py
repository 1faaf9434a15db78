"""Stacks: running build(), giving hints while it runs, and finding what attributes hold."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

import orchestra as oc
from orchestra.model.stack import members, parts
from tests.model.kinds import Thing


class Inner(oc.Stack):
    size: int = 1

    def build(self) -> None:
        self.thing = Thing(number=self.size)


def addresses(stack: oc.Stack) -> list[str]:
    return [path for path, _ in members(stack)]


def test_build_runs_once_with_the_parameters_set() -> None:
    runs = []

    class Once(oc.Stack):
        size: int = 3

        def build(self) -> None:
            runs.append(self.size)

    Once(size=4)
    assert runs == [4]


def test_resources_are_found_in_attributes_lists_tuples_and_dicts() -> None:
    class Many(oc.Stack):
        def build(self) -> None:
            self.one = Thing()
            self.listed = [Thing(), (Thing(), Thing())]
            self.named = {"eu": Thing(), "us": {"east": [Thing()]}, 7: Thing(), "é": Thing()}
            self.ordered = OrderedDict(a=Thing())
            self.note = "no resource"
            self.mixed = [None, 3, Thing(), "x"]
            self.url = oc.Output("x")
            self.inner = [Inner()]

    assert addresses(Many()) == [
        "one",
        "listed[0]",
        "listed[1][0]",
        "listed[1][1]",
        'named["eu"]',
        'named["us"]["east"][0]',
        "named[7]",
        'named["\\u00e9"]',
        'ordered["a"]',
        "mixed[2]",
        "url",
        "inner[0]",
    ]


def test_parameters_are_not_the_stacks_own() -> None:
    class Taker(oc.Stack):
        thing: Thing
        others: list[Thing]

        def build(self) -> None:
            self.own = Thing(other=self.thing)

    assert addresses(Taker(thing=Thing(), others=[Thing()])) == ["own"]


def test_hints_are_known_as_soon_as_something_is_assigned() -> None:
    class Hinted(oc.Stack):
        def build(self) -> None:
            self.inner = Inner()
            assert self.inner.thing.label == "inner.thing"
            self.inners = {"a": [Inner()]}
            assert self.inners["a"][0].thing.label == 'inners["a"][0].thing'

    stack = Hinted()
    assert stack.inner.hint == "inner"
    assert Inner().thing.label == "thing"


def test_a_stack_of_a_stack_of_a_stack() -> None:
    class Middle(oc.Stack):
        def build(self) -> None:
            self.inner = Inner()

    class Outer(oc.Stack):
        def build(self) -> None:
            self.middle = Middle()

    assert Outer().middle.inner.thing.label == "middle.inner.thing"


def test_a_stack_may_be_subclassed() -> None:
    class Base(oc.Stack):
        size: int = oc.parameter(default=1, minimum=1)

        def build(self) -> None:
            self.thing = Thing(number=self.size)

    class More(Base):
        extra: bool = True

        def build(self) -> None:
            super().build()
            if self.extra:
                self.second = Thing(other=self.thing)

    assert addresses(More()) == ["thing", "second"]
    assert addresses(More(extra=False, size=2)) == ["thing"]
    assert addresses(Base()) == ["thing"]
    with pytest.raises(oc.DefinitionError, match="size=0: at least 1"):
        More(size=0)


def test_an_own_init_is_called_like_any() -> None:
    class Own(oc.Stack):
        size: int = 1

        def __init__(self, **parameters: Any) -> None:
            self.before = "set"
            super().__init__(**parameters)

        def build(self) -> None:
            self.seen = self.before

    assert Own(size=2).seen == "set"


def test_a_build_that_makes_nothing_is_empty() -> None:
    class Nothing(oc.Stack):
        def build(self) -> None:
            pass

    assert addresses(Nothing()) == []


def test_a_stack_without_build_says_what_is_missing() -> None:
    class Unbuilt(oc.Stack):
        size: int = 1

    with pytest.raises(NotImplementedError, match=r"Unbuilt has no build\(\): declare its resources there"):
        Unbuilt()


def test_stack_itself_is_to_be_subclassed() -> None:
    with pytest.raises(oc.DefinitionError, match="Stack is to be subclassed"):
        oc.Stack()


def test_an_error_in_build_comes_through_and_ends_it() -> None:
    class Broken(oc.Stack):
        def build(self) -> None:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Broken()
    assert f"{Thing().name}" == "<<orchestra:unbound:Thing.name>>"


@pytest.mark.parametrize(
    ("key", "shown"),
    [((1, 2), "(1, 2)"), (None, "None"), (1.5, "1.5"), (True, "True"), (-1, "-1"), (b"x", "b'x'")],
)
def test_keys_that_can_not_be_addresses_are_refused(key: object, shown: str) -> None:
    class Keyed(oc.Stack):
        def build(self) -> None:
            self.things = {key: [Thing()]}

    with pytest.raises(oc.DefinitionError) as caught:
        Keyed()
    assert str(caught.value) == (
        f"things: the key {shown} can't be part of an address\n"
        "  to do: use text that is known, or a whole number from 0"
    )


def test_a_key_with_a_reference_is_refused_and_told_by_its_label() -> None:
    class Keyed(oc.Stack):
        def build(self) -> None:
            self.one = Thing()
            self.things = {f"x-{self.one.name}": Thing()}

    with pytest.raises(oc.DefinitionError, match=r"things: the key 'x-\{one.name\}' can't be part of an address"):
        Keyed()


def test_such_keys_are_fine_where_no_resource_is() -> None:
    class Keyed(oc.Stack):
        def build(self) -> None:
            self.table = {(1, 2): "plain", None: [1]}

    assert addresses(Keyed()) == []


def test_a_stack_inside_itself_is_refused() -> None:
    class Ring(oc.Stack):
        def build(self) -> None:
            self.me = [self]

    with pytest.raises(oc.DefinitionError) as caught:
        Ring()
    assert str(caught.value) == (
        "me[0]: a Ring would lie inside itself\n  to do: pass what the inner stack needs as a parameter instead"
    )


def test_a_stack_that_holds_its_parent_is_refused() -> None:
    class Parent(oc.Stack):
        def build(self) -> None:
            self.inner = Inner()
            self.inner.parent = self  # type: ignore[attr-defined]

    with pytest.raises(oc.DefinitionError, match="would lie inside itself"):
        Parent()


def test_a_stack_is_told_with_its_parameters() -> None:
    assert repr(Inner(size=3)) == "Inner(size=3)"


def test_what_is_no_resource_has_no_parts() -> None:
    assert list(parts("text", "a")) == []
    assert list(parts({"a": {1, 2}}, "a")) == []


def test_reassigning_gives_the_last_address() -> None:
    class Twice(oc.Stack):
        def build(self) -> None:
            thing = Thing()
            self.first = thing
            del self.first
            self.second = thing

    assert Twice().second.label == "second"
    assert addresses(Twice()) == ["second"]
