"""Values, records and journal lines as canonical JSON, and back.

Everything that is kept in a state or a plan file goes through here. A secret is kept as
``{"$orchestra": "sealed", "digest": …}``, `UNKNOWN` as ``{"$orchestra": "unknown"}``; a mapping of the user's that
has the key ``$orchestra`` itself is wrapped as ``{"$orchestra": "mapping", "value": {…}}``. A secret in plain is
refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs

from orchestra.errors import CorruptStateError, InternalError, StateError
from orchestra.model.values import UNKNOWN, Plain, Revealed, Sealed, Value, Values
from orchestra.state.journal import Intent, Operation, RunRecord, RunStatus
from orchestra.state.records import Condition, Record

MARK: Final = "$orchestra"
"""The key that tells orchestra's own objects from the user's mappings."""

DEPTH: Final = 100
"""How deep lists and mappings may lie in each other: far from where reading them back would overflow."""

_CONDITIONS: Final = MappingProxyType({one.value: one for one in Condition})

T = TypeVar("T")


def encode_value(value: Value) -> Plain:
    """``value`` as JSON-like data; tuples become lists.

    Raises `InternalError` for a secret in plain and for what isn't a value at all, `StateError` for a number that
    isn't finite and for values nested deeper than `DEPTH`.
    """
    return _encode(value, 0)


def _encode(value: Value, depth: int) -> Plain:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise StateError(f"the number {value} can't be kept", remedy="use a finite number")
        return value
    if isinstance(value, Sealed):
        return {MARK: "sealed", "digest": value.digest}
    if value is UNKNOWN:
        return {MARK: "unknown"}
    if depth >= DEPTH:
        raise StateError(f"lists and mappings lie more than {DEPTH} deep in each other", remedy="use a flatter value")
    if isinstance(value, Mapping):
        return _encode_mapping(value, depth)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [_encode(item, depth + 1) for item in value]
    if isinstance(value, Revealed):
        raise InternalError("a secret in plain was about to be written")
    raise InternalError(f"a {type(value).__name__} was about to be written; only JSON-like values can be kept")


def _encode_mapping(value: Mapping[str, Value], depth: int) -> Plain:
    for key in value:
        if not isinstance(key, str):
            raise InternalError(f"a mapping with a {type(key).__name__} as key was about to be written")
    encoded = {key: _encode(item, depth + 1) for key, item in value.items()}
    return {MARK: "mapping", "value": encoded} if MARK in encoded else encoded


def decode_value(plain: Plain) -> Value:
    """The value that `encode_value` made ``plain`` of; raises `CorruptStateError` for marks that it never writes."""
    if plain is None or isinstance(plain, (str, int, float)):
        return plain
    if isinstance(plain, Mapping):
        if MARK in plain:
            return _decode_marked(plain)
        return {key: decode_value(item) for key, item in plain.items()}
    return [decode_value(item) for item in plain]


def _decode_marked(plain: Mapping[str, Plain]) -> Value:
    mark, sealed, escaped = plain[MARK], plain.get("digest"), plain.get("value")
    if mark == "sealed" and isinstance(sealed, str) and len(plain) == 2:
        return Sealed(sealed)
    if mark == "unknown" and len(plain) == 1:
        return UNKNOWN
    if mark == "mapping" and isinstance(escaped, Mapping) and MARK in escaped and len(plain) == 2:
        return {key: decode_value(item) for key, item in escaped.items()}
    raise CorruptStateError(f"an object marked {MARK!r} has none of the forms that orchestra writes")


def _unwrapped(value: object) -> Plain:
    """What `json` doesn't take by itself: mappings and sequences that aren't dict, list or tuple."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    raise InternalError(f"a {type(value).__name__} was about to be written; only JSON-like values can be kept")


_ENCODER: Final = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_unwrapped
)
_DECODER: Final = json.JSONDecoder()


def canonical(plain: Plain) -> str:
    """The one JSON text of ``plain``: keys sorted, no spaces, UTF-8, no NaN.

    Raises `StateError` for what JSON or UTF-8 can't express.
    """
    try:
        text = _ENCODER.encode(plain)
        text.encode()
    except ValueError as error:
        raise StateError(
            f"a value can't be kept as JSON in UTF-8: {error}",
            remedy="use finite numbers, and text without surrogates",
        ) from None
    return text


