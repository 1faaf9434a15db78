"""Every provider keeps the contract, over HTTP, against an imitation in the recorded form."""

from __future__ import annotations

from orchestra.clouds import AzureCloud
from orchestra.contracts import Provider
from orchestra.testing import check_provider
from tests.clouds.azure.machines import Azure
from tests.clouds.azure.scenery import KINDS, WRONG, Scene, cases, cloud_at, provider
from tests.virtual_clock import VirtualClock


def test_providers_keep_the_contract(server: Azure, cloud: AzureCloud, scene: Scene) -> None:
    def out_of_reach(kind: str) -> Provider:
        return provider(cloud_at(server, secret=WRONG), kind)

    tried = set()
    for kind, case in cases(scene):
        made = cloud_at(server)
        checked = check_provider(
            lambda kind=kind, made=made: provider(made, kind),  # type: ignore[misc]
            [case],
            unreachable=lambda kind=kind: out_of_reach(kind),  # type: ignore[misc]
            clock=VirtualClock(),
        )
        assert checked.left_out == ()
        tried.add(kind)
    assert tried == set(KINDS)
