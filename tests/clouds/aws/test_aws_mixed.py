"""One stack on AWS and elsewhere, and in two regions of AWS."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

import orchestra as oc
from orchestra.clouds import AwsCloud, aws
from tests.clouds.aws.scenery import census
from tests.moto_server import MotoServer


class Network(oc.Stack):
    """A network with a subnet."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")


@attrs.frozen
class Places:
    first: AwsCloud
    second: AwsCloud
    simulated: oc.clouds.SimulatedCloud


@pytest.fixture
def places(cloud: AwsCloud, server: MotoServer, tmp_path: Path) -> Places:
    second = aws(
        region="us-east-2", endpoint=server.endpoint, access_key=server.access_key, secret_key=server.secret_key
    )
    return Places(cloud, second, oc.clouds.simulated(tmp_path / "simulated.db"))


def test_aws_in_two_regions_beside_another_cloud(places: Places, server: MotoServer, tmp_path: Path) -> None:
    class Everywhere(oc.Stack):
        def build(self) -> None:
            self.networks = [Network(cloud=places.first), Network(cloud=places.second)]
            self.here = Network()
            self.files = oc.Bucket(cloud=places.first)
            self.zones = oc.Output([one.subnet.available_zone for one in (*self.networks, self.here)])

    stack, bare = Everywhere(), census(server)
    deployment = oc.Deployment(stack, name="all", cloud=places.simulated, state=tmp_path / "s.db", progress=False)
    with deployment:
        deployment.apply()
        assert {address: record.cloud for address, record in deployment.resources.items()} == {
            "files": "aws:eu-west-1",
            "here.network": "simulated",
            "here.subnet": "simulated",
            "networks[0].network": "aws:eu-west-1",
            "networks[0].subnet": "aws:eu-west-1",
            "networks[1].network": "aws:us-east-2",
            "networks[1].subnet": "aws:us-east-2",
        }
        assert [zone[:-1] for zone in deployment.value(stack.zones)] == ["eu-west-1", "us-east-2", "sim-1"]
        assert deployment.plan().is_empty
        deployment.destroy()
        assert deployment.resources == {}
    assert census(server) == bare
    assert not places.simulated.inventory()
    places.simulated.close()


def test_from_aws_to_another_cloud_and_back(places: Places, server: MotoServer, tmp_path: Path) -> None:
    bare = census(server)
    clouds = [places.first, places.simulated]
    for cloud in (places.first, places.simulated, places.first):

        class Home(oc.Stack):
            def build(self) -> None:
                self.home = Network(cloud=cloud)  # noqa: B023

        deployment = oc.Deployment(
            Home(), name="home", cloud=places.simulated, clouds=clouds, state=tmp_path / "s.db", progress=False
        )
        with deployment:
            deployment.apply()
            assert {record.cloud for record in deployment.resources.values()} == {cloud.name}
            assert (census(server) == bare) == (cloud is places.simulated)
            assert bool(places.simulated.inventory()) == (cloud is places.simulated)
            assert deployment.plan().is_empty
    places.simulated.close()
