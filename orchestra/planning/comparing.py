"""One resource: what is there against what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from orchestra.contracts import Observation
from orchestra.diff import PropertyChange, compare, same
from orchestra.model.declaration import Declared
from orchestra.model.fields import InputSpec, OutputField
from orchestra.model.values import ABSENT, ATOMS, UNKNOWN, Sealed, Value, Values, has_sealed
from orchestra.planning.choices import unify
from orchestra.planning.decide import Desired
from orchestra.state.records import Record

_UNKEPT: Final = Sealed("not kept as a secret")
"""Stands for a value from before it was called secret."""


@attrs.frozen(kw_only=True)
class Comparison:
    """What is asked of what is there.

    ``after`` are its inputs once it is changed in place, ``anew`` those of a new one made in its place: what
    ``ignore_changes`` names is then as declared, and ``ignored`` tells where that differs. ``only_drift``: the
    declaration has not changed since the last apply; what differs was changed in the cloud.
    """

    desired: Desired = Desired.SAME
    after: Values = attrs.field(factory=dict)
    anew: Values = attrs.field(factory=dict)
    properties: tuple[PropertyChange, ...] = ()
    ignored: tuple[PropertyChange, ...] = ()
    only_drift: bool = False


def creation(after: Values) -> Comparison:
    """For what isn't there: every input that is set."""
    properties = tuple(
        PropertyChange(path=(name,), before=ABSENT, after=value)
        for name, value in sorted(after.items())
        if value is not None
    )
    return Comparison(after=after, anew=after, properties=properties)


def of_another_kind(record: Record, kind: str, after: Values) -> Comparison:
    """For what is there and is of another kind than what is now declared at its address."""
    change = PropertyChange(path=("kind",), before=record.kind, after=kind, forces_replacement=True)
    properties = (change, *creation(after).properties)
    return Comparison(desired=Desired.REPLACE, after=after, anew=after, properties=properties)


def against(
    item: Declared, record: Record, seen: Values, wanted: Values, others: Iterable[PropertyChange]
) -> Comparison:
    """Desired inputs ``wanted`` against ``seen``: what was recorded, overlaid with what the cloud tells.

    ``others`` are differences that aren't inputs: the cloud it is on, the values it is replaced on.
    """
    specs = item.kind.inputs
    unified = {name: unify(seen.get(name), wanted[name]) for name in item.kind.choices if name in wanted}
    anew = {**wanted, **unified} if unified else wanted
    ignored = {name: seen[name] for name in item.lifecycle.ignore_changes if name in seen}
    after = {**anew, **ignored} if ignored else anew
    seen = masked(seen, after)
    extra = tuple(others)
    properties = (*extra, *differences(specs, seen, after))
    forced = any(one.forces_replacement for one in properties)
    return Comparison(
        desired=Desired.REPLACE if forced else Desired.UPDATE if properties else Desired.SAME,
        after=after,
        anew=anew,
        properties=properties,
        ignored=differences({}, ignored, {name: anew[name] for name in ignored}) if ignored else (),
        only_drift=bool(properties) and not extra and not differences(specs, record.inputs, after),
    )


def masked(before: Values, after: Values) -> Values:
    """``before`` without what is secret in ``after``: what becomes a secret was one before it was called so."""
    return {name: _masked(value, after.get(name)) for name, value in before.items()} if has_sealed(after) else before


def _masked(before: Value, after: Value) -> Value:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {key: _masked(value, after.get(key)) for key, value in before.items()}
    return before if before is None or has_sealed(before) or not has_sealed(after) else _UNKEPT


def differences(specs: Mapping[str, InputSpec], before: Values, after: Values) -> tuple[PropertyChange, ...]:
    """The properties that differ, each marked with whether its input forces replacement."""
    if same(before, after):
        return ()
    found: list[PropertyChange] = []
    for name in sorted({*before, *after}):
        spec = specs.get(name)
        one, other = before.get(name, None), after.get(name, None)
        for change in compare(one, other, (name,)):
            found.append(attrs.evolve(change, forces_replacement=spec is not None and forces(spec, one, other)))
    return tuple(found)


def forces(spec: InputSpec, before: Value, after: Value) -> bool:
    """Whether going from ``before`` to ``after`` takes a new resource."""
    return spec.replace(before, after) if callable(spec.replace) else spec.replace


def overlay(record: Record, observation: Observation | None, specs: Mapping[str, InputSpec]) -> Values:
    """The recorded inputs, with what the cloud tells in their place.

    An input recorded as None was left to the cloud, and one that is sealed can't be compared: both stay.
    """
    if observation is None:
        return record.inputs
    merged = dict(record.inputs)
    for name, told in observation.inputs.items():
        if name in merged:
            merged[name] = overlaid(specs.get(name), merged[name], told)
    return merged


def overlaid(spec: InputSpec | None, kept: Value, told: Value) -> Value:
    """One recorded input with what the cloud tells of it in its place, if it can be compared."""
    if kept is None:
        return None
    if type(kept) in ATOMS:
        return told
    if has_sealed(kept):
        return kept
    if isinstance(kept, Mapping) and isinstance(told, Mapping) and (spec.choice if spec else "id" in kept):
        return {**kept, **told}
    if isinstance(kept, Mapping) and isinstance(told, str) and "id" in kept:
        return {**kept, "id": told}
    return told


def secret_outputs(fields: Mapping[str, OutputField[Any]], inputs: Values) -> frozenset[str]:
    """The outputs that are secret: the kind says so, or a secret is among the inputs that they are computed from.

    A checksum of a password is enough to guess the password.
    """
    sealed = {name for name, value in inputs.items() if type(value) not in ATOMS and has_sealed(value)}
    return frozenset(name for name, field in fields.items() if field.secret or sealed.intersection(field.changed_by))


def told_outputs(record: Record, observation: Observation | None, fields: Mapping[str, OutputField[Any]]) -> Values:
    """The outputs as the cloud last told them; secret ones stay as recorded."""
    if observation is None:
        return record.outputs
    secret = secret_outputs(fields, record.inputs)
    told: dict[str, Value] = {**observation.outputs}
    for name in secret:
        told.pop(name, None)
    for name, value in record.outputs.items():
        if name in secret or (type(value) not in ATOMS and has_sealed(value)):
            told[name] = value
    told["id"] = record.external_id
    return told


def expected_outputs(item: Declared, outputs: Values, comparison: Comparison) -> Values:
    """The outputs after an update in place: unknown only where the kind says that a changed input changes them."""
    changed = {one.path[0] for one in comparison.properties}
    return {
        name: UNKNOWN if (field := item.kind.outputs.get(name)) and changed.intersection(field.changed_by) else value
        for name, value in outputs.items()
    }


def trigger_change(recorded: Value, wanted: Value) -> tuple[PropertyChange, ...]:
    """``Lifecycle(replace_on=…)``: a changed value replaces; values given for the first time are only recorded."""
    if same(recorded, wanted):
        return ()
    both = recorded is not None and wanted is not None
    return (PropertyChange(path=("replace_on",), before=recorded, after=wanted, forces_replacement=both),)
