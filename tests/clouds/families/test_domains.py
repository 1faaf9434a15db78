"""Zones are had from the same cloud object as servers, with nothing in their requests that is for servers only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orchestra.clouds import digitalocean, linode, vultr
from orchestra.contracts import Inputs
from tests.clouds.families import digitalocean as ocean
from tests.clouds.families import linode as node
from tests.clouds.families import vultr as vault
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import owner, provider

CASES = {
    "digitalocean": (
        ocean.DigitalOcean,
        lambda endpoint: digitalocean(region=ocean.REGION, token=ocean.TOKEN, endpoint=endpoint),
        {"name": "shop.example"},
    ),
    "linode": (
        node.Linode,
        lambda endpoint: linode(
            region=node.REGION, token=node.TOKEN, soa_email="hostmaster@shop.example", endpoint=endpoint
        ),
        {"domain": "shop.example", "type": "master", "soa_email": "hostmaster@shop.example"},
    ),
    "vultr": (
        vault.Vultr,
        lambda endpoint: vultr(region=vault.REGION, token=vault.TOKEN, endpoint=endpoint),
        {"domain": "shop.example"},
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[tuple[Imitation, Any, dict[str, Any]]]:
    imitate, make, body = CASES[request.param]
    server = imitate()
    with server.running():
        yield server, make(server.endpoint), body


def test_a_zone_is_made(case: tuple[Imitation, Any, dict[str, Any]]) -> None:
    server, cloud, body = case
    zones = provider(cloud, "dns.Zone")
    made = zones.create(Inputs({"domain": "shop.example"}), owner("zone"))
    (request,) = server.sent("POST")
    assert {name: value for name, value in request.body.items() if name != "description"} == body
    assert zones.observe([made.external_id]).found[made.external_id].inputs["domain"] == "shop.example"
    assert [one.external_id for one in zones.list()] == [made.external_id]
