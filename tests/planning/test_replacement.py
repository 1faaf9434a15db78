"""In which order a replacement is made."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.planning.decide import Action
from tests.planning.worlds import Box, Plot, applied, one_box, stack_of


def replaced(stack: oc.Stack, *addresses: str) -> dict[str, bool]:
    """Whether the new one is made first, for each replacement when ``addresses`` are asked to be replaced."""
    changes = applied(stack).tell_all().changes(replace=addresses)
    return {name: one.create_before_delete for name, one in changes.items() if one.action is Action.REPLACE}


def test_the_kind_says_what_goes_first() -> None:
    def build(self: Any) -> None:
        self.box = Box()
        self.plot = Plot()

    assert replaced(stack_of(build), "box", "plot") == {"box": True, "plot": False}


@pytest.mark.parametrize("said", [True, False])
def test_the_user_may_say_otherwise(said: bool) -> None:
    def build(self: Any) -> None:
        self.box = Box(lifecycle=oc.Lifecycle(create_before_delete=said))
        self.plot = Plot(lifecycle=oc.Lifecycle(create_before_delete=said))

    assert replaced(stack_of(build), "box", "plot") == {"box": said, "plot": said}


def test_a_name_that_stays_can_not_be_taken_twice() -> None:
    assert replaced(one_box(name="n"), "box") == {"box": False}
    assert replaced(one_box(name=None), "box") == {"box": True}


def test_another_name_is_free() -> None:
    change = applied(one_box(name="n")).tell_all().now(one_box(name="m")).changes()["box"]
    assert (change.action, change.create_before_delete) == (Action.REPLACE, True)


def test_the_user_may_say_so_also_of_a_name_that_stays() -> None:
    assert replaced(one_box(name="n", lifecycle=oc.Lifecycle(create_before_delete=True)), "box") == {"box": True}


def below(*, plot_rules: oc.Lifecycle | None = None, last_rules: oc.Lifecycle | None = None) -> oc.Stack:
    def build(self: Any) -> None:
        self.plot = Plot(lifecycle=plot_rules or oc.Lifecycle())
        self.box = Box(fixed=self.plot)
        self.last = Box(fixed=self.box, lifecycle=last_rules or oc.Lifecycle())
        self.beside = Box()

    return stack_of(build)


def test_what_stands_on_something_that_goes_first_goes_first_too() -> None:
    assert replaced(below(), "plot", "beside") == {"plot": False, "box": False, "last": False, "beside": True}


def test_even_where_the_user_says_otherwise_since_it_can_not_be() -> None:
    rules = oc.Lifecycle(create_before_delete=True)
    assert replaced(below(last_rules=rules), "plot") == {"plot": False, "box": False, "last": False}


def test_the_whole_chain_is_made_first_where_its_foot_is() -> None:
    rules = oc.Lifecycle(create_before_delete=True)
    assert replaced(below(plot_rules=rules), "plot") == {"plot": True, "box": True, "last": True}


def test_what_is_not_replaced_says_nothing() -> None:
    def build(note: str) -> oc.Stack:
        def inner(self: Any) -> None:
            self.plot = Plot(note=note)
            self.box = Box(fixed=self.plot)

        return stack_of(inner)

    changes = applied(build("a")).tell_all().now(build("b")).changes(replace=("box",))
    assert changes["plot"].action is Action.UPDATE
    assert changes["box"].create_before_delete
