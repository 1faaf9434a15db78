"""A plan as users and programs see it."""

from __future__ import annotations

import attrs
import pytest

from orchestra.planning.decide import Action, Mode
from orchestra.planning.plan import Plan
from tests.planning.plans import small_plan
from tests.planning.worlds import applied, fresh, one_box


def with_actions(*actions: Action, mode: Mode = Mode.NORMAL) -> Plan:
    change = small_plan().changes[0]
    return small_plan(mode=mode, changes=tuple(attrs.evolve(change, action=action) for action in actions))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (with_actions(), True),
        (with_actions(Action.READ), True),
        (with_actions(Action.READ, Action.FORGET), False),
        (with_actions(Action.MOVE), False),
        (with_actions(Action.DELETE), False),
        (with_actions(mode=Mode.REFRESH_ONLY), True),
        (with_actions(Action.READ, mode=Mode.REFRESH_ONLY), False),
    ],
    ids=repr,
)
def test_a_plan_is_empty_if_nothing_is_to_be_done(plan: Plan, expected: bool) -> None:
    assert plan.is_empty is expected


def test_counts_are_of_what_occurs() -> None:
    plan = with_actions(Action.CREATE, Action.READ, Action.CREATE)
    assert plan.counts == {Action.CREATE: 2, Action.READ: 1, Action.NO_OP: 4}
    assert attrs.evolve(plan, unchanged=0, changes=()).counts == {}


def test_a_plan_is_told_in_one_line() -> None:
    assert repr(small_plan()) == "<Plan of 'production' at serial 3: 1 replace, 4 no-op>"
    assert repr(small_plan(changes=(), unchanged=0)) == "<Plan of 'production' at serial 3: nothing>"


def test_a_plan_can_not_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        small_plan().serial = 4  # type: ignore[misc]


def test_the_digest_is_of_everything_and_in_the_json() -> None:
    plan = small_plan()
    assert plan.to_json()["digest"] == plan.digest
    assert len(plan.digest) == 32
    others = [
        small_plan(serial=4),
        small_plan(lineage="x"),
        small_plan(partial=False),
        small_plan(unchanged=5),
        small_plan(findings=()),
        small_plan(changes=(attrs.evolve(plan.changes[0], token="t2"),)),
    ]
    assert len({plan.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    change = small_plan().changes[0]
    turned = attrs.evolve(change, after=dict(reversed(list(change.after.items()))))
    assert small_plan(changes=(turned,)).digest == small_plan().digest


def test_the_same_world_gives_the_same_plan() -> None:
    assert fresh(one_box(loose="a")).plan() == fresh(one_box(loose="a")).plan()
    situation = applied(one_box(loose="a")).tell_all().now(one_box(loose="b"))
    assert situation.plan().digest == situation.plan().digest


def test_a_plan_is_shown_as_its_text_and_in_notebooks_as_html() -> None:
    plan = small_plan()
    assert str(plan).startswith("Plan for 'production', stack Shop\n")
    assert plan._repr_html_().startswith("<pre")
