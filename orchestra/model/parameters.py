"""Parameters of a stack: typed, documented, checked all at once."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from orchestra.errors import DefinitionError
from orchestra.model.building import holds_token
from orchestra.model.typecheck import compile_check, describe, hints_of, not_needed, shown

if TYPE_CHECKING:
    from orchestra.model.stack import Stack

METADATA = "orchestra.parameter"


@attrs.frozen(kw_only=True)
class ParameterSpec:
    """What a parameter may be."""

    doc: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[object, ...] = ()
    pattern: str | None = None

    def faults(self, value: Any) -> Iterator[str]:
        """What is wrong with ``value``, which has the right type."""
        if self.minimum is not None and value < self.minimum:
            yield f"at least {self.minimum} is needed"
        if self.maximum is not None and value > self.maximum:
            yield f"at most {self.maximum} is allowed"
        if self.choices and value not in self.choices:
            yield "one of " + ", ".join(repr(choice) for choice in self.choices) + " is needed"
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            yield f"text that matches {self.pattern!r} is needed"


def parameter(
    *,
    default: Any = attrs.NOTHING,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[object] = (),
    pattern: str | None = None,
    doc: str = "",
) -> Any:
    """Declare a parameter of a stack: ``web_servers: int = oc.parameter(default=2, minimum=1, maximum=20)``.

    Without ``default`` it must be given. ``minimum`` and ``maximum`` are inclusive, ``choices`` lists the values
    allowed, ``pattern`` is a regular expression that the whole text must match, ``doc`` says what it is for.
    A wrong value raises `DefinitionError` when the stack is constructed, with every other fault found.
    """
    spec = ParameterSpec(doc=doc, minimum=minimum, maximum=maximum, choices=tuple(choices), pattern=pattern)
    return attrs.field(default=default, metadata={METADATA: spec})


@attrs.frozen(kw_only=True)
class Parameter:
    """One parameter, as `Stack.parameters` tells it."""

    name: str
    type: str
    required: bool
    default: object
    spec: ParameterSpec


def parameters_of(cls: type[Stack]) -> tuple[Parameter, ...]:
    """The parameters of a stack class, in the order declared."""
    hints = hints_of(cls)
    return tuple(
        Parameter(
            name=field.name,
            type=describe(hints.get(field.name, field.type)),
            required=field.default is attrs.NOTHING,
            default=None if field.default is attrs.NOTHING else field.default,
            spec=field.metadata.get(METADATA, ParameterSpec()),
        )
        for field in attrs.fields(typing.cast("type[Any]", cls))
    )


def _is_reference(value: object) -> bool:
    """Whether it is text with a reference in it, of which nothing more can be said yet."""
    return isinstance(value, str) and holds_token(value)


def check_parameters(cls: type[Stack], values: dict[str, Any]) -> None:
    """Raise `DefinitionError` with every fault in ``values``: unknown, missing, of a wrong type or out of range."""
    known = {item.name: item for item in parameters_of(cls)}
    hints = hints_of(cls)
    faults = []
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {shown(near[0], value)}?" if near else f"; it has {', '.join(known) or 'none'}"
            faults.append(f"{shown(name, value)}: {cls.__name__} has no such parameter{meant}")
        elif name in hints and not compile_check(hints[name])(value):
            faults.append(not_needed(name, value, known[name].type))
        elif isinstance(value, (int, float, str, bool)) and not _is_reference(value):
            faults.extend(f"{name}={value!r}: {fault}" for fault in known[name].spec.faults(value))
    for name, item in known.items():
        if item.required and name not in values:
            faults.append(
                f"{name}: {item.type} is needed, nothing was given" + (f" ({item.spec.doc})" * bool(item.spec.doc))
            )
    if faults:
        raise DefinitionError(
            f"{cls.__name__} has wrong parameters:" + "".join(f"\n  - {fault}" for fault in faults), faults=faults
        )
