"""Availability zones by number, on AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.errors import ChoiceError
from tests.clouds.aws.scenery import Scene, client


@pytest.mark.parametrize("kind", ["network.Subnet", "compute.Volume"])
def test_zones_are_counted_by_name_and_go_round(scene: Scene, kind: str) -> None:
    described = client(scene.server, "ec2").describe_availability_zones()["AvailabilityZones"]
    names = sorted(one["ZoneName"] for one in described)
    assert len(names) > 1
    provider = scene.provider(kind)
    chosen = [provider.choose("zone", {"number": number}) for number in range(len(names) + 1)]
    assert chosen == [*names, names[0]]


def test_a_region_that_tells_of_no_zones_is_refused(scene: Scene) -> None:
    body = """<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <availabilityZoneInfo/></DescribeAvailabilityZonesResponse>"""
    scene.server.fault(action="DescribeAvailabilityZones", mode="answer", status=200, body=body)
    with pytest.raises(ChoiceError, match=r"AvailabilityZone\(0\): eu-west-1 tells of no availability zones"):
        scene.provider("network.Subnet").choose("zone", {"number": 0})


def test_subnets_and_disks_are_spread(scene: Scene, tmp_path: Path) -> None:
    class Spread(oc.Stack):
        def build(self) -> None:
            self.network = oc.Network(cidr="10.0.0.0/16")
            self.subnets = [
                oc.Subnet(network=self.network, cidr=f"10.0.{one}.0/24", zone=oc.AvailabilityZone(one))
                for one in range(3)
            ]
            self.disk = oc.Volume(size_gib=1, zone=oc.AvailabilityZone(1))

    deployment = oc.Deployment(Spread(), name="spread", cloud=scene.cloud, state=tmp_path / "s.db", progress=False)
    with deployment:
        deployment.apply()
        ec2 = client(scene.server, "ec2")
        subnets = {one["SubnetId"]: one["AvailabilityZone"] for one in ec2.describe_subnets()["Subnets"]}
        ours = [subnets[deployment.resources[f"subnets[{one}]"].external_id] for one in range(3)]
        assert len(set(ours)) == 3
        disk = ec2.describe_volumes(VolumeIds=[deployment.resources["disk"].external_id])["Volumes"][0]
        assert disk["AvailabilityZone"] == ours[1]
        assert deployment.plan().is_empty
        deployment.destroy()
