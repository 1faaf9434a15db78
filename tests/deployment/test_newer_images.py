"""What was chosen once is kept, whatever a cloud publishes since; who asks for it follows newer images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import SimulatedCloud, simulated
from orchestra.clouds.families.simulated import Call, catalogue


class Site(oc.Stack):
    """A server on the newest Debian, or on one image."""

    refresh_image: bool = False
    image: str = ""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.server = oc.Server(
            image=self.image or oc.Image(os="debian", version="12"),
            size=oc.Size(cpus=1, memory_gib=1),
            subnet=self.subnet,
            refresh_image=self.refresh_image,
        )


class Asked:
    """Counts the lists of images."""

    count = 0

    def before(self, call: Call) -> None:
        self.count += call.action == "list_images"

    def after(self, call: Call) -> None:
        pass


class Publisher:
    """What the cloud has published up to a day."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._all = catalogue.IMAGES

    def until(self, day: str) -> None:
        self._patch.setattr(catalogue, "IMAGES", tuple(image for image in self._all if image.created <= day))


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    made = Publisher(monkeypatch)
    made.until("2025-03-15")
    return made


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def cloud(tmp_path: Path, asked: Asked) -> Iterator[SimulatedCloud]:
    made = simulated(tmp_path / "cloud.db", behaviour=oc.clouds.Behaviour(faults=asked))
    yield made
    made.close()


def deploy(stack: oc.Stack, tmp_path: Path, cloud: SimulatedCloud) -> oc.Deployment:
    return oc.Deployment(stack, name="site", cloud=cloud, state=tmp_path / "state.db", progress=False)


def image_of(cloud: SimulatedCloud) -> str:
    """The name of the image that the one server has."""
    (node,) = [one for one in cloud.drivers.compute.list_nodes() if one.extra["status"] == "running"]
    return catalogue.IMAGE_BY_ID[node.extra["image"]].name


def test_a_newer_image_changes_nothing(tmp_path: Path, cloud: SimulatedCloud, publisher: Publisher) -> None:
    with deploy(Site(), tmp_path, cloud) as deployment:
        deployment.apply()
        publisher.until("2025-09-06")
        assert deployment.plan().is_empty
        deployment.apply()
        assert image_of(cloud) == "debian-12-x86_64-2025-03-15"


def test_who_asks_for_it_follows_newer_images(
    tmp_path: Path, cloud: SimulatedCloud, publisher: Publisher, asked: Asked
) -> None:
    with deploy(Site(), tmp_path, cloud) as deployment:
        deployment.apply()
    with deploy(Site(refresh_image=True), tmp_path, cloud) as deployment:
        assert deployment.plan().is_empty  # to ask for it is no change by itself
        publisher.until("2025-09-06")
        (change,) = deployment.plan().changes
        assert (change.address, change.action) == ("server", oc.Action.REPLACE)
        assert [one.name for one in change.properties] == ["image.id"]
        before = asked.count
        assert deployment.plan(refresh=False).is_empty  # by the state alone, without asking
        assert asked.count == before
        deployment.apply()
        assert image_of(cloud) == "debian-12-x86_64-2025-09-06"
        assert cloud.inventory()["compute.Server"] == 1
        assert deployment.plan().is_empty


def test_one_of_the_clouds_own_stays_what_it_is(tmp_path: Path, cloud: SimulatedCloud, publisher: Publisher) -> None:
    own = next(one for one in catalogue.IMAGES if one.name == "debian-12-x86_64-2024-11-09")
    with deploy(Site(refresh_image=True, image=own.id), tmp_path, cloud) as deployment:
        deployment.apply()
        publisher.until("2025-09-06")
        assert deployment.plan().is_empty
        assert image_of(cloud) == own.name


def test_it_is_no_input_of_the_cloud(tmp_path: Path, cloud: SimulatedCloud, publisher: Publisher) -> None:
    assert "refresh_image" not in oc.Server.kind.inputs
    with deploy(Site(refresh_image=True), tmp_path, cloud) as deployment:
        deployment.apply()
        assert "refresh_image" not in deployment.resources["server"].inputs
    with pytest.raises(oc.DefinitionError, match="refresh_image='yes': bool is needed"):
        oc.Server(image="i", size="s", subnet="n", refresh_image="yes")  # type: ignore[arg-type]
