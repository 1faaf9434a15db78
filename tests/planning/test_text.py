"""Plans as people read them: one model of lines, as text and as HTML."""

from __future__ import annotations

import html
import re

import attrs
import pytest
from hypothesis import given

from orchestra.diff import PropertyChange
from orchestra.model.values import UNKNOWN, Revealed, Sealed, Value
from orchestra.planning import text
from orchestra.planning.decide import Action, Mode
from orchestra.planning.plan import Plan
from orchestra.planning.text import Style
from tests.planning.plans import PLANS, small_plan


def line_of(plan: Plan, start: str) -> str:
    found = [line for line in str(plan).splitlines() if line.strip().startswith(start)]
    assert len(found) == 1, f"{start!r} in:\n{plan}"
    return found[0]


def with_change(**changes: object) -> Plan:
    return small_plan(changes=(attrs.evolve(small_plan().changes[0], **changes),))


@pytest.mark.parametrize(
    ("action", "new_first", "mark"),
    [
        (Action.CREATE, True, "+"),
        (Action.READ, True, "<="),
        (Action.UPDATE, True, "~"),
        (Action.DELETE, True, "-"),
        (Action.ADOPT, True, "+>"),
        (Action.FORGET, True, "x"),
        (Action.MOVE, True, "->"),
        (Action.REPLACE, True, "+/-"),
        (Action.REPLACE, False, "-/+"),
    ],
)
def test_every_action_has_its_sign(action: Action, new_first: bool, mark: str) -> None:
    plan = with_change(action=action, create_before_delete=new_first, moved_from=None)
    assert line_of(plan, f"{mark} web[0]").startswith(f"{mark:>3} web[0]  compute.Server [i-1]: {action.value}, ")


@pytest.mark.parametrize(
    ("mode", "heading"),
    [
        (Mode.NORMAL, "Plan for 'production', stack Shop"),
        (Mode.DESTROY, "Plan for 'production', stack Shop (destroy)"),
        (Mode.REFRESH_ONLY, "Plan for 'production', stack Shop (refresh only)"),
    ],
)
def test_the_first_line_says_what_the_plan_is_for(mode: Mode, heading: str) -> None:
    assert str(small_plan(mode=mode)).splitlines()[0] == heading


def test_the_last_line_counts() -> None:
    change = small_plan().changes[0]

    def last(*actions: Action, **fields: object) -> str:
        changes = tuple(attrs.evolve(change, action=action) for action in actions)
        return text.summary(small_plan(**{"changes": changes, "partial": False, **fields}))

    assert last() == "No changes: 4 as declared."
    assert last(partial=True) == "No changes: 4 as declared. Partial: other changes may be left."
    assert last(Action.CREATE, Action.CREATE) == "Plan: 2 to create, 0 to update, 0 to delete."
    assert last(Action.DELETE, partial=True) == (
        "Plan: 0 to create, 0 to update, 1 to delete. Partial: other changes may be left."
    )
    assert last(Action.REPLACE, Action.READ, Action.ADOPT, Action.FORGET, Action.MOVE) == (
        "Plan: 0 to create, 0 to update, 1 to replace, 0 to delete, 1 to adopt, 1 to forget, 1 to move, 1 to refresh."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (UNKNOWN, "(known after apply)"),
        (None, "(not set)"),
        (Sealed("d1"), "(secret)"),
        (Revealed("hunter2"), "(secret)"),
        (True, "true"),
        (1.5, "1.5"),
        ('a\n"b"\x1b[31m é', '"a\\n\\"b\\"\\u001b[31m é"'),
        ([1, [UNKNOWN], Sealed("d")], "[1, [(known after apply)], (secret)]"),
        ({"b": 1, "a": {"c": None, "d": "x"}}, '{a: {d: "x"}, b: 1}'),
        ([], "[]"),
        ({}, "{}"),
        ({"a": None}, "{}"),
        ("x" * 88, '"' + "x" * 88 + '"'),
        ("x" * 89, '"' + "x" * 88 + "…"),
    ],
    ids=repr,
)
def test_values_are_shown(value: Value, shown: str) -> None:
    assert text.show(value) == shown
    assert len(shown) <= text.WIDEST


