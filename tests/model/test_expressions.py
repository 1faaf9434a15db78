"""Inputs with references, secrets and texts in them: what they are lowered to and what they come to."""

from __future__ import annotations

import enum
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.expressions import Text, evaluate, lower, sources
from orchestra.model.refs import OutputRef
from orchestra.model.values import UNKNOWN, Revealed, Value
from tests.model.kinds import Thing, scope_of, used_by, value_of

HARD = 'a"b\\c\n\t{é}\u2028<<x>>'
"""Text with everything that JSON has to escape."""


def text_of(make: Callable[[Thing], object], value: Value) -> Value:
    """What ``make(source)`` comes to when the output ``name`` (and ``port``) of the source is ``value``."""
    return value_of(used_by(make), {"source": {"name": value, "port": value}})


# -- texts


@pytest.mark.parametrize(
    ("make", "value", "wanted"),
    [
        (lambda s: f"http://{s.name}/", "db", "http://db/"),
        (lambda s: f"{s.name}", "db", "db"),
        (lambda s: f"{s.port}", 443, "443"),
        (lambda s: f"{s.port:05d}|{s.port:>6}|{s.port:x}", 443, "00443|   443|1bb"),
        (lambda s: f"{s.port:,.2f}", 1234.5, "1,234.50"),
        (lambda s: f"{s.name!r}", "it's", '"it\'s"'),
        (lambda s: f"{s.name!r:>8}|", "ab", "    'ab'|"),
        (lambda s: f"{s.name!s:>8}|", "ab", "      ab|"),
        (lambda s: f"{s.port!s:0>6}", 443, "000443"),
        (lambda s: f"{s.name!s}", "ab", "ab"),
        (lambda s: f"{s.name:{'<'}{6}}|", "ab", "ab    |"),
        (lambda s: str(s.name), "ab", "ab"),
        (lambda s: "{}-{:>4}".format(s.name, s.name), "ab", "ab-  ab"),  # noqa: UP032
        (lambda s: "%s!" % s.name, "ab", "ab!"),  # noqa: UP031
        (lambda s: ",".join(f"{s.name}:{n}" for n in range(3)), "a", "a:0,a:1,a:2"),
        (lambda s: f"{s.name}{s.name}", "ab", "abab"),
        (lambda s: f"{s.name.map(str.upper)}", "ab", "AB"),
        (lambda s: f"{s.name!r}", None, "None"),
        (lambda s: f"{{{s.name}}}", "ab", "{ab}"),
        (lambda s: f"<<{s.name}>>", "ab", "<<ab>>"),
    ],
)
def test_a_reference_in_a_text_is_replaced_by_its_value(
    make: Callable[[Thing], str], value: Value, wanted: str
) -> None:
    assert text_of(make, value) == wanted


def test_a_text_with_an_unknown_part_is_unknown() -> None:
    assert text_of(lambda source: f"{source.name}", UNKNOWN) is UNKNOWN


def test_references_in_lists_and_mappings_are_replaced_where_they_stand() -> None:
    def make(source: Thing) -> object:
        return {"hosts": [f"a-{source.name}", source.name, "plain"], "deep": {"er": ({"x": source.port},)}}

    assert text_of(make, "v") == {"hosts": ["a-v", "v", "plain"], "deep": {"er": [{"x": "v"}]}}


def test_a_reference_makes_an_edge_wherever_it_stands() -> None:
    makes: list[Callable[[Thing], object]] = [
        lambda s: s,
        lambda s: s.name,
        lambda s: f"{s.name}",
        lambda s: [{"a": f"x{s.name!r}"}],
        lambda s: s.name.map(len),
        lambda s: oc.Ref.all(s.name, s.port),
        lambda s: json.dumps({"a": f"{s.name}"}),
        lambda s: oc.Output(s.name),
        lambda s: oc.Output(f"x{s.name}"),
        lambda s: f"{oc.Output(f'x{s.name}')}",
    ]
    for make in makes:
        assert collect(used_by(make)).resources["user"].dependencies == ("source",)


