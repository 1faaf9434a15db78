"""Inputs as expressions: JSON-like trees in which references, secrets and texts with both still stand."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

import attrs

from orchestra.errors import DefinitionError, OrchestraError
from orchestra.model.building import DAMAGED, TOKEN, Placeholder
from orchestra.model.refs import AllRef, MapRef, Output, OutputRef, Ref
from orchestra.model.resource import Resource
from orchestra.model.secrets import Secret
from orchestra.model.values import UNKNOWN, Revealed, Value, leaves


@attrs.frozen
class Text:
    """A text with references or secrets in it. ``is_json``: it is JSON, so what is put in gets escaped for it."""

    parts: tuple[str | Placeholder, ...]
    is_json: bool


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


def lower(value: object, placeholders: Placeholders) -> Expression:
    """``value`` as the user gave it, as an expression. Raises `DefinitionError` for what can't be one."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _lower_text(value, placeholders) if DAMAGED.search(value) else value
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
    if isinstance(value, Sequence):
        return [lower(item, placeholders) for item in value]
    if attrs.has(type(value)):
        fields = attrs.fields(cast("type[Any]", type(value)))
        return {field.name: lower(getattr(value, field.name), placeholders) for field in fields}
    raise DefinitionError(f"{value!r}: a {type(value).__name__} can't be an input")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise DefinitionError(f"the key {key!r}: text is needed, not {type(key).__name__}")
    if DAMAGED.search(key):
        raise DefinitionError("a reference can't be a key of a dict", remedy="use ref.map(lambda value: {value: …})")
    return key


def _lower_text(text: str, placeholders: Placeholders) -> Expression:
    parts: list[str | Placeholder] = []
    end = 0
    for found in TOKEN.finditer(text):
        if found.group(1) not in placeholders:
            break
        parts += [text[end : found.start()], placeholders[found.group(1)]]
        end = found.end()
    parts.append(text[end:])
    if any(isinstance(part, str) and DAMAGED.search(part) for part in parts):
        raise DefinitionError(
            "a reference was put into this text and the text was then changed, or the reference belongs to a stack "
            "that is not part of this one",
            remedy="change the value instead: ref.map(str.upper), and put that into the text",
        )
    kept = tuple(part for part in parts if part != "")
    return Text(kept, _is_json(text))


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[", '"')):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def sources(expression: Expression, placeholders: Placeholders) -> Iterator[Resource | Secret]:
    """Every resource and secret that ``expression`` gets its value from."""
    if isinstance(expression, OutputRef):
        yield expression.resource
    elif isinstance(expression, MapRef):
        yield from sources(expression.source, placeholders)
    elif isinstance(expression, AllRef):
        for one in expression.sources:
            yield from sources(one, placeholders)
    elif isinstance(expression, Output):
        yield from sources(lower(expression.expression, placeholders), placeholders)
    elif isinstance(expression, Secret):
        yield expression
    elif isinstance(expression, Text):
        for part in expression.parts:
            if isinstance(part, Placeholder):
                yield from sources(part.source, placeholders)
    elif isinstance(expression, dict):
        for item in expression.values():
            yield from sources(item, placeholders)
    elif isinstance(expression, list):
        for item in expression:
            yield from sources(item, placeholders)


def evaluate(expression: Expression, scope: Scope) -> Value:
    """The value of ``expression``, as far as ``scope`` knows it; the rest is `UNKNOWN`."""
    if isinstance(expression, dict):
        return {key: evaluate(item, scope) for key, item in expression.items()}
    if isinstance(expression, list):
        return [evaluate(item, scope) for item in expression]
    if isinstance(expression, OutputRef):
        return scope.output(expression.resource, expression.output)
    if isinstance(expression, MapRef):
        return _evaluate_map(expression, scope)
    if isinstance(expression, AllRef):
        return [evaluate(one, scope) for one in expression.sources]
    if isinstance(expression, Output):
        return evaluate(lower(expression.expression, scope.placeholders), scope)
    if isinstance(expression, Secret):
        return scope.reveal(expression)
    if isinstance(expression, Text):
        return _evaluate_text(expression, scope)
    if isinstance(expression, Ref):
        raise DefinitionError(f"{type(expression).__name__} can't be evaluated")
    return expression


def _evaluate_map(expression: MapRef[Any], scope: Scope) -> Value:
    value = evaluate(expression.source, scope)
    found = list(leaves(value))
    if any(leaf is UNKNOWN for leaf in found):
        return UNKNOWN
    plain = _unwrap(value)
    argument = tuple(plain) if isinstance(expression.source, AllRef) and isinstance(plain, list) else plain
    try:
        result = lower(expression.function(argument), {})
    except OrchestraError:
        raise
    except Exception as error:
        raise DefinitionError(
            f"the function given to {expression._label()} raised {type(error).__name__}"
            + ("" if any(isinstance(leaf, Revealed) for leaf in found) else f": {error}")
        ) from error
    answer = evaluate(result, scope)
    if any(isinstance(leaf, Revealed) for leaf in found):
        return _wrap(answer)
    return answer


def _unwrap(value: Value) -> Any:
    if isinstance(value, Revealed):
        return value.value
    if isinstance(value, Mapping):
        return {key: _unwrap(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_unwrap(item) for item in value]
    return value


def _wrap(value: Value) -> Value:
    """Whatever is computed from a secret is secret."""
    if isinstance(value, Mapping):
        return {key: _wrap(item) for key, item in value.items()}
    if isinstance(value, (str, int, float)):
        return Revealed(value)
    if isinstance(value, Sequence):
        return [_wrap(item) for item in value]
    return value


def _evaluate_text(text: Text, scope: Scope) -> Value:
    pieces: list[str] = []
    secret = False
    for part in text.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        value = evaluate(part.source, scope)
        found = list(leaves(value))
        if any(leaf is UNKNOWN for leaf in found):
            return UNKNOWN
        secret = secret or any(isinstance(leaf, Revealed) for leaf in found)
        piece = _format(part, _unwrap(value), secret)
        pieces.append(json.dumps(piece)[1:-1] if text.is_json else piece)
    whole = "".join(pieces)
    return Revealed(whole) if secret else whole


def _format(placeholder: Placeholder, value: Any, secret: bool) -> str:
    if value is None and not placeholder.conversion:
        raise DefinitionError(
            "a reference in a text has no value (None)",
            remedy='say what to put there instead: ref.map(lambda value: value or "…")',
        )
    try:
        return repr(value) if placeholder.conversion == "r" else format(value, placeholder.spec)
    except (ValueError, TypeError) as error:
        shown = "a secret" if secret else repr(value)
        raise DefinitionError(f"the format {placeholder.spec!r} doesn't fit {shown}: {error}") from error
