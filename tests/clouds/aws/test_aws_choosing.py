"""Portable images and sizes: whose image, the newest; the cheapest size."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from orchestra.clouds.families.aws import AwsCloud, aws, choosing
from orchestra.clouds.families.aws.connecting import Account, Drivers, Pools
from orchestra.clouds.families.aws.regions import hosts, known_regions
from orchestra.contracts import Provider
from orchestra.errors import ChoiceError
from tests.clouds.aws.scenery import Scene, client
from tests.moto_server import MotoServer


def image(scene: Scene, os: str, version: str, architecture: str = "x86_64") -> str:
    """The name of the image that is chosen."""
    wanted = {"os": os, "version": version, "architecture": architecture}
    chosen = scene.provider("compute.Server").choose("image", wanted)
    described = client(scene.server, "ec2").describe_images(ImageIds=[chosen])["Images"]
    return str(described[0]["Name"])


@pytest.mark.parametrize(
    ("os", "version", "architecture", "name"),
    [
        ("debian", "12", "x86_64", "debian-12-amd64-20250316-2053"),
        ("debian", "12", "arm64", "debian-12-arm64-20250316-2053"),
        ("debian", "11", "x86_64", "debian-11-amd64-20240717-1811"),
        ("ubuntu", "22.04", "x86_64", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20250305"),
        ("ubuntu", "24.04", "x86_64", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20250305"),
        ("ubuntu", "24.04", "arm64", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20250305"),
        ("amazon-linux", "2023", "x86_64", "al2023-ami-2023.6.20250317.2-kernel-6.1-x86_64"),
        ("amazon-linux", "2023", "arm64", "al2023-ami-2023.6.20250317.2-kernel-6.1-arm64"),
        ("rhel", "9", "x86_64", "RHEL-9.5.0_HVM-20250313-x86_64-0-Hourly2-GP3"),
        ("rhel", "9.4", "x86_64", "RHEL-9.4.0_HVM-20240605-x86_64-82-Hourly2-GP3"),
        ("alma", "9", "x86_64", "AlmaLinux OS 9.5.20241120 x86_64"),
        ("rocky", "9", "x86_64", "Rocky-9-EC2-Base-9.5-20241118.0.x86_64"),
        ("fedora", "41", "x86_64", "Fedora-Cloud-Base-AmazonEC2.x86_64-41-1.4"),
    ],
)
def test_the_newest_image_of_the_publisher_is_chosen(
    scene: Scene, os: str, version: str, architecture: str, name: str
) -> None:
    """Not a backport, a beta, a minimal one, nor one of the same name by somebody else."""
    assert image(scene, os, version, architecture) == name


def test_images_are_asked_for_by_owner_in_one_call(scene: Scene) -> None:
    image(scene, "debian", "12")
    assert scene.server.stats() == {"DescribeImages": 2}  # and one by the test itself


def test_an_unknown_system_is_refused_with_those_that_are_known(scene: Scene) -> None:
    with pytest.raises(ChoiceError, match=r"Image\(os='plan9'.*no publisher") as unknown:
        image(scene, "plan9", "4")
    assert "debian, ubuntu, amazon-linux" in str(unknown.value)


@pytest.mark.parametrize("version", ["99", "1*", "1?", "*"])
def test_a_version_that_nobody_publishes_is_refused(scene: Scene, version: str) -> None:
    with pytest.raises(ChoiceError, match="account 136693071363 publishes no image named debian-") as unknown:
        image(scene, "debian", version)
    assert "wiki.debian.org" in str(unknown.value)


def test_an_architecture_that_nobody_publishes_is_refused(scene: Scene) -> None:
    with pytest.raises(ChoiceError):
        image(scene, "debian", "11", "arm64")


def test_no_other_input_has_a_choice(scene: Scene) -> None:
    with pytest.raises(ChoiceError, match="no portable choice for 'subnet'"):
        scene.provider("compute.Server").choose("subnet", {})
    with pytest.raises(ChoiceError):
        scene.provider("compute.Volume").choose("type", {})


def drivers(region: str) -> Drivers:
    return Drivers(Account(region, hosts(region, "http://127.0.0.1:1"), "a", "b"), Pools())


@pytest.mark.parametrize(
    ("region", "cpus", "memory_gib", "name"),
    [
        ("eu-west-1", 1, 0.5, "t3a.nano"),
        ("eu-west-1", 1, 1, "t3a.micro"),
        ("eu-west-1", 2, 4, "t3a.medium"),
        ("eu-west-1", 2, 8, "t3a.large"),
        ("eu-west-1", 4, 16, "t3a.xlarge"),
        ("us-east-1", 2, 4, "t3a.medium"),
        ("eu-west-1", 8, 16.5, "t3a.2xlarge"),
        ("eu-west-1", 48, 700, "m7i.48xlarge"),
        ("eu-west-1", 48, 800, "x1.16xlarge"),
    ],
)
def test_the_cheapest_size_that_fits_is_chosen(region: str, cpus: int, memory_gib: float, name: str) -> None:
    """From Libcloud's own table and prices, without a call."""
    assert choosing.size(drivers(region), {"cpus": cpus, "memory_gib": memory_gib}) == name


