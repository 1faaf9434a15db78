"""The whole catalogue: every input of every kind is checked, documented, and of a form that plans can hold."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.fields import InputSpec
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.model.typecheck import compile_check
from orchestra.planning.inputs import raw_inputs
from tests.model.kinds import scope_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rqUVdV6Bf4hIPWUVk8cNHCx1cGpPNKyGvdTpDlNGP one@example"

NEEDED: dict[type[Resource], dict[str, Any]] = {
    oc.Network: {"cidr": "10.0.0.0/16"},
    oc.Subnet: {"network": "net-1", "cidr": "10.0.1.0/24"},
    oc.Firewall: {"network": "net-1"},
    oc.KeyPair: {"public_key": KEY},
    oc.Server: {"image": "image-1", "size": "small"},
    oc.CustomImage: {"server": "i-1"},
    oc.Volume: {"size_gib": 10, "zone": "a"},
    oc.VolumeAttachment: {"volume": "vol-1", "server": "i-1"},
    oc.Snapshot: {"volume": "vol-1"},
    oc.FloatingIp: {},
    oc.LoadBalancer: {"port": 80},
    oc.Zone: {"domain": "shop.example"},
    oc.Record: {"zone": "z-1", "type": "A", "values": ["192.0.2.1"]},
    oc.Bucket: {},
    oc.Blob: {"bucket": "b-1", "key": "k", "content": "c"},
    oc.Cluster: {},
    oc.ContainerImage: {"name": "nginx:1.27"},
    oc.Container: {"image": "nginx:1.27"},
}
"""What each kind can't do without."""


def kinds_of_the_face() -> set[type[Resource]]:
    found = (getattr(oc, name) for name in oc.__all__)
    return {one for one in found if inspect.isclass(one) and issubclass(one, Resource) and one is not Resource}


def every_input() -> Iterator[tuple[type[Resource], str]]:
    for kind in NEEDED:
        for name in kind.kind.inputs:
            yield kind, name


INPUTS = list(every_input())
NAMES = [f"{kind.__name__}.{name}" for kind, name in INPUTS]


def make(kind: type[Resource], **inputs: Any) -> Resource:
    return kind(**{**NEEDED[kind], **inputs})


def hint(kind: type[Resource], name: str) -> Any:
    return typing.get_type_hints(kind, localns={"Cloud": object})[name]


def test_every_public_kind_is_tried_here() -> None:
    assert set(NEEDED) == kinds_of_the_face()


@pytest.mark.parametrize("kind", NEEDED)
def test_a_kind_can_be_made_of_what_it_needs_and_of_no_less(kind: type[Resource]) -> None:
    assert make(kind)
    assert set(NEEDED[kind]) == {name for name, spec in kind.kind.inputs.items() if spec.required}
    for name in NEEDED[kind]:
        with pytest.raises(TypeError, match=f"'{name}'"):
            kind(**{other: value for other, value in NEEDED[kind].items() if other != name})


@pytest.mark.parametrize(("kind", "name"), INPUTS, ids=NAMES)
def test_a_value_of_no_type_at_all_is_refused_by_its_name(kind: type[Resource], name: str) -> None:
    class Stranger:
        def __repr__(self) -> str:
            return "stranger"

    for wrong in (Stranger(), b"bytes", {1: 2}, 1j):
        with pytest.raises(oc.DefinitionError) as caught:
            make(kind, **{name: wrong})
        assert len(caught.value.faults) == 1
        assert caught.value.faults[0].startswith(f"{name}={wrong!r}: ")
        assert f" is needed, not {type(wrong).__name__}" in caught.value.faults[0]


@pytest.mark.parametrize(("kind", "name"), INPUTS, ids=NAMES)
def test_none_is_taken_only_where_it_means_something(kind: type[Resource], name: str) -> None:
    takes_none = type(None) in typing.get_args(hint(kind, name))
    if takes_none:
        assert make(kind, **{name: None})
        assert "Default" in kind.kind.inputs[name].doc, "what None stands for is to be documented"
    else:
        with pytest.raises(oc.DefinitionError, match=f"{name}=None: .* is needed, not NoneType"):
            make(kind, **{name: None})


@pytest.mark.parametrize(("kind", "name"), INPUTS, ids=NAMES)
def test_a_reference_is_taken_where_the_annotation_says_so(kind: type[Resource], name: str) -> None:
    reference = oc.Network(cidr="10.0.0.0/16").id
    options = typing.get_args(hint(kind, name)) or (hint(kind, name),)
    if any((typing.get_origin(option) or option) is Ref for option in options):
        assert vars(make(kind, **{name: reference}))[name] is reference
    else:
        with pytest.raises(oc.DefinitionError, match=f"{name}=Network.id: .* is needed, not a reference"):
            make(kind, **{name: reference})


@pytest.mark.parametrize(("kind", "name"), INPUTS, ids=NAMES)
def test_a_resource_of_another_kind_is_refused(kind: type[Resource], name: str) -> None:
    class Stranger(oc.Resource, kind="test.Stranger"):
        pass

    for wrong in (Stranger(), [Stranger()]):
        with pytest.raises(oc.DefinitionError, match=f"{name}=.*Stranger not assigned yet"):
            make(kind, **{name: wrong})


@pytest.mark.parametrize(("kind", "name"), INPUTS, ids=NAMES)
def test_every_input_is_documented_in_a_sentence(kind: type[Resource], name: str) -> None:
    doc = kind.kind.inputs[name].doc
    assert doc.endswith(".")
    assert doc[0].isupper() or doc[0] == "'"


@pytest.mark.parametrize("kind", NEEDED)
def test_every_output_is_documented_in_a_sentence(kind: type[Resource]) -> None:
    for name, field in kind.kind.outputs.items():
        assert field.doc.endswith("."), name
        assert set(field.changed_by) <= set(kind.kind.inputs), name
    assert kind.__doc__


@pytest.mark.parametrize("kind", NEEDED)
def test_defaults_fit_their_annotations(kind: type[Resource]) -> None:
    made = vars(make(kind))
    for name in kind.kind.inputs:
        assert compile_check(hint(kind, name))(made[name]), name


@pytest.mark.parametrize("kind", NEEDED)
def test_inputs_come_to_values_that_stay_the_same_in_their_normal_form(kind: type[Resource]) -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            self.subject = make(kind)

    declaration = collect(Holder())
    values = raw_inputs(declaration.resources["subject"], scope_of(declaration, {}, {}))
    assert list(values) == list(kind.kind.inputs)
    for name, spec in kind.kind.inputs.items():
        assert normal(spec, values[name]) == values[name], name


def normal(spec: InputSpec, value: Any) -> Any:
    return value if spec.normalize is None else spec.normalize(value)


@pytest.mark.parametrize("kind", NEEDED)
def test_labels_are_taken_by_all_that_can_be_labelled(kind: type[Resource]) -> None:
    if "labels" not in kind.kind.inputs:
        assert kind in (oc.KeyPair, oc.VolumeAttachment, oc.Zone, oc.Record, oc.Blob, oc.ContainerImage)
        return
    assert make(kind, labels={"team": "web", "a" * 128: ""})
    for wrong in ({"Name": "x"}, {"": "x"}, {"a" * 129: "x"}, {"orchestra:token": "x"}, {"AWS:x": "y"}):
        with pytest.raises(oc.DefinitionError, match="can't be used: 1 to 128 characters"):
            make(kind, labels=wrong)
    with pytest.raises(oc.DefinitionError, match="at most 40 labels are possible"):
        make(kind, labels={f"k{number}": "" for number in range(41)})
    assert make(kind, labels={f"k{number}": "" for number in range(40)})
