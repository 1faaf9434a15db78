"""Portable choices: the cheapest size that fits, the newest image, and what is said when there is none."""

from __future__ import annotations

import pytest

from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.families.simulated.calls.choice import choose_size
from orchestra.contracts import Provider
from orchestra.errors import ChoiceError


@pytest.fixture
def servers(cloud: SimulatedCloud) -> Provider:
    found = cloud.provider("compute.Server")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("cpus", "memory", "name"),
    [
        (1, 0.5, "nano"),
        (1, 0.6, "micro"),
        (2, 4.0, "medium"),
        (2, 4, "medium"),
        (2, 9.0, "memory-2"),
        (3, 1.0, "cpu-4"),
        (4, 8.0, "cpu-4"),
        (4, 8.5, "xlarge"),
        (16, 1.0, "cpu-16"),
        (1, 64.0, "memory-8"),
    ],
)
def test_cheapest_size_that_fits(servers: Provider, cpus: int, memory: float, name: str) -> None:
    assert servers.choose("size", {"cpus": cpus, "memory_gib": memory}) == name


def test_of_two_at_one_price_the_first_by_name(cloud: SimulatedCloud) -> None:
    sizes = cloud.drivers.compute.list_sizes()
    for one in sizes:
        one.price = 1.0
    assert choose_size(sizes, {"cpus": 1, "memory_gib": 0.5}) == "2xlarge"
    assert choose_size(sizes[::-1], {"cpus": 1, "memory_gib": 0.5}) == "2xlarge"


def test_no_size_is_large_enough(servers: Provider) -> None:
    with pytest.raises(ChoiceError) as caught:
        servers.choose("size", {"cpus": 32, "memory_gib": 200.0})
    assert str(caught.value) == (
        "the simulated cloud has no size for Size(cpus=32, memory_gib=200); the nearest is gpu-4"
        "\n  to do: ask for no more than Size(cpus=32, memory_gib=128), or spread the load over several servers"
    )


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"disk_gib": 7}, "nano"),
        ({"disk_gib": 8}, "micro"),  # 8 GB are 7.45 GiB
        ({"disk_gib": 37}, "medium"),
        ({"disk_gib": 38}, "large"),
        ({"gpu": 1}, "gpu-1"),
        ({"gpu": 2}, "gpu-4"),
        ({"gpu": 1, "disk_gib": 299}, "gpu-4"),
    ],
)
def test_disk_and_gpus_count_if_they_are_asked_for(servers: Provider, wanted: dict[str, int], name: str) -> None:
    assert servers.choose("size", {"cpus": 1, "memory_gib": 0.5, **wanted}) == name


def test_no_size_has_as_many_gpus(servers: Provider) -> None:
    with pytest.raises(ChoiceError) as caught:
        servers.choose("size", {"cpus": 8, "memory_gib": 32, "disk_gib": 100, "gpu": 8})
    assert str(caught.value) == (
        "the simulated cloud has no size for Size(cpus=8, memory_gib=32, disk_gib=100, gpu=8); the nearest is gpu-4"
        "\n  to do: ask for no more than Size(cpus=32, memory_gib=128, disk_gib=1192, gpu=4), or spread the load over "
        "several servers"
    )


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_newest_image(servers: Provider, cloud: SimulatedCloud, architecture: str) -> None:
    chosen = servers.choose("image", {"os": "debian", "version": "12", "architecture": architecture})
    assert cloud.drivers.compute.get_image(chosen).name == f"debian-12-{architecture}-2025-09-06"


@pytest.mark.parametrize(
    ("os", "version", "architecture", "told"),
    [
        ("debian", "13", "x86_64", "it has debian 11, 12"),
        ("plan9", "4", "x86_64", "it has alma 8, alma 9, debian 11"),
        ("debian", "12", "riscv64", "it has debian 12 for arm64, x86_64"),
    ],
)
def test_no_such_image(servers: Provider, os: str, version: str, architecture: str, told: str) -> None:
    with pytest.raises(ChoiceError, match=told) as caught:
        servers.choose("image", {"os": os, "version": version, "architecture": architecture})
    assert caught.value.remedy is not None


def test_one_of_its_own_by_id(servers: Provider, cloud: SimulatedCloud) -> None:
    image = cloud.drivers.compute.list_images()[3].id
    assert servers.choose("image", {"id": image}) == image
    assert servers.choose("size", {"id": "large"}) == "large"


@pytest.mark.parametrize(
    ("name", "id_", "told"),
    [("size", "larg", "no size 'larg'; the nearest name is 'large'"), ("image", "?", r"no image '\?'$")],
)
def test_unknown_id(servers: Provider, name: str, id_: str, told: str) -> None:
    with pytest.raises(ChoiceError) as caught:
        servers.choose(name, {"id": id_})
    assert told.rstrip("$").replace("\\", "") in str(caught.value)
    assert caught.value.remedy is not None


def test_nothing_else_is_a_choice(servers: Provider, cloud: SimulatedCloud) -> None:
    with pytest.raises(ChoiceError, match="no portable choice for 'subnet'"):
        servers.choose("subnet", {"id": "x"})
    networks = cloud.provider("network.Network")
    assert networks is not None
    with pytest.raises(ChoiceError, match="no portable choice"):
        networks.choose("size", {})
