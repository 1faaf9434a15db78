"""Declaring the inputs and outputs of a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, overload

import attrs

from orchestra.model.refs import OutputRef, Ref
from orchestra.model.values import Value

if TYPE_CHECKING:
    from orchestra.model.resource import Resource

T = TypeVar("T")

Check: TypeAlias = Callable[[Any], "str | None"]
"""Says in one sentence what is wrong with a value, or None. Never called with references."""

Replaces: TypeAlias = "bool | Callable[[Value, Value], bool]"
"""Whether a change forces replacement: always, never, or for this (before, after)."""

METADATA = "orchestra"


@attrs.frozen(kw_only=True)
class InputSpec:
    """What is known of one input of a kind."""

    name: str = ""
    replace: Replaces = False
    secret: bool = False
    choice: bool = False
    wish: bool = False
    identifies: bool = False
    summarize: Callable[[Value], Value] | None = None
    normalize: Callable[[Value], Value] | None = None
    checks: tuple[Check, ...] = ()
    doc: str = ""
    required: bool = False
    refreshes: str = ""

    def is_choice(self, *values: Value) -> bool:
        """Whether it is a portable choice, given what it is or was: text is none where it needn't be one."""
        return self.choice or (self.wish and any(isinstance(value, Mapping) for value in values))


def input_field(
    *,
    default: Any = attrs.NOTHING,
    factory: Callable[[], Any] | None = None,
    replace: Replaces = False,
    secret: bool = False,
    choice: bool = False,
    wish: bool = False,
    identifies: bool = False,
    summarize: Callable[[Value], Value] | None = None,
    normalize: Callable[[Value], Value] | None = None,
    check: Check | Sequence[Check] = (),
    refreshes: str = "",
    doc: str = "",
) -> Any:
    """Declare an input of a kind.

    ``default`` or ``factory``: its value when it isn't given; without either it is required. ``replace``: a
    change forces replacement (or a function of before and after that says so). ``secret``: kept as a keyed
    digest only. ``choice``: a portable choice, which the cloud resolves to an id of its own. ``wish``: it may be
    one, and is text otherwise. ``identifies``: the cloud's own id is made of it, so that it can't be secret.
    ``summarize``: what to keep in plans and state in place of a large value. ``normalize``: bring a plain value
    into the one form that is compared, such as a sorted list. ``check``: one or more functions that say what is
    wrong with a value. ``refreshes``: no input of the cloud's but a switch, True or False: while it is True, the
    portable choice of that name is made anew in every plan.
    ``doc``: meaning, unit and default, a sentence.
    """
    spec = InputSpec(
        replace=replace,
        secret=secret,
        choice=choice,
        wish=wish,
        identifies=identifies,
        summarize=summarize,
        normalize=normalize,
        checks=(check,) if callable(check) else tuple(check),
        doc=doc,
        required=default is attrs.NOTHING and factory is None,
        refreshes=refreshes,
    )
    if factory is not None:
        return attrs.field(factory=factory, metadata={METADATA: spec})
    return attrs.field(default=default, metadata={METADATA: spec})


class OutputField(Generic[T]):
    """An output of a kind: ``server.public_ip`` is a `Ref` to it."""

    def __init__(self, type_: type[T], doc: str, secret: bool, changed_by: tuple[str, ...]) -> None:
        self.type = type_
        self.doc = doc
        self.secret = secret
        self.changed_by = changed_by
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> OutputField[T]: ...
    @overload
    def __get__(self, instance: Resource, owner: type) -> Ref[T]: ...
    def __get__(self, instance: Resource | None, owner: type) -> Ref[T] | OutputField[T]:
        if instance is None:
            return self
        made = vars(instance)[self.name] = OutputRef(instance, self.name)  # from now on it is found there at once
        return made


def output_field(
    type_: type[T], *, doc: str = "", secret: bool = False, changed_by: Sequence[str] = ()
) -> OutputField[T]:
    """Declare an output of a kind.

    ``type_`` is the type that users see. ``secret``: kept encrypted, shown nowhere. ``changed_by``: the inputs
    whose update in place may change it; any other update leaves it known, so that nothing cascades.
    """
    return OutputField(type_, doc, secret, tuple(changed_by))


@attrs.frozen(kw_only=True)
class KindSpec:
    """What is known of one kind: for planning, for the engine and for the reference in the docs."""

    name: str
    cls: type[Resource]
    inputs: dict[str, InputSpec]
    outputs: dict[str, OutputField[Any]]
    switches: dict[str, InputSpec]
    """What is set on it and goes to no cloud: see ``refreshes`` of `input_field`."""
    create_before_delete: bool
    unique_by: tuple[str, ...]
    create_seconds: float
    """How long making one usually takes, in seconds: a guess, until runs have taught it."""
    create_timeout: float
    update_timeout: float
    delete_timeout: float
    choices: tuple[str, ...] = attrs.field(init=False)
    """The inputs that are portable choices, or may be."""

    @choices.default
    def _choices(self) -> tuple[str, ...]:
        return tuple(name for name, spec in self.inputs.items() if spec.choice or spec.wish)

    treated: dict[str, InputSpec] = attrs.field(init=False)
    """The inputs whose values aren't kept or sent just as they are given."""

    @treated.default
    def _treated(self) -> dict[str, InputSpec]:
        return {
            name: spec
            for name, spec in self.inputs.items()
            if spec.secret or spec.identifies or spec.normalize is not None or spec.summarize is not None
        }

    @property
    def service(self) -> str:
        """The part of a cloud that serves it: the name before the dot."""
        return self.name.partition(".")[0]
