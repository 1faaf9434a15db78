"""Containers and images."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.model.values import Revealed
from orchestra.planning.comparing import forces
from orchestra.planning.inputs import kept_form, raw_inputs
from tests.model.kinds import scope_of
from tests.planning.worlds import seal


@pytest.mark.parametrize(
    "name",
    [
        "nginx",
        "nginx:1.27",
        "registry.example:5000/team/app:1.2",
        "team/app@sha256:" + "0" * 64,
        "app:A_b.c-1@sha256:" + "f" * 64,
    ],
)
def test_names_of_images(name: str) -> None:
    assert oc.ContainerImage(name=name).name == name


@pytest.mark.parametrize("name", ["", "-x", "Nginx", "a b", "a@sha256:0", "a@md5:" + "0" * 64, "http://x/?"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(oc.DefinitionError, match=r"the name of an image such as registry\.example/team/app:1\.2"):
        oc.ContainerImage(name=name)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"container": 0, "host": 80}, "container=0: 1 to 65535 is needed"),
        ({"container": 80, "host": 65536}, "host=65536: 1 to 65535 is needed"),
        ({"container": 80, "host": 80, "address": "localhost"}, "address='localhost': an IPv4 address is needed"),
        ({"container": 0, "host": 0}, "container=0: 1 to 65535 is needed; host=0: 1 to 65535 is needed"),
    ],
)
def test_ports_that_make_no_sense(wrong: dict[str, Any], fault: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        oc.Port(**wrong)
    assert str(caught.value).startswith(f"Port: {fault}")


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"source": "", "target": "/a"}, "source='': a path or the name of a volume"),
        ({"source": "/a:ro", "target": "/a"}, "source='/a:ro': a path or the name of a volume"),
        ({"source": "a", "target": "a"}, "target='a': a path that starts with /"),
        ({"source": "a", "target": "/a:b"}, "target='/a:b': a path that starts with /"),
    ],
)
def test_mounts_that_make_no_sense(wrong: dict[str, Any], fault: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        oc.Mount(**wrong)
    assert str(caught.value).startswith(f"Mount: {fault}")


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"network": "a b"}, "the name of a network, such as bridge, host or none is needed"),
        ({"memory_mib": 5}, "6 to 16777216 MiB is needed"),
        ({"cpus": 0.0}, "0.01 to 1024 is needed"),
        ({"stop_seconds": 101}, "0 to 100 seconds is needed"),
        ({"name": "-a"}, "1 to 128 letters, digits, '_', '.' or '-' is needed"),
        ({"restart": "sometimes"}, "'no' or 'on-failure' or 'always' or 'unless-stopped' is needed"),
    ],
)
def test_containers_that_make_no_sense(wrong: dict[str, Any], fault: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        oc.Container(image="nginx", **wrong)
    assert fault in str(caught.value)


@pytest.mark.parametrize("name", ["memory_mib", "cpus"])
def test_limits_change_in_place_and_are_lifted_by_replacement(name: str) -> None:
    spec = oc.Container.kind.inputs[name]
    assert [forces(spec, *pair) for pair in ((None, 8), (8, 16), (16, 8), (8, None))] == [False, False, False, True]


def test_a_secret_in_the_environment_is_kept_as_a_digest() -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            self.web = oc.Container(image="nginx", environment={"PASSWORD": oc.Secret.env("P"), "A": "b"})

    declaration = collect(Holder())
    values = raw_inputs(declaration.resources["web"], scope_of(declaration, {}, {"P": "hunter2"}))  # type: ignore[index]
    assert values["environment"] == {"PASSWORD": Revealed("hunter2"), "A": "b"}
    kept = kept_form(oc.Container.kind, values, seal)
    assert kept["environment"] == {"PASSWORD": seal(Revealed("hunter2")), "A": "b"}
