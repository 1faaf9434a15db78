"""Terms: what a cloud tells of an input, as it would be written in a stack. Pure."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, Union

import attrs

from orchestra.errors import DefinitionError
from orchestra.model.resource import Resource
from orchestra.model.secrets import Secret
from orchestra.model.values import Plain
from orchestra.resources.network import Protocol, Rule, allow


@attrs.frozen
class Constant:
    """Text, a number, a truth value or None."""

    value: None | bool | int | float | str


@attrs.frozen
class Use:
    """Another thing, by its id: a reference to it where it is declared too."""

    kind: str
    external_id: str


@attrs.frozen
class Either:
    """``known`` where ``use`` is declared, else ``unknown``."""

    use: Use
    known: Term
    unknown: Term


@attrs.frozen
class Call:
    """A function or class, called."""

    function: Callable[..., Any]
    positional: tuple[Term, ...] = ()
    named: tuple[tuple[str, Term], ...] = ()


@attrs.frozen
class Pair:
    """Two numbers that belong together: the first port and the last."""

    first: int
    last: int


@attrs.frozen
class Items:
    """A list."""

    terms: tuple[Term, ...]


@attrs.frozen
class Entries:
    """A mapping."""

    terms: tuple[tuple[str, Term], ...]


Term: TypeAlias = "Constant | Pair | Use | Either | Call | Items | Entries"

_PORTLESS: Final = ("icmp", "all")


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def may_be_secret(annotation: Any) -> bool:
    """Whether a secret may be given for it: what the cloud tells of it may be one."""
    return Secret in alternatives(annotation)


def referred(annotation: Any) -> type[Resource] | None:
    """The kind whose ids may be given, if there is one; also in a list of them."""
    for one in alternatives(annotation):
        if isinstance(one, type) and issubclass(one, Resource):
            return one
        if _is_list(one) and (found := referred(_argument(one))):
            return found
    return None


def term(told: Plain, annotation: Any) -> Term:
    """What is told, as it would be written. Raises `DefinitionError` for what can't be."""
    if isinstance(told, str):
        kind = referred(annotation)
        return Use(kind.kind.name, told) if kind else Constant(told)
    if told is None or isinstance(told, (bool, int, float)):
        return Constant(told)
    kinds = alternatives(annotation)
    if isinstance(told, Mapping):
        for one in kinds:
            if isinstance(one, type) and attrs.has(one):
                return _rule(told) if one is Rule else _made(one, told)
        return Entries(tuple((key, term(value, Any)) for key, value in told.items()))
    inner = next((_argument(one) for one in kinds if _is_list(one)), Any)
    return Items(tuple(term(one, inner) for one in told))


def uses(given: Term) -> Iterator[Use]:
    """Everything that a term refers to, in order."""
    match given:
        case Use():
            yield given
        case Either():
            yield given.use
        case Call():
            for one in (*given.positional, *(value for _, value in given.named)):
                yield from uses(one)
        case Items():
            for one in given.terms:
                yield from uses(one)
        case Entries():
            for _, one in given.terms:
                yield from uses(one)
        case Constant() | Pair():
            return


def value_of(given: Term) -> Any:
    """What the term is while nothing that it refers to is declared. Raises `DefinitionError` if it can't be made."""
    match given:
        case Constant():
            return given.value
        case Pair():
            return given.first, given.last
        case Use():
            return given.external_id
        case Either():
            return value_of(given.unknown)
        case Call():
            return given.function(*map(value_of, given.positional), **{n: value_of(v) for n, v in given.named})
        case Items():
            return [value_of(one) for one in given.terms]
        case Entries():
            return {key: value_of(one) for key, one in given.terms}


def _is_list(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Sequence)


def _argument(annotation: Any) -> Any:
    return next(iter(typing.get_args(annotation)), Any)


def _made(cls: type[Any], told: Mapping[str, Plain]) -> Term:
    """A value of a class of several parts, without the parts that are as by default."""
    fields: Sequence[Any] = attrs.fields(cls)
    hints = typing.get_type_hints(cls)
    named = (
        (field.name, term(told[field.name], hints[field.name]))
        for field in fields
        if field.name in told and told[field.name] != field.default
    )
    return Call(cls, named=tuple(named))


def _rule(told: Mapping[str, Plain]) -> Term:
    """A firewall rule as people write it: with `allow` wherever that can say it."""
    protocol, first, last = told.get("protocol"), told.get("from_port"), told.get("to_port")
    if protocol not in typing.get_args(Protocol):
        raise DefinitionError(f"there are no rules for the protocol {protocol}")
    source, group = told.get("cidr"), told.get("firewall")
    plain = Call(
        Rule,
        named=tuple(
            (name, term(value, Any))
            for name, value in (("protocol", protocol), ("from_port", first), ("to_port", last), ("cidr", source))
            if value is not None or name.endswith("_port")
        )
        + ((("firewall", Constant(group)),) if isinstance(group, str) else ()),
    )
    said: list[Term] = [Constant(str(protocol))]
    if protocol in _PORTLESS and (first, last) != (None, None):
        return plain
    if isinstance(first, int) and isinstance(last, int):
        said.append(Constant(first) if first == last else Pair(first, last))
    if isinstance(group, str):
        use = Use("network.Firewall", group)
        return Either(use, Call(allow, tuple(said), (("source", use),)), plain)
    named: tuple[tuple[str, Term], ...] = () if source == "0.0.0.0/0" else (("source", Constant(str(source))),)
    called = Call(allow, tuple(said), named)
    try:
        value_of(called)
    except DefinitionError:
        return plain  # a source that has no range of addresses, such as a list of prefixes
    return called
