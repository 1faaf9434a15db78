"""What differs between two values, property by property. Pure, and the same in every process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeGuard, cast

import attrs

from orchestra.model.values import ABSENT, ATOMS, UNKNOWN, Absent, Revealed, Sealed, Value, is_known, leaves

Path: TypeAlias = "tuple[str | int, ...]"
_MISSING: Final = ABSENT
_SIMPLE: Final = frozenset({str, type(None)})
"""The exact types of values that equal none of any other type: Python's own comparison is right for them, and fast."""


@attrs.frozen(kw_only=True)
class PropertyChange:
    """One property that differs. `ABSENT` is no value at all, which is not the same as None."""

    path: Path
    before: Value | Absent
    after: Value | Absent
    forces_replacement: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether either side is a secret, or has one in it."""
        return any(isinstance(leaf, (Sealed, Revealed)) for leaf in (*_leaves(self.before), *_leaves(self.after)))

    @property
    def is_known(self) -> bool:
        """Whether the whole value after it is known before apply."""
        return isinstance(self.after, Absent) or is_known(self.after)

    @property
    def name(self) -> str:
        """The path as people read it: ``ingress[0].cidr``."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text


def compare(before: Value | Absent, after: Value | Absent, path: Path = ()) -> Iterator[PropertyChange]:
    """Each leaf that differs, in the order of sorted keys; lists of another length differ as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from compare(before.get(key, _MISSING), after.get(key, _MISSING), (*path, key))
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from compare(one, other, (*path, index))
    elif not same(before, after):
        yield PropertyChange(path=path, before=before, after=after)


def _leaves(value: Value | Absent) -> Iterator[Value]:
    return iter(()) if isinstance(value, Absent) else leaves(value)


def _is_list(value: Value | Absent) -> TypeGuard[Sequence[Value]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def same(one: Value | Absent, other: Value | Absent) -> bool:
    """Whether two values are the same; True is not 1, and an unknown is never the same as anything."""
    sort = type(one)
    if sort is type(other) and sort in ATOMS:
        return one == other
    if sort is dict and type(other) is dict:
        return _same_mappings(cast("dict[str, Value]", one), cast("dict[str, Value]", other))
    if one is UNKNOWN or other is UNKNOWN:
        return False
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _same_mappings(one, other)
    if _is_list(one) and _is_list(other):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def _same_mappings(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    if len(one) != len(other):
        return False
    if _SIMPLE.issuperset(map(type, one.values())) and type(one) is dict is type(other):
        return one == other
    for key, value in one.items():
        counterpart = other.get(key, _MISSING)
        sort = type(value)
        if sort is type(counterpart) and sort in ATOMS:  # most are, and here it costs no call
            if value != counterpart:
                return False
        elif not same(value, counterpart):
            return False
    return True
