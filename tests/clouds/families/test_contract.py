"""Every provider of every family keeps the contract, over HTTP, against an imitation in the recorded form."""

from __future__ import annotations

from orchestra.clouds import FamilyCloud
from orchestra.contracts import Provider
from orchestra.testing import VirtualClock, check_provider
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import KINDS, WRONG, Family, cases, provider


def test_providers_keep_the_contract(family: Family, cloud: FamilyCloud, server: Imitation) -> None:
    def out_of_reach(kind: str) -> Provider:
        return provider(family.cloud(server, WRONG), kind)

    tried = set()
    for kind, case in cases(family, cloud):
        made = [family.cloud(server) for _ in range(2)]
        checked = check_provider(
            lambda kind=kind, made=made: provider(made[0], kind),  # type: ignore[misc]
            [case],
            unreachable=lambda kind=kind: out_of_reach(kind),  # type: ignore[misc]
            clock=VirtualClock(),
        )
        assert checked.left_out == ()
        tried.add(kind)
    assert tried == {kind for kind in KINDS if cloud.provider(kind)}
