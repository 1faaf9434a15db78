"""From one resource's record, observation and comparison to its `Change`."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import attrs

from orchestra.contracts import Observation, Status
from orchestra.diff import PropertyChange, compare, same
from orchestra.errors import InternalError
from orchestra.model.address import Address
from orchestra.model.declaration import Declaration, Declared
from orchestra.model.values import UNKNOWN, Values
from orchestra.planning import comparing
from orchestra.planning.change import Change
from orchestra.planning.comparing import Comparison
from orchestra.planning.decide import Action, Decision, Mode, Observed, Reason, Recorded
from orchestra.state.records import Condition, Record, Snapshot

_CONDITIONS: Final = MappingProxyType(
    {
        Condition.READY: Recorded.READY,
        Condition.TAINTED: Recorded.TAINTED,
        Condition.CREATING: Recorded.CREATING,
    }
)


@attrs.frozen(kw_only=True)
class Subject:
    """One resource while it is planned. ``told``: its cloud was asked; ``observation`` is then None if it is gone.

    ``seen`` are the recorded inputs, overlaid with what the cloud tells. ``outputs`` are those that the cloud last
    told; as recorded for what is no longer declared as it is there.
    """

    address: Address
    item: Declared | None
    record: Record | None
    told: bool
    observation: Observation | None
    moved_from: Address | None = None
    cloud: str = ""
    """Where it will be; '' for what is no longer declared."""
    seen: Values = attrs.field(init=False)
    outputs: Values = attrs.field(init=False)

    @seen.default
    def _seen(self) -> Values:
        if self.record is None:
            return {}
        return comparing.overlay(self.record, self.observation, self.item.kind.inputs if self.item else {})

    @outputs.default
    def _told_outputs(self) -> Values:
        if self.record is None:
            return {}
        if self.item is None or self.item.kind.name != self.record.kind:
            return self.record.outputs
        return comparing.told_outputs(self.record, self.observation, self.item.kind.outputs)

    @property
    def recorded(self) -> Recorded:
        """What the state knows of it."""
        if self.record is None:
            return Recorded.ABSENT
        if self.record.condition not in _CONDITIONS:
            raise InternalError(f"a {self.record.condition.value} record can't be current", address=self.address)
        return _CONDITIONS[self.record.condition]

    @property
    def observed(self) -> Observed:
        """What the cloud says of it."""
        if self.record is None or not self.told:
            return Observed.UNREAD
        if self.observation is None:
            return Observed.GONE
        if self.observation.status is Status.FAILED:
            return Observed.FAILED
        is_same = same(self.outputs, self.record.outputs) and same(self.seen, self.record.inputs)
        return Observed.SAME if is_same else Observed.DIFFERENT

    @property
    def is_outdated(self) -> bool:
        """Whether the state keeps an older rule or dependency of it than the declaration has."""
        if self.record is None or self.item is None:
            return False
        rules, record = self.item.lifecycle, self.record
        return (
            (record.protect, record.retain, record.create_before_delete, record.delete_timeout)
            != (rules.protect, rules.retain, rules.create_before_delete, rules.delete_timeout)
        ) or record.dependencies != self.item.dependencies


def find_moves(declaration: Declaration, snapshot: Snapshot) -> dict[Address, Address]:
    """New address to old, for what `Lifecycle.moved_from` says has moved."""
    moves: dict[Address, Address] = {}
    for address, item in declaration.resources.items():
        if not item.lifecycle.moved_from or address in snapshot.records:
            continue
        for old in map(Address, item.lifecycle.moved_from):
            if old in snapshot.records and old not in declaration.resources and old not in moves.values():
                moves[address] = old
                break
    return moves


def change_of(subject: Subject, decision: Decision, compared: Comparison, mode: Mode) -> Change:
    """The change that ``decision`` makes of ``subject``."""
    action, reason = decision
    item, record = subject.item, subject.record
    if item is None and record is None:
        raise InternalError("neither declared nor recorded", address=subject.address)
    recorded_cloud = record.cloud if record else ""
    uses = record.dependencies if record else ()
    leaves = action in (Action.DELETE, Action.FORGET)
    before = subject.seen if leaves or action is Action.READ else comparing.masked(subject.seen, compared.anew)
    after, properties = ({}, ()) if leaves else _expected(subject, action, compared, mode)
    return Change(
        address=subject.address,
        kind=item.kind.name if item else record.kind if record else "",
        action=action,
        reason=reason,
        cloud=recorded_cloud or subject.cloud if leaves else subject.cloud or recorded_cloud,
        properties=properties,
        before=before,
        after=after,
        outputs=subject.outputs,
        external_id=record.external_id if record else "",
        token=record.token if record else "",
        dependencies=() if leaves else item.dependencies if item else uses,
        previous_dependencies=uses,
        previous_cloud=recorded_cloud,
        moved_from=subject.moved_from,
    )


def _expected(
    subject: Subject, action: Action, compared: Comparison, mode: Mode
) -> tuple[Values, tuple[PropertyChange, ...]]:
    """The inputs after ``action``, which leaves something there, and the properties that it changes."""
    record = subject.record
    if action is Action.READ and record is not None:
        after = subject.seen if mode is Mode.REFRESH_ONLY else compared.after
        return after, (*compare(record.inputs, subject.seen), *compare(record.outputs, subject.outputs))
    if action is Action.CREATE:
        # what is made again is compared with what is gone: all of it is new
        anew = compared if record is None else comparing.creation(compared.anew)
        return compared.anew, anew.properties
    if action is Action.REPLACE:
        return compared.anew, (*compared.properties, *compared.ignored)
    return compared.after, compared.properties


def deposed_change(record: Record, gone: bool) -> Change:
    """A replaced resource that was not yet deleted."""
    return Change(
        address=record.address,
        kind=record.kind,
        action=Action.FORGET if gone else Action.DELETE,
        reason=Reason.GONE if gone else Reason.DEPOSED,
        cloud=record.cloud,
        before=record.inputs,
        outputs=record.outputs,
        external_id=record.external_id,
        token=record.token,
        previous_dependencies=record.dependencies,
        previous_cloud=record.cloud,
        deposed=True,
    )


def outputs_after(subject: Subject, action: Action, compared: Comparison) -> Values:
    """What other resources may count on: the outputs that survive the change."""
    record, item = subject.record, subject.item
    if record is None or action in (Action.CREATE, Action.REPLACE):
        return {}
    if action in (Action.DELETE, Action.FORGET):
        return dict.fromkeys(subject.outputs, UNKNOWN)
    outputs = subject.outputs
    if record.condition is not Condition.READY:  # what has no value yet gets one when it is ready
        outputs = {name: UNKNOWN if value is None else value for name, value in outputs.items()}
    if action is Action.UPDATE and item is not None:
        return comparing.expected_outputs(item, outputs, compared)
    return outputs
