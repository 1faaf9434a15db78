"""From a state of Terraform to a stack that takes over what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.adoption.discovering import Discovered
from orchestra.adoption.drafting import LeftOut
from orchestra.adoption.generating import Candidate, Generated, compose
from orchestra.adoption.naming import Place, slug, word
from orchestra.contracts import Cloud
from orchestra.errors import DefinitionError
from orchestra.migrate import aws, digitalocean, google, openstack
from orchestra.migrate.mapping import Left, Mapped, Part, Table, told
from orchestra.migrate.states import Instance, World, read_state
from orchestra.model.resource import known_kinds

_TABLE: Final[Table] = MappingProxyType({**aws.TABLE, **openstack.TABLE, **google.TABLE, **digitalocean.TABLE})
_SAYS_NOTHING: Final = ("this", "main", "default", "self")
"""Names that Terraform's users give to what needs none."""


def terraform(
    state: str | os.PathLike[str] | Mapping[str, Any], *, cloud: Cloud | None = None, name: str = "Migrated"
) -> Generated:
    """A stack for what is in a state of Terraform or OpenTofu, with which a deployment takes it over.

    ``state`` is a file of format version 4, as ``terraform state pull`` writes it, or such a state already read.
    ``cloud`` is asked what each thing is by now, and what the state doesn't tell; without it the state is believed.
    ``name`` is what the stack is called. Modules, ``count`` and ``for_each`` become names, lists and dicts.

    What the state marks as sensitive is nowhere in the result. Once it is adopted, take everything out of Terraform
    with ``terraform state rm``, so that only one of both changes it. Makes no call but reads of ``cloud``. Raises
    `DefinitionError` for what isn't such a state, `OSError` if the file can't be read, `CloudError` if the cloud can't.
    """
    world = read_state(state)
    left_out: list[LeftOut] = []
    candidates: list[Candidate] = []
    for one in world.instances:
        taken = None if one.is_read else _taken(one, world, cloud is not None)
        if isinstance(taken, LeftOut):
            left_out.append(taken)
        elif taken is not None:
            candidates.append(taken)
    if cloud is not None:
        candidates, missing = _as_observed(candidates, cloud)
        left_out += missing
    return compose(candidates, left_out, name, "What was in Terraform's state.")


def _taken(one: Instance, world: World, is_asked: bool) -> Candidate | LeftOut | None:
    """What becomes of an instance; None if it is told with what it is a part of."""
    entry = _TABLE.get(one.type)
    why = one.fault
    if isinstance(entry, Mapped) and entry.asked and not is_asked:
        why = why or f"Terraform's state doesn't tell its {', '.join(entry.asked)}: give cloud=…, which is asked then"
    if isinstance(entry, Mapped) and not why:
        try:
            return _candidate(one, entry, world)
        except DefinitionError as error:
            why = error.message
    elif isinstance(entry, Part) and entry.belongs(one, world):
        return None
    elif isinstance(entry, Left):
        why = why or entry.why
    missing = "orchestra knows no kind for this type" if entry is None else "what it is a part of isn't taken over"
    external_id = one.attributes.get("id")
    return LeftOut(kind=one.type, external_id=str(external_id or "?"), name=one.address, why=why or missing)


def _candidate(one: Instance, entry: Mapped, world: World) -> Candidate:
    external_id = told(entry.external_id, one, world)
    if not isinstance(external_id, str):
        raise DefinitionError("its id isn't in the state")
    inputs = {name: told(source, one, world) for name, source in entry.inputs.items()}
    found = Discovered(
        kind=entry.kind,
        external_id=external_id,
        name=one.address,
        inputs={name: value for name, value in inputs.items() if value is not None},
    )
    return Candidate(found=found, place=_place(one, entry.kind, world), in_plain=entry.in_plain)


def _place(one: Instance, kind: str, world: World) -> Place:
    """The name that it has in Terraform behind those of its modules; its key, unless it is the only one."""
    says = [slug(part) for part in (*one.modules, *(() if one.name in _SAYS_NOTHING else (one.name,)))]
    last = word(known_kinds()[kind].cls)
    stem = "_".join(part for part in says if part) or last
    if one.name in _SAYS_NOTHING and stem != last:
        stem = f"{stem}_{last}"
    stem = f"{last}_{stem}" if stem[0].isdigit() else stem
    is_only = one.key == 0 and sum(1 for other in world.of(one.type) if _same_resource(one, other)) == 1
    return Place(stem, None if is_only else one.key)


def _same_resource(one: Instance, other: Instance) -> bool:
    return (one.name, one.module, one.is_read) == (other.name, other.module, other.is_read)


def _as_observed(candidates: Sequence[Candidate], cloud: Cloud) -> tuple[list[Candidate], list[LeftOut]]:
    """The same as the cloud tells them, kind by kind, and what it doesn't have."""
    kept: list[Candidate] = []
    left_out: list[LeftOut] = []
    by_kind: dict[str, list[Candidate]] = {}
    for one in candidates:
        by_kind.setdefault(one.found.kind, []).append(one)
    for kind, some in by_kind.items():
        for one, now in _observed(kind, some, cloud):
            if isinstance(now, str):
                found = one.found
                left_out.append(LeftOut(kind=kind, external_id=found.external_id, name=found.name, why=now))
            else:
                kept.append(attrs.evolve(one, found=now))
    return kept, left_out


def _observed(kind: str, candidates: Sequence[Candidate], cloud: Cloud) -> Iterator[tuple[Candidate, Discovered | str]]:
    """Each with what it is now, or with why it can't be taken over."""
    provider = cloud.provider(kind)
    if provider is None:
        yield from ((one, f"the cloud {cloud.name!r} can't do {kind}") for one in candidates)
        return
    reading = provider.observe([one.found.external_id for one in candidates])
    for error in reading.unread.values():
        raise error
    for one in candidates:
        now = reading.found.get(one.found.external_id)
        if now is None:
            yield one, f"the cloud {cloud.name!r} doesn't have it"
            continue
        inputs = {**one.found.inputs, **{key: value for key, value in now.inputs.items() if key not in one.in_plain}}
        yield one, attrs.evolve(one.found, inputs=inputs, outputs=now.outputs)
