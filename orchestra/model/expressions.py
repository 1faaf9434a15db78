"""Inputs as expressions: JSON-like trees in which references, secrets and texts with both still stand."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast

import attrs

from orchestra.errors import DefinitionError, OrchestraError
from orchestra.model.building import TOKEN, Placeholder, holds_token
from orchestra.model.refs import AllRef, MapRef, Output, OutputRef, Ref
from orchestra.model.resource import Resource
from orchestra.model.secrets import Secret
from orchestra.model.values import ATOMS, UNKNOWN, Revealed, Value, are_atoms, has_revealed, is_known


@attrs.frozen
class Inset:
    """What is put into a text. ``depth``: how many strings of JSON it lies in, each of which it gets escaped for."""

    placeholder: Placeholder
    depth: int


@attrs.frozen
class Text:
    """A text with references or secrets in it."""

    parts: tuple[str | Inset, ...]


Expression: TypeAlias = (
    "None | bool | int | float | str | list[Expression] | dict[str, Expression] | Ref[Any] | Secret | Text"
)
Placeholders: TypeAlias = Mapping[str, Placeholder]


@attrs.frozen
class Scope:
    """Where the values of references and secrets come from."""

    output: Callable[[Resource, str], Value]
    reveal: Callable[[Secret], Revealed]
    placeholders: Placeholders


def is_value(expression: Expression) -> bool:
    """Whether ``expression`` is its own value already: it holds neither references nor secrets."""
    if type(expression) in ATOMS:
        return True
    if isinstance(expression, dict):
        return all(map(is_value, expression.values()))
    return isinstance(expression, list) and all(map(is_value, expression))


def lower(value: object, placeholders: Placeholders) -> Expression:
    """``value`` as the user gave it, as an expression. Raises `DefinitionError` for what can't be one."""
    if type(value) in _AS_IS or isinstance(value, (int, float)):
        return cast("Expression", value)
    if isinstance(value, str):
        return _lower_text(value, placeholders) if holds_token(value) else value
    if isinstance(value, Resource):
        return OutputRef(value, "id")
    if isinstance(value, Output):
        return lower(value.expression, placeholders)
    if isinstance(value, (Ref, Secret)):
        return value
    if isinstance(value, enum.Enum):
        return lower(value.value, placeholders)
    if isinstance(value, Mapping):
        return {_key(key): lower(item, placeholders) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [lower(item, placeholders) for item in value]
    if attrs.has(type(value)):
        fields = attrs.fields(cast("type[Any]", type(value)))
        return {field.name: lower(getattr(value, field.name), placeholders) for field in fields}
    raise DefinitionError(f"{value!r}: a {type(value).__name__} can't be an input")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise DefinitionError(f"the key {key!r}: text is needed, not {type(key).__name__}")
    if holds_token(key):
        raise DefinitionError("a reference can't be a key of a dict", remedy="use ref.map(lambda value: {value: …})")
    return key


def _lower_text(text: str, placeholders: Placeholders) -> Expression:
    parts: list[str | Inset] = []
    end = 0
    for found, depth in zip(TOKEN.finditer(text), _depths(text), strict=True):
        placeholder = placeholders.get(found.group(1))
        if placeholder is None or placeholder.token != found.group():
            break
        parts += [text[end : found.start()], Inset(placeholder, depth)]
        end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and holds_token(part) for part in parts):
        raise DefinitionError(
            "a reference was put into this text and the text was then changed, or the reference belongs to a stack "
            "that is not part of this one",
            remedy="change the value instead: ref.map(str.upper), and put that into the text",
        )
    return Text(tuple(part for part in parts if part != ""))


def _depths(text: str) -> list[int]:
    """For each token in ``text``, in order, how many strings of JSON it lies in: JSON may hold JSON as text."""
    document = _parsed(text)
    if document is None:
        return [0 for _ in TOKEN.finditer(text)]
    return [1 + depth for string in _strings(document) for depth in _depths(string)]


