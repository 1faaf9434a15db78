"""The decision, over every combination there is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import attrs
import pytest

from orchestra.planning.decide import (
    Action,
    Circumstances,
    Decision,
    Desired,
    Mode,
    Observed,
    Reason,
    Recorded,
    decide,
)
from tests.golden import kept

FLAGS = ("selected", "replace_requested", "retain", "moved", "only_drift", "outdated")


@attrs.frozen
class Case:
    desired: Desired
    recorded: Recorded
    observed: Observed
    given: Circumstances
    action: Action
    reason: Reason


def every() -> Iterator[Case]:
    for desired, recorded, observed, mode in itertools.product(Desired, Recorded, Observed, Mode):
        for flags in itertools.product((True, False), repeat=len(FLAGS)):
            given = Circumstances(mode=mode, **dict(zip(FLAGS, flags, strict=True)))
            action, reason = decide(desired, recorded, observed, given)
            yield Case(desired, recorded, observed, given, action, reason)


CASES = tuple(every())


def test_every_combination_is_tried() -> None:
    assert len(CASES) == 4 * 4 * 5 * 3 * 2**6
    assert {field.name for field in attrs.fields(Circumstances)} == {"mode", *FLAGS}


def normal(case: Case) -> bool:
    return case.given.selected and case.given.mode is Mode.NORMAL


def removing(case: Case) -> bool:
    return case.given.selected and (
        case.given.mode is Mode.DESTROY or (case.given.mode is Mode.NORMAL and case.desired is Desired.UNDECLARED)
    )


INVARIANTS: dict[str, tuple[Callable[[Case], bool], Callable[[Case], bool]]] = {
    "what is not selected is left alone": (
        lambda case: not case.given.selected,
        lambda case: (case.action, case.reason) == (Action.NO_OP, Reason.EXCLUDED),
    ),
    "only what is not selected is said to be": (
        lambda case: case.given.selected,
        lambda case: case.reason is not Reason.EXCLUDED,
    ),
    "what is neither recorded nor declared needs nothing": (
        lambda case: case.recorded is Recorded.ABSENT and case.desired is Desired.UNDECLARED,
        lambda case: case.action is Action.NO_OP,
    ),
    "a plan to destroy makes and changes nothing": (
        lambda case: case.given.mode is Mode.DESTROY,
        lambda case: case.action in (Action.NO_OP, Action.DELETE, Action.FORGET),
    ),
    "a plan to destroy leaves nothing that is recorded": (
        lambda case: case.given.mode is Mode.DESTROY and case.given.selected and case.recorded is not Recorded.ABSENT,
        lambda case: case.action in (Action.DELETE, Action.FORGET),
    ),
    "a plan that only refreshes reads or forgets": (
        lambda case: case.given.mode is Mode.REFRESH_ONLY,
        lambda case: case.action in (Action.NO_OP, Action.READ, Action.FORGET),
    ),
    "a plan that only refreshes forgets only what is gone": (
        lambda case: case.given.mode is Mode.REFRESH_ONLY and case.action is Action.FORGET,
        lambda case: case.observed is Observed.GONE,
    ),
    "what is retained is never deleted": (
        lambda case: case.given.retain,
        lambda case: case.action is not Action.DELETE,
    ),
    "what is forgotten is gone or retained": (
        lambda case: case.action is Action.FORGET,
        lambda case: case.observed is Observed.GONE or case.given.retain,
    ),
    "what is gone is never deleted, updated, replaced, moved or read": (
        lambda case: case.observed is Observed.GONE,
        lambda case: case.action in (Action.NO_OP, Action.CREATE, Action.FORGET),
    ),
    "what is gone and declared is made anew": (
        lambda case: normal(case) and case.observed is Observed.GONE and case.desired is not Desired.UNDECLARED,
        lambda case: case.action is Action.CREATE,
    ),
    "what is gone and not declared is forgotten": (
        lambda case: removing(case) and case.observed is Observed.GONE and case.recorded is not Recorded.ABSENT,
        lambda case: (case.action, case.reason) == (Action.FORGET, Reason.GONE),
    ),
    "what was not read is never taken for gone": (
        lambda case: case.observed is not Observed.GONE,
        lambda case: case.reason is not Reason.GONE,
    ),
    "only what nobody knows of, or what is gone, is made": (
        lambda case: case.action is Action.CREATE,
        lambda case: case.recorded is Recorded.ABSENT or case.observed is Observed.GONE,
    ),
    "what is declared and not recorded is made": (
        lambda case: normal(case) and case.recorded is Recorded.ABSENT and case.desired is not Desired.UNDECLARED,
        lambda case: case.action is Action.CREATE,
    ),
    "what is not recorded is never deleted, forgotten, updated, replaced, moved or read": (
        lambda case: case.recorded is Recorded.ABSENT,
        lambda case: case.action in (Action.NO_OP, Action.CREATE),
    ),
    "what is declared is never deleted but by a plan to destroy": (
        lambda case: case.desired is not Desired.UNDECLARED and case.given.mode is not Mode.DESTROY,
        lambda case: case.action is not Action.DELETE,
    ),
    "what is no longer declared goes": (
        lambda case: removing(case) and case.recorded is not Recorded.ABSENT,
        lambda case: case.action in (Action.DELETE, Action.FORGET),
    ),
    "what is ready, as recorded and as declared is left alone": (
        lambda case: (
            normal(case)
            and (case.desired, case.recorded) == (Desired.SAME, Recorded.READY)
            and case.observed in (Observed.SAME, Observed.UNREAD)
            and not (case.given.replace_requested or case.given.moved or case.given.outdated)
        ),
        lambda case: (case.action, case.reason) == (Action.NO_OP, Reason.UNCHANGED),
    ),
    "what was asked to be replaced is replaced, if it is there": (
        lambda case: (
            normal(case)
            and case.given.replace_requested
            and case.recorded is not Recorded.ABSENT
            and case.observed is not Observed.GONE
            and case.desired is not Desired.UNDECLARED
        ),
        lambda case: (case.action, case.reason) == (Action.REPLACE, Reason.REQUESTED),
    ),
    "what the cloud calls failed is replaced": (
        lambda case: (
            normal(case)
            and case.observed is Observed.FAILED
            and case.recorded is not Recorded.ABSENT
            and case.desired is not Desired.UNDECLARED
        ),
        lambda case: case.action is Action.REPLACE,
    ),
    "nothing is replaced without a reason to": (
        lambda case: case.action is Action.REPLACE,
        lambda case: (
            case.given.replace_requested
            or case.observed is Observed.FAILED
            or case.desired is Desired.REPLACE
            or case.recorded is Recorded.TAINTED
        ),
    ),
    "what is tainted and well after all is kept": (
        lambda case: (
            normal(case)
            and (case.desired, case.recorded, case.observed) == (Desired.SAME, Recorded.TAINTED, Observed.SAME)
            and not (case.given.replace_requested or case.given.moved)
        ),
        lambda case: (case.action, case.reason) == (Action.READ, Reason.UNFINISHED),
    ),
    "an update is never more than what was asked for": (
        lambda case: case.action is Action.UPDATE,
        lambda case: case.desired is Desired.UPDATE,
    ),
    "what has moved keeps what it is": (
        lambda case: case.action is Action.MOVE,
        lambda case: case.given.moved and case.desired is Desired.SAME,
    ),
    "drift is the reason only where nothing but the cloud has changed": (
        lambda case: case.reason in (Reason.DRIFTED, Reason.DRIFT_FORCED),
        lambda case: case.given.only_drift,
    ),
    "a change of the code is the reason only where it has changed": (
        lambda case: case.reason in (Reason.CHANGED, Reason.FORCED),
        lambda case: not case.given.only_drift,
    ),
    "nothing is adopted without being asked to": (
        lambda case: True,
        lambda case: case.action is not Action.ADOPT,
    ),
}


@pytest.mark.parametrize("name", INVARIANTS)
def test_invariants_hold_for_every_combination(name: str) -> None:
    concerns, holds = INVARIANTS[name]
    concerned = [case for case in CASES if concerns(case)]
    assert concerned, "it concerns no combination at all"
    assert [case for case in concerned if not holds(case)] == []


def test_flags_that_do_not_matter_change_nothing() -> None:
    table: dict[tuple[object, ...], set[Decision]] = {}
    for case in CASES:
        if case.given.mode is Mode.DESTROY:
            given = (case.given.selected, case.given.retain)
            table.setdefault((case.recorded, case.observed, given), set()).add((case.action, case.reason))
        elif case.given.mode is Mode.REFRESH_ONLY:
            key = (case.recorded, case.observed, case.given.selected, "refresh")
            table.setdefault(key, set()).add((case.action, case.reason))
    assert all(len(decisions) == 1 for decisions in table.values())


def test_every_reason_is_given_somewhere() -> None:
    elsewhere = {Reason.DEPOSED, Reason.ADOPTED, Reason.PUT_BACK}
    assert {case.reason for case in CASES} == set(Reason) - elsewhere


COLUMNS = ("replace_requested", "retain", "moved", "only_drift", "outdated")


def test_the_table_is_as_it_was_agreed() -> None:
    lines = ["mode desired recorded observed: with no flag; then with one flag where that decides otherwise"]
    for mode, desired, recorded, observed in itertools.product(Mode, Desired, Recorded, Observed):
        plain = decide(desired, recorded, observed, Circumstances(mode=mode))
        line = f"{mode.value} {desired.value} {recorded.value} {observed.value}: {shown(plain)}"
        for flag in COLUMNS:
            decision = decide(desired, recorded, observed, Circumstances(mode=mode, **{flag: True}))
            if decision != plain:
                line += f"; {flag}: {shown(decision)}"
        lines.append(line)
    kept.check("decide.txt", "\n".join(lines) + "\n")


def shown(decision: Decision) -> str:
    return f"{decision[0].value} ({decision[1].name.lower()})"