def test_plain_text_makes_none() -> None:
    assert collect(used_by(lambda s: "orchestra: << >> a")).resources["user"].dependencies == ()


# -- JSON


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_stays_json_whatever_is_put_in(indent: int | None, ascii_only: bool) -> None:
    def make(source: Thing) -> str:
        document = {"host": f"{source.name}", "é": [f"<{source.name}>"], f"{source.name}": 1}
        return json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    text = text_of(make, HARD)
    assert isinstance(text, str)
    assert json.loads(text) == {"host": HARD, "é": [f"<{HARD}>"], HARD: 1}


@given(st.text(), st.integers(1, 3))
def test_json_in_json_is_escaped_once_for_each(value: str, depth: int) -> None:
    def make(source: Thing) -> str:
        text = f"{source.name}"
        for _ in range(depth):
            text = json.dumps({"in": text, "beside": f"{source.name}"})
        return text

    text = text_of(make, value)
    for _ in range(depth):
        document = json.loads(str(text))
        assert document["beside"] == value
        text = document["in"]
    assert text == value


def test_the_same_token_may_lie_at_different_depths() -> None:
    def make(source: Thing) -> str:
        token = f"{source.name}"
        return json.dumps([token, json.dumps({"a": token}), token])

    first, second, third = json.loads(str(text_of(make, HARD)))
    assert [first, json.loads(second), third] == [HARD, {"a": HARD}, HARD]


def test_a_json_string_by_itself_is_json() -> None:
    assert json.loads(str(text_of(lambda source: json.dumps(f"{source.name}"), HARD))) == HARD


@pytest.mark.parametrize(
    "make",
    [
        lambda s: f"#!/bin/sh\necho '{s.name}'",
        lambda s: f'key = "{s.name}"',
        lambda s: f"{{ not json: {s.name} }}",
        lambda s: f"[{s.name}]",
        lambda s: f'{{"number": {s.name}}}',
        lambda s: f"{s.name}",
    ],
)
def test_nothing_is_escaped_where_it_is_not_json(make: Callable[[Thing], str]) -> None:
    assert HARD in str(text_of(make, HARD))


def test_a_number_is_put_into_json_as_it_is() -> None:
    assert json.loads(str(text_of(lambda s: f'{{"port": {s.port}}}', 443))) == {"port": 443}


# -- texts that were changed


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.lower,
        str.title,
        str.capitalize,
        str.swapcase,
        lambda text: text[1:],
        lambda text: text[3:],
        lambda text: text[:-1],
        lambda text: text[:-8],
        lambda text: text[:20],
        lambda text: text[12:-2],
        lambda text: text[-12:],
        lambda text: text.replace(".", "-"),
        lambda text: text.replace("_", "-"),
        lambda text: text.replace("-", "_"),
        lambda text: text.replace("/", ""),
        lambda text: text.replace(":", ""),
        lambda text: text.split(".")[0],
        lambda text: text.split("/")[-1],
        lambda text: text.rpartition("-")[2],
        lambda text: text.strip("<>"),
        lambda text: text[::-1].replace("<<", "")[::-1] + "<<orchestra:",
        lambda text: __import__("html").escape(text),
        __import__("urllib.parse").parse.quote,
    ],
)
@pytest.mark.parametrize("around", ["", "x"])
def test_a_text_that_was_changed_is_refused(change: Callable[[str], str], around: str) -> None:
    def make(source: Thing) -> str:
        return around + change(f"{source.name}") + around

    with pytest.raises(oc.DefinitionError) as caught:
        collect(used_by(make))
    assert caught.value.faults == (
        "user: input anything: a reference was put into this text and the text was then changed, or the reference "
        "belongs to a stack that is not part of this one (change the value instead: ref.map(str.upper), and put that "
        "into the text)",
    )


