"""Every provider keeps the contract, over HTTP, against an imitation in the recorded form."""

from __future__ import annotations

import pytest

from orchestra.testing import VirtualClock, check_provider
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import KINDS, WRONG, Scene, cases, cloud_at, provider


@pytest.mark.parametrize("kind", KINDS)
def test_providers_keep_the_contract(server: Azure, scene: Scene, kind: str) -> None:
    made = cloud_at(server)
    server.deleting = 2  # what is in galleries goes slowly
    checked = check_provider(
        lambda: provider(made, kind),
        cases(scene, kind),
        unreachable=lambda: provider(cloud_at(server, secret=WRONG), kind),
        clock=VirtualClock(),
        threads=3,
    )
    assert checked.left_out == ()
