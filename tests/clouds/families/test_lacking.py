"""Why a cloud hasn't got a kind is told in the error of the plan."""

from __future__ import annotations

import pytest

import orchestra as oc
from orchestra.clouds import FamilyCloud
from orchestra.contracts import Explaining
from tests.clouds.families.imitation import Imitation
from tests.clouds.families.scenery import Family


class Parted(oc.Stack):
    """A network with a part, a copy of a volume, a key."""

    def build(self) -> None:
        self.subnet = oc.Subnet(network="network-1", cidr="10.0.1.0/24")
        self.copy = oc.Snapshot(volume="volume-1")
        self.key = oc.KeyPair(public_key="ssh-ed25519 AAAA one@example")


WHY = {
    "digitalocean": {"network.Subnet": "a VPC is one range that has no parts"},
    "linode": {"compute.Snapshot": "Linode has no snapshots of volumes"},
    "scaleway": {},
    "upcloud": {"compute.KeyPair": "UpCloud keeps no keys"},
    "vultr": {"compute.Snapshot": "Vultr has no snapshots of volumes"},
}


@pytest.mark.parametrize("mixed", [False, True])
def test_the_plan_says_why(family: Family, cloud: FamilyCloud, server: Imitation, mixed: bool) -> None:
    place = oc.Cloud(base=cloud, name=cloud.name) if mixed else cloud
    assert isinstance(place, Explaining)
    with (
        oc.Deployment(Parted(), name="parted", cloud=place, state=":memory:", progress=False) as deployment,
        pytest.raises(oc.errors.UnsupportedError) as refused,
    ):
        deployment.plan()
    for kind, why in WHY[family.name].items():
        assert f"the cloud '{cloud.name}' can't do {kind}: {why}" in str(refused.value)
        assert place.provider(kind) is None
    assert place.lacks("compute.Server") == ""
