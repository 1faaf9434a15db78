"""Containers and images in the simulated cloud, used as Libcloud's drivers are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from libcloud.container.base import ContainerDriver
from libcloud.container.types import ContainerState

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.families.simulated.specs import ContainerSpec
from orchestra.clouds.translate import translate
from orchestra.errors import CloudError, ConflictError, InUseError, NotFoundError
from orchestra.testing import VirtualClock

MakeCloud = Callable[..., SimulatedCloud]


def spec(**more: Any) -> ContainerSpec:
    given: Any = {
        "image": "busybox:1",
        "command": [],
        "environment": {},
        "ports": [],
        "mounts": [],
        "network": "bridge",
        "restart": "no",
        "memory_mib": None,
        "cpus": None,
        "stop_seconds": 10,
        "once": False,
    }
    return {**given, **more}


def refused(attempt: Callable[[], object]) -> CloudError:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is in our tree is looked at
        attempt()
    return translate(caught.value)


def test_life_of_a_container(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    cloud = make_cloud(boot_seconds=5.0)
    driver = cloud.drivers.containers
    assert isinstance(driver, ContainerDriver)
    made = driver.deploy_container("web", spec(), ex_tags={"a": "b"})
    assert (made.state, made.ip_addresses, made.extra["tags"]) == (ContainerState.PENDING, [], {"a": "b"})
    clock.advance(5.0)
    running = driver.get_container(made.id)
    assert (running.state, running.name) == (ContainerState.RUNNING, "web")
    assert running.ip_addresses[0].startswith("172.17.")
    assert running.stop().extra["status"] == "exited"
    assert driver.start_container(running).state == ContainerState.PENDING
    assert [one.id for one in driver.list_containers()] == [made.id]
    assert running.destroy()
    assert driver.list_containers() == []
    assert isinstance(refused(lambda: driver.get_container(made.id)), NotFoundError)


def test_one_that_is_not_started_and_one_that_runs_once(make_cloud: MakeCloud, clock: VirtualClock) -> None:
    driver = make_cloud(boot_seconds=5.0).drivers.containers
    assert driver.deploy_container("off", spec(), start=False).extra["status"] == "created"
    job = driver.deploy_container("job", spec(once=True))
    assert job.extra["status"] == "starting"
    clock.advance(5.0)
    assert driver.get_container(job.id).extra["status"] == "exited"


def test_networks_without_addresses(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.containers
    for network in ("host", "none"):
        assert driver.deploy_container(network, spec(network=network)).ip_addresses == []


def test_names_and_ports_are_taken_once(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.containers
    ports = [{"container": 80, "host": 8080, "protocol": "tcp", "address": "0.0.0.0"}]
    first = driver.deploy_container("one", spec(ports=ports))
    assert isinstance(refused(lambda: driver.deploy_container("one", spec())), ConflictError)
    assert isinstance(refused(lambda: driver.deploy_container("two", spec(ports=ports))), InUseError)
    assert cloud.inventory() == {"containers.Container": 1}
    other = [{**ports[0], "protocol": "udp"}]
    driver.deploy_container("udp", spec(ports=other))
    driver.stop_container(first)
    driver.deploy_container("two", spec(ports=ports))
    assert isinstance(refused(lambda: driver.start_container(first)), InUseError)


def test_images_in_use_stay(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.containers
    image = driver.install_image("busybox:1")
    assert driver.ex_get_image(image.id).extra["digest"].startswith("sha256:")
    made = driver.deploy_container("one", spec(image=image.id))
    refusal = refused(lambda: driver.ex_delete_image(image.id))
    assert isinstance(refusal, InUseError)
    assert made.id in refusal.message
    driver.destroy_container(made)
    assert driver.ex_delete_image(image.id)
    assert driver.list_images() == []


class Shop(oc.Stack):
    """A web server, and a job that goes before it."""

    def build(self) -> None:
        self.image = oc.ContainerImage(name="shop:1")
        self.migration = oc.Container(image=self.image, command=["migrate"], once=True)
        self.web = oc.Container(image=self.image, ports=[oc.Port(container=80, host=8080)], depends_on=[self.migration])


def test_a_stack_with_containers(cloud: SimulatedCloud, clock: VirtualClock, tmp_path: Path) -> None:
    stack = Shop()
    with oc.Deployment(
        stack, name="shop", cloud=cloud, state=tmp_path / "state.db", clock=clock, progress=False
    ) as deployment:
        deployment.apply()
        assert deployment.plan().is_empty
        assert deployment.value(stack.web.state) == "running"
        assert deployment.value(stack.migration.state) == "exited"
        containers = cloud.drivers.containers
        containers.stop_container(containers.get_container(deployment.value(stack.web.id)))
        (change,) = (one for one in deployment.plan().changes if one.action is not oc.Action.NO_OP)
        assert (change.address, change.action, change.reason) == ("web", oc.Action.UPDATE, oc.Reason.DRIFTED)
        deployment.apply()
        assert deployment.value(stack.web.state) == "running"
        deployment.destroy()
    assert cloud.inventory() == {}
