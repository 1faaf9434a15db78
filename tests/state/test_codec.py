"""Values, records and journal lines survive being written and read."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestra.errors import CorruptStateError, InternalError, StateError
from orchestra.model.address import Address
from orchestra.model.values import ABSENT, UNKNOWN, Plain, Revealed, Sealed, Value
from orchestra.state import codec
from orchestra.state.journal import Intent, Operation, RunRecord, RunStatus
from orchestra.state.records import Condition, Record

KEYS = st.text(max_size=8) | st.sampled_from(["$orchestra", "digest", "value"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["$orchestra", "sealed", "unknown", "mapping"])
    | st.builds(Sealed, st.text())
    | st.just(UNKNOWN)
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


def listed(value: Value) -> Value:
    """``value`` with lists for tuples: the one thing that isn't kept."""
    if isinstance(value, Mapping):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [listed(item) for item in value]
    return value


def typed(value: Value) -> str:
    """Tells 1, 1.0 and True apart, and does not tell orders of keys apart."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key!r}:{typed(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(typed, value)) + "]"
    return repr(value)


@given(VALUES)
@example({"$orchestra": "unknown"})
@example({"$orchestra": "sealed", "digest": "a"})
@example({"$orchestra": {"$orchestra": {"$orchestra": Sealed("a")}}})
@example({"$orchestra": "mapping", "value": {"$orchestra": "mapping", "value": {}}})
@example([0, False, 0.0, -0.0, 1, True, 1.0, "1", None, "", [], {}])
def test_every_value_comes_back(value: Value) -> None:
    text = codec.canonical(codec.encode_value(value))
    assert typed(codec.decode_value(json.loads(text))) == typed(listed(value))
    assert codec.canonical(codec.encode_value(codec.decode_value(json.loads(text)))) == text


@given(VALUES)
def test_what_is_encoded_is_json(value: Value) -> None:
    plain = codec.encode_value(value)
    assert json.loads(json.dumps(plain)) == plain


def test_forms_in_the_file() -> None:
    value: Value = {"b": Sealed("d1"), "a": [UNKNOWN, (1, "ü")], "c": {"$orchestra": 1}}
    assert codec.canonical(codec.encode_value(value)) == (
        '{"a":[{"$orchestra":"unknown"},[1,"ü"]],"b":{"$orchestra":"sealed","digest":"d1"},'
        '"c":{"$orchestra":"mapping","value":{"$orchestra":1}}}'
    )


def test_other_mappings_and_sequences_are_taken() -> None:
    value: Mapping[str, Plain] = MappingProxyType({"a": range(2), "b": MappingProxyType[str, Plain]({})})
    assert codec.encode_value(value) == {"a": [0, 1], "b": {}}
    assert codec.canonical(value) == '{"a":[0,1],"b":{}}'


@pytest.mark.parametrize("where", ["top", "list", "mapping", "escaped"])
def test_secret_in_plain_is_refused_and_not_told(where: str) -> None:
    secret = Revealed("hunter2")
    values: Mapping[str, Value] = {
        "top": secret,
        "list": [1, [secret]],
        "mapping": {"a": {"b": secret}},
        "escaped": {"$orchestra": secret},
    }
    with pytest.raises(InternalError) as caught:
        codec.encode_value(values[where])
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("value", [b"a", bytearray(b"a"), ABSENT, object(), {1: "a"}, {"a": {2}}, Address])
def test_what_is_no_value_is_refused(value: Value) -> None:
    with pytest.raises(InternalError, match="was about to be written"):
        codec.encode_value(value)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(StateError, match="finite"):
        codec.encode_value({"a": [number]})
    with pytest.raises(StateError, match="finite"):
        codec.canonical({"a": [number]})


def test_surrogates_are_refused() -> None:
    with pytest.raises(StateError, match="surrogates"):
        codec.canonical(codec.encode_value("\ud83d\ude00"))


def test_canonical_refuses_what_json_does_not_know() -> None:
    with pytest.raises(InternalError, match="a bytes was about to be written"):
        codec.canonical({"a": b"b"})


def nested(depth: int) -> Value:
    value: Value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_depth_has_a_limit_that_is_told() -> None:
    assert codec.decode_value(codec.encode_value(nested(codec.DEPTH))) == nested(codec.DEPTH)
    with pytest.raises(StateError, match="100 deep"):
        codec.encode_value(nested(codec.DEPTH + 1))


@pytest.mark.parametrize(
    "plain",
    [
        {"$orchestra": "sealed"},
        {"$orchestra": "sealed", "digest": 1},
        {"$orchestra": "sealed", "digest": "a", "more": 1},
        {"$orchestra": "unknown", "more": 1},
        {"$orchestra": "mapping", "value": {"a": 1}},
        {"$orchestra": "mapping", "value": [1]},
        {"$orchestra": "mapping", "value": {"$orchestra": 1}, "more": 1},
        {"$orchestra": "revealed", "value": "hunter2"},
        {"$orchestra": None},
    ],
)
def test_marks_never_written_are_refused(plain: Plain) -> None:
    with pytest.raises(CorruptStateError):
        codec.decode_value([plain])


def test_digest_is_blake2b_of_16_bytes() -> None:
    assert codec.digest("") == "cae66941d9efbd404e4d88758ea67670"
    assert codec.digest("ü") != codec.digest("u")


def test_texts_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "from orchestra.state.codec import canonical, encode_value;"
        "print(canonical(encode_value({key: {key: 1, 'z': 2} for key in {'a', 'b', 'c', 'd', 'e'}})))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(texts) == 1


RECORD = Record(
    address=Address('shards["eu"].web[0]'),
    kind="compute.Server",
    cloud="simulated",
    external_id="i-1",
    token="a" * 32,
    condition=Condition.DEPOSED,
    inputs={"password": Sealed("d1"), "labels": {"$orchestra": "mine"}},
    outputs={"ip": UNKNOWN, "ports": [1, 2]},
    dependencies=(Address("network"),),
    triggers={"a": Sealed("d2")},
    protect=True,
    retain=True,
    create_before_delete=False,
    delete_timeout=1.5,
    made_at=3.5,
)
INTENT = Intent(
    run="run-1",
    address=Address("web"),
    operation=Operation.DELETE,
    kind="compute.Server",
    cloud="simulated",
    token="a" * 32,
    at=1.5,
    external_id="i-1",
    inputs={"password": Sealed("d1")},
    dependencies=(Address("network"), Address("subnet")),
)
RUN = RunRecord(
    id="run-1",
    purpose="apply",
    started=1.0,
    by="ann",
    plan_digest="d",
    ended=2.5,
    status=RunStatus.INTERRUPTED,
    counts={"create": 1},
    durations={"aws compute.Server create": [41.5, 38.0, 2.25]},
)


def test_records_intents_and_runs_come_back() -> None:
    plainest = Record(
        address=Address("a"), kind="k.K", cloud="", external_id="", token="", condition=Condition.READY, triggers=[]
    )
    for record in (RECORD, plainest):
        assert codec.decode_record(codec.encode_record(record)) == record
    assert codec.decode_intent(codec.encode_intent(INTENT)) == INTENT
    assert codec.decode_run(codec.encode_run(RUN)) == RUN
    assert "durations" not in codec.encode_run(attrs.evolve(RUN, durations={})), "as it was before there were any"


def test_every_field_is_set_to_something_else_above() -> None:
    """A field that is added later must be added to the values above too."""
    for value in (RECORD, INTENT, RUN):
        for field in attrs.fields(type(value)):
            assert getattr(value, field.name) != field.default, field.name
            assert getattr(value, field.name) not in ("", (), {}), field.name


def test_secret_in_plain_in_a_record_is_told_with_its_address() -> None:
    leaking: Mapping[str, Value] = {"keys": [Revealed("hunter2")]}
    for record in (attrs.evolve(RECORD, inputs=leaking), attrs.evolve(RECORD, outputs=leaking)):
        with pytest.raises(InternalError) as caught:
            codec.encode_record(record)
        assert caught.value.address == 'shards["eu"].web[0].keys'
    with pytest.raises(InternalError) as caught:
        codec.encode_record(attrs.evolve(RECORD, triggers=Revealed("hunter2")))
    assert caught.value.address == 'shards["eu"].web[0].triggers'
    with pytest.raises(InternalError) as caught:
        codec.encode_intent(attrs.evolve(INTENT, inputs={"keys": Revealed("hunter2")}))
    assert caught.value.address == "web.keys"


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", "1", '{"address": 1}', "[" * 5000])
def test_texts_that_are_no_record_are_refused(text: str) -> None:
    for decode in (codec.decode_record, codec.decode_intent, codec.decode_run):
        with pytest.raises(CorruptStateError, match="form that orchestra writes"):
            decode(text)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ('"deposed"', '"gone"'),
        ('"inputs":{', '"inputs":7,"more":{'),
        ('"token"', '"tokens"'),
        ("[1,2]", "[1,2"),
        ('"sealed"', '"revealed"'),
    ],
)
def test_records_that_were_changed_are_refused(written: str, found: str) -> None:
    text = codec.encode_record(RECORD)
    assert written in text
    with pytest.raises(CorruptStateError):
        codec.decode_record(text.replace(written, found))
