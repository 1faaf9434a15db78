"""Portable choices: made by the cloud once, then remembered."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.address import Address
from orchestra.model.values import UNKNOWN, Value
from orchestra.planning.choices import Wanted, chosen, remembered, to_ask, unify, wish
from orchestra.planning.decide import Action, Reason
from tests.planning.worlds import Box, Elsewhere, applied, fresh, one_box, path_names, stack_of

DEBIAN = oc.Image(os="debian", version="12")
WISH = {"os": "debian", "version": "12", "architecture": "x86_64"}
KEY = '{"architecture":"x86_64","os":"debian","version":"%s"}'


def wanted(version: str = "12", cloud: str = "cloud") -> Wanted:
    return Wanted(cloud, "test.Box", "image", KEY % version)


def test_a_choice_is_made_by_the_cloud_at_first() -> None:
    change = fresh(one_box(image=DEBIAN), {wanted(): "ami-1"}).changes()["box"]
    assert change.after["image"] == {**WISH, "id": "ami-1"}


def test_a_choice_is_remembered_though_the_cloud_would_choose_another_now() -> None:
    situation = applied(one_box(image=DEBIAN)).tell_all()
    situation.choices[wanted()] = "newer"
    assert situation.plan().changes == ()


def test_another_wish_is_chosen_anew() -> None:
    situation = applied(one_box(image=DEBIAN)).tell_all()
    situation.choices[wanted("13")] = "ami-13"
    change = situation.now(one_box(image=oc.Image(os="debian", version="13"))).changes()["box"]
    assert change.action is Action.REPLACE
    assert {one.name: (one.before, one.after) for one in change.properties} == {
        "image.id": ("debian-12-x86_64", "ami-13"),
        "image.version": ("12", "13"),
    }


def test_another_wish_that_leads_to_the_same_is_no_change() -> None:
    situation = applied(one_box(image=DEBIAN)).tell_all()
    situation.choices[wanted("13")] = "debian-12-x86_64"
    assert situation.now(one_box(image=oc.Image(os="debian", version="13"))).plan().is_empty
    assert situation.now(one_box(image="debian-12-x86_64")).plan().is_empty


def test_a_choice_changed_in_the_cloud_is_drift() -> None:
    situation = applied(one_box(image=DEBIAN)).tell_all()
    situation.tell("box", image={"id": "other"})
    change = situation.changes()["box"]
    assert (change.action, change.reason) == (Action.REPLACE, Reason.DRIFT_FORCED)
    assert path_names(change.properties) == ["image.id"]


def test_what_another_cloud_chose_is_not_remembered() -> None:
    situation = applied(one_box(image=DEBIAN)).tell_all()
    situation.choices[wanted(cloud="elsewhere")] = "theirs"
    change = situation.now(one_box(image=DEBIAN, cloud=Elsewhere())).changes()["box"]
    assert change.after["image"] == {**WISH, "id": "theirs"}


def by_reference(self: Any) -> None:
    self.a = Box()
    self.b = Box(image=self.a.address)


def test_a_choice_by_reference_is_known_when_that_is() -> None:
    assert fresh(stack_of(by_reference)).changes()["b"].after["image"] == {"id": UNKNOWN}
    assert applied(stack_of(by_reference)).tell_all().plan().is_empty


# -- what a cloud is asked


def asked(stack: oc.Stack, address: str = "box", *, cloud: str = "cloud", recorded: bool = False) -> dict[Any, Any]:
    situation = applied(stack)
    declared = situation.declaration.resources[Address(address)]
    return to_ask(declared, cloud, situation.records[Address(address)] if recorded else None)


def test_every_choice_is_asked_for_until_it_is_recorded() -> None:
    assert asked(one_box(image=DEBIAN)) == {wanted(): WISH}
    assert asked(one_box(image="ami-1")) == {Wanted("cloud", "test.Box", "image", '{"id":"ami-1"}'): {"id": "ami-1"}}
    assert asked(one_box(image=DEBIAN), recorded=True) == {}
    assert asked(one_box(image="ami-1"), recorded=True) == {}


def test_a_record_of_another_cloud_answers_nothing() -> None:
    assert asked(one_box(image=DEBIAN), recorded=True, cloud="elsewhere") == {wanted(cloud="elsewhere"): WISH}


def test_a_choice_by_reference_is_nothing_to_ask() -> None:
    assert asked(stack_of(by_reference), "b") == {}


def test_another_wish_than_the_recorded_one_is_asked_for() -> None:
    situation = applied(one_box(image=DEBIAN)).now(one_box(image=oc.Image(os="debian", version="13")))
    declared = situation.declaration.resources[Address("box")]
    assert list(to_ask(declared, "cloud", situation.records[Address("box")])) == [wanted("13")]


# -- one by one


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"os": "debian", "cpus": 2, "memory": 1.5, "gpu": None, "fast": True}, "as it is"),
        ({"id": UNKNOWN}, None),
        ("ami-1", None),
        (None, None),
    ],
)
def test_a_wish_is_what_is_known_and_plain(value: Value, expected: object) -> None:
    assert wish(value) == (value if expected else None)


@pytest.mark.parametrize(
    ("value", "recorded", "kept"),
    [
        (WISH, {**WISH, "id": "a"}, "a"),
        ({"id": "a"}, {"id": "a"}, "a"),
        ({"id": "a"}, {**WISH, "id": "a"}, "a"),
        (WISH, {**WISH, "version": "13", "id": "a"}, None),
        (WISH, {"id": "a"}, None),
        ({"id": "b"}, {"id": "a"}, None),
        (WISH, WISH, None),
        (WISH, None, None),
        ({"id": UNKNOWN}, {"id": "a"}, None),
    ],
)
def test_the_id_of_the_same_wish_is_remembered(value: Value, recorded: Value, kept: str | None) -> None:
    assert remembered(value, recorded) == kept


def test_what_nobody_has_chosen_is_unknown() -> None:
    assert chosen(WISH, None, wanted(), {}) == {**WISH, "id": UNKNOWN}
    assert chosen({"id": "a"}, None, wanted(), {}) == {"id": "a"}
    assert chosen({"id": UNKNOWN}, {"id": "a"}, wanted(), {}) == {"id": UNKNOWN}


def test_a_choice_made_anew_takes_what_the_cloud_chooses_now_if_it_was_asked() -> None:
    kept = {**WISH, "id": "older"}
    assert chosen(WISH, kept, wanted(), {wanted(): "newer"})["id"] == "older"
    assert chosen(WISH, kept, wanted(), {wanted(): "newer"}, anew=True)["id"] == "newer"
    assert chosen(WISH, kept, wanted(), {}, anew=True)["id"] == "older"
    assert chosen(WISH, None, wanted(), {}, anew=True)["id"] is UNKNOWN


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({**WISH, "id": "a"}, {"id": "a"}, {**WISH, "id": "a"}),
        ({**WISH, "id": "a"}, {"id": "b"}, {"id": "b"}),
        ({"id": UNKNOWN}, {"id": UNKNOWN, "x": 1}, {"id": UNKNOWN, "x": 1}),
        (None, {"id": "a"}, {"id": "a"}),
        ({"id": "a"}, None, None),
    ],
)
def test_two_wishes_that_stand_for_one_id_are_one(before: Value, after: Value, expected: Value) -> None:
    assert unify(before, after) == expected