def test_every_region_has_sizes_or_says_that_none_are_known() -> None:
    for region in known_regions():
        if drivers(region).ec2.list_sizes():
            assert "." in choosing.size(drivers(region), {"cpus": 2, "memory_gib": 4})
        else:
            with pytest.raises(ChoiceError, match="Libcloud knows no instance types"):
                choosing.size(drivers(region), {"cpus": 2, "memory_gib": 4})


def test_a_size_that_no_type_has_is_refused(scene: Scene) -> None:
    with pytest.raises(ChoiceError, match=r"Size\(cpus=5000, memory_gib=1\): eu-west-1 has no instance type"):
        scene.provider("compute.Server").choose("size", {"cpus": 5000, "memory_gib": 1})


@attrs.frozen
class _Size:
    id: str
    price: float | None
    ram: int = 2048
    vcpu: str = "2"
    family: str = "General purpose"
    current: str = "Yes"
    processor: str = "Intel Xeon"
    disk: int = 0
    gpu: str | None = None

    @property
    def extra(self) -> dict[str, Any]:
        return {
            "vcpu": self.vcpu,
            "instanceFamily": self.family,
            "currentGeneration": self.current,
            "physicalProcessor": self.processor,
            "gpu": self.gpu,
        }


class _Drivers(Drivers):
    """Drivers that offer these sizes."""

    def __init__(self, *sizes: _Size) -> None:
        super().__init__(Account("eu-west-1", hosts("eu-west-1", None), "a", "b"), Pools())
        self.offered = list(sizes)

    @property
    def ec2(self) -> Any:  # type: ignore[override]
        return self

    def list_sizes(self) -> list[_Size]:
        return self.offered


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        ([_Size("b", 1.0), _Size("a", 1.0)], "a"),
        ([_Size("free", 0.0), _Size("none", None), _Size("dear", 9.0)], "dear"),
        ([_Size("z", 0.0), _Size("y", None)], "y"),
        ([_Size("old", 0.1, current="No"), _Size("new", 9.0)], "new"),
        ([_Size("gpu", 0.1, family="GPU instance"), _Size("plain", 9.0)], "plain"),
        ([_Size("old", 0.1, current="No"), _Size("special", 9.0, family="Compute optimized")], "special"),
        ([_Size("old", 0.1, current="No", family="Micro instances")], "old"),
        ([_Size("arm", 0.1, processor="AWS Graviton2 Processor"), _Size("x86", 9.0)], "x86"),
        ([_Size("small", 0.1, ram=2047), _Size("fits", 9.0)], "fits"),
        ([_Size("small", 0.1, vcpu="1"), _Size("fits", 9.0)], "fits"),
    ],
)
def test_how_sizes_are_weighed(sizes: list[_Size], name: str) -> None:
    for order in (sizes, sizes[::-1]):
        assert choosing.size(_Drivers(*order), {"cpus": 2, "memory_gib": 2}) == name


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"disk_gib": 69}, "m5ad.large"),
        ({"disk_gib": 70}, "m6id.large"),  # m5ad.large has 75 GB, which are 69.8 GiB
        ({"gpu": 1}, "g4ad.xlarge"),
        ({"gpu": 4}, "g4ad.16xlarge"),
        ({"gpu": 1, "disk_gib": 400}, "g4ad.4xlarge"),
        ({"gpu": 8}, "p2.8xlarge"),
    ],
)
def test_instance_storage_and_gpus_count_if_they_are_asked_for(wanted: dict[str, int], name: str) -> None:
    assert choosing.size(drivers("eu-west-1"), {"cpus": 2, "memory_gib": 4, **wanted}) == name


def test_more_gpus_than_any_type_has(scene: Scene) -> None:
    with pytest.raises(ChoiceError, match=r"Size\(cpus=1, memory_gib=1, gpu=99\): eu-west-1 has no instance type"):
        scene.provider("compute.Server").choose("size", {"cpus": 1, "memory_gib": 1, "gpu": 99})


def test_what_is_chosen_can_be_had(scene: Scene) -> None:
    """The machine type is one that the cloud takes."""
    size = scene.provider("compute.Server").choose("size", {"cpus": 1, "memory_gib": 1})
    made = scene.make("compute.Server", "server", **scene.server_inputs(size={"id": size}))
    assert scene.observed("compute.Server", made).inputs["size"] == {"id": size}


def test_choosing_without_an_answer_is_a_cloud_error(server: MotoServer) -> None:
    cloud: AwsCloud = aws(region="eu-west-1", endpoint="http://127.0.0.1:1", access_key="a", secret_key="b")
    provider: Provider | None = cloud.provider("compute.Server")
    assert provider is not None
    with pytest.raises(Exception, match="no connection to"):
        provider.choose("image", {"os": "debian", "version": "12"})
