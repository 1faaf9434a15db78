"""From declared inputs to values: raw for the cloud, sealed and summarized for plans and state."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.address import Address
from orchestra.model.expressions import Scope
from orchestra.model.values import UNKNOWN, Revealed, Sealed, Value
from orchestra.planning.inputs import (
    Final,
    check_planned,
    evaluated_at,
    finish,
    kept_form,
    kept_inputs,
    raw_inputs,
    sealed,
)
from tests.planning.worlds import Box, applied, one_box, seal, stack_of

SEALED = seal(Revealed("s"))
DIGEST = "1 bytes, md5 0cc175b9c0f1b6a831c399e269772661"


def scope(outputs: dict[str, Value], declaration: Any) -> Scope:
    return Scope(
        lambda resource, name: outputs.get(name, UNKNOWN), lambda secret: Revealed("s"), declaration.placeholders
    )


def raw(stack: oc.Stack, outputs: dict[str, Value] | None = None) -> dict[str, Value]:
    """The inputs of the box, where other resources have told ``outputs``."""
    declaration = applied(stack).declaration
    return raw_inputs(declaration.resources[Address("box")], scope(outputs or {}, declaration))


def test_secret_inputs_are_revealed_whatever_they_come_from() -> None:
    assert raw(one_box(password="plain"))["password"] == Revealed("plain")
    assert raw(one_box(password=oc.Secret.env("P")))["password"] == Revealed("s")
    assert raw(one_box())["password"] is None


def using(make: Any) -> oc.Stack:
    def build(self: Any) -> None:
        self.a = Box()
        self.box = make(self.a)

    return stack_of(build)


def test_a_secret_input_that_is_not_known_yet_stays_unknown() -> None:
    stack = using(lambda a: Box(password=a.address))
    assert raw(stack)["password"] is UNKNOWN
    assert raw(stack, {"address": "x"})["password"] == Revealed("x")


def test_lists_are_brought_into_their_normal_form_once_they_are_known() -> None:
    stack = using(lambda a: Box(members=["b", "a", "b", a.address]))
    assert raw(stack)["members"] == ["b", "a", "b", UNKNOWN]
    assert raw(stack, {"address": "aa"})["members"] == ["a", "aa", "b"]


def test_kept_are_seals_of_secrets_and_summaries_of_what_is_large() -> None:
    kept = kept_form(
        Box.kind,
        {
            "password": Revealed("s"),
            "content": "a",
            "loose": {"x": [Revealed("s"), 1]},
            "size": 3,
            "members": UNKNOWN,
        },
        seal,
    )
    assert kept == {
        "password": SEALED,
        "content": DIGEST,
        "loose": {"x": [SEALED, 1]},
        "size": 3,
        "members": UNKNOWN,
    }
    assert kept_form(Box.kind, {"content": Revealed("s")}, seal) == {"content": SEALED}
    assert kept_form(Box.kind, {"content": UNKNOWN}, seal) == {"content": UNKNOWN}
    assert kept_form(Box.kind, {"content": None}, seal) == {"content": None}


@pytest.mark.parametrize("outputs", [{}, {"address": "x", "token": Revealed("s")}])
@pytest.mark.parametrize(
    "make",
    [
        lambda a: Box(),
        lambda a: Box(password="plain", content="long", members=["b", "a"], loose={"x": [1, None, {"y": "z"}]}),
        lambda a: Box(password=a.address, content=a.address, members=[a.address, "a"], loose={"x": [a.address]}),
        lambda a: Box(password=oc.Secret.env("P"), content=oc.Secret.env("P"), loose=[oc.Secret.env("P"), "b"]),
        lambda a: Box(fixed=f"{a.address}!", loose=a.token.map(str.upper), content=f"at {a.address}, {a.token}"),
    ],
)
def test_what_is_kept_at_once_is_what_is_kept_of_what_is_raw(make: Any, outputs: dict[str, Value]) -> None:
    declaration = applied(using(make)).declaration
    item, known = declaration.resources[Address("box")], scope(outputs, declaration)
    assert kept_inputs(item, known, seal) == kept_form(item.kind, raw_inputs(item, known), seal)


def test_every_secret_in_a_value_is_sealed_and_nothing_else() -> None:
    value: Value = {"a": (Revealed("s"), None, "text"), "b": {"c": Revealed("s"), "d": UNKNOWN}, "e": Sealed("kept")}
    assert sealed(value, seal) == {
        "a": [SEALED, None, "text"],
        "b": {"c": SEALED, "d": UNKNOWN},
        "e": Sealed("kept"),
    }


def test_a_fault_is_told_at_the_address_unless_it_has_one() -> None:
    def reveal(secret: oc.Secret) -> Revealed:
        raise oc.DefinitionError("no value", address="elsewhere" if secret.name == "other" else None)

    failing = Scope(lambda resource, name: UNKNOWN, reveal, {})
    with pytest.raises(oc.DefinitionError, match=r"^box: input a: no value$"):
        evaluated_at(Address("box"), "input a", oc.Secret.env("x"), failing)
    with pytest.raises(oc.DefinitionError, match=r"^elsewhere: no value$"):
        evaluated_at(Address("box"), "input a", oc.Secret.env("other"), failing)


# -- at apply time


def finished(stack: oc.Stack, plan: dict[str, Value], outputs: dict[str, Value] | None = None) -> Final:
    """The inputs of the box for its call, where other resources have told ``outputs`` by then."""
    declaration = applied(stack).declaration
    return finish(declaration.resources[Address("box")], plan, scope(outputs or {}, declaration), seal)


def planned(**changes: Value) -> dict[str, Value]:
    return {
        "fixed": None,
        "loose": None,
        "size": 1,
        "name": None,
        "password": None,
        "image": {"id": "image-1"},
        "content": None,
        "members": [],
        **changes,
    }


def test_what_the_plan_did_not_know_is_filled_in() -> None:
    stack = using(lambda a: Box(loose=f"http://{a.address}", password=oc.Secret.env("P"), content="a"))
    final = finished(stack, planned(loose=UNKNOWN, password=SEALED, content=DIGEST), {"address": "here"})
    assert (final.raw["loose"], final.kept["loose"]) == ("http://here", "http://here")
    assert (final.raw["password"], final.kept["password"]) == (Revealed("s"), SEALED)
    assert (final.raw["content"], final.kept["content"]) == ("a", DIGEST)


def test_unknowns_inside_are_filled_in_and_the_rest_must_be_as_planned() -> None:
    stack = one_box(loose={"a": "now", "b": "same"})
    final = finished(stack, planned(loose={"a": UNKNOWN, "b": "same"}))
    assert final.kept["loose"] == {"a": "now", "b": "same"}
    with pytest.raises(oc.StalePlanError):
        finished(stack, planned(loose={"a": UNKNOWN, "b": "other"}))


@pytest.mark.parametrize(
    ("inputs", "plan"),
    [
        ({"loose": "now"}, {"loose": "planned"}),
        ({"loose": ["now"]}, {"loose": "now"}),
        ({"loose": True}, {"loose": 1}),
        ({"password": oc.Secret.env("P")}, {"password": seal(Revealed("rotated"))}),
        ({"content": "a"}, {"content": "1 bytes, md5 of another"}),
        ({"loose": {"a": 1}}, {"loose": {"a": 1, "b": 2}}),
        ({"size": 2}, {}),
    ],
)
def test_what_is_no_longer_as_planned_is_stale(inputs: dict[str, Any], plan: dict[str, Value]) -> None:
    with pytest.raises(oc.StalePlanError) as caught:
        finished(one_box(**inputs), planned(**plan))
    name = next(iter(inputs))
    assert str(caught.value) == (
        f"box: input {name} is no longer what the plan says\n"
        "  to do: the stack, a secret or an environment variable changed after the plan: make a new plan"
    )


def test_a_choice_is_as_the_plan_made_it() -> None:
    chosen = {"os": "debian", "version": "12", "architecture": "x86_64", "id": "ami-1"}
    final = finished(one_box(image=oc.Image(os="debian", version="12")), planned(image=chosen))
    assert final.raw["image"] == final.kept["image"] == chosen
    stack = using(lambda a: Box(image=a.address))
    final = finished(stack, planned(image={"id": UNKNOWN}), {"address": "ami-2"})
    assert final.raw["image"] == {"id": "ami-2"}


def test_what_is_ignored_is_as_the_plan_says() -> None:
    rules = oc.Lifecycle(ignore_changes=["loose", "content", "password"])
    stack = one_box(loose="code", content="a", password=oc.Secret.env("P"), lifecycle=rules)
    final = finished(stack, planned(loose="cloud", content=DIGEST, password=SEALED))
    assert (final.raw["loose"], final.kept["loose"]) == ("cloud", "cloud")
    assert (final.raw["content"], final.kept["content"]) == ("a", DIGEST)
    assert (final.raw["password"], final.kept["password"]) == (Revealed("s"), SEALED)


def test_a_digest_is_never_given_to_a_call_as_if_it_were_the_content() -> None:
    rules = oc.Lifecycle(ignore_changes=["loose", "content", "password"])
    stack = one_box(loose="code", content="b", password=oc.Secret.env("P"), lifecycle=rules)
    old = seal(Revealed("old"))
    final = finished(stack, planned(loose=["x", old], content=DIGEST, password=old))
    assert (final.raw["content"], final.kept["content"]) == (None, DIGEST)
    assert (final.raw["password"], final.kept["password"]) == (None, old)
    assert (final.raw["loose"], final.kept["loose"]) == (None, ["x", old])


# -- before any call


def checked(stack: oc.Stack, plan: dict[str, Value], outputs: dict[str, Value] | None = None) -> None:
    declaration = applied(stack).declaration
    check_planned(declaration.resources[Address("box")], plan, scope(outputs or {}, declaration), seal)


@pytest.mark.parametrize(
    ("inputs", "plan"),
    [
        ({"loose": "now"}, {"loose": "now"}),
        ({"loose": "now"}, {"loose": UNKNOWN}),
        ({"content": "a", "password": oc.Secret.env("P")}, {"content": DIGEST, "password": SEALED}),
        ({"image": "image-1"}, {"image": {"os": "debian", "id": "image-1"}}),
        ({"loose": "now", "lifecycle": oc.Lifecycle(ignore_changes=["loose"])}, {"loose": "before"}),
    ],
    ids=["same", "unknown in the plan", "sealed and summarized", "chosen", "ignored"],
)
def test_what_is_still_as_planned_passes(inputs: dict[str, Any], plan: dict[str, Value]) -> None:
    checked(one_box(**inputs), planned(**plan))


def test_what_is_not_known_yet_is_left_to_the_call() -> None:
    stack = using(lambda a: Box(loose=a.address))
    checked(stack, planned(loose="planned"))
    with pytest.raises(oc.StalePlanError, match="box: input loose is no longer what the plan says"):
        checked(stack, planned(loose="planned"), {"address": "now"})


def test_inputs_that_the_plan_does_not_name_are_not_compared() -> None:
    checked(one_box(loose="now"), {})