@pytest.mark.parametrize(
    "change",
    [
        str.strip,
        lambda text: f" {text}\n",
        lambda text: text * 2,
        lambda text: text.split(",")[0],
        lambda text: text.encode().decode(),
        lambda text: __import__("textwrap").dedent(f"    {text}"),
        lambda text: __import__("shlex").quote(text).strip("'"),
    ],
)
def test_a_text_may_be_put_together_as_long_as_tokens_stay_whole(change: Callable[[str], str]) -> None:
    assert "value" in str(text_of(lambda source: change(f"{source.name}"), "value"))


def test_a_reference_made_into_text_outside_of_build_is_refused() -> None:
    class Late(oc.Stack):
        def build(self) -> None:
            self.source = Thing()

    stack = Late()
    stack.user = Thing(anything=f"{stack.source.name}")  # type: ignore[attr-defined]
    with pytest.raises(oc.DefinitionError, match="belongs to a stack"):
        collect(stack)


def test_text_of_another_stack_is_refused() -> None:
    texts: list[str] = []

    class One(oc.Stack):
        def build(self) -> None:
            self.source = Thing()
            texts.append(f"{self.source.name}")

    class Other(oc.Stack):
        def build(self) -> None:
            self.user = Thing(anything=texts[0])

    One()
    with pytest.raises(oc.DefinitionError, match=r"user: input anything: .* that is not part of this one"):
        collect(Other())


# -- map and all


def test_map_is_called_once_the_value_is_known() -> None:
    calls = []

    def double(port: int) -> int:
        calls.append(port)
        return port * 2

    stack = used_by(lambda source: source.port.map(double))
    assert value_of(stack, {}) is UNKNOWN
    assert calls == []
    assert value_of(stack, {"source": {"port": 21}}) == 42
    assert calls == [21]


def test_map_waits_until_the_whole_value_is_known() -> None:
    stack = used_by(lambda source: source.ports.map(len))
    assert value_of(stack, {"source": {"ports": [1, UNKNOWN]}}) is UNKNOWN
    assert value_of(stack, {"source": {"ports": [1, 2]}}) == 2


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda value: None, None),
        (lambda value: {"a": (value, 1.5)}, {"a": ["v", 1.5]}),
        (lambda value: [value, True], ["v", True]),
        (lambda value: value == "v", True),
    ],
)
def test_map_may_return_any_value(function: Callable[[Any], object], wanted: Value) -> None:
    assert text_of(lambda source: source.name.map(function), "v") == wanted


def test_map_gets_plain_values_at_any_depth() -> None:
    seen: list[object] = []
    stack = used_by(lambda source: source.ports.map(seen.append))
    value_of(stack, {"source": {"ports": {"a": [Revealed(1), {"b": (2, "x")}], "c": None}}})
    assert seen == [{"a": [1, {"b": [2, "x"]}], "c": None}]


def test_a_reference_of_no_known_sort_has_no_value() -> None:
    class Strange(oc.Ref[str]):
        def _label(self) -> str:
            return "strange"

    with pytest.raises(oc.DefinitionError, match="Strange can't be evaluated"):
        value_of(used_by(lambda source: Strange()))


def test_maps_chain() -> None:
    assert text_of(lambda source: source.name.map(str.upper).map(len).map(lambda n: n + 1), "abc") == 4


def test_all_gives_a_tuple_to_map_and_a_list_elsewhere() -> None:
    outputs = {"source": {"name": "n", "port": 1}}
    seen: list[object] = []
    stack = used_by(lambda s: oc.Ref.all(s.name, s.port).map(lambda both: seen.append(both) or f"{both[0]}:{both[1]}"))
    assert value_of(stack, outputs) == "n:1"
    assert seen == [("n", 1)]
    assert value_of(used_by(lambda s: oc.Ref.all([s.name, s.port])), outputs) == ["n", 1]
    assert value_of(used_by(lambda s: oc.Ref.all(s.name, s.port).map(len)), {"source": {"name": "n"}}) is UNKNOWN


