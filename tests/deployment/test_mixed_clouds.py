"""One stack on several clouds: what goes where, what a change of cloud does, and what destroying finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import orchestra as oc
from orchestra.clouds import SimulatedCloud, simulated
from orchestra.model.declaration import collect

DEBIAN = oc.Image(os="debian", version="12")


class Site(oc.Stack):
    """A network with a server in it."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.server = oc.Server(image=DEBIAN, size=oc.Size(cpus=1, memory_gib=1), subnet=self.subnet)


class World(oc.Stack):
    """A site on each of some clouds, and names for their servers where the deployment is."""

    places: Sequence[Any] = ()

    def build(self) -> None:
        self.sites = {place.name: Site(cloud=place) for place in self.places}
        self.zone = oc.Zone(domain="shop.example")
        self.names = {
            name: oc.Record(zone=self.zone, name=name, type="A", values=[site.server.public_ip])
            for name, site in self.sites.items()
        }


@pytest.fixture
def clouds(tmp_path: Path) -> Iterator[dict[str, SimulatedCloud]]:
    made = {
        name: simulated(tmp_path / "world.db", name=name, region=region)
        for name, region in (("home", "sim-1"), ("near", "sim-2"), ("far", "sim-3"))
    }
    yield made
    for cloud in made.values():
        cloud.close()


def deploy(stack: oc.Stack, tmp_path: Path, cloud: SimulatedCloud, **options: Any) -> oc.Deployment:
    return oc.Deployment(stack, name="world", cloud=cloud, state=tmp_path / "state.db", progress=False, **options)


def places(deployment: oc.Deployment) -> dict[str, str]:
    return {address: record.cloud for address, record in deployment.resources.items()}


def test_a_nested_stack_goes_to_its_cloud_and_the_rest_to_the_deployments(
    tmp_path: Path, clouds: dict[str, SimulatedCloud]
) -> None:
    home, near, far = clouds.values()
    with deploy(World(places=[near, far]), tmp_path, home) as deployment:
        deployment.apply()
        assert places(deployment) == {
            'names["far"]': "home",
            'names["near"]': "home",
            'sites["far"].network': "far",
            'sites["far"].server': "far",
            'sites["far"].subnet': "far",
            'sites["near"].network': "near",
            'sites["near"].server': "near",
            'sites["near"].subnet': "near",
            "zone": "home",
        }
        assert near.inventory()["compute.Server"] == far.inventory()["compute.Server"] == 1
        assert "compute.Server" not in home.inventory()
        zones = {deployment.value(site.server.zone) for site in deployment.stack.sites.values()}  # type: ignore[attr-defined]
        assert {zone[:5] for zone in zones} == {"sim-2", "sim-3"}
        assert deployment.plan().is_empty
        deployment.destroy()
        assert not [kind for cloud in clouds.values() for kind in cloud.inventory()]


def test_another_cloud_for_a_nested_stack_replaces_what_is_in_it(
    tmp_path: Path, clouds: dict[str, SimulatedCloud]
) -> None:
    class Moving(oc.Stack):
        place: Any = None

        def build(self) -> None:
            self.site = Site(cloud=self.place)

    home, near, far = clouds.values()
    with deploy(Moving(place=near), tmp_path, home) as deployment:
        deployment.apply()
    with deploy(Moving(place=far), tmp_path, home, clouds=[near]) as deployment:
        plan = deployment.plan()
        assert {change.address: change.action for change in plan.changes} == dict.fromkeys(
            ("site.network", "site.subnet", "site.server"), oc.Action.REPLACE
        )
        for change in plan.changes:
            (moved,) = [one for one in change.properties if one.path == ("cloud",)]
            assert (moved.before, moved.after, moved.forces_replacement) == ("near", "far", True)
        deployment.apply(plan)
        assert set(places(deployment).values()) == {"far"}
        assert not near.inventory()
        assert far.inventory()["compute.Server"] == 1
        assert deployment.plan().is_empty


