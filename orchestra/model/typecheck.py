"""Checking values against the annotations of parameters and inputs at run time."""

from __future__ import annotations

import collections.abc
import contextlib
import sys
import types
import typing
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, Union

from orchestra.model.building import readable
from orchestra.model.refs import Ref
from orchestra.model.secrets import Secret

Accepts: TypeAlias = Callable[[Any], bool]

_PLAIN: Final = (type(None), bool, int, float, str)


def describe(annotation: Any) -> str:
    """The annotation as a user would write it."""
    if annotation is type(None):
        return "None"
    origin = typing.get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " | ".join(describe(item) for item in typing.get_args(annotation))
    if origin is Literal:
        return " or ".join(repr(item) for item in typing.get_args(annotation))
    if origin is not None:
        inner = ", ".join(map(describe, typing.get_args(annotation)))
        return f"{origin.__name__}[{inner}]" if inner else str(origin.__name__)
    if isinstance(annotation, list):
        return f"[{', '.join(map(describe, annotation))}]"
    if annotation is ...:
        return "…"
    return getattr(annotation, "__name__", None) or str(annotation)


def not_needed(name: str, value: object, wanted: str) -> str:
    """The sentence that says that ``value`` isn't the ``wanted`` type; a reference is told by its label."""
    if isinstance(value, Ref):
        return f"{name}={value._label()}: {wanted} is needed, not a reference"
    return f"{shown(name, value)}: {wanted} is needed, not {type(value).__name__}"


def shown(name: str, value: object) -> str:
    """``name=value`` for messages, the same every time: references by their labels."""
    return f"{name}={readable(repr(value))}"


def hints_of(cls: type[Any], **local: object) -> dict[str, Any]:
    """The annotations of ``cls``, looked up; ``local`` are names that its module doesn't have.

    An annotation that names a class local to a function can't be looked up: it is left out.
    """
    try:
        return typing.get_type_hints(cls, localns=local or None)
    except NameError:
        found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        names = {**vars(sys.modules[base.__module__]), **local}
        for name, annotation in vars(base).get("__annotations__", {}).items():
            alone = types.SimpleNamespace(__annotations__={name: annotation})
            with contextlib.suppress(NameError, TypeError):  # a ClassVar is a TypeError outside of its class
                found |= typing.get_type_hints(alone, names)
    return found


def compile_check(annotation: Any) -> Accepts:
    """A function that says whether a value fits ``annotation``. `Ref[T]` accepts every reference."""
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if annotation is Any or isinstance(annotation, typing.TypeVar):
        return lambda value: True
    if origin in (Union, types.UnionType):
        return _any_of(arguments)
    if origin is Literal:
        return lambda value: any(value is item or (type(value) is type(item) and value == item) for item in arguments)
    if origin is typing.Annotated:
        return compile_check(arguments[0])
    if isinstance(origin, type):
        return _generic(origin, arguments)
    return _instance_of(annotation)


def _generic(origin: type[Any], arguments: tuple[Any, ...]) -> Accepts:
    if issubclass(origin, Ref) or not arguments:
        return lambda value: isinstance(value, origin)
    if origin is tuple:
        return _tuple_of(arguments)
    if issubclass(origin, collections.abc.Mapping):
        return _mapping_of(origin, compile_check(arguments[0]), compile_check(arguments[1]))
    if issubclass(origin, collections.abc.Iterable):
        return _sequence_of(origin, compile_check(arguments[0]))
    return lambda value: isinstance(value, origin)


def _instance_of(annotation: Any) -> Accepts:
    if annotation is float:
        return lambda value: isinstance(value, (int, float)) and not isinstance(value, (bool, Ref))
    if annotation is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if annotation is None:
        return lambda value: value is None
    if annotation is str:
        return lambda value: isinstance(value, (str, Secret))
    if isinstance(annotation, type):
        return lambda value: isinstance(value, annotation)
    return lambda value: True


def _any_of(annotations: tuple[Any, ...]) -> Accepts:
    """Exact types first: nearly every value is settled by them, and to ask for a protocol or an ABC is dear."""
    exact = frozenset(item for item in annotations if item in _PLAIN)
    checks = [compile_check(item) for item in annotations]

    def check(value: Any) -> bool:
        if type(value) in exact:
            return True
        for accepts in checks:  # noqa: SIM110 (a generator costs more than all the checks)
            if accepts(value):
                return True
        return False

    return check


def _sequence_of(origin: type[Any], item: Accepts) -> Accepts:
    def check(value: Any) -> bool:
        if isinstance(value, (str, bytes, Ref)) or not isinstance(value, origin):
            return False
        return all(item(one) for one in value)

    return check


def _mapping_of(origin: type[Any], key: Accepts, item: Accepts) -> Accepts:
    def check(value: Any) -> bool:
        return isinstance(value, origin) and all(key(name) and item(one) for name, one in value.items())

    return check


def _tuple_of(arguments: tuple[Any, ...]) -> Accepts:
    if len(arguments) == 2 and arguments[1] is ...:
        return _sequence_of(tuple, compile_check(arguments[0]))
    checks = [compile_check(item) for item in arguments]

    def check(value: Any) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(checks)
            and all(accepts(item) for accepts, item in zip(checks, value, strict=True))
        )

    return check