def _parsed(text: str) -> object:
    """``text`` as JSON, objects as tuples of pairs, so that nothing in it is lost; None if it isn't JSON."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return None


def _strings(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, (list, tuple)):
        for item in document:
            yield from _strings(item)


def sources(expression: Expression, placeholders: Placeholders) -> list[Resource | Secret]:
    """Every resource and secret that ``expression`` gets its value from."""
    found: list[Resource | Secret] = []
    _gather(expression, placeholders, found)
    return found


def _gather(expression: Expression, placeholders: Placeholders, found: list[Resource | Secret]) -> None:
    while type(expression) is MapRef:
        expression = expression.source
    if type(expression) in ATOMS:
        return
    if isinstance(expression, OutputRef):
        found.append(expression.resource)
    elif isinstance(expression, AllRef):
        for one in expression.sources:
            if type(one) is OutputRef:  # the usual case, thousands of times, without a call for each
                found.append(one.resource)
            else:
                _gather(one, placeholders, found)
    elif isinstance(expression, Secret):
        found.append(expression)
    else:
        for part in _parts(expression, placeholders):
            _gather(part, placeholders, found)


def _parts(expression: Expression, placeholders: Placeholders) -> Iterable[Expression]:
    """What ``expression`` is put together from."""
    if isinstance(expression, Output):
        return [lower(expression.expression, placeholders)]
    if isinstance(expression, Text):
        return [part.placeholder.source for part in expression.parts if isinstance(part, Inset)]
    if isinstance(expression, dict):
        return expression.values()
    return expression if isinstance(expression, list) else ()


def evaluate(expression: Expression, scope: Scope) -> Value:
    """The value of ``expression``, as far as ``scope`` knows it; the rest is `UNKNOWN`."""
    sort = type(expression)
    if sort in ATOMS:
        return cast("Value", expression)
    if sort in _EVALUATORS:
        return _EVALUATORS[sort](expression, scope)
    if isinstance(expression, Ref):
        raise DefinitionError(f"{sort.__name__} can't be evaluated")
    return cast("Value", expression)  # a text or number of a type of its own


def _evaluate_mapping(expression: dict[str, Expression], scope: Scope) -> Value:
    return {key: evaluate(item, scope) for key, item in expression.items()}


def _evaluate_list(expression: list[Expression], scope: Scope) -> Value:
    return [evaluate(item, scope) for item in expression]


def _evaluate_output_ref(expression: OutputRef[Any], scope: Scope) -> Value:
    return scope.output(expression.resource, expression.output)


def _evaluate_all(expression: AllRef[Any], scope: Scope) -> Value:
    output = scope.output
    return [
        output(one.resource, one.output) if type(one) is OutputRef else evaluate(one, scope)
        for one in expression.sources
    ]


def _evaluate_stack_output(expression: Output[Any], scope: Scope) -> Value:
    return evaluate(lower(expression.expression, scope.placeholders), scope)


def _evaluate_secret(expression: Secret, scope: Scope) -> Value:
    return scope.reveal(expression)


def _evaluate_map(expression: MapRef[Any], scope: Scope) -> Value:
    value = evaluate(expression.source, scope)
    is_tuple = isinstance(expression.source, AllRef)
    if is_tuple and type(value) is list and are_atoms(value):
        secret, argument = False, tuple(value)
    elif not is_known(value):
        return UNKNOWN
    else:
        secret, plain = has_revealed(value), _unwrap(value)
        argument = tuple(plain) if is_tuple else plain
    computed = _computed(expression, argument, secret)
    if type(computed) in ATOMS and not secret and (type(computed) is not str or not holds_token(computed)):
        return cast("Value", computed)
    result = lower(computed, {})
    if type(result) not in ATOMS and any(isinstance(source, Resource) for source in sources(result, {})):
        raise DefinitionError(
            f"the function given to {expression._label()} returned a reference, which nothing would wait for",
            remedy="name both references first: Ref.all(one, other).map(…)",
        )
    answer = evaluate(result, scope)
    return wrapped(answer) if secret else answer


def _computed(expression: MapRef[Any], argument: Any, secret: bool) -> object:
    try:
        return expression.function(argument)
    except OrchestraError:
        raise
    except Exception as error:
        fault = error
    what = f"the function given to {expression._label()} raised {type(fault).__name__}"
    if secret:
        raise DefinitionError(what)  # without its cause: the text of that may hold the secret
    raise DefinitionError(f"{what}: {fault}") from fault


def _unwrap(value: Value) -> Any:
    if type(value) in ATOMS:
        return value
    if isinstance(value, Revealed):
        return value.value
    if isinstance(value, Mapping):
        return {key: _unwrap(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_unwrap(item) for item in value]
    return value


def wrapped(value: Value) -> Value:
    """``value`` with everything in it taken for secret, as whatever is computed from a secret is."""
    if isinstance(value, Mapping):
        return {key: wrapped(item) for key, item in value.items()}
    if isinstance(value, (str, int, float)):
        return Revealed(value)
    if isinstance(value, Sequence):
        return [wrapped(item) for item in value]
    return value


def _evaluate_text(text: Text, scope: Scope) -> Value:
    pieces: list[str] = []
    secret = False
    for part in text.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        value = evaluate(part.placeholder.source, scope)
        if not is_known(value):
            return UNKNOWN
        secret = secret or has_revealed(value)
        piece = _format(part.placeholder, _unwrap(value), secret)
        for _ in range(part.depth):
            piece = json.dumps(piece)[1:-1]
        pieces.append(piece)
    whole = "".join(pieces)
    return Revealed(whole) if secret else whole


def _format(placeholder: Placeholder, value: Any, secret: bool) -> str:
    if value is None and placeholder.conversion != "r":
        raise DefinitionError(
            "a reference in a text has no value (None)",
            remedy='say what to put there instead: ref.map(lambda value: value or "…")',
        )
    if placeholder.conversion:
        value = repr(value) if placeholder.conversion == "r" else str(value)
    try:
        return format(value, placeholder.spec)
    except (ValueError, TypeError) as error:
        shown = "a secret" if secret else repr(value)
        raise DefinitionError(f"the format {placeholder.spec!r} doesn't fit {shown}: {error}") from error


_AS_IS: Final = frozenset({type(None), OutputRef, MapRef, AllRef, Secret})
"""The exact types of what is its own expression, besides numbers and most texts."""

_EVALUATORS: Final[Mapping[type[Any], Callable[[Any, Scope], Value]]] = MappingProxyType(
    {
        dict: _evaluate_mapping,
        list: _evaluate_list,
        OutputRef: _evaluate_output_ref,
        MapRef: _evaluate_map,
        AllRef: _evaluate_all,
        Output: _evaluate_stack_output,
        Secret: _evaluate_secret,
        Text: _evaluate_text,
    }
)