def test_what_is_no_longer_declared_is_deleted_where_the_state_says(
    tmp_path: Path, clouds: dict[str, SimulatedCloud]
) -> None:
    home, near, far = clouds.values()
    with deploy(World(places=[near, far]), tmp_path, home) as deployment:
        deployment.apply()
    with deploy(World(places=[near]), tmp_path, home) as deployment:
        with pytest.raises(oc.ApplyError) as unknown:
            deployment.plan()
        assert len(unknown.value.exceptions) == 3
        for cause in unknown.value.exceptions:
            assert "the cloud 'far', which this deployment doesn't know; it knows home, near" in str(cause)
        assert far.inventory()["compute.Server"] == 1
    with deploy(World(places=[near]), tmp_path, home, clouds=[far]) as deployment:
        deployment.apply()
        assert "network.Network" not in far.inventory()
        assert near.inventory()["compute.Server"] == 1
    with deploy(World(), tmp_path, home, clouds=[near, far]) as deployment:
        deployment.destroy()
    assert not [kind for cloud in clouds.values() for kind in cloud.inventory()]


def test_the_nearest_cloud_counts(clouds: dict[str, SimulatedCloud]) -> None:
    home, near, far = clouds.values()

    class Leaf(oc.Stack):
        def build(self) -> None:
            self.around = oc.Bucket()
            self.own = oc.Bucket(cloud=home)

    class Branch(oc.Stack):
        def build(self) -> None:
            self.leaf = Leaf()
            self.leaves = [Leaf(cloud=far)]
            self.bucket = oc.Bucket()

    class Tree(oc.Stack):
        def build(self) -> None:
            self.branch = Branch(cloud=near)
            self.bucket = oc.Bucket()

    declared = collect(Tree()).resources
    assert {address: item.cloud and item.cloud.name for address, item in declared.items()} == {
        "branch.leaf.around": "near",
        "branch.leaf.own": "home",
        "branch.leaves[0].around": "far",
        "branch.leaves[0].own": "home",
        "branch.bucket": "near",
        "bucket": None,
    }
    assert collect(Tree(cloud=far)).resources["bucket"].cloud is far  # type: ignore[index]


def test_a_stack_knows_its_cloud_while_it_is_built(clouds: dict[str, SimulatedCloud]) -> None:
    class Named(oc.Stack):
        def build(self) -> None:
            self.bucket = oc.Bucket(name=f"files-{self.cloud.name if self.cloud else 'nowhere'}")

    assert Named(cloud=clouds["far"]).bucket.name == "files-far"
    assert Named().bucket.name == "files-nowhere"


def test_two_clouds_of_one_name_are_refused(tmp_path: Path, clouds: dict[str, SimulatedCloud]) -> None:
    class Twice(oc.Stack):
        def build(self) -> None:
            self.sites = [Site(cloud=simulated(":memory:", name="same")) for _ in range(2)]

    with pytest.raises(oc.PlanError, match="two different clouds have the name 'same'"):
        deploy(Twice(), tmp_path, clouds["home"]).plan()


def test_what_is_no_cloud_is_refused(tmp_path: Path, clouds: dict[str, SimulatedCloud]) -> None:
    with pytest.raises(oc.DefinitionError, match=r"Site\(cloud='far'\): a cloud is needed"):
        Site(cloud="far")  # type: ignore[arg-type]

    class OnlyNamed:
        name = "far"

    with pytest.raises(oc.PlanError, match="is no cloud: it has a name and no providers") as refused:
        deploy(Site(cloud=OnlyNamed()), tmp_path, clouds["home"]).plan()
    assert refused.value.address == "network"


def test_cloud_is_no_name_for_anything_else() -> None:
    with pytest.raises(oc.DefinitionError, match="cloud is no parameter of its own") as refused:

        class Own(oc.Stack):
            cloud: str = "far"  # type: ignore[assignment]

    assert "use self.cloud" in str(refused.value)

    class Hidden(oc.Stack):
        def build(self) -> None:
            self.cloud = oc.Bucket()  # type: ignore[assignment]

    with pytest.raises(oc.DefinitionError, match=r"self\.cloud is where the resources of Hidden go"):
        Hidden()
