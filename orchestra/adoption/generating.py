"""From what was found to a stack that declares it."""

from __future__ import annotations

import keyword
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

import attrs

from orchestra import graph
from orchestra.adoption.deriving import completed
from orchestra.adoption.discovering import Discovered, discover
from orchestra.adoption.drafting import Draft, LeftOut, draft, unfit
from orchestra.adoption.naming import Place, place_of, slots
from orchestra.adoption.selecting import EVERYTHING, Select
from orchestra.adoption.terms import Use
from orchestra.adoption.writing import write_stack
from orchestra.contracts import Cloud
from orchestra.errors import DefinitionError
from orchestra.model.address import sort_key
from orchestra.resources.catalogue import KINDS
from orchestra.state.records import Record

_ORDER: Final = MappingProxyType({cls.kind.name: index for index, cls in enumerate(KINDS)})


class Adopting(Protocol):
    """A deployment, as far as taking things over needs it."""

    @property
    def resources(self) -> Mapping[str, Record]:
        """See `Deployment.resources`."""
        ...

    def adopt_all(self, adoptions: Mapping[str, str]) -> tuple[Record, ...]:
        """See `Deployment.adopt_all`."""
        ...


@attrs.frozen(kw_only=True)
class Generated:
    """A stack that was written for what is there already.

    ``source`` is a Python module with the stack in it. ``adoptions`` maps the address of each resource to the id of
    the thing that it is, each after those that it uses; the module has them too, as ``ADOPT``. ``left_out``
    tells what the stack says nothing of, and why. There is no secret in any of it.
    """

    name: str
    source: str = attrs.field(repr=False)
    adoptions: Mapping[str, str] = attrs.field(repr=False)
    left_out: tuple[LeftOut, ...] = attrs.field(repr=False)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the module to a new file. Raises `FileExistsError` rather than to write over one."""
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(self.source)

    def adopt(self, deployment: Adopting) -> tuple[Record, ...]:
        """Take everything over into ``deployment``, which is one of this stack; nothing in the cloud is changed.

        What it has at these addresses already is left as it is. Raises as `Deployment.adopt_all` does.
        """
        known = {(address, record.external_id) for address, record in deployment.resources.items()}
        return deployment.adopt_all(
            {address: one for address, one in self.adoptions.items() if (address, one) not in known}
        )

    def __str__(self) -> str:
        lines = [f"{self.name}: {len(self.adoptions)} resources to adopt, {len(self.left_out)} left out"]
        return "\n".join([*lines, *(f"  {one}" for one in self.left_out)])


@attrs.frozen(kw_only=True)
class Candidate:
    """Something that may be declared. ``place`` is where it belongs in the stack; None: find a name.

    ``in_plain`` names inputs that could hold a secret and are known to hold none.
    """

    found: Discovered
    place: Place | None = None
    in_plain: Collection[str] = ()


def generate(cloud: Cloud, *, select: Select = EVERYTHING, name: str = "Found") -> Generated:
    """A stack for what is in ``cloud``: adopt it into a deployment of that stack, and its plan is empty.

    ``select`` says which of it (default: everything that no deployment manages), ``name`` what the stack is called.
    References stand in place of the ids of what is selected too, ids of other things stay. Inputs that are as by
    default aren't written, nor are those that may hold a secret. Reads only.

    Raises `DefinitionError` for a name that no class can have, and `CloudError` if the cloud can't be read.
    """
    found = select.of(list(discover(cloud, select.kinds)))
    left_out: list[LeftOut] = []
    wanted: list[Candidate] = []
    for one in found:
        if why := unfit(one, select.managed):
            left_out.append(LeftOut(kind=one.kind, external_id=one.external_id, name=one.name, why=why))
        else:
            wanted.append(Candidate(found=one))
    return compose(wanted, left_out, name, f"What was found on {cloud.name}.")


def compose(candidates: Sequence[Candidate], left_out: Sequence[LeftOut], name: str, title: str) -> Generated:
    """The stack for ``candidates``, with what is ``left_out`` beside it. Raises `DefinitionError` for a bad name."""
    if not name.isidentifier() or keyword.iskeyword(name) or not name[0].isupper() or name == "ADOPT":
        raise DefinitionError(f"name={name!r}: the name of a class is needed, such as 'Found'")
    left = list(left_out)
    drafts: dict[Use, tuple[Draft, Place | None]] = {}
    ranked = sorted(candidates, key=_rank)
    for one, found in zip(ranked, completed([one.found for one in ranked]), strict=True):
        if Use(found.kind, found.external_id) in drafts:
            continue
        made, notes = draft(found, one.in_plain)
        left += notes
        if made is not None:
            drafts[made.key] = made, one.place
    others = {key: one for key, (one, _) in drafts.items()}
    placed = [(one, place or place_of(one, others)) for one, place in drafts.values()]
    circular = _circular(others)

    def may_be_listed(one: Draft) -> bool:
        return one.found.kind not in circular or not any(use.kind in circular for use in one.uses() if use in others)

    written = write_stack(name, slots(placed, may_be_listed), title)
    return Generated(name=name, source=written.source, adoptions=written.adoptions, left_out=tuple(left))


def _rank(one: Candidate) -> tuple[int, str, tuple[object, ...], str]:
    """Kinds in the order of the catalogue, then as people sort names."""
    found = one.found
    return _ORDER.get(found.kind, len(_ORDER)), found.kind, sort_key(found.name), found.external_id


def _circular(drafts: Mapping[Use, Draft]) -> set[str]:
    """The kinds of which one uses another, be it by way of other kinds.

    What is in one list is declared at once, so nothing that it uses may use another part of the same list.
    """
    reached: dict[str, set[str]] = {}
    for one in drafts.values():
        reached.setdefault(one.found.kind, set()).update(use.kind for use in one.uses() if use in drafts)
    return {kind for kind, to in reached.items() if kind in graph.closure(to, lambda one: reached.get(one, ()))}
