"""A plan that goes back to an earlier serial, with an honest list of what can't be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from orchestra.diff import same
from orchestra.errors import ProtectedError
from orchestra.graph import closure, dependents
from orchestra.model.address import Address, sort_key
from orchestra.planning.change import Change, Finding
from orchestra.planning.decide import Action
from orchestra.planning.options import Options
from orchestra.planning.plan import Plan
from orchestra.planning.recalling import Recalled
from orchestra.state.records import Snapshot

RULE: Final = "rollback"
"""The rule by which the findings stand in the plan."""

_MAKES: Final = (Action.CREATE, Action.REPLACE)
_DROPS: Final = (Action.DELETE, Action.REPLACE)


def rollback_plan(recalled: Recalled, now: Snapshot, to: int, make: Callable[[Options], Plan]) -> Plan:
    """The plan that makes of ``now`` what was ``recalled``; ``make`` makes a plan of that with options.

    What can't be made again, because only a digest of one of its inputs is kept, is left as it is, with what needs it.
    Raises `ProtectedError`.
    """
    left: set[Address] = set()
    while True:
        plan = make(Options(exclude=tuple(sorted(left))))
        stuck = {change.address for change in plan.changes if change.action in _MAKES} & recalled.lost.keys()
        stuck |= _still_used(plan, left, recalled) - left
        if stuck <= left:
            break
        left |= stuck
    _refuse_protected(plan, now)
    findings = [
        *(_left_out(address, recalled.lost.get(address, ())) for address in sorted(left)),
        *(one for change in plan.changes for one in _limits(change, recalled, now)),
        *(one for address in recalled.lost.keys() - left for one in _kept(address, recalled)),
    ]
    ordered = sorted(findings, key=lambda one: sort_key(one.address or Address("")))
    return attrs.evolve(plan, rollback_to=to, findings=(*plan.findings, *ordered))


def _finding(address: Address, message: str) -> Finding:
    return Finding(rule=RULE, address=address, message=message)


def _still_used(plan: Plan, left: set[Address], recalled: Recalled) -> set[Address]:
    """What ``plan`` takes away although something that is left as it is uses it."""
    records = recalled.snapshot.records
    needs: dict[Address, tuple[Address, ...]] = {
        **{address: item.dependencies for address, item in recalled.declaration.resources.items()},
        **{address: record.dependencies for address, record in records.items()},
    }
    users = dependents(needs)
    stay = closure(left, lambda one: users.get(one, ())) & records.keys()
    used = closure(stay, lambda one: records[one].dependencies if one in records else ())
    return {change.address for change in plan.changes if change.action in _DROPS and not change.deposed} & used


def _left_out(address: Address, names: tuple[str, ...]) -> Finding:
    if not names:
        return _finding(
            address, "it is left as it is with what needs it: something that can't be put back still uses it"
        )
    return _finding(
        address,
        f"it can't be made again as it was, and is left as it is with what needs it: only a digest of "
        f"{_listed(names)} was kept",
    )


def _limits(change: Change, recalled: Recalled, now: Snapshot) -> Iterator[Finding]:
    """What ``change`` does not bring back, or takes away."""
    address = change.address
    if change.action is Action.CREATE:
        yield _finding(address, "it is made anew, under another id: what was in it does not come back")
    elif change.action is Action.REPLACE:
        yield _finding(
            address, "it is made anew, under another id: what is in it now is lost, what was does not come back"
        )
    elif change.action is Action.DELETE and not change.deposed:
        yield _finding(address, "it was made since, and is deleted with all that is in it")
    elif change.action is Action.DELETE and address in recalled.put_back:
        successor = now.records.get(address)
        if successor is not None and successor.token == change.token:
            yield _finding(address, "what took its place since is deleted with all that is in it")


def _kept(address: Address, recalled: Recalled) -> Iterator[Finding]:
    """The inputs that stay as they are now, because nobody knows what they were."""
    record = recalled.snapshot.records.get(address)
    was = recalled.past.records[address].inputs
    names = tuple(
        name
        for name in recalled.lost[address]
        if record is not None and not same(record.inputs.get(name), was.get(name))
    )
    if names:
        yield _finding(address, f"{_listed(names)} stays as it is now: of what it was, only a digest is kept")


def _listed(names: tuple[str, ...]) -> str:
    return f"input {names[0]}" if len(names) == 1 else f"inputs {', '.join(names)}"


def _refuse_protected(plan: Plan, now: Snapshot) -> None:
    """Protection counts as it is now: the planner has looked at what it was."""
    for change in plan.changes:
        record = now.records.get(change.moved_from or change.address)
        is_meant = record is not None and record.token == change.token
        if change.action in _DROPS and is_meant and record is not None and record.protect:
            raise ProtectedError(
                f"lifecycle protects what going back would {change.action.value}",
                address=change.address,
                remedy="take protect=True off and apply that first",
            )
