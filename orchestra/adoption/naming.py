"""Names of attributes for what was found: readable, unique, the same every time. Pure."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.adoption.discovering import Discovered
from orchestra.adoption.drafting import Draft
from orchestra.adoption.terms import Use
from orchestra.model import address
from orchestra.model.address import Address
from orchestra.model.stack import Stack

_NUMBERED: Final = re.compile(r"(.*[a-z])_?(\d+)")
_LONGEST: Final = 48
"""Characters of a name that still read well, and leave room for a value on the same line."""


@attrs.frozen
class Place:
    """Where a thing would like to be in the stack: an attribute, and a key if it is one of several there."""

    stem: str
    key: int | str | None = None


@attrs.frozen(kw_only=True)
class Slot:
    """One attribute of the stack: a single thing, or a list or dict of them by their keys."""

    name: str
    drafts: tuple[Draft, ...]
    keys: tuple[int | str, ...] = ()

    def addresses(self) -> Iterable[tuple[Address, Draft]]:
        """Each of its things with the address that it gets."""
        if not self.keys:
            yield Address(self.name), self.drafts[0]
        for key, one in zip(self.keys, self.drafts, strict=False):
            yield address.item(self.name, key), one


_NATURAL: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = MappingProxyType(
    {
        "compute.KeyPair": lambda told: told["name"],
        "dns.Zone": lambda told: told["domain"],
        "dns.Record": lambda told: f"{told['name']}_{told['type']}" if told["name"] else f"{told['type']}_record",
        "storage.Bucket": lambda told: told["name"],
        "storage.Blob": lambda told: told["key"],
    }
)
"""What distinguishes things of kinds that have no other name."""

_AFTER: Final = MappingProxyType(
    {
        "compute.VolumeAttachment": "volume",
        "compute.Snapshot": "volume",
        "compute.CustomImage": "server",
        "compute.FloatingIp": "server",
    }
)
"""For things that mostly have no name: the input with what they are called after."""


def word(cls: type[Any]) -> str:
    """What to call something of this kind: ``floating_ip``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()


def slug(text: str) -> str:
    """``text`` in the letters of a name in Python, though it may start with a digit; '' if nothing of it can stand."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain)[:_LONGEST].strip("_")


def place_of(one: Draft, others: Mapping[Use, Draft]) -> Place:
    """Where it would like to be: by its name, by what distinguishes it, by what it is called after, by its kind."""
    if called := slug(_called(one.found)):
        return parsed(f"{word(one.cls)}_{called}" if called[0].isdigit() else called)
    use = one.terms.get(_AFTER.get(one.found.kind, ""))
    if isinstance(use, Use) and use in others and use != one.key:
        place = place_of(others[use], {})
        return attrs.evolve(place, stem=f"{place.stem}_{word(one.cls)}")
    return Place(word(one.cls))


def parsed(text: str) -> Place:
    """A name, and its number if it ends in one: ``web_2`` is one of several ``web``."""
    numbered = _NUMBERED.fullmatch(text)
    return Place(numbered[1], int(numbered[2])) if numbered else Place(text)


def _called(found: Discovered) -> str:
    if found.ownership is not None:
        return found.ownership.address
    natural = _NATURAL.get(found.kind)
    return natural(found.inputs) if natural else found.name


def slots(placed: Sequence[tuple[Draft, Place]], may_be_listed: Callable[[Draft], bool]) -> list[Slot]:
    """One attribute for each thing, or for several that are clearly a list or dict.

    Several are where all of one kind have the same stem with numbers from 0 or 1 on, or with keys of text.
    """
    together: dict[tuple[str, str], list[tuple[Draft, Place]]] = {}
    for one, place in placed:
        together.setdefault((one.found.kind, place.stem), []).append((one, place))
    wanted: list[tuple[str, Slot]] = []
    for (_, stem), members in together.items():
        keys = [place.key for _, place in members]
        if _is_series(keys) and all(may_be_listed(one) for one, _ in members):
            wanted.append((stem, _several(members)))
        else:
            for one, place in members:
                alone = place.stem if place.key is None else slug(f"{place.stem}_{place.key}")
                wanted.append((alone, Slot(name="", drafts=(one,))))
    return _named(wanted)


def _is_series(keys: Sequence[int | str | None]) -> bool:
    if len(set(keys)) < len(keys):
        return False
    if all(isinstance(key, str) for key in keys):
        return True
    numbers = sorted(key for key in keys if isinstance(key, int))
    return len(numbers) == len(keys) > 1 and numbers in (
        list(range(len(keys))),
        list(range(1, len(keys) + 1)),
    )


def _several(members: Sequence[tuple[Draft, Place]]) -> Slot:
    """A list counts from 0, whatever the names did."""
    ordered = sorted(members, key=lambda one: address.sort_key(str(one[1].key)))
    keys: list[int | str] = [
        place.key if isinstance(place.key, str) else index for index, (_, place) in enumerate(ordered)
    ]
    return Slot(name="", drafts=tuple(one for one, _ in ordered), keys=tuple(keys))


def _named(wanted: Sequence[tuple[str, Slot]]) -> list[Slot]:
    """Names that no two have: with the kind, and then with a number, where the stem alone won't do."""
    stems = Counter(stem for stem, _ in wanted)
    kinds = Counter((stem, slot.drafts[0].found.kind) for stem, slot in wanted)
    taken: set[str] = set()
    named: list[Slot] = []
    for stem, slot in wanted:
        kind = word(slot.drafts[0].cls)
        full = stem if stem == kind or stem.endswith(f"_{kind}") else f"{stem}_{kind}"
        several = kinds[stem, slot.drafts[0].found.kind] > 1
        candidates = [] if several else [full] if stems[stem] > 1 else [stem, full]
        number = 1
        while not candidates or candidates[0] in taken or _is_reserved(candidates[0]):
            del candidates[:1]
            if not candidates:
                candidates = [f"{full}_{number}"]
                number += 1
        taken.add(candidates[0])
        named.append(attrs.evolve(slot, name=candidates[0]))
    return named


def _is_reserved(name: str) -> bool:
    return keyword.iskeyword(name) or name == "self" or hasattr(Stack, name)
