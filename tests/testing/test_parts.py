"""Stacks of parts: every combination is valid, deploys, and is counted right."""

from __future__ import annotations

import hypothesis
import pytest

import orchestra as oc
from orchestra import testing
from orchestra.testing import Part, PartsStack, VirtualClock, strategies
from orchestra.testing.parts import CHOICES, NEEDS, complete, count_of
from tests.house.probe import trace


@hypothesis.settings(max_examples=25)
@hypothesis.given(strategies.parts())
def test_drawn_parts_deploy_and_are_counted(parts: tuple[Part, ...]) -> None:
    clock = VirtualClock()
    cloud = oc.clouds.simulated(":memory:", clock=clock)
    with oc.Deployment(
        PartsStack(parts=parts), name="parts", cloud=cloud, state="sqlite://:memory:", clock=clock, progress=False
    ) as deployment:
        deployment.apply()
        assert cloud.inventory() == count_of(parts)
        assert deployment.plan().is_empty
    cloud.close()


@pytest.mark.parametrize("kind", NEEDS)
@pytest.mark.parametrize("choice", range(CHOICES))
@pytest.mark.parametrize("flag", [False, True])
def test_every_part_stands_with_the_least_that_it_needs(kind: str, choice: int, flag: bool) -> None:
    part = Part(kind, 1, choice, flag, (1, 0))
    stack = PartsStack(parts=(part, Part("Volume", 1), Part("Server"), Part("KeyPair"), Part("Firewall")))
    assert isinstance(getattr(stack, part.name), getattr(oc, kind))


def test_what_is_missing_comes_in_its_simplest_form_and_in_order() -> None:
    assert complete([Part("Record", 2), Part("Server", 1), Part("Server", 1, 3)]) == (
        Part("Network"),
        Part("Subnet"),
        Part("Server", 1, 3),
        Part("Zone"),
        Part("Record", 2),
    )
    assert complete(()) == ()


def test_an_attachment_without_its_volume_is_left_out() -> None:
    assert "compute.VolumeAttachment" not in count_of((Part("VolumeAttachment", 2),))
    assert count_of((Part("VolumeAttachment", 2), Part("Volume", 2)))["compute.VolumeAttachment"] == 1


@hypothesis.settings(max_examples=50)
@hypothesis.given(strategies.parts().flatmap(strategies.changed), strategies.fault_models(), strategies.behaviours())
def test_what_is_drawn_prints_as_python(
    parts: tuple[Part, ...], faults: testing.FaultModel, behaviour: oc.clouds.Behaviour
) -> None:
    names = {**{name: getattr(testing, name) for name in testing.__all__}, "Behaviour": oc.clouds.Behaviour}
    assert eval(repr((parts, faults, behaviour)), names) == (parts, faults, behaviour)
    assert complete(parts) == parts


def test_the_testing_kit_needs_neither_pytest_nor_hypothesis() -> None:
    found = trace("from orchestra.testing import *", blocked=("hypothesis", "moto", "pytest", "_pytest"))
    assert set(testing.__all__) <= found.names
    assert not any(name.startswith(("hypothesis", "pytest")) for name in found.modules)


def test_strategies_say_what_they_need() -> None:
    source = (
        "try:\n    import orchestra.testing.strategies\n"
        "except ImportError as error:\n    told = str(error)\n    assert 'needs Hypothesis' in told, told\n"
    )
    assert "told" in trace(source, blocked=("hypothesis",)).names


def test_nothing_else_imports_the_testing_kit() -> None:
    found = trace("import orchestra, orchestra.deployment, orchestra.clouds.families.simulated")
    assert not any(name.startswith("orchestra.testing") for name in found.modules)


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    found = getattr(testing, name)
    assert found.__doc__
    members = vars(found).items() if isinstance(found, type) else ()
    silent = [key for key, value in members if not key.startswith("_") and callable(value) and not value.__doc__]
    assert silent == []
