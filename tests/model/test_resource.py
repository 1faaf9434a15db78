"""Resources as declared: their inputs are checked at run time, all faults at once."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

import orchestra as oc


def even(value: int) -> str | None:
    return f"{value} is odd" if value % 2 else None


def small(value: int) -> str | None:
    return "at most 10 is allowed" if value > 10 else None


def no_call(value: object) -> str | None:
    raise AssertionError(f"a check was called with {value!r}")


class Box(oc.Resource, kind="test.Box"):
    size: int = oc.input_field(check=[even, small])
    name: str | oc.Ref[str] = oc.input_field(default="x", check=lambda value: None if value else "a name is needed")
    guarded: str | oc.Ref[str] = oc.input_field(default=oc.Secret.env("A"), check=no_call)
    parts: Sequence[str] = oc.input_field(default=())

    address = oc.output_field(str)


def faults(**inputs: object) -> tuple[str, ...]:
    with pytest.raises(oc.DefinitionError) as caught:
        Box(**inputs)
    return caught.value.faults


def test_every_fault_is_told_at_once_with_the_line() -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        Box(size=13, name="", parts="abc")  # type: ignore[arg-type]
    assert str(caught.value) == (
        'Box is declared wrongly, in: Box(size=13, name="", parts="abc")  # type: ignore[arg-type]\n'
        "  - size=13: 13 is odd\n"
        "  - size=13: at most 10 is allowed\n"
        "  - name='': a name is needed\n"
        "  - parts='abc': Sequence[str] is needed, not str\n"
        "  to do: correct the inputs named above"
    )


def test_a_wrong_type_is_not_checked_further() -> None:
    assert faults(size="13") == ("size='13': int is needed, not str",)
    assert faults(size=None) == ("size=None: int is needed, not NoneType",)


def test_common_inputs_are_checked_too() -> None:
    assert faults(size=2, lifecycle=None) == ("lifecycle=None: Lifecycle is needed, not NoneType",)
    assert faults(size=2, depends_on=Box(size=2)) == (
        "depends_on=<Box not assigned yet>: Sequence[Resource] is needed, not Box",
    )


def test_checks_are_never_called_with_references_and_secrets() -> None:
    class Pair(oc.Stack):
        def build(self) -> None:
            self.one = Box(size=2)
            self.two = [
                Box(size=2, guarded=self.one.address),
                Box(size=2, guarded=f"x{self.one.address}"),
                Box(size=2, guarded=oc.Secret.file("x")),
            ]

    Pair()
    with pytest.raises(AssertionError, match="called with 'plain'"):
        Box(size=2, guarded="plain")


def test_unknown_and_missing_inputs_are_refused_as_by_any_function() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'sise'"):
        Box(sise=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'size'"):
        Box()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Box(2)  # type: ignore[misc]


def test_inputs_can_not_be_changed_afterwards() -> None:
    with pytest.raises(attrs.exceptions.FrozenAttributeError):
        Box(size=2).size = 4  # type: ignore[misc]


def test_resources_are_told_apart_by_identity() -> None:
    one, other = Box(size=2), Box(size=2)
    assert one != other
    assert len({one, other}) == 2


def test_a_resource_is_told_by_its_address_once_it_has_one() -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            box = Box(size=2)
            assert (repr(box), box.label) == ("<Box not assigned yet>", "Box")
            self.boxes = {"a": [box]}
            assert (repr(box), box.label) == ('<Box boxes["a"][0]>', 'boxes["a"][0]')

    Holder()


def test_a_kind_local_to_a_function_is_checked_but_for_what_can_not_be_looked_up() -> None:
    class Local(oc.Resource, kind="test.Local"):
        other: Local | None = oc.input_field(default=None)
        size: int = oc.input_field(default=1)

    assert Local(other=3).other == 3  # type: ignore[arg-type]
    with pytest.raises(oc.DefinitionError, match="size='x': int is needed, not str"):
        Local(size="x")  # type: ignore[arg-type]


def test_a_default_is_checked_like_what_is_given() -> None:
    class Wrong(oc.Resource, kind="test.Wrong"):
        size: int = oc.input_field(default=None)

    with pytest.raises(oc.DefinitionError, match="size=None: int is needed"):
        Wrong()


def test_a_class_without_a_kind_can_not_be_made() -> None:
    class Base(oc.Resource):
        size: int = oc.input_field(default=1)

    with pytest.raises(oc.DefinitionError) as caught:
        Base()
    assert str(caught.value) == "Base is not a kind; give its class kind='service.Name'"
