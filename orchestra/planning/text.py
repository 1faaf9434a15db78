"""Plans for people: one model of lines, shown as plain text, in colour, or as HTML."""

from __future__ import annotations

import collections
import enum
import html as markup
import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeGuard

import attrs

from orchestra.diff import PropertyChange
from orchestra.model.values import UNKNOWN, Absent, Revealed, Sealed, Value
from orchestra.planning.change import Change
from orchestra.planning.decide import Action, Mode

if TYPE_CHECKING:
    from orchestra.planning.plan import Plan

WIDEST: Final = 90
"""Longest value shown whole, in characters."""


class Style(enum.Enum):
    """What a line tells, for whoever gives it a colour."""

    PLAIN = "plain"
    FAINT = "faint"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    REPLACED = "replaced"
    HEADING = "heading"


@attrs.frozen
class Line:
    """One line of a plan as shown."""

    style: Style
    text: str


SIGNS: Final = MappingProxyType(
    {
        Action.CREATE: ("+", Style.ADDED),
        Action.READ: ("<=", Style.FAINT),
        Action.UPDATE: ("~", Style.CHANGED),
        Action.DELETE: ("-", Style.REMOVED),
        Action.ADOPT: ("+>", Style.ADDED),
        Action.FORGET: ("x", Style.REMOVED),
        Action.MOVE: ("->", Style.CHANGED),
    }
)
_WORDS: Final = MappingProxyType(
    {
        Action.CREATE: "to create",
        Action.UPDATE: "to update",
        Action.REPLACE: "to replace",
        Action.DELETE: "to delete",
        Action.ADOPT: "to adopt",
        Action.FORGET: "to forget",
        Action.MOVE: "to move",
        Action.READ: "to refresh",
    }
)
_ALWAYS: Final = (Action.CREATE, Action.UPDATE, Action.DELETE)


def lines(plan: Plan) -> Iterator[Line]:
    """The plan, line by line."""
    purpose = {Mode.DESTROY: " (destroy)", Mode.REFRESH_ONLY: " (refresh only)"}.get(plan.mode, "")
    if plan.rollback_to is not None:
        purpose = f" (rollback to serial {plan.rollback_to})"
    yield Line(Style.HEADING, f"Plan for {plan.deployment!r}, stack {plan.stack}{purpose}")
    yield Line(Style.PLAIN, "")
    for change in plan.changes:
        yield from _change_lines(change)
        yield Line(Style.PLAIN, "")
    yield from _output_lines(plan)
    for finding in plan.findings:
        where = f"{finding.address}: " if finding.address else ""
        style = Style.REMOVED if finding.refusal else Style.CHANGED
        yield Line(style, f"{'refused' if finding.refusal else 'note'} by {finding.rule}: {where}{finding.message}")
    yield Line(Style.HEADING, summary(plan))


def summary(plan: Plan) -> str:
    """The last line: what is to be done, in numbers."""
    counts = plan.counts
    partial = " Partial: other changes may be left." if plan.partial else ""
    if not plan.changes:
        return f"No changes: {plan.unchanged} as declared.{partial}"
    shown = [(action, counts.get(action, 0)) for action in _WORDS if counts.get(action) or action in _ALWAYS]
    text = "Plan: " + ", ".join(f"{number} {_WORDS[action]}" for action, number in shown) + "."
    return text + partial


def sign(change: Change) -> tuple[str, Style]:
    """The sign before a change: ``-/+`` deletes the old one first, ``+/-`` makes the new one first."""
    if change.action is Action.REPLACE:
        return ("+/-" if change.create_before_delete else "-/+"), Style.REPLACED
    return SIGNS[change.action]


