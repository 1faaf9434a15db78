"""How resources of other tools are told in the form of orchestra's kinds: the parts that tables are made of. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain

Told: TypeAlias = "str | Callable[[Instance, World], Plain]"
"""An attribute by its name, or what is made of several."""


@attrs.frozen(kw_only=True)
class Mapped:
    """A type of resource that is one of orchestra's kinds.

    ``external_id`` and ``inputs`` say where each is found; a function may raise `DefinitionError` for what can't be
    taken over, with a sentence that says why. ``in_plain`` names inputs that the state tells in full and doesn't mark
    as sensitive; ``asked`` those that only the cloud can tell, and without which the thing might be taken for another.
    """

    kind: str
    external_id: Told = "id"
    inputs: Mapping[str, Told]
    in_plain: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Part:
    """A type of resource that is a part of another one here. ``belongs`` says whether this one is, by now."""

    belongs: Callable[[Instance, World], bool]


@attrs.frozen(kw_only=True)
class Left:
    """A type of resource that can't be taken over, though there is a kind for what it does. ``why`` is a sentence."""

    why: str


Table: TypeAlias = "Mapping[str, Mapped | Part | Left]"
"""Types of a provider, and what each of them is."""


def told(source: Told, one: Instance, world: World) -> Plain:
    """What ``source`` says of ``one``. Raises `DefinitionError` if that can't be taken over."""
    if callable(source):
        return source(one, world)
    value: Plain = one.get(source)
    return None if value == "" else value


def part_of(owner: str, attribute: str, key: str = "id") -> Part:
    """A part of the ``owner`` whose ``key`` is in ``attribute``, if the state has that."""

    def belongs(one: Instance, world: World) -> bool:
        return any(not found.is_read for found in world.of(owner, **{key: one.attributes.get(attribute)}))

    return Part(belongs=belongs)


def first(blocks: Any) -> Mapping[str, Any]:
    """The first of several blocks; an empty one if there is none."""
    return next(iter(blocks), {})


def alone(function: Callable[[Instance], Plain]) -> Told:
    """``function`` of an instance alone, for which nothing else in the state matters."""

    def told_alone(one: Instance, world: World) -> Plain:
        del world
        return function(one)

    return told_alone


def is_given(*names: str) -> Told:
    """That one of these attributes is given, without what it is: it may be secret."""
    return alone(lambda one: "given" if one.has(*names) else None)