def digest(text: str) -> str:
    """The digest of ``text``: BLAKE2b, 16 bytes, as 32 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def digest_of(pieces: Iterable[str]) -> str:
    """The digest of the text that ``pieces`` are together."""
    found = hashlib.blake2b(digest_size=16)
    for piece in pieces:
        found.update(piece.encode())
    return found.hexdigest()


def _encode_values(values: Values, address: str) -> Plain:
    """``values``, with every fault told at ``address`` and by name."""
    encoded: dict[str, Plain] = {}
    for name, value in values.items():
        try:
            encoded[name] = encode_value(value)
        except (InternalError, StateError) as error:
            error.address = f"{address}.{name}"
            raise
    return encoded


def _decode_values(values: Plain, marked: bool) -> Values:
    """The values in ``values``; most were read from a text that isn't ``marked``, and need no second look."""
    if type(values) is not dict:
        raise TypeError(f"mapping expected, {type(values).__name__} found")
    return {name: decode_value(value) for name, value in values.items()} if marked else values


def decoded(what: str, build: Callable[[str], T], text: str) -> T:
    """What ``build`` makes of ``text``; raises `CorruptStateError`, naming ``what``, if it isn't as it was written."""
    try:
        return build(text)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptStateError(f"{what} doesn't have the form that orchestra writes: {error}") from error


def encode_record(record: Record) -> str:
    """``record`` as canonical JSON."""
    return canonical(
        {
            **attrs.asdict(record, recurse=False),
            "condition": record.condition.value,
            "inputs": _encode_values(record.inputs, record.address),
            "outputs": _encode_values(record.outputs, record.address),
            "triggers": _encode_values({"triggers": record.triggers}, record.address),
        }
    )


def decode_record(text: str) -> Record:
    """The record that ``text`` holds; raises `CorruptStateError`."""
    return decoded("a record", _record, text)


def decode_records(texts: Sequence[str]) -> list[Record]:
    """What `decode_record` makes of each of ``texts``, read at once: that is faster, and keeps each name once."""
    try:
        text = f"[{','.join(texts)}]"
        every, marked = _DECODER.decode(text), MARK in text
        if len(every) == len(texts):
            return [_built(fields, marked) for fields in every]
    except (KeyError, TypeError, ValueError, RecursionError, CorruptStateError):
        pass
    return list(map(decode_record, texts))  # tells what is wrong


def _record(text: str) -> Record:
    return _built(_DECODER.decode(text), MARK in text)


def _built(fields: dict[str, Any], marked: bool) -> Record:
    fields["condition"] = _CONDITIONS[fields["condition"]]
    fields["dependencies"] = tuple(fields["dependencies"])
    if marked or not type(fields["inputs"]) is type(fields["outputs"]) is type(fields["triggers"]) is dict:
        for name in ("inputs", "outputs", "triggers"):
            fields[name] = _decode_values(fields[name], marked)
    fields["triggers"] = fields["triggers"]["triggers"]
    return Record(**fields)


def encode_intent(intent: Intent) -> str:
    """``intent`` as canonical JSON."""
    return canonical(
        {
            **attrs.asdict(intent, recurse=False),
            "operation": intent.operation.value,
            "inputs": _encode_values(intent.inputs, intent.address),
        }
    )


def decode_intent(text: str) -> Intent:
    """The intent that ``text`` holds; raises `CorruptStateError`."""
    return decoded("an intent", _intent, text)


def _intent(text: str) -> Intent:
    fields = _DECODER.decode(text)
    fields["operation"] = Operation(fields["operation"])
    fields["inputs"] = _decode_values(fields["inputs"], MARK in text)
    fields["dependencies"] = tuple(fields["dependencies"])
    return Intent(**fields)


def encode_run(run: RunRecord) -> str:
    """``run`` as canonical JSON; durations only if there are any, as before there were."""
    fields = {**attrs.asdict(run, recurse=False), "status": run.status.value}
    if not run.durations:
        del fields["durations"]
    return canonical(fields)


def decode_run(text: str) -> RunRecord:
    """The run that ``text`` holds; raises `CorruptStateError`."""
    return decoded("a run", _run, text)


def _run(text: str) -> RunRecord:
    fields = _DECODER.decode(text)
    fields["status"] = RunStatus(fields["status"])
    return RunRecord(**fields)
