"""Many things are taken over at once: all or nothing, with a few calls for each kind, in whatever order."""

from __future__ import annotations

from pathlib import Path

import pytest
from account import Account
from circle import deployment
from estates import AwsEstate, SimulatedEstate

import orchestra as oc
from tests.moto_server import MotoServer


def furnished() -> tuple[SimulatedEstate, oc.Generated]:
    estate = SimulatedEstate(oc.clouds.simulated(":memory:"))
    network = estate.network("net", "10.0.0.0/16", False, {})
    subnet = estate.subnet(network, "sub", "10.0.1.0/24", "sim-1a", False, {})
    for number in range(1, 4):
        estate.server(f"web-{number}", subnet, [], None, {})
    return estate, oc.generate(estate.cloud)


def test_the_order_does_not_matter(tmp_path: Path) -> None:
    estate, generated = furnished()
    with deployment(generated, estate.cloud, tmp_path) as found:
        records = found.adopt_all(dict(reversed(generated.adoptions.items())))
        assert {str(one.address): one.external_id for one in records} == dict(generated.adoptions)
        assert found.plan().is_empty
        assert [str(one) for one in found.resources["web[0]"].dependencies] == ["sub"]
        assert len(found.history()) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"sub": "no-such-subnet"}, oc.NotFoundError),
        ({"nowhere": "net-1"}, oc.PlanError),
        ({"no address": "net-1"}, oc.PlanError),
    ],
)
def test_nothing_is_taken_over_if_one_thing_cannot_be(
    change: dict[str, str], error: type[Exception], tmp_path: Path
) -> None:
    estate, generated = furnished()
    with deployment(generated, estate.cloud, tmp_path) as found:
        with pytest.raises(error):
            found.adopt_all({**generated.adoptions, **change})
        assert found.resources == {}
        assert found.adopt_all({}) == ()


def test_one_thing_is_taken_over_once(tmp_path: Path) -> None:
    estate, generated = furnished()
    server = generated.adoptions["web[0]"]
    with deployment(generated, estate.cloud, tmp_path) as found:
        with pytest.raises(oc.PlanError, match=rf"{server} is web\[0\] already"):
            found.adopt_all({**generated.adoptions, "web[1]": server})
        found.adopt_all(generated.adoptions)
        with pytest.raises(oc.PlanError, match="recorded already"):
            found.adopt_all(generated.adoptions)


def test_what_it_uses_need_not_be_adopted(tmp_path: Path) -> None:
    estate, generated = furnished()
    with deployment(generated, estate.cloud, tmp_path) as found:
        found.adopt("sub", generated.adoptions["sub"])
        assert {str(one.address) for one in generated.adopt(found)} == generated.adoptions.keys() - {"sub"}


def test_calls_do_not_grow_with_the_number_of_things(server: MotoServer, tmp_path: Path) -> None:
    def calls(servers: int) -> int:
        server.reset()
        account = Account(server)
        estate = AwsEstate(account)
        network = estate.network("net", "10.0.0.0/16", False, {})
        subnet = estate.subnet(network, "sub", "10.0.1.0/24", "eu-west-1a", False, {})
        for number in range(servers):
            estate.server(f"web-{number}", subnet, [], None, {})
        generated = oc.generate(account.cloud)
        assert len(generated.adoptions) == servers + 2
        before = sum(server.stats().values())
        with deployment(generated, account.cloud, tmp_path, name=f"of_{servers}") as found:
            generated.adopt(found)
        return sum(server.stats().values()) - before

    assert calls(12) == calls(2)
