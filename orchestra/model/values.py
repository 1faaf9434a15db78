"""What a resolved input or output can be.

Four things that are easily confused are four different objects here: a value that is ``None`` (said to be
nothing), `ABSENT` (not said at all), `UNKNOWN` (a reference whose value only apply will bring) and a secret
(`Sealed` where it is kept, `Revealed` where it is used).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
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


def leaves(value: Value) -> Iterator[Value]:
    """Every leaf of ``value``, in order."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def is_known(value: Value) -> bool:
    """Whether no part of ``value`` is `UNKNOWN`."""
    return all(leaf is not UNKNOWN for leaf in leaves(value))