def test_a_property_shows_both_sides_and_what_it_forces() -> None:
    plan = small_plan()
    assert line_of(plan, "subnet").split(" = ")[1] == '"s-1" -> (known after apply)  # forces replacement'
    assert line_of(plan, "rules[0].cidr").split(" = ")[1] == '(not set) -> "10.0.0.0/8"'
    assert line_of(plan, "password").split(" = ")[1] == "(secret) -> (secret)"


def test_what_is_made_shows_only_what_it_will_be() -> None:
    plan = with_change(action=Action.CREATE)
    assert line_of(plan, "rules[0].cidr").split(" = ")[1] == '"10.0.0.0/8"'
    assert "forces replacement" not in str(plan)


@pytest.mark.parametrize("action", [Action.DELETE, Action.FORGET])
def test_what_goes_shows_no_properties(action: Action) -> None:
    assert "10.0.0.0/8" not in str(with_change(action=action))


def test_lists_tell_what_they_lose_and_gain() -> None:
    def lines(before: Value, after: Value) -> list[str]:
        change = PropertyChange(path=("l",), before=before, after=after)
        plan = with_change(action=Action.UPDATE, properties=(change,))
        return [line.strip() for line in str(plan).splitlines()[3:] if line.startswith("      ")][: -len(plan.outputs)]

    assert lines(["a", "b"], ["a", "c", UNKNOWN]) == ["l = 1 unchanged", '- "b"', '+ "c"', "+ (known after apply)"]
    assert lines(["a", "b", "a"], ["a", "b"]) == ["l = 2 unchanged", '- "a"']
    assert lines(["a", "b"], ["b", "a"]) == ["l = in another order"]
    assert lines("a", ["a"]) == ['l = "a" -> ["a"]']


def test_what_was_replaced_and_where_it_was_are_told() -> None:
    assert line_of(with_change(action=Action.DELETE, deposed=True, moved_from=None), "- web[0]") == (
        "  - web[0] (deposed)  compute.Server [i-1]: delete, an input that can't be changed in place differs"
    )
    assert line_of(with_change(action=Action.MOVE), "-> web[0]").endswith(", moved from app")


def test_findings_say_whether_they_refuse() -> None:
    assert "refused by baseline: web[0]: too open" in str(small_plan())
    finding = attrs.evolve(small_plan().findings[0], refusal=False, address=None)
    assert "note by baseline: too open" in str(small_plan(findings=(finding,)))


def test_outputs_are_shown_while_something_changes() -> None:
    assert line_of(small_plan(), "url") == '      url = "https://shop.example"'
    assert "Outputs" not in str(small_plan(changes=()))
    assert "Outputs" not in str(small_plan(outputs={}))


def test_lines_have_the_style_of_what_they_tell() -> None:
    styles = {line.text.strip().split(" ")[0]: line.style for line in text.lines(small_plan()) if line.text.strip()}
    assert styles["Plan"] is Style.HEADING
    assert styles["-/+"] is Style.REPLACED
    assert styles["Outputs:"] is Style.HEADING
    assert styles["refused"] is Style.REMOVED


def test_html_says_the_same_and_nothing_in_it_is_markup() -> None:
    plan = with_change(before={}, properties=(PropertyChange(path=("<b>",), before="<script>", after="&"),))
    shown = text.html(plan)
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert html.unescape(re.sub(r"<[^>]+>", "", shown)) == str(plan)


@given(PLANS)
def test_any_plan_can_be_shown(plan: Plan) -> None:
    shown = str(plan)
    assert shown.splitlines()[0].startswith("Plan for ")
    assert "Sealed(" not in shown
    assert "UNKNOWN" not in shown
