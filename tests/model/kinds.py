"""A kind with one input and one output of each shape, and what resolves references to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orchestra as oc
from orchestra.model.declaration import Declaration, collect
from orchestra.model.expressions import Scope, evaluate
from orchestra.model.resource import Resource
from orchestra.model.values import UNKNOWN, Revealed, Value


class Thing(oc.Resource, kind="test.Thing"):
    """Takes anything and tells anything."""

    text: str | oc.Ref[str] | None = oc.input_field(default=None)
    number: int | oc.Ref[int] | None = oc.input_field(default=None)
    items: Sequence[str | oc.Ref[str] | Thing] = oc.input_field(default=())
    anything: Any = oc.input_field(default=None)
    other: Thing | None = oc.input_field(default=None)

    name = oc.output_field(str)
    port = oc.output_field(int)
    ports = oc.output_field(list[int])
    password = oc.output_field(str, secret=True)


Outputs = Mapping[str, Mapping[str, Value]]


def scope_of(declaration: Declaration, outputs: Outputs, secrets: Mapping[str, str]) -> Scope:
    """Outputs by address; what isn't there is unknown. Secrets by name."""

    def output(resource: Resource, name: str) -> Value:
        return outputs.get(declaration.address_of(resource), {}).get(name, UNKNOWN)

    return Scope(output, lambda secret: Revealed(secrets[secret.name]), declaration.placeholders)


def value_of(
    stack: oc.Stack,
    outputs: Outputs | None = None,
    *,
    address: str = "user",
    name: str = "anything",
    secrets: Mapping[str, str] | None = None,
) -> Value:
    """What an input of ``stack`` comes to."""
    declaration = collect(stack)
    scope = scope_of(declaration, outputs or {}, secrets or {})
    return evaluate(declaration.resources[oc_address(declaration, address)].inputs[name], scope)


def oc_address(declaration: Declaration, text: str) -> Any:
    """``text``, which must be the address of something declared."""
    assert text in declaration.resources, f"{text} is not among {list(declaration.resources)}"
    return text


def used_by(make: Callable[[Thing], object], **more: Any) -> oc.Stack:
    """A stack of ``source`` and ``user``, whose input ``anything`` is what ``make`` makes of the source."""

    class Pair(oc.Stack):
        def build(self) -> None:
            self.source = Thing()
            self.user = Thing(anything=make(self.source), **more)

    return Pair()
