"""The provider contract as a check: what keeps it passes, and each rule catches what breaks it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import orchestra as oc
from orchestra.contracts import Inputs, Observation, Ownership, Update
from orchestra.testing import BrokenContractError, ProviderCase, VirtualClock, check_provider
from orchestra.testing.rules import RULES
from tests.testing.shelf import UNREACHABLE, WRONG, Box, Boxes, Shelf, Unreachable

CASE = ProviderCase(
    make=lambda number: Box(name=f"box {number}", words=["two", "one"], content="hello"),
    changes={
        "name": "another",  # forces a replacement: left out
        "words": ["three", "one"],
        "note": oc.Secret.generate("note"),
        "content": "goodbye",
        "volume": oc.Size(cpus=4, memory_gib=8),
        "weight": 3,
    },
    timeout=30.0,
)


def check(make: Callable[[Shelf], Boxes], unreachable: type[Unreachable] | None = Unreachable) -> Shelf:
    shelf = Shelf()
    out = unreachable(shelf) if unreachable else None
    check_provider(lambda: make(shelf), [CASE], unreachable=(lambda: out) if out else None, clock=VirtualClock())
    return shelf


def broken_by(make: Callable[[Shelf], Boxes], unreachable: type[Unreachable] = Unreachable) -> BrokenContractError:
    with pytest.raises(BrokenContractError) as caught:
        check(make, unreachable)
    return caught.value


def test_what_keeps_the_contract_passes_and_leaves_nothing() -> None:
    assert check(Boxes).boxes == {}


class Busy(Boxes):
    """At work for two calls whenever it makes, changes or deletes something; the third goes on from there."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self.left: dict[object, int] = {}

    def at_work(self, *call: object) -> None:
        with self.shelf.lock:
            self.left[call] = self.left.get(call, 3) - 1
            if self.left[call]:
                raise oc.InProgressError("boxes are being moved", retry_after=2.0)
            del self.left[call]

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        made = super().create(inputs, owner)
        self.at_work("create", owner.token)
        return made

    def update(self, external_id: str, update: Update) -> Observation:
        self.at_work("update", external_id)
        return super().update(external_id, update)

    def delete(self, external_id: str) -> None:
        if external_id in self.shelf.boxes:
            self.at_work("delete", external_id)
        super().delete(external_id)


class NeverDone(Busy):
    def at_work(self, *call: object) -> None:
        raise oc.InProgressError("boxes are being moved")


def test_what_is_in_progress_is_seen_through_as_the_engine_does() -> None:
    assert check(Busy).boxes == {}


def test_what_is_in_progress_for_ever_breaks_the_contract() -> None:
    assert "boxes are being moved" in str(broken_by(NeverDone))


@pytest.mark.parametrize(
    ("rule", "wrong"), [pytest.param(rule, one, id=one.__name__) for rule, every in WRONG.items() for one in every]
)
def test_each_rule_catches_what_breaks_it(rule: str, wrong: type[Boxes]) -> None:
    error = broken_by(wrong)
    assert rule in [one.rule for one in error.broken], str(error)
    assert f"breaks the rule '{rule}'" in str(error)


@pytest.mark.parametrize("wrong", [pytest.param(one, id=one.__name__) for one in UNREACHABLE])
def test_a_failure_taken_for_an_answer_is_caught(wrong: type[Unreachable]) -> None:
    error = broken_by(Boxes, wrong)
    assert [one.rule for one in error.broken] == ["failure is not gone"]


def test_every_rule_is_shown_to_catch_something() -> None:
    assert {*WRONG, "failure is not gone"} == {rule.name for rule in RULES}
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_what_is_wrong_in_one_way_breaks_few_rules() -> None:
    assert [one.rule for one in broken_by(WRONG["delete twice"][0]).broken] == ["delete twice"]
    assert [one.rule for one in broken_by(WRONG["outputs"][1]).broken] == ["outputs"]
    assert [one.rule for one in broken_by(WRONG["update"][1]).broken] == ["update", "update again"]


def test_messages_name_the_rule_and_what_was_found() -> None:
    error = broken_by(WRONG["same token"][0])
    assert str(error) == (
        "one rule of the contract orchestra.contracts.Provider broken:\n"
        "  - shelf.Box breaks the rule 'same token': create() is idempotent under its token\n"
        "      found: two calls with one token made box-3 and box-4"
    )
    [first, *_] = broken_by(WRONG["creates"][1]).broken
    assert first.found == "create() raised KeyError, which is no CloudError: 'volume'"
    [first, *_] = broken_by(WRONG["inputs"][3]).broken
    assert first.found == "after create() the next plan would not be empty: weight is told as '1', declared 1"


def test_without_an_unreachable_cloud_that_rule_is_left_out_and_said_so() -> None:
    shelf = Shelf()
    checked = check_provider(lambda: Boxes(shelf), [CASE, CASE], clock=VirtualClock())
    assert checked.left_out == (("failure is not gone", "no unreachable= was given"),)
    assert len(checked.rules) == len(RULES) - 1


def test_a_case_with_other_resources_in_it_is_refused() -> None:
    case = ProviderCase(make=lambda number: oc.Subnet(network=oc.Network(cidr="10.0.0.0/16"), cidr="10.0.0.0/24"))
    with pytest.raises(oc.DefinitionError):
        check_provider(lambda: Boxes(Shelf()), [case], clock=VirtualClock())


def test_one_copy_is_too_few() -> None:
    with pytest.raises(ValueError, match="copies"):
        ProviderCase(make=lambda number: Box(name="one"), copies=1)


def test_a_choice_that_cannot_be_made_is_told() -> None:
    class Chooses(Boxes):
        def choose(self, name: str, wanted: object) -> str:
            raise oc.ChoiceError("nothing fits")

    error = broken_by(Chooses)
    assert error.broken[0].found == "choose() raised ChoiceError: nothing fits"
