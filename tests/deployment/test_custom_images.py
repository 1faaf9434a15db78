"""Images made of servers, in a stack: what waits for what, what is replaced with what, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest

import orchestra as oc
from orchestra.clouds import SimulatedCloud, simulated
from orchestra.clouds.families.simulated import Call


class Golden(oc.Stack):
    """A builder, an image of it, and servers made from that."""

    release: int = 1
    builder_gib: int = 1
    remade_with: str = ""
    remark: str = ""
    web_servers: int = 2
    built_by: str = ""
    new_first: bool | None = None

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        if not self.built_by:
            self.builder = oc.Server(
                image=oc.Image(os="debian", version="12"),
                size=oc.Size(cpus=1, memory_gib=self.builder_gib),
                subnet=self.subnet,
                user_data=f"release {self.release}",
            )
        self.golden = oc.CustomImage(
            server=self.built_by or self.builder,
            description=self.remark,
            lifecycle=oc.Lifecycle(
                replace_on=[self.remade_with] if self.remade_with else [], create_before_delete=self.new_first
            ),
        )
        self.web = [
            oc.Server(image=self.golden, size=oc.Size(cpus=1, memory_gib=1), subnet=self.subnet)
            for _ in range(self.web_servers)
        ]


class Watched:
    """The calls that made or deleted something, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def before(self, call: Call) -> None:
        if call.action.startswith(("create_", "destroy_", "delete_")):
            self.calls.append(call.action)

    def after(self, call: Call) -> None:
        pass


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def cloud(watched: Watched) -> SimulatedCloud:
    return simulated(":memory:", behaviour=oc.clouds.Behaviour(faults=watched))


def deployed(cloud: SimulatedCloud, folder: Path, **parameters: object) -> oc.Deployment:
    stack = Golden(**parameters)  # type: ignore[arg-type]
    return oc.Deployment(stack, name="golden", cloud=cloud, state=folder / "state.db", progress=False)


def apply(cloud: SimulatedCloud, folder: Path, **parameters: object) -> dict[str, oc.Action]:
    """Apply, see that nothing is left to do, and tell what was done."""
    with deployed(cloud, folder, **parameters) as deployment:
        plan = deployment.plan()
        deployment.apply(plan)
        after = deployment.plan()
        assert after.is_empty, after
        assert deployment.drift().is_empty
    return {str(change.address): change.action for change in plan.changes if change.action is not oc.Action.READ}


def identity(cloud: SimulatedCloud, folder: Path, address: str) -> str:
    with deployed(cloud, folder) as deployment:
        return next(record.external_id for one, record in deployment.resources.items() if one == address)


def test_the_image_waits_for_its_server_and_servers_for_the_image(
    cloud: SimulatedCloud, watched: Watched, tmp_path: Path
) -> None:
    apply(cloud, tmp_path)
    assert [one for one in watched.calls if one in ("create_node", "create_image")] == [
        "create_node",
        "create_image",
        "create_node",
        "create_node",
    ]
    golden = identity(cloud, tmp_path, "golden")
    images = {node.name.rpartition("-")[0]: node.extra["image"] for node in cloud.drivers.compute.list_nodes()}
    assert images["golden-web-0"] == images["golden-web-1"] == golden != images["golden-builder"]
    with deployed(cloud, tmp_path) as deployment:
        used = {str(address): record.dependencies for address, record in deployment.resources.items()}
    assert set(used["golden"]) == {"builder"}
    assert set(used["web[0]"]) == {"golden", "subnet"}


def test_a_server_changed_in_place_leaves_the_image_as_it_was(cloud: SimulatedCloud, tmp_path: Path) -> None:
    apply(cloud, tmp_path)
    assert apply(cloud, tmp_path, builder_gib=4) == {"builder": oc.Action.UPDATE}


