"""Portable choices: which ones a cloud must be asked for, and which the state remembers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from orchestra.model.declaration import Declared
from orchestra.model.values import UNKNOWN, Plain, Value, Values
from orchestra.state.codec import canonical, encode_value
from orchestra.state.records import Record


@attrs.frozen
class Wanted:
    """One choice to be made by a cloud: ``key`` is the wish in canonical JSON."""

    cloud: str
    kind: str
    name: str
    key: str


Choices: TypeAlias = Mapping[Wanted, str]
"""The cloud's own id for each."""


def wish(value: Value) -> dict[str, Plain] | None:
    """What a choice asks for, or None while part of it is unknown."""
    if not isinstance(value, Mapping) or any(item is UNKNOWN for item in value.values()):
        return None
    return {key: item for key, item in value.items() if item is None or isinstance(item, (str, int, float, bool))}


def remembered(value: Value, recorded: Value) -> str | None:
    """The id that the state has for the same wish, so that a newer image in the cloud changes nothing."""
    asked = wish(value)
    if asked is None or not isinstance(recorded, Mapping):
        return None
    kept = recorded.get("id")
    same = asked in ({"id": kept}, recorded, {key: item for key, item in recorded.items() if key != "id"})
    return kept if same and isinstance(kept, str) else None


def kept_choices(record: Record | None, cloud: str, kind: str) -> Values:
    """What the state remembers that counts here: the ids of one cloud and kind mean nothing to another."""
    return record.inputs if record is not None and (record.cloud, record.kind) == (cloud, kind) else {}


def to_ask(
    declared: Declared, cloud: str, record: Record | None, refresh: bool = True
) -> dict[Wanted, dict[str, Plain]]:
    """The choices of one resource that its cloud must make for this plan.

    Those that are to be made anew are among them, unless ``refresh`` is False: then what the state has will do.
    """
    asked: dict[Wanted, dict[str, Plain]] = {}
    kept = kept_choices(record, cloud, declared.kind.name)
    for name in declared.kind.choices:
        value = declared.inputs.get(name)
        if not isinstance(value, dict):
            continue
        plain: dict[str, Plain] = {
            key: item for key, item in value.items() if item is None or isinstance(item, (str, int, float))
        }
        if len(plain) < len(value):
            continue  # an id that only a reference tells
        if remembered(plain, kept.get(name)) is None or (refresh and name in declared.refreshed):
            asked[Wanted(cloud, declared.kind.name, name, canonical(encode_value(plain)))] = plain
    return asked


def chosen(value: Value, recorded: Value, where: Wanted, choices: Choices, anew: bool = False) -> Value:
    """The choice with its id: the one that the state remembers, unless it is made ``anew``."""
    asked = wish(value)
    if asked is None:
        return value
    kept = remembered(value, recorded)
    if kept is None or anew:
        kept = choices.get(attrs.evolve(where, key=canonical(encode_value(asked))), kept)
    return {**asked, "id": kept if kept is not None else asked.get("id", UNKNOWN)}


def unify(before: Value, after: Values | Value) -> Value:
    """``after``, or ``before`` if both stand for the same id: two wishes that lead to the same are no change."""
    one, other = _id_of(before), _id_of(after)
    return before if isinstance(one, str) and one == other else after


def _id_of(value: Values | Value) -> Value:
    """The id that a choice has led to; an id that was given as text is itself."""
    return value.get("id") if isinstance(value, Mapping) else value
