"""A declaration put together again from what was recorded: what a rollback is planned from."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from orchestra.diff import same
from orchestra.errors import OrchestraError, PlanError
from orchestra.model.address import Address
from orchestra.model.building import Placeholder
from orchestra.model.declaration import Declaration, Declared
from orchestra.model.expressions import Expression, Inset, Scope, Text, evaluate, sources
from orchestra.model.fields import KindSpec
from orchestra.model.lifecycle import Lifecycle
from orchestra.model.refs import OutputRef
from orchestra.model.resource import Resource
from orchestra.model.values import UNKNOWN, Sealed, Value, leaves
from orchestra.planning.inputs import Seal, kept_form, raw_inputs, sealed
from orchestra.state.records import Condition, Record, Snapshot

SHORTEST: Final = 5
"""Outputs with fewer characters are not looked for in inputs: they stand there by chance."""


@attrs.frozen(kw_only=True)
class Recalled:
    """What was declared at an earlier serial, as far as the state tells.

    ``snapshot`` is the present state, with resources that were replaced since and are still there in their old place:
    those at ``put_back``. ``lost`` names, by address, inputs of which only a digest was kept and that nobody knows now.
    """

    past: Snapshot
    declaration: Declaration
    snapshot: Snapshot
    put_back: frozenset[Address]
    lost: Mapping[Address, tuple[str, ...]]


@attrs.frozen(kw_only=True, eq=False)
class Present:
    """What is known now. ``scope`` resolves references by the earlier state, ``seal`` seals what is secret."""

    declaration: Declaration
    kinds: Mapping[str, KindSpec]
    scope: Scope
    seal: Seal


def recall(past: Snapshot, now: Snapshot, present: Present, left: Collection[Address] = ()) -> Recalled:
    """What was declared at ``past``. Raises `PlanError` for a kind that isn't known any more.

    At ``left`` nothing is put back in its place.

    An input that the present stack still gives the value that it had then is taken from there, with its references and
    secrets. Another one is taken as it was recorded; outputs of what it used are references again.
    """
    swapped = put_back(now, {address: one.token for address, one in past.records.items() if address not in left})
    memory = _Memory(past, swapped, present)
    resources = {address: memory.declared(record) for address, record in past.records.items()}
    places = {id(item.resource): address for address, item in resources.items()}
    return Recalled(
        past=past,
        declaration=Declaration(
            resources=resources,
            outputs={},
            placeholders=present.declaration.placeholders,
            by_identity={**present.declaration.by_identity, **places},
        ),
        snapshot=swapped,
        put_back=frozenset(a for a, record in swapped.records.items() if now.records.get(a) != record),
        lost={address: tuple(names) for address, names in memory.lost.items() if names},
    )


def put_back(snapshot: Snapshot, tokens: Mapping[Address, str]) -> Snapshot:
    """``snapshot`` with each deposed resource whose token is in ``tokens`` in use again, and its successor deposed."""
    if all(tokens.get(record.address) != record.token for record in snapshot.deposed):
        return snapshot
    records, deposed = dict(snapshot.records), {record.key: record for record in snapshot.deposed}
    for record in snapshot.deposed:
        if tokens.get(record.address) != record.token:
            continue
        del deposed[record.key]
        successor = records.get(record.address)
        if successor is not None:
            left = attrs.evolve(successor, condition=Condition.DEPOSED)
            deposed[left.key] = left
        records[record.address] = attrs.evolve(record, condition=Condition.READY)
    current, left_over = Snapshot.parted([*records.values(), *deposed.values()])
    return attrs.evolve(snapshot, records=current, deposed=left_over)


@attrs.frozen
class _Place:
    """A cloud, by its name."""

    name: str


class _Memory:
    """Makes declarations of records."""

    def __init__(self, past: Snapshot, now: Snapshot, present: Present) -> None:
        self._past = past
        self._present = present
        self._resources = {address: self._resource(record) for address, record in past.records.items()}
        self._addresses = {record.token: address for address, record in now.records.items()}
        self.lost: dict[Address, list[str]] = {}

    def _kind(self, record: Record) -> KindSpec:
        found = self._present.kinds.get(record.kind)
        if found is None:
            raise PlanError(
                f"it was a {record.kind}, a kind that isn't known here any more",
                address=record.address,
                remedy="import the module that defines the kind",
            )
        return found

    def _resource(self, record: Record) -> Resource:
        """Stands for the resource in references. Its inputs were accepted when it was made, and are not checked."""
        kind = self._kind(record)
        resource = kind.cls.__new__(kind.cls)
        vars(resource).update(record.inputs, depends_on=(), cloud=_Place(record.cloud), lifecycle=None, ready=())
        return resource

    def declared(self, record: Record) -> Declared:
        """The declaration that ``record`` was made from."""
        kind, resource = self._kind(record), self._resources[record.address]
        lost = self.lost.setdefault(record.address, [])
        kept_now = self._declared_now(record)
        uses = list(self._uses(record))
        inputs: dict[str, Expression] = {}
        for name, spec in kind.inputs.items():
            value = record.inputs.get(name)
            is_lost = _is_lost(value) or (spec.summarize is not None and value is not None)
            if name in kept_now and not (spec.choice or spec.wish) and self._is_meant(kept_now[name], record, is_lost):
                inputs[name] = kept_now[name]
            elif is_lost:
                inputs[name] = None
                lost.append(name)
            else:
                inputs[name] = _expression(value, uses)
        moved = self._addresses.get(record.token)
        vars(resource)["lifecycle"] = Lifecycle(
            protect=record.protect,
            retain=record.retain,
            create_before_delete=record.create_before_delete,
            delete_timeout=record.delete_timeout,
            ignore_changes=lost,
            moved_from=(moved,) if moved is not None and moved != record.address else (),
        )
        return Declared(
            address=record.address,
            resource=resource,
            cloud=resource.cloud,
            kind=kind,
            inputs=inputs,
            triggers=self._triggers(record, uses),
            dependencies=tuple(one for one in record.dependencies if one in self._past.records),
            secrets=(),
        )

    def _declared_now(self, record: Record) -> dict[str, Expression]:
        """The inputs that the present stack would have given the values of ``record``, as it gives them."""
        item = self._present.declaration.resources.get(record.address)
        if item is None or item.kind.name != record.kind:
            return {}
        try:
            kept = kept_form(item.kind, raw_inputs(item, self._present.scope), self._present.seal)
        except OrchestraError:  # a secret that is not there now, a function that refuses what there was
            return {}
        return {
            name: item.inputs[name] for name, value in kept.items() if same(value, record.inputs.get(name, UNKNOWN))
        }

    def _triggers(self, record: Record, uses: Sequence[tuple[str, OutputRef[object]]]) -> Expression:
        item = self._present.declaration.resources.get(record.address)
        with contextlib.suppress(OrchestraError):
            if item is not None and same(self._sealed(item.triggers), record.triggers):
                return item.triggers
        return None if _is_lost(record.triggers) else _expression(record.triggers, uses)

    def _sealed(self, expression: Expression) -> Value:
        return sealed(evaluate(expression, self._present.scope), self._present.seal)

    def _is_meant(self, expression: Expression, record: Record, is_lost: bool) -> bool:
        """Whether ``expression``, which gives the value of then, may have been what gave it.

        It refers only to what ``record`` used; one that refers to nothing is taken where the value alone is lost.
        """
        declaration = self._present.declaration
        found = list(sources(expression, declaration.placeholders))
        used = {declaration.address_of(one) for one in found if isinstance(one, Resource)}
        return used <= set(record.dependencies) and (is_lost or bool(found))

    def _uses(self, record: Record) -> Iterator[tuple[str, OutputRef[object]]]:
        """The outputs of what ``record`` used, as they were, and what refers to each; the ids first."""
        used = [one for one in record.dependencies if one in self._past.records]
        for address in used:
            yield self._past.records[address].external_id, OutputRef(self._resources[address], "id")
        for address in used:
            for name, value in sorted(self._past.records[address].outputs.items()):
                if name != "id" and isinstance(value, str):
                    yield value, OutputRef(self._resources[address], name)


def _is_lost(value: Value) -> bool:
    return any(isinstance(leaf, Sealed) or leaf is UNKNOWN for leaf in leaves(value))


def _expression(value: Value, uses: Sequence[tuple[str, OutputRef[object]]]) -> Expression:
    """``value`` with references in place of the outputs that stand in it."""
    if isinstance(value, str):
        return _text(value, [(text, ref) for text, ref in uses if len(text) >= SHORTEST])
    if isinstance(value, Mapping):
        return {key: _expression(item, uses) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_expression(item, uses) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else None


def _text(text: str, uses: Iterable[tuple[str, OutputRef[object]]]) -> Expression:
    refs: dict[str, OutputRef[object]] = {}
    for known, ref in uses:
        refs.setdefault(known, ref)
    if text in refs:
        return refs[text]
    longest_first = sorted((known for known in refs if known in text), key=len, reverse=True)
    if not longest_first:
        return text
    # whole words only: 10.0.0.1 isn't meant where 10.0.0.12 stands
    whole = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, longest_first))})(?![\w-]|\.\w)")
    pieces = whole.split(text)
    if len(pieces) == 1:
        return text
    parts = [
        Inset(Placeholder(refs[piece], "", "", ""), 0) if number % 2 else piece for number, piece in enumerate(pieces)
    ]
    return Text(tuple(part for part in parts if part != ""))