def test_a_function_that_fails_is_told_with_its_error() -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        text_of(lambda source: source.name.map(int), "x")
    assert str(caught.value) == (
        "the function given to source.name.map raised ValueError: invalid literal for int() with base 10: 'x'"
    )
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_function_that_misuses_a_reference_is_told_as_misuse() -> None:
    def make(source: Thing) -> object:
        return source.name.map(lambda value: value if source.port else "")

    with pytest.raises(oc.MisuseError, match="tested for truth"):
        text_of(make, "x")


@pytest.mark.parametrize(
    "function",
    [
        lambda source: lambda value: source.port,
        lambda source: lambda value: [source],
        lambda source: lambda value: {"a": source.port.map(str)},
        lambda source: lambda value: oc.Output(source.port),
    ],
)
def test_a_function_may_not_return_a_reference(function: Callable[[Thing], Callable[[object], object]]) -> None:
    with pytest.raises(oc.DefinitionError, match="returned a reference, which nothing would wait for") as caught:
        text_of(lambda source: source.name.map(function(source)), "x")
    assert caught.value.remedy == "name both references first: Ref.all(one, other).map(…)"


def test_a_function_may_not_put_a_reference_into_text() -> None:
    with pytest.raises(oc.DefinitionError, match="a reference was put into this text"):
        text_of(lambda source: source.name.map(lambda value: f"{source.port}"), "x")


def test_a_function_must_return_a_value() -> None:
    with pytest.raises(oc.DefinitionError, match="a set can't be an input"):
        text_of(lambda source: source.name.map(lambda value: {1}), "x")


# -- None in a text, and formats that don't fit


@pytest.mark.parametrize("make", [lambda s: f"x{s.name}", lambda s: f"{s.name:>5}", lambda s: f"{s.name!s:>5}"])
def test_none_is_not_put_into_a_text(make: Callable[[Thing], str]) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        text_of(make, None)
    assert str(caught.value) == (
        "a reference in a text has no value (None)\n"
        '  to do: say what to put there instead: ref.map(lambda value: value or "…")'
    )


def test_a_format_that_does_not_fit_is_told_with_the_value() -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        text_of(lambda source: f"{source.name:d}", "abc")
    assert str(caught.value).startswith("the format 'd' doesn't fit 'abc': Unknown format code")


# -- secrets


def test_a_secret_makes_the_whole_text_secret() -> None:
    stack = used_by(lambda source: f"PASSWORD={oc.Secret.env('A')};HOST={source.name}")
    value = value_of(stack, {"source": {"name": "db"}}, secrets={"A": "hunter2"})
    assert value == Revealed("PASSWORD=hunter2;HOST=db")
    assert value_of(stack, {}, secrets={"A": "hunter2"}) is UNKNOWN


def test_a_secret_output_makes_the_whole_text_secret() -> None:
    stack = used_by(lambda source: f"{source.name}:{source.password}")
    assert value_of(stack, {"source": {"name": "u", "password": Revealed("p")}}) == Revealed("u:p")


def test_a_secret_is_formatted_and_escaped_like_any_value() -> None:
    stack = used_by(lambda source: json.dumps({"a": f"{oc.Secret.env('A'):>4}"}))
    value = value_of(stack, secrets={"A": 'x"'})
    assert isinstance(value, Revealed)
    assert json.loads(str(value.value)) == {"a": '  x"'}


def test_a_secret_by_itself_and_inside_a_tree_is_revealed_in_place() -> None:
    stack = used_by(lambda source: {"a": [oc.Secret.env("A"), "plain"]})
    assert value_of(stack, secrets={"A": "x"}) == {"a": [Revealed("x"), "plain"]}


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (str.upper, Revealed("P")),
        (len, Revealed(1)),
        (lambda value: [value, "other"], [Revealed("p"), Revealed("other")]),
        (lambda value: {"a": {"b": value}}, {"a": {"b": Revealed("p")}}),
        (lambda value: None, None),
    ],
)
def test_whatever_is_computed_from_a_secret_is_secret(function: Callable[[Any], object], wanted: Value) -> None:
    stack = used_by(lambda source: source.password.map(function))
    assert value_of(stack, {"source": {"password": Revealed("p")}}) == wanted


