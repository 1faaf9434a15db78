"""Declaring the inputs and outputs of a kind."""

from __future__ import annotations

import attrs
import pytest

import orchestra as oc
from orchestra.model.fields import InputSpec
from orchestra.model.refs import OutputRef


def check_one(value: object) -> str | None:
    return None


class Full(oc.Resource, kind="test.Full", create_before_delete=False, unique_by=["name"], create_timeout=5.0):
    name: str = oc.input_field(replace=True, check=check_one, doc="what it is called")
    size: int = oc.input_field(default=1, check=[check_one, check_one])
    tags: list[str] = oc.input_field(factory=list, normalize=sorted)
    password: str = oc.input_field(default="x", secret=True)
    image: str = oc.input_field(default="x", choice=True)
    content: str = oc.input_field(default="", summarize=len)

    address = oc.output_field(str, doc="where it is")
    token = oc.output_field(str, secret=True, changed_by=["size"])


def test_a_kind_tells_its_inputs() -> None:
    specs = Full.kind.inputs
    assert list(specs) == ["name", "size", "tags", "password", "image", "content"]
    assert specs["name"] == InputSpec(
        name="name", replace=True, checks=(check_one,), doc="what it is called", required=True
    )
    assert specs["size"].checks == (check_one, check_one)
    assert [name for name, spec in specs.items() if spec.required] == ["name"]
    assert specs["tags"].normalize is sorted
    assert (specs["password"].secret, specs["image"].choice, specs["content"].summarize) == (True, True, len)


def test_a_kind_tells_its_outputs_and_its_id() -> None:
    outputs = Full.kind.outputs
    assert list(outputs) == ["id", "address", "token"]
    assert (outputs["address"].name, outputs["address"].type, outputs["address"].doc) == ("address", str, "where it is")
    assert (outputs["token"].secret, outputs["token"].changed_by) == (True, ("size",))


def test_a_kind_tells_its_rules() -> None:
    kind = Full.kind
    assert (kind.name, kind.service, kind.cls) == ("test.Full", "test", Full)
    assert (kind.create_before_delete, kind.unique_by) == (False, ("name",))
    assert (kind.create_timeout, kind.update_timeout, kind.delete_timeout) == (5.0, 600.0, 600.0)


def test_an_output_is_a_field_of_the_class_and_a_reference_of_the_instance() -> None:
    made = Full(name="n")
    assert Full.address is Full.kind.outputs["address"]
    assert isinstance(made.address, OutputRef)
    assert isinstance(made.id, OutputRef)


def test_defaults_made_by_a_factory_are_not_shared() -> None:
    assert Full(name="a").tags is not Full(name="b").tags


def test_a_kind_of_a_kind_has_the_fields_of_both() -> None:
    class More(Full, kind="test.More"):
        extra: int = oc.input_field(default=0)
        second = oc.output_field(str)

    assert list(More.kind.inputs) == [*Full.kind.inputs, "extra"]
    assert list(More.kind.outputs) == ["id", "address", "token", "second"]
    assert More(name="n", extra=1).name == "n"
    assert Full.kind.name == "test.Full"


def test_a_class_between_is_no_kind() -> None:
    class Between(oc.Resource):
        shared: str = oc.input_field(default="s")

    class Leaf(Between, kind="test.Leaf"):
        own: str = oc.input_field(default="o")

    assert not hasattr(Between, "kind")
    assert list(Leaf.kind.inputs) == ["shared", "own"]


@pytest.mark.parametrize("name", ["Server", "compute.", ".Server", "a.b.c", "compute.Ser ver", "compute-Server", "."])
def test_the_name_of_a_kind_has_two_parts(name: str) -> None:
    with pytest.raises(oc.DefinitionError, match=r"'service\.Name' is needed, such as 'compute\.Server'"):
        type("Wrong", (oc.Resource,), {}, kind=name)


def test_specs_can_not_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Full.kind.inputs["name"].replace = False  # type: ignore[misc]
