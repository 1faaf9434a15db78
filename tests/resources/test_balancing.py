"""Load balancers and how they check their members."""

from __future__ import annotations

from typing import Any

import pytest

import orchestra as oc
from orchestra.model.declaration import collect
from orchestra.planning.inputs import raw_inputs
from tests.model.kinds import scope_of


def balancer(**more: Any) -> oc.LoadBalancer:
    return oc.LoadBalancer(**{"port": 80, "subnets": ["sub-1"], **more})


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"port": 0}, "port=0: 1 to 65535 is needed"),
        ({"port": 65536}, "port=65536: 1 to 65535 is needed"),
        (
            {"port": 80, "interval": 4},
            "interval=4: 5 to 300 is needed; timeout=5: less than the interval of 4 s is needed",
        ),
        ({"port": 80, "interval": 301}, "interval=301: 5 to 300 is needed"),
        ({"port": 80, "timeout": 1}, "timeout=1: 2 to 60 is needed"),
        ({"port": 80, "timeout": 61, "interval": 100}, "timeout=61: 2 to 60 is needed"),
        ({"port": 80, "healthy": 1}, "healthy=1: 2 to 10 is needed"),
        ({"port": 80, "healthy": 11}, "healthy=11: 2 to 10 is needed"),
        ({"port": 80, "unhealthy": 1}, "unhealthy=1: 2 to 10 is needed"),
        ({"port": 80, "timeout": 10, "interval": 10}, "timeout=10: less than the interval of 10 s is needed"),
        ({"port": 80, "path": "health"}, "path='health': a path that starts with / is needed"),
        ({"port": 80, "path": ""}, "path='': a path that starts with / is needed"),
    ],
    ids=str,
)
def test_health_checks_that_make_no_sense_are_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(oc.DefinitionError) as caught:
        oc.HealthCheck(**fields)
    assert str(caught.value) == f"HealthCheck: {fault}"
    assert len(caught.value.faults) == fault.count(";") + 1


def test_health_checks_at_their_limits_are_taken() -> None:
    low = oc.HealthCheck(port=1, interval=5, timeout=2, healthy=2, unhealthy=2)
    high = oc.HealthCheck(port=65535, interval=300, timeout=60, healthy=10, unhealthy=10, protocol="http", path="/x")
    assert (low.interval, high.interval) == (5, 300)


@pytest.mark.parametrize("name", ["port", "member_port"])
@pytest.mark.parametrize("port", [0, 65536, -1])
def test_ports_are_kept_in_range(name: str, port: int) -> None:
    with pytest.raises(oc.DefinitionError, match=f"{name}={port}: 1 to 65535 is needed"):
        balancer(**{name: port})


def test_it_may_be_in_no_subnet_and_knows_two_protocols() -> None:
    assert oc.LoadBalancer(port=80).subnets == balancer(subnets=()).subnets == ()
    with pytest.raises(oc.DefinitionError, match="protocol='https': 'tcp' or 'http' is needed"):
        balancer(protocol="https")


def test_members_subnets_and_firewalls_are_sets() -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            self.balancer = balancer(subnets=["b", "a"], members=["y", "x", "y"], firewalls=["2", "1"])

    declaration = collect(Holder())
    values = raw_inputs(declaration.resources["balancer"], scope_of(declaration, {}, {}))  # type: ignore[index]
    assert (values["subnets"], values["members"], values["firewalls"]) == (["a", "b"], ["x", "y"], ["1", "2"])


def test_a_health_check_becomes_values() -> None:
    class Holder(oc.Stack):
        def build(self) -> None:
            self.balancer = balancer(health_check=oc.HealthCheck(port=80))

    declaration = collect(Holder())
    values = raw_inputs(declaration.resources["balancer"], scope_of(declaration, {}, {}))  # type: ignore[index]
    assert values["health_check"] == {
        "protocol": "tcp",
        "port": 80,
        "path": "/",
        "interval": 30,
        "timeout": 5,
        "healthy": 3,
        "unhealthy": 2,
    }
