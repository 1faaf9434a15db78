"""The web shop of the examples, unchanged: what OpenStack has on a real one, the rest elsewhere."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import orchestra as oc
from tests.memory_cloud import MemoryCloud
from tests.openstack_server import HINT, OpenStackServer, find_server

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def server() -> OpenStackServer:
    found = find_server("shop")
    if found is None:
        pytest.skip(HINT)
    return found


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    path = Path(__file__).parents[3] / "examples" / "webshop.py"
    spec = importlib.util.spec_from_file_location("webshop_on_openstack", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


SHOP = {
    "networks": 1,
    "subnets": 1,
    "routers": 1,
    "security_groups": 2,
    "keypairs": 1,
    "servers": 3,
    "floatingips": 2,  # the database server has no public address
    "ports": 4,  # and the router's
}


def test_the_plan_names_what_openstack_has_not(example: ModuleType, server: OpenStackServer, tmp_path: Path) -> None:
    cloud = oc.clouds.openstack(**server.settings)
    deployment = oc.Deployment(example.WebShop(), name="shop", cloud=cloud, state=tmp_path / "state.db")
    with deployment, pytest.raises(oc.UnsupportedError) as caught:
        deployment.plan()
    for kind in ("balancing.LoadBalancer", "dns.Zone", "dns.Record", "storage.Bucket"):
        assert kind in str(caught.value)
    balancing = next(line for line in str(caught.value).splitlines() if "balancing.LoadBalancer" in line)
    able = {
        name.partition(":")[0] for name, kinds in oc.clouds.capabilities().items() if "balancing.LoadBalancer" in kinds
    }
    assert set(re.findall(r"oc\.clouds\.(\w+)", balancing)) == able


def test_the_web_shop_lives_and_dies(example: ModuleType, server: OpenStackServer, tmp_path: Path) -> None:
    before = server.census()
    there, elsewhere = oc.clouds.openstack(**server.settings), oc.clouds.simulated(tmp_path / "cloud.db")
    # the simulated balancer would want servers of its own cloud
    cloud = oc.Cloud(base=there, balancing=MemoryCloud(), dns=elsewhere, storage=elsewhere)

    def deployment(servers: int) -> oc.Deployment:
        shop = example.WebShop(web_servers=servers)
        return oc.Deployment(shop, name="shop", cloud=cloud, state=tmp_path / "state.db", progress=False)

    two = deployment(2)
    two.apply()
    assert server.census() - before == SHOP
    assert two.plan().is_empty

    three = deployment(3)
    plan = three.plan()
    assert {change.address: change.action for change in plan.changes} == {
        "web[2]": oc.Action.CREATE,
        "balancer": oc.Action.UPDATE,
    }
    three.apply(plan)
    assert (server.census() - before)["servers"] == 4
    assert three.plan().is_empty

    server.delete("compute", f"servers/{three.value(three.stack.web[0].id)}")
    intruder = {"metadata": {"role": "intruder"}}
    server.ask("POST", "compute", f"servers/{three.value(three.stack.web[1].id)}/metadata", intruder)
    drift = {change.address: change.action for change in three.drift().changes}
    assert drift["web[0]"] is oc.Action.FORGET
    assert drift["web[1]"] is oc.Action.READ
    three.apply()
    assert three.drift().is_empty
    assert three.plan().is_empty
    assert (server.census() - before)["servers"] == 4

    three.destroy()
    assert three.resources == {}
    assert server.census() == before
