"""Clusters, containers and their images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Final

from libcloud.container.base import Container as CloudContainer
from libcloud.container.base import ContainerCluster as CloudCluster
from libcloud.container.base import ContainerImage as CloudImage
from libcloud.container.types import ContainerState

from orchestra.clouds.families.simulated.calls.shared import SimulatedCalls, relabel, tags_of
from orchestra.clouds.families.simulated.containers import SimulatedContainerDriver
from orchestra.clouds.families.simulated.kinds import FAILED
from orchestra.clouds.families.simulated.specs import ContainerSpec, MountBody, PortBody
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.resources.containers import Cluster, Container, ContainerImage

_DEFAULT_NETWORK: Final = "bridge"
_STATUSES: Final = MappingProxyType({"starting": Status.PENDING, FAILED: Status.FAILED})
"""A container that isn't started, or was stopped, is not on its way anywhere."""

# Libcloud's constructors have no types
_CONTAINER: Final[Callable[..., CloudContainer]] = CloudContainer
_CLUSTER: Final[Callable[..., CloudCluster]] = CloudCluster


class ClusterCalls(SimulatedCalls[SimulatedContainerDriver, CloudCluster]):
    """A cluster."""

    kind = "containers.Cluster"
    resource = Cluster

    def create(self, driver: SimulatedContainerDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        name = inputs.optional_text("name") or owner.name()
        return self.tell(driver.create_cluster(name, ex_tags=tags_of(inputs, owner), ex_token=owner.token))

    def listed(
        self, driver: SimulatedContainerDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[CloudCluster]:
        """See `SimulatedCalls.listed`."""
        return driver.list_clusters(ids, token)

    def one(self, driver: SimulatedContainerDriver, external_id: str) -> CloudCluster:
        """See `SimulatedCalls.one`."""
        return driver.get_cluster(external_id)

    def tell(self, one: CloudCluster) -> Observation:
        """See `SimulatedCalls.tell`."""
        return self.observation(str(one.id), {"name": one.name}, tags=one.extra["tags"], name=one.name)

    def update(self, driver: SimulatedContainerDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        relabel(driver, external_id, driver.get_cluster(external_id).extra["tags"], update)
        return self.look_up(driver, external_id)

    def delete(self, driver: SimulatedContainerDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.destroy_cluster(_CLUSTER(external_id, "", driver))


class ContainerImageCalls(SimulatedCalls[SimulatedContainerDriver, CloudImage]):
    """An image."""

    kind = "containers.ContainerImage"
    resource = ContainerImage

    def create(self, driver: SimulatedContainerDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        return self.tell(driver.install_image(inputs.text("name"), ex_tags=owner.tags(), ex_token=owner.token))

    def listed(
        self, driver: SimulatedContainerDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[CloudImage]:
        """See `SimulatedCalls.listed`."""
        return driver.list_images(ids, token)

    def one(self, driver: SimulatedContainerDriver, external_id: str) -> CloudImage:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_image(external_id)

    def tell(self, one: CloudImage) -> Observation:
        """See `SimulatedCalls.tell`."""
        outputs = {"digest": one.extra["digest"]}
        return self.observation(str(one.id), {"name": one.name}, outputs, tags=one.extra["tags"], name=one.name)

    def delete(self, driver: SimulatedContainerDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.ex_delete_image(external_id)


class ContainerCalls(SimulatedCalls[SimulatedContainerDriver, CloudContainer]):
    """A container."""

    kind = "containers.Container"
    resource = Container

    def create(self, driver: SimulatedContainerDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        container = driver.deploy_container(
            inputs.optional_text("name") or owner.name(),
            _spec(inputs),
            start=inputs.flag("running"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(container)

    def listed(
        self, driver: SimulatedContainerDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[CloudContainer]:
        """See `SimulatedCalls.listed`."""
        return driver.list_containers(ids, token)

    def one(self, driver: SimulatedContainerDriver, external_id: str) -> CloudContainer:
        """See `SimulatedCalls.one`."""
        return driver.get_container(external_id)

    def tell(self, one: CloudContainer) -> Observation:
        """See `SimulatedCalls.tell`."""
        state, spec = one.extra["status"], one.extra["spec"]
        running = state in ("starting", "running") or (spec["once"] and state == "exited")
        return self.observation(
            str(one.id),
            {**spec, "cluster": spec.get("cluster"), "name": one.name, "running": running},
            {"ip": next(iter(one.ip_addresses), None), "state": state},
            tags=one.extra["tags"],
            status=_STATUSES.get(state, Status.READY),
            detail=state if state in _STATUSES else "",
            name=one.name,
        )

    def update(self, driver: SimulatedContainerDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        if update.changed & {"restart", "memory_mib", "cpus"}:
            driver.ex_update_container(external_id, _spec(update.after))
        if "running" not in update.changed:
            return self.look_up(driver, external_id)
        if update.after.flag("running"):
            return self.tell(driver.start_container(_stand_in(driver, external_id)))
        return self.tell(driver.stop_container(_stand_in(driver, external_id)))

    def delete(self, driver: SimulatedContainerDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.destroy_container(_stand_in(driver, external_id))


def _stand_in(driver: SimulatedContainerDriver, external_id: str) -> CloudContainer:
    """Libcloud's calls take an object of which only the id matters here."""
    return _CONTAINER(external_id, "", None, ContainerState.UNKNOWN, [], driver)


def _spec(inputs: Inputs) -> ContainerSpec:
    cpus = inputs.values.get("cpus")
    return {
        "image": inputs.text("image"),
        "cluster": inputs.optional_text("cluster"),
        "command": inputs.texts("command"),
        "environment": {name: str(value) for name, value in inputs.mapping("environment").items()},
        "ports": [_port(Inputs(port)) for port in inputs.mappings("ports")],
        "mounts": [_mount(Inputs(mount)) for mount in inputs.mappings("mounts")],
        "network": inputs.text("network", _DEFAULT_NETWORK),
        "restart": inputs.text("restart"),
        "memory_mib": None if inputs.values.get("memory_mib") is None else inputs.integer("memory_mib"),
        "cpus": float(cpus) if isinstance(cpus, (int, float)) else None,
        "stop_seconds": inputs.integer("stop_seconds"),
        "once": inputs.flag("once"),
    }


def _port(port: Inputs) -> PortBody:
    return {
        "container": port.integer("container"),
        "host": port.integer("host"),
        "protocol": port.text("protocol"),
        "address": port.text("address"),
    }


def _mount(mount: Inputs) -> MountBody:
    return {
        "source": mount.text("source"),
        "target": mount.text("target"),
        "read_only": mount.flag("read_only"),
    }