def _change_lines(change: Change) -> Iterator[Line]:
    mark, style = sign(change)
    name = f"{change.address} (deposed)" if change.deposed else change.address
    moved = f", moved from {change.moved_from}" if change.moved_from else ""
    known = f" [{change.external_id}]" if change.external_id else ""
    yield Line(style, f"{mark:>3} {name}  {change.kind}{known}: {change.action.value}, {change.reason.value}{moved}")
    if change.action in (Action.DELETE, Action.FORGET):
        return
    shown = [one for one in change.properties if change.action is not Action.CREATE or not _is_nothing(one.after)]
    width = max((len(one.name) for one in shown), default=0)
    for one in shown:
        if change.action is not Action.CREATE and _is_list(one.before) and _is_list(one.after):
            yield from _list_lines(one, style, width)
        else:
            yield Line(style, f"      {one.name:<{width}} = {_property(change, one)}")


def _property(change: Change, one: PropertyChange) -> str:
    after = "(not set)" if isinstance(one.after, Absent) else show(one.after)
    if change.action is Action.CREATE:
        return after
    before = "(not set)" if isinstance(one.before, Absent) else show(one.before)
    forced = "  # forces replacement" if one.forces_replacement else ""
    return f"{before} -> {after}{forced}"


def _is_nothing(value: Value | Absent) -> bool:
    """Whether it is a default that is not worth a line in a creation."""
    return isinstance(value, (str, Sequence, Mapping)) and len(value) == 0


def _is_list(value: Value | Absent) -> TypeGuard[Sequence[Value]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _list_lines(one: PropertyChange, style: Style, width: int) -> Iterator[Line]:
    """What a list loses and gains, a line for each item: whole lists side by side hide what differs."""
    if not _is_list(one.before) or not _is_list(one.after):
        return
    before, after = [show(item) for item in one.before], [show(item) for item in one.after]
    lost, gained = _without(before, after), _without(after, before)
    forced = "  # forces replacement" if one.forces_replacement else ""
    kept = len(before) - len(lost)
    summary = f"{kept} unchanged" if lost or gained else "in another order"
    yield Line(style, f"      {one.name:<{width}} = {summary}{forced}")
    for sign_, items, its_style in (("-", lost, Style.REMOVED), ("+", gained, Style.ADDED)):
        for item in items:
            yield Line(its_style, f"          {sign_} {item}")


def _without(items: Sequence[str], others: Sequence[str]) -> list[str]:
    """``items`` less those in ``others``, each as often as it is there."""
    left = collections.Counter(others)
    rest = []
    for item in items:
        if left[item]:
            left[item] -= 1
        else:
            rest.append(item)
    return rest


def show(value: Value) -> str:
    """A value as people read it; a secret never."""
    if value is UNKNOWN:
        return "(known after apply)"
    if isinstance(value, (Sealed, Revealed)):
        return "(secret)"
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}: {show(value[key])}" for key in sorted(value) if value[key] is not None) + "}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    elif value is None:
        return "(not set)"
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _output_lines(plan: Plan) -> Iterator[Line]:
    if not plan.outputs or not plan.changes:
        return
    yield Line(Style.HEADING, "Outputs:")
    for name, value in plan.outputs.items():
        yield Line(Style.PLAIN, f"      {name} = {show(value)}")
    yield Line(Style.PLAIN, "")


def plain(plan: Plan) -> str:
    """The plan as text."""
    return "\n".join(line.text.rstrip() for line in lines(plan))


_COLOURS: Final = MappingProxyType(
    {
        Style.ADDED: "#1a7f37",
        Style.CHANGED: "#9a6700",
        Style.REMOVED: "#cf222e",
        Style.REPLACED: "#8250df",
        Style.FAINT: "#656d76",
    }
)


def html(plan: Plan) -> str:
    """The plan as HTML, for a notebook."""
    shown = []
    for line in lines(plan):
        text = markup.escape(line.text.rstrip())
        if line.style is Style.HEADING:
            text = f"<b>{text}</b>"
        elif line.style in _COLOURS:
            text = f'<span style="color:{_COLOURS[line.style]}">{text}</span>'
        shown.append(text)
    return '<pre style="line-height:1.4">' + "\n".join(shown) + "</pre>"
