"""From declared inputs to values: raw for the cloud, sealed and summarized for plans and state."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

import attrs

from orchestra.diff import same
from orchestra.errors import DefinitionError, InternalError, StalePlanError
from orchestra.model.address import Address
from orchestra.model.declaration import Declared
from orchestra.model.expressions import Expression, Scope, evaluate, wrapped
from orchestra.model.fields import InputSpec, KindSpec
from orchestra.model.values import ATOMS, UNKNOWN, Revealed, Sealed, Value, Values, has_revealed, has_sealed, is_known

Seal: TypeAlias = Callable[[Revealed], Sealed]


def raw_inputs(declared: Declared, scope: Scope) -> dict[str, Value]:
    """The inputs evaluated as far as ``scope`` knows, in normal form, secrets revealed."""
    values = cast("dict[str, Value]", dict(declared.inputs))  # what isn't open holds neither references nor secrets
    for name in declared.open_inputs:
        values[name] = evaluated_at(declared.address, f"input {name}", declared.inputs[name], scope)
    for name, spec in declared.kind.treated.items():
        values[name] = _treated(spec, values[name], declared.address)
    return values


def _treated(spec: InputSpec, value: Value, address: Address) -> Value:
    """``value`` of an input that is secret, has a normal form, or makes up the cloud's own id."""
    if spec.secret and value is not None and not isinstance(value, Revealed) and is_known(value):
        if not isinstance(value, (str, int, float)):
            raise InternalError(f"secret input {spec.name!r} is a {type(value).__name__}", address=address)
        value = Revealed(value)
    if spec.normalize is not None and is_known(value):
        value = spec.normalize(value)
    if spec.identifies and has_revealed(value):
        raise DefinitionError(
            f"input {spec.name} can't be secret: the cloud's own id is made of it, which plans and state show",
            address=address,
            remedy="give it a value that may be seen",
        )
    return value


def evaluated_at(address: Address, name: str, expression: Expression, scope: Scope) -> Value:
    """``expression`` evaluated; a fault in a user's function or a missing secret is told at ``address``."""
    try:
        return evaluate(expression, scope)
    except DefinitionError as error:
        if error.address is None:
            error.address = address
            error.message = f"{name}: {error.message}"
        raise


def kept_form(kind: KindSpec, raw: Values, seal: Seal) -> dict[str, Value]:
    """``raw`` as plans and state keep it: secrets sealed, large values summarized."""
    kept = {name: value if type(value) in ATOMS else sealed(value, seal) for name, value in raw.items()}
    return _summarized(kept, kind, seal)


def _summarized(kept: dict[str, Value], kind: KindSpec, seal: Seal) -> dict[str, Value]:
    """``kept``, with large values summarized in place."""
    for name, spec in kind.treated.items():
        value = kept.get(name)
        if spec.summarize is not None and isinstance(value, str):
            kept[name] = sealed(spec.summarize(value), seal)
    return kept


def kept_inputs(declared: Declared, scope: Scope, seal: Seal) -> dict[str, Value]:
    """The `kept_form` of `raw_inputs`, without a look at what is its own value and isn't treated."""
    kept, treated = raw_inputs(declared, scope), declared.kind.treated
    for name in (*declared.open_inputs, *treated):
        value = kept[name]
        if type(value) not in ATOMS:
            kept[name] = sealed(value, seal)
    return _summarized(kept, declared.kind, seal) if treated else kept


def sealed(value: Value, seal: Seal) -> Value:
    """``value`` with every secret in it sealed."""
    if type(value) in ATOMS:
        return value
    if isinstance(value, Revealed):
        return seal(value)
    if isinstance(value, Mapping):
        return {key: sealed(item, seal) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [sealed(item, seal) for item in value]
    return value


def place_of(kind: str, external_id: Value, output: str) -> str:
    """What an encrypted output is bound to: whose output it is.

    Not its address: that changes when a resource moves in the stack, and the output does not.
    """
    return json.dumps([kind, external_id if isinstance(external_id, str) else "", output])


def sealed_like(told: Value, kept: Value, seal: Seal) -> Value:
    """``told`` with whatever is secret in ``kept`` sealed; all of it where the two can't be put side by side."""
    if isinstance(kept, Mapping) and isinstance(told, Mapping):
        return {key: sealed_like(item, kept.get(key), seal) for key, item in told.items()}
    if has_sealed(kept):
        return sealed(wrapped(told), seal)
    return told


@attrs.frozen
class Final:
    """Inputs for a call: ``raw`` goes to the provider, ``kept`` into the state."""

    raw: Values
    kept: Values


def finish(declared: Declared, planned: Values, scope: Scope, seal: Seal) -> Final:
    """The inputs at apply time: what the plan says, with its unknowns filled in.

    Raises `StalePlanError` where the stack now says something else than the plan.
    """
    raw = raw_inputs(declared, scope)
    kept = kept_form(declared.kind, raw, seal)
    final_raw: dict[str, Value] = {}
    final_kept: dict[str, Value] = {}
    for name, now in kept.items():
        before = planned.get(name, UNKNOWN)
        if name in declared.lifecycle.ignore_changes and name in planned and is_known(before):
            final_kept[name] = before
            final_raw[name] = raw[name] if same(before, now) else _in_plain(declared.kind.inputs[name], before)
        elif declared.kind.inputs[name].is_choice(before, now):
            final_raw[name] = final_kept[name] = _chosen(before, now)
        else:
            _check(before, now, declared.address, name)
            final_raw[name], final_kept[name] = raw[name], now
    return Final(final_raw, final_kept)


def _in_plain(spec: InputSpec, kept: Value) -> Value:
    """What a call is given for an input that stays as it is: None where only a digest of it is kept."""
    if spec.summarize is not None or has_sealed(kept):
        return None
    return kept


def check_planned(declared: Declared, planned: Values, scope: Scope, seal: Seal) -> None:
    """Raise `StalePlanError` if an input that ``scope`` knows already is no longer what the plan says."""
    kept = kept_form(declared.kind, raw_inputs(declared, scope), seal)
    for name, now in kept.items():
        is_choice = declared.kind.inputs[name].is_choice(planned.get(name), now)
        ignored = name in declared.lifecycle.ignore_changes or is_choice
        if name in planned and is_known(now) and not ignored:
            _check(planned[name], now, declared.address, name)


def _chosen(planned: Value, now: Value) -> Value:
    """A choice as the plan made it; an id that was unknown then is known now."""
    if isinstance(planned, str) or (isinstance(planned, Mapping) and planned.get("id") is not UNKNOWN):
        return planned
    return now


def _check(planned: Value, now: Value, address: Address, name: str) -> None:
    if planned is UNKNOWN:
        return
    if isinstance(planned, Mapping) and isinstance(now, Mapping) and planned.keys() == now.keys():
        for key, item in planned.items():
            _check(item, now[key], address, name)
        return
    if is_known(planned) and not same(planned, now):
        raise StalePlanError(
            f"input {name} is no longer what the plan says",
            address=address,
            remedy="the stack, a secret or an environment variable changed after the plan: make a new plan",
        )