def test_one_secret_among_several_makes_the_result_secret() -> None:
    stack = used_by(lambda s: oc.Ref.all(s.name, s.password).map(lambda both: both[0]))
    assert value_of(stack, {"source": {"name": "u", "password": Revealed("p")}}) == Revealed("u")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("make", [lambda s: s.password.map(int), lambda s: f"{s.password:d}"])
def test_a_failure_over_a_secret_does_not_tell_it(make: Callable[[Thing], object]) -> None:
    value = "".join(["hunter", "2"])
    with pytest.raises(oc.DefinitionError) as caught:
        value_of(used_by(make), {"source": {"password": Revealed(value)}})
    told = "".join(traceback.format_exception(caught.value))
    told += "".join(f"{error!r} {error}" for error in chain(caught.value))
    assert value not in told
    assert "source.password.map raised ValueError" in told or "doesn't fit a secret" in told


# -- what can be an input


class Colour(enum.Enum):
    RED = "red"


@attrs.frozen
class Rule:
    port: int
    source: object


def test_values_are_lowered_to_json_like_ones() -> None:
    thing = Thing()
    ref = thing.name
    lowered = lower({"a": (1, 2.5, True, None), "b": Colour.RED, "c": Rule(1, [ref]), "d": thing}, {})
    assert isinstance(lowered, dict)
    other = lowered.pop("d")
    assert isinstance(other, OutputRef)
    assert (other.resource, other.output) == (thing, "id")
    c = lowered.pop("c")
    assert isinstance(c, dict)
    assert c["port"] == 1
    assert c["source"][0] is ref  # type: ignore[index]
    assert lowered == {"a": [1, 2.5, True, None], "b": "red"}


@pytest.mark.parametrize("value", [b"x", bytearray(b"x"), memoryview(b"x"), {1, 2}, object(), len, iter([])])
def test_other_objects_are_refused(value: object) -> None:
    with pytest.raises(oc.DefinitionError, match=f"a {type(value).__name__} can't be an input"):
        lower(value, {})


def test_keys_must_be_text() -> None:
    with pytest.raises(oc.DefinitionError, match="the key 1: text is needed, not int"):
        lower({1: "x"}, {})


def test_a_reference_is_no_key() -> None:
    with pytest.raises(oc.DefinitionError, match="a reference can't be a key of a dict"):
        collect(used_by(lambda source: {f"{source.name}": 1}))


def test_a_text_without_tokens_stays_text() -> None:
    assert lower("plain <orchestra> text", {}) == "plain <orchestra> text"


def test_sources_are_found_once_for_each_use() -> None:
    thing, secret = Thing(), oc.Secret.env("A")
    expression = lower({"a": [thing, thing.name.map(len)], "b": oc.Ref.all(thing.name, thing.port), "c": secret}, {})
    assert list(sources(expression, {})) == [thing, thing, thing, thing, secret]


def test_texts_compare_by_what_they_hold() -> None:
    assert Text(("a",)) == Text(("a",))


def test_outputs_of_nested_stacks_are_followed() -> None:
    class Inner(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            self.url = oc.Output(f"https://{self.thing.name}")
            self.port = oc.Output(self.thing.port)

    class Outer(oc.Stack):
        def build(self) -> None:
            self.inner = Inner()
            self.user = Thing(
                anything=[f"<{self.inner.url}>", self.inner.port, self.inner.port.map(str), oc.Output("plain")]
            )

    stack = Outer()
    declaration = collect(stack)
    assert declaration.resources["user"].dependencies == ("inner.thing",)
    outputs: Mapping[str, Mapping[str, Value]] = {"inner.thing": {"name": "db", "port": 1}}
    assert value_of(stack, outputs) == ["<https://db>", 1, "1", "plain"]
    scope = scope_of(declaration, outputs, {})
    assert evaluate(declaration.outputs["inner.url"], scope) == "https://db"
