"""What a real OpenStack was sent and answered, played back: every request as it was then, to the letter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestra.testing import VirtualClock
from tests.clouds.openstack.scenarios import SCENARIOS, Scene, cloud_at
from tests.clouds.openstack.tape import load, playing


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.__name__ for one in SCENARIOS])
def test_the_same_is_sent_as_when_it_was_recorded(scenario: Callable[[Scene], None]) -> None:
    with playing(load(scenario.__name__)) as player:
        scenario(Scene(cloud_at(f"{player.endpoint}/identity/v3"), VirtualClock()))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[one.__name__ for one in SCENARIOS])
def test_every_creation_says_whose_it_is_in_the_request_itself(scenario: Callable[[Scene], None]) -> None:
    makes = {
        "networks",
        "subnets",
        "routers",
        "security-groups",
        "floatingips",
        "ports",
        "servers",
        "volumes",
        "snapshots",
    }
    for one in load(scenario.__name__):
        if one.method == "POST" and one.path.rpartition("/")[2] in makes:
            assert "token" in str(one.body), one.request()
