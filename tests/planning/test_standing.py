"""The quick look says yes only where the long one finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import pytest

import orchestra as oc
from orchestra.contracts import Status
from orchestra.model.address import Address
from orchestra.planning import planner
from orchestra.state.records import Condition
from tests.planning.worlds import Box, Plot, Situation, applied, encrypted


class Site(oc.Stack):
    """One of everything that may make a difference: of ``plot`` nothing is secret, so that it may stand."""

    note: str = "a"

    def build(self) -> None:
        self.box = Box(image=oc.Image(os="debian", version="12"), content="long", members=["b", "a"])
        self.plot = Plot(
            range=f"in {self.box.address}", within=self.box, note={"of": [self.box.zone, 1, None, self.note]}
        )
        self.kept = Plot(within=self.plot, lifecycle=oc.Lifecycle(protect=True))
        self.moved = Plot(lifecycle=oc.Lifecycle(moved_from=["once"]))


def _inputs(address: str, **inputs: Any) -> Callable[[Situation], object]:
    return lambda one: one.record(address, inputs={**one.records[Address(address)].inputs, **inputs})


def _outputs(address: str, **outputs: Any) -> Callable[[Situation], object]:
    return lambda one: one.record(address, outputs={**one.records[Address(address)].outputs, **outputs})


TURNS: dict[str, Callable[[Situation], object]] = {
    "the cloud tells another input": lambda one: one.tell("plot", range="b"),
    "the cloud tells True for 1": lambda one: one.tell("plot", note={"of": ["zone of box", True, None, "a"]}),
    "the cloud tells an input that was left to it": lambda one: one.tell("kept", note="n"),
    "the cloud tells another choice": lambda one: one.tell("box", image={"id": "image-2"}),
    "the cloud tells another output": lambda one: one.tell("plot", outputs={"place": "elsewhere"}),
    "the cloud tells one more output": lambda one: one.tell("plot", outputs={"more": 1}),
    "the cloud says that it failed": lambda one: one.tell("plot", status=Status.FAILED),
    "the cloud says that it is on its way": lambda one: one.tell("plot", status=Status.PENDING),
    "it is gone": lambda one: one.gone("plot"),
    "it was not read": lambda one: one.told.pop((Address("plot"), ""), None),
    "it was left half made": lambda one: one.record("plot", condition=Condition.TAINTED),
    "it was left while it was made": lambda one: one.record("plot", condition=Condition.CREATING),
    "what it uses was left while it was made": lambda one: one.record("box", condition=Condition.CREATING),
    "another cloud has it": lambda one: one.record("plot", cloud="other"),
    "another kind is there": lambda one: one.record("plot", kind="test.Box"),
    "other dependencies": lambda one: one.record("plot", dependencies=()),
    "an older rule": lambda one: one.record("plot", retain=True),
    "an older rule is gone": lambda one: one.record("kept", protect=False),
    "values to replace it on": lambda one: one.record("plot", triggers=["x"]),
    "another input was recorded": _inputs("plot", range="b"),
    "an input is no longer recorded": _inputs("plot", note=None),
    "a secret input was recorded": _inputs("plot", note=encrypted("n")),
    "a secret output was recorded": _outputs("plot", place=encrypted("p")),
    "another external id": lambda one: one.record("plot", external_id="id-other"),
    "it moves": lambda one: one.forget("moved"),
}


def _turned(names: Sequence[str]) -> Situation:
    situation = applied(Site()).tell_all()
    for name in names:
        TURNS[name](situation)
    return situation


def _plan(situation: Situation, **options: Any) -> dict[str, Any] | str:
    try:
        plan = situation.plan(**options)
    except oc.PlanError as error:
        return str(error)
    return {**plan.to_json(), "unchanged": plan.unchanged}


OPTIONS: tuple[dict[str, Any], ...] = ({}, {"target": ("plot",)}, {"replace": ("plot",)})


@pytest.mark.parametrize("name", TURNS)
def test_the_plan_is_the_same_with_and_without_the_quick_look(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After this turn, and after it and any other."""
    cases = [((name,), options) for options in OPTIONS] + [((name, other), {}) for other in TURNS if other != name]
    quick = [_plan(_turned(names), **options) for names, options in cases]
    monkeypatch.setattr(planner, "stands", lambda *_: False)
    for (names, options), plan in zip(cases, quick, strict=True):
        assert _plan(_turned(names), **options) == plan, (names, options)


def test_code_that_says_something_else_is_seen() -> None:
    assert applied(Site()).tell_all().now(Site(note="b")).actions() == {"plot": "update"}


def test_what_plainly_stands_is_not_looked_at_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("decided on the long way")

    class Plain(oc.Stack):
        def build(self) -> None:
            self.first = Plot(note=[1, {"a": None}])
            self.second = Plot(range=self.first.place, within=self.first)

    situation = applied(Plain()).tell_all()
    monkeypatch.setattr(planner, "decide", refuse)
    plan = situation.plan()
    assert plan.is_empty
    assert plan.unchanged == 2


def test_what_differs_is_evaluated_once() -> None:
    asked: list[object] = []

    class Plain(oc.Stack):
        note: str = "a"

        def build(self) -> None:
            self.first = Plot()
            self.second = Plot(note=self.first.place.map(lambda place: asked.append(place) or self.note))

    situation = applied(Plain()).tell_all().now(Plain(note="b"))
    asked.clear()
    assert situation.actions() == {"second": "update"}
    assert asked == ["place of first"]