def test_a_server_replaced_makes_the_image_anew_and_what_is_made_from_it(
    cloud: SimulatedCloud, watched: Watched, tmp_path: Path
) -> None:
    apply(cloud, tmp_path)
    before = identity(cloud, tmp_path, "golden")
    watched.calls.clear()
    assert apply(cloud, tmp_path, release=2) == {
        "builder": oc.Action.REPLACE,
        "golden": oc.Action.REPLACE,
        "web[0]": oc.Action.REPLACE,
        "web[1]": oc.Action.REPLACE,
    }
    assert watched.calls[:4] == ["create_node", "create_image", "create_node", "create_node"]
    assert watched.calls.index("delete_image") > max(i for i, one in enumerate(watched.calls) if one == "create_node")
    assert watched.calls[-1] == "destroy_node", "the old builder goes after the image that was made of it"
    assert identity(cloud, tmp_path, "golden") != before
    assert cloud.inventory()["compute.CustomImage"] == 1
    assert cloud.inventory()["compute.Server"] == 3


def test_the_user_says_what_makes_it_anew(cloud: SimulatedCloud, tmp_path: Path) -> None:
    apply(cloud, tmp_path, remade_with="monday")
    done = apply(cloud, tmp_path, remade_with="tuesday")
    assert done == dict.fromkeys(("golden", "web[0]", "web[1]"), oc.Action.REPLACE)
    done = apply(cloud, tmp_path, remade_with="tuesday", remark="the second")
    assert done == dict.fromkeys(("golden", "web[0]", "web[1]"), oc.Action.REPLACE)


def test_the_old_image_may_go_first_and_its_servers_before_it(
    cloud: SimulatedCloud, watched: Watched, tmp_path: Path
) -> None:
    apply(cloud, tmp_path, new_first=False)
    watched.calls.clear()
    apply(cloud, tmp_path, new_first=False, remark="another")
    assert watched.calls == [
        *("destroy_node", "destroy_node"),
        *("delete_image", "create_image"),
        *("create_node", "create_node"),
    ]


def test_the_server_may_go_and_the_image_stays(cloud: SimulatedCloud, tmp_path: Path) -> None:
    apply(cloud, tmp_path)
    builder = identity(cloud, tmp_path, "builder")
    assert apply(cloud, tmp_path, built_by=builder) == {"builder": oc.Action.DELETE}
    assert apply(cloud, tmp_path, built_by=builder, web_servers=3) == {"web[2]": oc.Action.CREATE}


def test_a_server_that_vanished_is_made_anew_with_its_image(cloud: SimulatedCloud, tmp_path: Path) -> None:
    apply(cloud, tmp_path)
    driver = cloud.drivers.compute
    driver.destroy_node(driver.ex_get_node(identity(cloud, tmp_path, "builder")))
    assert apply(cloud, tmp_path) == {
        "builder": oc.Action.CREATE,
        **dict.fromkeys(("golden", "web[0]", "web[1]"), oc.Action.REPLACE),
    }


def test_an_image_that_vanished_is_made_anew_with_its_servers(cloud: SimulatedCloud, tmp_path: Path) -> None:
    apply(cloud, tmp_path)
    driver = cloud.drivers.compute
    driver.delete_image(driver.get_image(identity(cloud, tmp_path, "golden")))
    assert apply(cloud, tmp_path) == {
        "golden": oc.Action.CREATE,
        **dict.fromkeys(("web[0]", "web[1]"), oc.Action.REPLACE),
    }


def test_everything_goes_in_order(cloud: SimulatedCloud, watched: Watched, tmp_path: Path) -> None:
    apply(cloud, tmp_path)
    watched.calls.clear()
    with deployed(cloud, tmp_path) as deployment:
        deployment.destroy()
    assert watched.calls == [*("destroy_node", "destroy_node"), "delete_image", "destroy_node"]
    assert cloud.inventory() == {}


def test_what_is_found_refers_to_the_image(cloud: SimulatedCloud, tmp_path: Path) -> None:
    apply(cloud, tmp_path)
    generated = oc.generate(cloud, select=oc.Select(managed=True), name="Found")
    assert "self.golden = oc.CustomImage(" in generated.source
    assert "server=self.builder" in generated.source
    assert generated.source.count("image=self.golden") == 2
    assert [(one.external_id, one.input) for one in generated.left_out] == [
        (identity(cloud, tmp_path, "builder"), "user_data")
    ]
    module: dict[str, object] = {}
    exec(compile(generated.source, "found.py", "exec"), module)
    stack = module["Found"]
    assert isinstance(stack, type)
    with oc.Deployment(stack(), name="again", cloud=cloud, state=tmp_path / "again.db", progress=False) as again:
        generated.adopt(again)
        assert again.plan().is_empty
