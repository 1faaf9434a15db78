"""No secret gets into a plan: not from code, not from the state, not from the cloud."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

import orchestra as oc
from orchestra.model.address import Address
from orchestra.model.values import Revealed, Sealed
from orchestra.planning.decide import Action, Mode
from orchestra.planning.options import Options
from orchestra.planning.planner import make_plan
from tests.planning.worlds import Box, Plot, applied, fresh, one_box, stack_of


def test_secrets_are_sealed_and_never_in_the_bytes_of_a_plan() -> None:
    def build(self: Any) -> None:
        self.a = Box(password=oc.Secret.env("P"), content=oc.Secret.env("P"))
        self.b = Box(
            loose={"deep": [f"x{oc.Secret.env('P')}", self.a.token]},
            fixed=self.a.token.map(lambda value: value),
            password=self.a.token,
        )
        self.out = oc.Output(f"{oc.Secret.env('P')}/{self.a.token}")

    secrets = {"P": "hunter2"}
    stack = stack_of(build)
    for situation in (
        attrs.evolve(fresh(stack), secrets=secrets),
        applied(stack, secrets={"P": "hunter1"}).tell_all(),
    ):
        situation.secrets = secrets
        plan = situation.plan()
        assert plan.changes
        said = json.dumps(plan.to_json()) + str(plan) + repr(plan) + repr(plan.changes) + plan._repr_html_()
        for secret in ("hunter", "token of a", "value of"):
            assert secret not in said
    assert isinstance(plan.outputs[Address("out")], Sealed)


def test_a_changed_secret_is_seen_and_marked() -> None:
    situation = applied(one_box(password=oc.Secret.env("P"), content="c")).tell_all()
    assert situation.plan().is_empty
    situation.secrets["P"] = "rotated"
    change = situation.changes()["box"]
    assert [(one.name, one.is_secret) for one in change.properties] == [("password", True)]


def test_what_the_cloud_tells_of_a_secret_is_not_compared() -> None:
    situation = applied(one_box(password=oc.Secret.env("P"), loose=["x", oc.Secret.env("P")])).tell_all()
    situation.tell("box", password="told in plain", loose=["x", "told in plain"])
    assert situation.plan().changes == ()


@pytest.mark.parametrize("recorded", ["none", "missing"])
def test_a_secret_output_that_the_cloud_tells_reaches_no_plan(recorded: str) -> None:
    situation = applied(one_box()).tell_all()
    outputs = dict(situation.records[Address("box")].outputs)
    if recorded == "none":
        outputs["token"] = None
    else:
        del outputs["token"]
    situation.record("box", outputs=outputs)
    situation.tell("box", outputs={"token": "told in plain", "address": "new"})
    for mode in Mode:
        plan = situation.plan(mode=mode)
        assert plan.changes
        assert "told in plain" not in json.dumps(plan.to_json())


def test_secret_outputs_of_what_was_of_another_kind_reach_no_plan() -> None:
    situation = applied(one_box()).tell_all()
    situation.record("box", outputs={"id": "id-box", "token": None})
    situation.tell("box", outputs={"token": "told in plain"})
    plan = situation.now(stack_of(lambda self: setattr(self, "box", Plot()))).plan()
    assert plan.changes
    assert "told in plain" not in json.dumps(plan.to_json())


def test_a_plain_input_that_is_now_a_secret_is_sealed() -> None:
    situation = applied(one_box(content="old")).tell_all().now(one_box(content=oc.Secret.env("P")))
    change = situation.changes()["box"]
    assert isinstance(change.after["content"], Sealed)
    assert change.properties[0].is_secret


@pytest.mark.parametrize("mode", [Mode.DESTROY, Mode.REFRESH_ONLY])
def test_only_what_is_to_be_made_needs_its_secrets(mode: Mode) -> None:
    situation = applied(one_box(password=oc.Secret.env("P"))).tell_all()
    situation.tell("box", outputs={"address": "new"})

    def reveal(secret: oc.Secret) -> Revealed:
        raise oc.DefinitionError("not set")

    world = attrs.evolve(situation.world(), reveal=reveal)
    expected = Action.DELETE if mode is Mode.DESTROY else Action.READ
    assert [change.action for change in make_plan(world, Options(mode=mode), "Shop").changes] == [expected]
