"""From a record, an observation and a decision to a change."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.contracts import Observation, Status
from orchestra.errors import InternalError
from orchestra.model.address import Address
from orchestra.model.values import UNKNOWN
from orchestra.planning.changes import Subject, change_of, deposed_change, find_moves, outputs_after
from orchestra.planning.comparing import Comparison
from orchestra.planning.decide import Action, Mode, Observed, Reason, Recorded
from orchestra.state.records import Condition, Record
from tests.planning.worlds import Box, applied, observation, one_box, stack_of

BOX = Address("box")


def subject(told: Any = "as recorded", *, declared: bool = True, recorded: bool = True, **fields: Any) -> Subject:
    """A box that is declared and recorded; ``told`` is an observation, None for gone, "nothing" for unread."""
    situation = applied(one_box())
    record: Record = situation.record("box", **fields)
    return Subject(
        address=BOX,
        item=situation.declaration.resources[BOX] if declared else None,
        record=record if recorded else None,
        told=told != "nothing",
        observation=observation(record) if told == "as recorded" else None if told == "nothing" else told,
        cloud="cloud" if declared else "",
    )


def told(**changes: Any) -> Observation:
    record = applied(one_box()).records[BOX]
    return observation(record, **changes)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (subject(), Observed.SAME),
        (subject(told(outputs={"address": "new"})), Observed.DIFFERENT),
        (subject(told(inputs={"size": 2})), Observed.DIFFERENT),
        (subject(told(status=Status.FAILED)), Observed.FAILED),
        (subject(told(status=Status.PENDING)), Observed.SAME),
        (subject(None), Observed.GONE),
        (subject("nothing"), Observed.UNREAD),
        (subject(recorded=False), Observed.UNREAD),
        (subject(told(outputs={"address": "new"}), declared=False), Observed.SAME),
        (subject(told(inputs={"size": 2}), declared=False), Observed.DIFFERENT),
    ],
    ids=[
        "as recorded",
        "another output",
        "another input",
        "failed",
        "pending",
        "gone",
        "not read",
        "not recorded",
        "not declared, another output",
        "not declared, another input",
    ],
)
def test_what_the_cloud_says(of: Subject, expected: Observed) -> None:
    assert of.observed is expected


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (subject(), Recorded.READY),
        (subject(condition=Condition.TAINTED), Recorded.TAINTED),
        (subject(condition=Condition.CREATING), Recorded.CREATING),
        (subject(recorded=False), Recorded.ABSENT),
    ],
    ids=["ready", "tainted", "creating", "absent"],
)
def test_what_the_state_says(of: Subject, expected: Recorded) -> None:
    assert of.recorded is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"protect": True}, True),
        ({"retain": True}, True),
        ({"create_before_delete": False}, True),
        ({"delete_timeout": 1.0}, True),
        ({"dependencies": (Address("net"),)}, True),
    ],
    ids=str,
)
def test_a_record_is_outdated_by_its_rules_and_dependencies(fields: dict[str, Any], expected: bool) -> None:
    assert subject(**fields).is_outdated is expected


def test_what_is_not_declared_or_not_recorded_is_never_outdated() -> None:
    assert not subject(declared=False, protect=True).is_outdated
    assert not subject(recorded=False).is_outdated


def test_a_deletion_tells_what_there_is() -> None:
    change = change_of(subject(declared=False), (Action.DELETE, Reason.UNDECLARED), Comparison(), Mode.NORMAL)
    assert (change.kind, change.cloud, change.external_id, change.token) == ("test.Box", "cloud", "id-box", "token-box")
    assert change.before["size"] == 1
    assert (change.after, change.dependencies, change.properties) == ({}, (), ())


def test_what_is_neither_declared_nor_recorded_is_no_change() -> None:
    with pytest.raises(InternalError, match="box: neither declared nor recorded"):
        change_of(subject(declared=False, recorded=False), (Action.NO_OP, Reason.UNCHANGED), Comparison(), Mode.NORMAL)


@pytest.mark.parametrize(
    ("gone", "expected"), [(False, (Action.DELETE, Reason.DEPOSED)), (True, (Action.FORGET, Reason.GONE))]
)
def test_what_was_replaced_is_deleted_or_forgotten(gone: bool, expected: object) -> None:
    record = applied(one_box()).record("box", dependencies=(Address("net"),))
    change = deposed_change(record, gone)
    assert (change.action, change.reason) == expected
    assert change.deposed
    assert change.previous_dependencies == ("net",)
    assert (change.cloud, change.previous_cloud, change.before) == ("cloud", "cloud", record.inputs)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Action.CREATE, {}),
        (Action.REPLACE, {}),
        (Action.DELETE, UNKNOWN),
        (Action.FORGET, UNKNOWN),
        (Action.NO_OP, "told"),
        (Action.READ, "told"),
        (Action.MOVE, "told"),
        (Action.UPDATE, "told"),
    ],
)
def test_outputs_that_others_may_count_on(action: Action, expected: object) -> None:
    one = subject(told(outputs={"address": "told"}))
    found = outputs_after(one, action, Comparison())
    assert found == {} if expected == {} else found["address"] == expected
    assert outputs_after(subject(recorded=False), action, Comparison()) == {}


@pytest.mark.parametrize("action", [Action.READ, Action.UPDATE, Action.NO_OP])
def test_what_has_no_value_yet_is_unknown_until_it_is_ready(action: Action) -> None:
    for condition, expected in ((Condition.CREATING, UNKNOWN), (Condition.TAINTED, UNKNOWN), (Condition.READY, None)):
        one = subject(told(outputs={"address": None}), condition=condition)
        found = outputs_after(one, action, Comparison())
        assert found["address"] is expected
        assert found["id"] == "id-box"


def test_moves_are_found_from_the_first_old_address_that_is_recorded() -> None:
    def build(self: Any) -> None:
        self.new = Box(lifecycle=oc.Lifecycle(moved_from=["never", "older", "old"]))
        self.stays = Box(lifecycle=oc.Lifecycle(moved_from=["other"]))

    def before(self: Any) -> None:
        self.old = Box()
        self.older = Box()
        self.other = Box()
        self.stays = Box()

    situation = applied(stack_of(before)).now(stack_of(build))
    assert find_moves(situation.declaration, situation.world().snapshot) == {"new": "older"}
