"""What a resolved input or output can be.

Four things that are easily confused are four different objects here: a value that is ``None`` (said to be
nothing), `ABSENT` (not said at all), `UNKNOWN` (a reference whose value only apply will bring) and a secret
(`Sealed` where it is kept, `Revealed` where it is used).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

import attrs


class Absent(enum.Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


class Unknown(enum.Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"


ABSENT: Final = Absent.ABSENT
"""No value at all: the property isn't there. Not the same as None."""

UNKNOWN: Final = Unknown.UNKNOWN
"""A value that only apply will bring."""


@attrs.frozen
class Sealed:
    """A secret as it is kept in plans and state: a keyed digest, enough to see that it changed."""

    digest: str


@attrs.frozen(repr=False)
class Revealed:
    """A secret in plain, on its way to the cloud. Never stored, never shown."""

    value: str | int | float | bool

    def __repr__(self) -> str:
        return "Revealed(…)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret in plain can't be pickled: it would be kept")


Plain: TypeAlias = "None | bool | int | float | str | Sequence[Plain] | Mapping[str, Plain]"
"""A JSON-like value."""

Value: TypeAlias = (
    "None | bool | int | float | str | Sequence[Value] | Mapping[str, Value] | Sealed | Revealed | Unknown"
)
"""What an input may be while it is planned: JSON-like, with secrets and unknowns at any depth."""

Values: TypeAlias = Mapping[str, Value]


ATOMS: Final = frozenset({type(None), bool, int, float, str})
"""The exact types of values that have no parts and are neither unknown nor secret.

Nearly every value is one. To look its type up here costs a tenth of asking whether it is a mapping or a sequence.
"""


def are_atoms(values: Iterable[Value]) -> bool:
    """Whether all of ``values`` are of the types in `ATOMS`."""
    return ATOMS.issuperset(map(type, values))


def items(value: Value) -> Iterable[Value] | None:
    """What a mapping or list holds, in order; None for a leaf."""
    if type(value) in ATOMS:
        return None
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, Sequence) and not isinstance(value, str) else None


def leaves(value: Value) -> Iterator[Value]:
    """Every leaf of ``value``, in order."""
    held = items(value)
    if held is None:
        yield value
    else:
        for item in held:
            yield from leaves(item)


def is_known(value: Value) -> bool:
    """Whether no part of ``value`` is `UNKNOWN`."""
    held = items(value)
    return value is not UNKNOWN if held is None else all(map(is_known, held))


def has_revealed(value: Value) -> bool:
    """Whether a part of ``value`` is a secret in plain."""
    held = items(value)
    return isinstance(value, Revealed) if held is None else any(map(has_revealed, held))


def has_sealed(value: Value) -> bool:
    """Whether a part of ``value`` is a secret as it is kept."""
    held = items(value)
    return isinstance(value, Sealed) if held is None else any(map(has_sealed, held))
