"""References: what can be made of them, and what is refused with the line that was meant."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.refs import AllRef, MapRef, OutputRef
from tests.model.kinds import Thing


def test_an_output_of_a_resource_is_a_reference_to_it() -> None:
    thing = Thing()
    ref = thing.name
    assert isinstance(ref, OutputRef)
    assert ref.resource is thing
    assert ref.output == "name"
    assert isinstance(Thing.name, oc.model.fields.OutputField)  # type: ignore[attr-defined]


def test_references_can_be_kept_in_sets_and_dicts() -> None:
    ref = Thing().name
    assert {ref: 1}[ref] == 1
    assert len({ref, ref}) == 1


def misuse(act: Callable[[oc.Ref[Any]], object]) -> oc.MisuseError:
    class Misused(oc.Stack):
        def build(self) -> None:
            self.database = Thing()
            act(self.database.name)

    with pytest.raises(oc.MisuseError) as caught:
        Misused()
    return caught.value


MISUSES: list[tuple[str, Callable[[oc.Ref[Any]], object], str, str]] = [
    ("bool", bool, "tested for truth", "database.name.map(lambda value: … if value else …)"),
    ("if", lambda ref: 1 if ref else 2, "tested for truth", "database.name.map(lambda value: … if value else …)"),
    ("not", lambda ref: not ref, "tested for truth", "database.name.map(lambda value: … if value else …)"),
    ("and", lambda ref: ref and 1, "tested for truth", "database.name.map(lambda value: … if value else …)"),
    ("for", lambda ref: [1 for _ in ref], "looped over", "database.name.map(lambda values: [… for value in values])"),
    ("star", lambda ref: [*ref], "looped over", "database.name.map(lambda values: [… for value in values])"),
    ("list", list, "looped over", "database.name.map(lambda values: [… for value in values])"),
    ("len", len, "measured", "database.name.map(len)"),
    ("in", lambda ref: "x" in ref, "searched", "database.name.map(lambda value: … in value)"),
    ("index", lambda ref: ref[0], "indexed", "database.name.map(lambda value: value[0])"),
    ("key", lambda ref: ref["a"], "indexed", "database.name.map(lambda value: value['a'])"),
    ("slice", lambda ref: ref[1:], "indexed", "database.name.map(lambda value: value[1:])"),
    ("step", lambda ref: ref[::-1], "indexed", "database.name.map(lambda value: value[::-1])"),
    ("braces", lambda ref: ref["{0}"], "indexed", "database.name.map(lambda value: value['{0}'])"),
    ("==", lambda ref: ref == 3, "compared", "database.name.map(lambda value: value == …)"),
    ("== reversed", lambda ref: operator.eq(3, ref), "compared", "database.name.map(lambda value: value == …)"),
    ("!=", lambda ref: ref != 3, "compared", "database.name.map(lambda value: value != …)"),
    ("in a list", lambda ref: ref in ["x"], "compared", "database.name.map(lambda value: value == …)"),
    ("<", lambda ref: ref < 3, "compared", "database.name.map(lambda value: value < …)"),
    ("<=", lambda ref: ref <= 3, "compared", "database.name.map(lambda value: value < …)"),
    (">", lambda ref: ref > 3, "compared", "database.name.map(lambda value: value < …)"),
    ("sorted", lambda ref: sorted([ref, ref]), "compared", "database.name.map(lambda value: value < …)"),
    ("+", lambda ref: ref + "x", "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("text +", lambda ref: "x" + ref, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("-", lambda ref: ref - 1, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("*", lambda ref: 2 * ref, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("/", lambda ref: ref / 2, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("//", lambda ref: ref // 2, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("%", lambda ref: ref % 2, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("text %", lambda ref: 7 % ref, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("**", lambda ref: ref**2, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("minus", lambda ref: -ref, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("abs", abs, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("|", lambda ref: ref | 2, "computed with", "database.name.map(lambda value: value + …), or an f-string"),
    ("int", int, "made an int", "database.name.map(int)"),
    ("float", float, "made a float", "database.name.map(float)"),
    ("as index", lambda ref: "abc"[ref], "used as an index", "database.name.map(int)"),
    ("range", range, "used as an index", "database.name.map(int)"),
    ("round", round, "rounded", "database.name.map(round)"),
    ("call", lambda ref: ref(), "called", "database.name, without the parentheses"),
    ("attribute", lambda ref: ref.upper, "asked for .upper", "database.name.map(lambda value: value.upper)"),
    ("method", lambda ref: ref.split(","), "asked for .split", "database.name.map(lambda value: value.split)"),
]


@pytest.mark.parametrize(("act", "what", "meant"), [case[1:] for case in MISUSES], ids=[case[0] for case in MISUSES])
def test_misuse_shows_the_address_and_the_line_meant(
    act: Callable[[oc.Ref[Any]], object], what: str, meant: str
) -> None:
    error = misuse(act)
    assert error.address == "database"
    assert error.message == (
        f"the reference database.name has no value while the stack is being declared, so it can't be {what}"
    )
    assert error.meant == meant
    assert isinstance(error, (ValueError, TypeError))


def test_joining_a_reference_is_refused_by_python_itself() -> None:
    with pytest.raises(TypeError, match="can only join an iterable"):
        ",".join(Thing().name)


def test_misuse_shows_the_line_typed() -> None:
    def act(ref: oc.Ref[Any]) -> None:
        if ref:
            pass

    error = misuse(act)
    assert error.typed == "if ref:"
    assert str(error).splitlines()[1:] == [
        "  typed: if ref:",
        "  meant: database.name.map(lambda value: … if value else …)",
    ]


def test_a_reference_to_what_is_not_assigned_yet_is_told_by_its_kind() -> None:
    class Early(oc.Stack):
        def build(self) -> None:
            self.port = int(Thing().port)

    with pytest.raises(oc.MisuseError) as caught:
        Early()
    assert caught.value.address is None
    assert "the reference Thing.port has no value" in str(caught.value)


def test_misuse_of_what_is_computed_is_told_where_it_comes_from() -> None:
    class Misused(oc.Stack):
        def build(self) -> None:
            self.database = Thing()
            self.url = oc.Output(self.database.name)
            for ref, address, label in (
                (self.database.name.map(len), "database", "database.name.map"),
                (oc.Ref.all(self.database.name, self.url), None, "Ref.all of 2"),
                (self.url, "url", "url"),
                (self.url.map(len).map(str), "url", "url.map.map"),
            ):
                with pytest.raises(oc.MisuseError) as caught:
                    bool(ref)
                assert caught.value.address == address
                assert caught.value.meant == f"{label}.map(lambda value: … if value else …)"

    Misused()


def test_private_names_are_no_misuse_so_that_tools_can_look() -> None:
    assert not hasattr(Thing().name, "_repr_html_")
    assert not hasattr(Thing().name, "__array__")


@pytest.mark.parametrize("other", [operator.eq, operator.ne])
def test_two_references_are_not_compared_either(other: Callable[[object, object], object]) -> None:
    thing = Thing()
    with pytest.raises(oc.MisuseError):
        other(thing.name, thing.name)


def test_labels_say_what_was_written() -> None:
    class Labels(oc.Stack):
        def build(self) -> None:
            self.database = Thing()
            self.url = oc.Output(self.database.name)
            assert self.database.name.map(len)._label() == "database.name.map"
            assert oc.Ref.all(self.database.name, self.url)._label() == "Ref.all of 2"
            assert self.url._label() == "url"
            assert oc.Output("x")._label() == "Output"

    Labels()


def test_map_takes_a_function() -> None:
    with pytest.raises(TypeError, match="a function of the value, not 'upper'"):
        Thing().name.map("upper")  # type: ignore[arg-type]


def test_all_takes_references() -> None:
    with pytest.raises(TypeError, match="takes references, not 'x'"):
        oc.Ref.all(Thing().name, "x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="takes references, not 3"):
        oc.Ref.all([3])  # type: ignore[list-item]


def test_all_takes_several_or_one_list() -> None:
    one, other = Thing().name, Thing().port
    listed, spread = oc.Ref.all([one, one]), oc.Ref.all(one, other)
    assert isinstance(listed, AllRef)
    assert isinstance(spread, AllRef)
    assert [found is one for found in listed.sources] == [True, True]
    assert spread.sources[1] is other
    assert isinstance(oc.Ref.all([]), AllRef)
    assert isinstance(spread.map(len), MapRef)


def test_an_output_names_its_address_once_assigned() -> None:
    class Named(oc.Stack):
        def build(self) -> None:
            self.thing = Thing()
            self.urls = {"eu": oc.Output(self.thing.name, doc="where it is")}

    stack = Named()
    assert stack.urls["eu"].hint == 'urls["eu"]'
    assert stack.urls["eu"].doc == "where it is"
    assert list(collect(stack).outputs) == ['urls["eu"]']
