"""Makes the plan: resolves, compares, decides, for one resource after another in dependency order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

import attrs

from orchestra import graph, planning
from orchestra.contracts import Observation
from orchestra.diff import PropertyChange, same
from orchestra.errors import ProtectedError
from orchestra.garbage import uncollected
from orchestra.model.address import Address, sort_key
from orchestra.model.declaration import Declaration, Declared
from orchestra.model.expressions import Scope
from orchestra.model.resource import Resource
from orchestra.model.secrets import Secret
from orchestra.model.values import ATOMS, UNKNOWN, Revealed, Value, Values
from orchestra.planning import choices as portable
from orchestra.planning import comparing
from orchestra.planning.change import Change
from orchestra.planning.changes import Subject, change_of, deposed_change, find_moves, outputs_after
from orchestra.planning.choices import Choices, Wanted, kept_choices
from orchestra.planning.comparing import Comparison
from orchestra.planning.decide import Action, Circumstances, Desired, Mode, Reason, decide
from orchestra.planning.inputs import Seal, evaluated_at, kept_inputs, place_of, sealed
from orchestra.planning.options import Options, matching, select
from orchestra.planning.plan import Plan
from orchestra.planning.replacement import settle_order
from orchestra.planning.standing import stands
from orchestra.state.records import Snapshot

RecordKey: TypeAlias = "tuple[Address, str]"


@attrs.frozen(kw_only=True, eq=False)
class World:
    """Everything that a plan is made from.

    ``observations`` maps the key of a record to what its cloud tells, None if it is gone; a record that was not
    read is left out. ``open_value`` opens what the state keeps encrypted at a place of `place_of`.
    """

    declaration: Declaration
    snapshot: Snapshot
    observations: Mapping[RecordKey, Observation | None]
    choices: Choices
    cloud_of: Callable[[Declared], str]
    reveal: Callable[[Secret], Revealed]
    open_value: Callable[[Value, str], Value]
    seal: Seal
    put_back: frozenset[Address] = frozenset()
    """Where something that was replaced is to take its place again."""


@uncollected()
def make_plan(world: World, options: Options, stack: str) -> Plan:
    """The plan for ``world``. Raises `DefinitionError`, `CycleError` or `PlanError`."""
    return _Planner(world, options).plan(stack)


class _Outputs:
    """What outputs will be after the plan, of all that it has come to so far."""

    def __init__(self, world: World) -> None:
        self.known: dict[Address, Values] = {}
        self._declaration = world.declaration
        self._addresses: Mapping[int, Address | None] = world.declaration.by_identity
        self._open_value = world.open_value

    def value(self, resource: Resource, name: str) -> Value:
        """That of one output, `UNKNOWN` if that isn't known before apply."""
        address = self._addresses.get(id(resource)) or self._declaration.address_of(resource)
        outputs = self.known.get(address)
        if outputs is None:
            return UNKNOWN
        value = outputs.get(name, UNKNOWN)
        if type(value) in ATOMS:
            return value
        return self._open_value(value, place_of(resource.kind.name, outputs.get("id"), name))


