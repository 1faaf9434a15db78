"""The line typed: the innermost one that is the user's."""

from __future__ import annotations

import pytest

import orchestra as oc
from orchestra.errors import MisuseError
from orchestra.model.misuse import line_typed, refuse


def test_the_line_of_the_caller_is_shown() -> None:
    found = line_typed()
    assert found == "found = line_typed()"


def test_an_error_says_what_can_not_be_done_and_what_was_meant() -> None:
    with pytest.raises(MisuseError) as caught:
        refuse("the reference a.b", "eaten", "a.b.map(eat)", "a")
    assert str(caught.value) == (
        "a: the reference a.b has no value while the stack is being declared, so it can't be eaten\n"
        '  typed: refuse("the reference a.b", "eaten", "a.b.map(eat)", "a")\n'
        "  meant: a.b.map(eat)"
    )
    assert (caught.value.typed, caught.value.meant) == (
        'refuse("the reference a.b", "eaten", "a.b.map(eat)", "a")',
        "a.b.map(eat)",
    )


def test_without_source_there_is_no_line_and_no_failure() -> None:
    names: dict[str, object] = {"oc": oc}
    source = "def wrong(ref):\n    if ref:\n        pass\n"
    exec(compile(source, "<typed at a prompt>", "exec"), names)

    class Shop(oc.Stack):
        def build(self) -> None:
            self.zone = oc.Zone(domain="a.example")
            names["wrong"](self.zone.id)  # type: ignore[operator]

    with pytest.raises(oc.MisuseError) as caught:
        Shop()
    assert caught.value.typed == ""
    assert "typed:" not in str(caught.value)
    assert "meant:" in str(caught.value)


def test_generated_code_is_nobodys_line() -> None:
    class Local(oc.Resource, kind="test.Local"):
        size: int = oc.input_field()

    with pytest.raises(oc.DefinitionError) as caught:
        Local(size="big")  # type: ignore[arg-type]
    assert 'in: Local(size="big")' in str(caught.value)
