"""One resource: what is there against what is asked for."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.contracts import Observation
from orchestra.diff import PropertyChange
from orchestra.model.address import Address
from orchestra.model.declaration import Declared
from orchestra.model.fields import InputSpec
from orchestra.model.values import ABSENT, UNKNOWN, Sealed, Value
from orchestra.planning.comparing import (
    Comparison,
    against,
    creation,
    differences,
    expected_outputs,
    forces,
    of_another_kind,
    overlay,
    told_outputs,
    trigger_change,
)
from orchestra.planning.decide import Desired
from orchestra.state.records import Condition, Record
from tests.planning.worlds import Box, applied, encrypted, one_box

SPECS = Box.kind.inputs


def record(**fields: Any) -> Record:
    return Record(
        **{
            "address": Address("box"),
            "kind": "test.Box",
            "cloud": "cloud",
            "external_id": "id-box",
            "token": "t",
            "condition": Condition.READY,
            **fields,
        }
    )


def declared(**inputs: Any) -> Declared:
    return applied(one_box(**inputs)).declaration.resources[Address("box")]


# -- differences


def test_each_difference_says_whether_it_forces_replacement() -> None:
    found = differences(SPECS, {"fixed": "a", "loose": 1, "size": 3}, {"fixed": "b", "loose": 2, "size": 2})
    assert [(one.name, one.forces_replacement) for one in found] == [("fixed", True), ("loose", False), ("size", True)]


def test_a_deep_difference_is_judged_by_its_whole_input() -> None:
    found = differences(SPECS, {"loose": {"a": 1, "b": 2}}, {"loose": {"a": 1, "b": 3}})
    assert [(one.path, one.before, one.after) for one in found] == [(("loose", "b"), 2, 3)]


def test_an_input_that_is_missing_is_none() -> None:
    assert differences(SPECS, {}, {"loose": None}) == ()
    assert differences(SPECS, {"loose": 1}, {}) == (PropertyChange(path=("loose",), before=1, after=None),)


def test_inputs_that_the_kind_no_longer_has_force_nothing() -> None:
    assert not differences(SPECS, {"gone": 1}, {})[0].forces_replacement


@pytest.mark.parametrize(
    ("spec", "before", "after", "expected"),
    [
        (InputSpec(replace=True), 1, 2, True),
        (InputSpec(replace=False), 1, 2, False),
        (InputSpec(replace=lambda before, after: before == 1), 1, 2, True),
        (InputSpec(replace=lambda before, after: before == 1), 2, 1, False),
    ],
)
def test_forcing_is_always_never_or_as_the_kind_works_out(
    spec: InputSpec, before: int, after: int, expected: bool
) -> None:
    assert forces(spec, before, after) is expected


# -- comparing


def test_what_is_the_same_asks_for_nothing() -> None:
    inputs = {"loose": 1, "fixed": "a"}
    found = against(declared(), record(inputs=inputs), inputs, dict(inputs), ())
    assert found == Comparison(after=inputs, anew=inputs)


def test_an_unknown_value_may_force() -> None:
    found = against(declared(), record(inputs={"fixed": "a"}), {"fixed": "a"}, {"fixed": UNKNOWN}, ())
    assert found.desired is Desired.REPLACE


@pytest.mark.parametrize(
    ("recorded", "seen", "wanted", "only_drift"),
    [("a", "b", "a", True), ("a", "a", "b", False), ("a", "b", "c", False), ("a", "b", UNKNOWN, False)],
)
def test_it_is_drift_if_the_record_is_as_declared(
    recorded: Value, seen: Value, wanted: Value, only_drift: bool
) -> None:
    found = against(declared(), record(inputs={"loose": recorded}), {"loose": seen}, {"loose": wanted}, ())
    assert found.desired is Desired.UPDATE
    assert found.only_drift is only_drift


def test_other_differences_are_no_drift_and_come_first() -> None:
    other = PropertyChange(path=("cloud",), before="a", after="b", forces_replacement=True)
    found = against(declared(), record(inputs={"loose": 1}), {"loose": 2}, {"loose": 1}, [other])
    assert (found.desired, found.only_drift) == (Desired.REPLACE, False)
    assert [one.name for one in found.properties] == ["cloud", "loose"]


def test_what_is_ignored_stays_in_place_and_is_as_declared_anew() -> None:
    item = declared(lifecycle=oc.Lifecycle(ignore_changes=["loose", "fixed"]))
    found = against(item, record(), {"loose": "old", "size": 1}, {"loose": "new", "fixed": "f", "size": 1}, ())
    assert found.after == {"loose": "old", "fixed": "f", "size": 1}
    assert found.anew == {"loose": "new", "fixed": "f", "size": 1}
    assert found.ignored == (PropertyChange(path=("loose",), before="old", after="new"),)


def test_what_is_made_has_every_input_that_is_set() -> None:
    found = creation({"b": 1, "a": [None], "c": None})
    assert found.properties == (
        PropertyChange(path=("a",), before=ABSENT, after=[None]),
        PropertyChange(path=("b",), before=ABSENT, after=1),
    )
    assert found.after == found.anew == {"b": 1, "a": [None], "c": None}


def test_another_kind_is_always_a_replacement() -> None:
    found = of_another_kind(record(), "test.Plot", {"range": "a"})
    assert found.desired is Desired.REPLACE
    assert [one.name for one in found.properties] == ["kind", "range"]


# -- what the cloud tells


def seen(recorded: Value, told: Value, name: str = "loose") -> Value:
    observation = Observation(external_id="id-box", inputs={name: told})  # type: ignore[dict-item]
    return overlay(record(inputs={name: recorded}), observation, SPECS)[name]


@pytest.mark.parametrize(
    ("recorded", "told", "expected"),
    [
        ("a", "b", "b"),
        ("a", None, None),
        (None, "b", None),
        (Sealed("d"), "b", Sealed("d")),
        ([1, Sealed("d")], [1, 2], [1, Sealed("d")]),
        ({"a": {"b": Sealed("d")}}, {"a": 1}, {"a": {"b": Sealed("d")}}),
        ({"a": 1}, {"b": 2}, {"b": 2}),
        ([], [1], [1]),
        (False, True, True),
    ],
)
def test_what_is_told_stands_in_the_place_of_what_is_recorded(recorded: Value, told: Value, expected: Value) -> None:
    assert seen(recorded, told) == expected


def test_a_choice_keeps_its_wish_and_takes_the_id_that_is_told() -> None:
    assert seen({"os": "debian", "id": "a"}, {"id": "b"}, "image") == {"os": "debian", "id": "b"}


def test_inputs_that_were_never_recorded_are_not_told() -> None:
    observation = Observation(external_id="id-box", inputs={"loose": 1})
    assert overlay(record(), observation, SPECS) == {}
    assert overlay(record(inputs={"a": 1}), None, SPECS) == {"a": 1}


def test_a_choice_is_told_by_its_id_also_where_the_kind_is_not_known() -> None:
    observation = Observation(external_id="id-box", inputs={"image": {"id": "b"}, "labels": {"x": "y"}})
    kept = record(inputs={"image": {"os": "debian", "id": "a"}, "labels": {"a": "b"}})
    assert overlay(kept, observation, {}) == {"image": {"os": "debian", "id": "b"}, "labels": {"x": "y"}}


def test_outputs_are_as_told_and_secret_ones_as_recorded() -> None:
    kept = record(outputs={"id": "old", "address": "a", "token": encrypted("t"), "gone": 1})
    told = Observation(external_id="id-box", outputs={"address": "b", "zone": None, "token": "plain"})
    assert told_outputs(kept, told, Box.kind.outputs) == {
        "address": "b",
        "zone": None,
        "token": encrypted("t"),
        "id": "id-box",
    }
    assert told_outputs(kept, None, Box.kind.outputs) == kept.outputs


def test_after_an_update_only_what_it_may_change_is_unknown() -> None:
    outputs = {"id": "i", "address": "a", "zone": "z", "token": Sealed("t"), "other": 1}

    def after(*names: str) -> object:
        properties = tuple(PropertyChange(path=(name, "deep"), before=1, after=2) for name in names)
        return expected_outputs(declared(), outputs, Comparison(properties=properties))

    assert after("loose") == outputs
    assert after("loose", "size") == {**outputs, "zone": UNKNOWN}


@pytest.mark.parametrize(
    ("recorded", "wanted", "expected"),
    [
        (["a"], ["a"], None),
        (None, None, None),
        (["a"], ["b"], True),
        (["a"], [UNKNOWN], True),
        (["a"], ["a", "b"], True),
        (None, ["a"], False),
        (["a"], None, False),
    ],
)
def test_values_to_replace_on_force_only_when_they_change(
    recorded: Value, wanted: Value, expected: bool | None
) -> None:
    found = trigger_change(recorded, wanted)
    assert [one.forces_replacement for one in found] == ([] if expected is None else [expected])