class _Planner:
    def __init__(self, world: World, options: Options) -> None:
        self._world = world
        self._options = options
        self._declared = world.declaration.resources
        self._records = world.snapshot.records
        self._moves = find_moves(world.declaration, world.snapshot)
        self._renamed = {old: new for new, old in self._moves.items()}
        self._outputs = _Outputs(world)
        self._wanted: dict[Address, dict[str, Value]] = {}  # what the quick look has evaluated isn't evaluated again
        self._changes: dict[Address, Change] = {}
        self._unchanged = 0
        self._scope = Scope(self._outputs.value, world.reveal, world.declaration.placeholders)
        known = self._known() if options.partial or options.replace else []
        self._replace = matching(options.replace, known, "replace")
        self._selected = select(options, known, self._needs()) if options.partial else set()
        special = options.partial or options.replace or self._moves or world.put_back
        self._may_stand = options.mode is Mode.NORMAL and not special

    def plan(self, stack: str) -> Plan:
        """Decide on everything."""
        snapshot = self._world.snapshot
        ordered = graph.in_turn({a: item.dependencies for a, item in self._declared.items()}, key=sort_key)
        for address in self._not_standing(ordered) if self._may_stand else ordered:
            self._decide(self._subject(address, self._declared[address]))
        for address in self._records:
            if address not in self._declared and address not in self._renamed:
                self._decide(self._subject(address, None))
        changes = settle_order(self._changes, self._declared, ordered)
        changes += self._deposed()
        self._refuse_protected(changes)
        if any(change.action is Action.REPLACE and not change.create_before_delete for change in changes):
            planning.expand(changes)  # raises if no order fits, while it is only a plan
        return Plan(
            deployment=snapshot.deployment,
            stack=stack,
            mode=self._options.mode,
            lineage=snapshot.lineage,
            serial=snapshot.serial,
            changes=tuple(sorted(changes, key=lambda one: (sort_key(one.address), one.deposed, one.token))),
            unchanged=self._unchanged,
            outputs=self._plan_outputs(),
            partial=self._options.partial,
        )

    def _known(self) -> list[Address]:
        """Every address that the plan may be about."""
        recorded = [*self._records, *(record.address for record in self._world.snapshot.deposed)]
        return list(dict.fromkeys([*self._declared, *self._now(recorded)]))

    def _needs(self) -> dict[Address, tuple[Address, ...]]:
        needs = {self._renamed.get(a, a): self._now(record.dependencies) for a, record in self._records.items()}
        for address, item in self._declared.items():
            if self._options.mode is not Mode.DESTROY:
                needs[address] = item.dependencies
            else:
                needs.setdefault(address, ())
        return needs

    def _now(self, addresses: Iterable[Address]) -> tuple[Address, ...]:
        """Recorded addresses as they are after this plan's moves."""
        if not self._renamed:
            return tuple(addresses)
        return tuple(self._renamed.get(address, address) for address in addresses)

    def _is_selected(self, address: Address) -> bool:
        return not self._options.partial or address in self._selected

    def _subject(self, address: Address, item: Declared | None) -> Subject:
        moved_from = self._moves.get(address)
        record = self._records.get(moved_from or address)
        return Subject(
            address=address,
            item=item,
            record=record,
            told=record is not None and record.key in self._world.observations,
            observation=self._world.observations.get(record.key) if record else None,
            moved_from=moved_from,
            cloud=self._world.cloud_of(item) if item else "",
        )

    def _not_standing(self, ordered: Iterable[Address]) -> Iterator[Address]:
        """Those of ``ordered`` of which it isn't seen at once that nothing is to be done; of the others it is noted."""
        declared, records, observations = self._declared, self._records, self._world.observations
        cloud_of, known = self._world.cloud_of, self._outputs.known
        for address in ordered:
            item, record, told = declared[address], records.get(address), observations.get((address, ""))
            if record is None or told is None or not stands(item, cloud_of(item), record, told):
                yield address
                continue
            wanted = self._desired_inputs(item, record.inputs)
            if same(wanted, record.inputs):
                known[address] = record.outputs
                self._unchanged += 1
            else:
                self._wanted[address] = wanted
                yield address

    def _decide(self, subject: Subject) -> None:
        compared = self._compare(subject)
        record, item = subject.record, subject.item
        given = Circumstances(
            mode=self._options.mode,
            selected=self._is_selected(subject.address),
            replace_requested=subject.address in self._replace,
            retain=item.lifecycle.retain if item else record is not None and record.retain,
            moved=subject.moved_from is not None,
            only_drift=compared.only_drift,
            outdated=subject.is_outdated,
        )
        decision = decide(compared.desired, subject.recorded, subject.observed, given)
        if subject.address in self._world.put_back and decision[0] in (Action.NO_OP, Action.READ) and given.selected:
            decision = Action.ADOPT, Reason.PUT_BACK
        self._outputs.known[subject.address] = outputs_after(subject, decision[0], compared)
        if decision[0] is Action.NO_OP:
            self._unchanged += record is not None and given.selected
            return
        change = change_of(subject, decision, compared, self._options.mode)
        if self._renamed:
            change = attrs.evolve(change, previous_dependencies=self._now(change.previous_dependencies))
        self._changes[subject.address] = change

    def _compare(self, subject: Subject) -> Comparison:
        item, record = subject.item, subject.record
        if item is None:
            return Comparison(desired=Desired.UNDECLARED)
        if self._options.mode is not Mode.NORMAL:
            return Comparison()  # nothing is made of the inputs, so no secret has to be there
        after = self._wanted.pop(item.address, None)
        if after is None:
            after = self._desired_inputs(item, kept_choices(record, subject.cloud, item.kind.name))
        if record is None:
            return comparing.creation(after)
        if record.kind != item.kind.name:
            return comparing.of_another_kind(record, item.kind.name, after)
        others = comparing.trigger_change(record.triggers, self._triggers(item))
        if subject.cloud != record.cloud:
            cloud = PropertyChange(path=("cloud",), before=record.cloud, after=subject.cloud, forces_replacement=True)
            others = (cloud, *others)
        return comparing.against(item, record, subject.seen, after, others)

    def _desired_inputs(self, item: Declared, recorded: Values) -> dict[str, Value]:
        after = kept_inputs(item, self._scope, self._world.seal)
        for name in item.kind.choices:
            where = Wanted(self._world.cloud_of(item), item.kind.name, name, "")
            anew = name in item.refreshed
            after[name] = portable.chosen(after[name], recorded.get(name), where, self._world.choices, anew)
        return after

    def _triggers(self, item: Declared) -> Value:
        value = evaluated_at(item.address, "replace_on", item.triggers, self._scope)
        return sealed(value, self._world.seal)

    def _deposed(self) -> Iterator[Change]:
        """Replaced resources that are still to be deleted. A plan that only reads forgets those that are gone."""
        for record in self._world.snapshot.deposed:
            gone = self._world.observations.get(record.key, record) is None
            if self._is_selected(record.address) and (gone or self._options.mode is not Mode.REFRESH_ONLY):
                change = deposed_change(record, gone)
                yield attrs.evolve(change, previous_dependencies=self._now(change.previous_dependencies))

    def _refuse_protected(self, changes: list[Change]) -> None:
        refused = []
        for change in changes:
            if change.action not in (Action.DELETE, Action.REPLACE) or change.deposed:
                continue
            item, record = self._declared.get(change.address), self._records.get(change.address)
            if item.lifecycle.protect if item else record is not None and record.protect:
                refused.append(change)
        if refused:
            first = refused[0]
            names = ", ".join(f"{change.address} ({change.action.value}: {change.reason.value})" for change in refused)
            raise ProtectedError(
                f"lifecycle protects what this plan would delete or replace: {names}",
                address=first.address,
                remedy="take protect=True off and apply that first, or leave it out with exclude=",
            )

    def _plan_outputs(self) -> dict[str, Value]:
        if self._options.mode is not Mode.NORMAL:
            return {}
        return {
            address: sealed(evaluated_at(address, "output", expression, self._scope), self._world.seal)
            for address, expression in self._world.declaration.outputs.items()
        }
