"""The simulated container driver: Libcloud's base class, clusters and a machine with containers in each region."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from types import MappingProxyType
from typing import Final

from libcloud.container.base import Container, ContainerCluster, ContainerDriver, ContainerImage
from libcloud.container.types import ContainerState

from orchestra.clouds.families.simulated.endpoint import WEBSITE, NoConnection, Tags
from orchestra.clouds.families.simulated.kinds import (
    CLUSTER,
    CONTAINER,
    CONTAINER_IMAGE,
    FAILED,
    ClusterBody,
    ContainerBody,
    ContainerImageBody,
    state_at,
)
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import in_use, refusal
from orchestra.clouds.families.simulated.rows import Row, Rows
from orchestra.clouds.families.simulated.specs import ContainerSpec
from orchestra.clouds.families.simulated.tagging import Tagging

_FIRST_ADDRESS: Final = IPv4Address("172.17.0.2")
_ADDRESSES: Final = 65000
_STATES: Final = MappingProxyType(
    {
        "created": ContainerState.STOPPED,
        "starting": ContainerState.PENDING,
        "running": ContainerState.RUNNING,
        "exited": ContainerState.STOPPED,
        FAILED: ContainerState.ERROR,
    }
)

# Libcloud's constructors have no types
_CONTAINER: Final[Callable[..., Container]] = Container
_IMAGE: Final[Callable[..., ContainerImage]] = ContainerImage
_CLUSTER: Final[Callable[..., ContainerCluster]] = ContainerCluster


class SimulatedContainerDriver(Tagging, ContainerDriver):
    """Clusters, images and containers. A container that runs once ends well as soon as it runs."""

    # Libcloud's base class gives these attributes no types, or the types of empty ones
    connectionCls = NoConnection  # type: ignore[assignment]  # noqa: N815
    name = "Simulated"  # type: ignore[assignment]
    website = WEBSITE  # type: ignore[assignment]
    service = "containers"
    supports_clusters = True
    tagged = (CLUSTER,)

    def create_cluster(  # type: ignore[override] # there is one location
        self, name: str, *, ex_tags: Tags = None, ex_token: str | None = None
    ) -> ContainerCluster:
        """Make a cluster."""
        with self._write("create_cluster", token=ex_token) as rows:
            row = rows.made_under(CLUSTER, ex_token)
            if row is None:
                if rows.named(CLUSTER, name):
                    raise refusal("DuplicateClusterName", f"the cluster '{name}' already exists")
                body: ClusterBody = {"tags": dict(ex_tags or {}), "name": name}
                row = rows.add(CLUSTER, body, name=name, token=ex_token)
            return self._cluster(row)

    def list_clusters(  # type: ignore[override] # there is one location
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None
    ) -> list[ContainerCluster]:
        """All clusters, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [self._cluster(row) for row in self._list("list_clusters", CLUSTER, wanted)]

    def get_cluster(self, id: str) -> ContainerCluster:  # noqa: A002
        """One cluster."""
        with self._read("get_cluster", id) as rows:
            return self._cluster(rows.look_up(CLUSTER, id))

    def destroy_cluster(self, cluster: ContainerCluster) -> bool:
        """Delete a cluster; refused while a container is in it."""
        with self._write("destroy_cluster", cluster.id) as rows:
            row = rows.get(CLUSTER, cluster.id)
            if users := rows.users(row.id):
                raise in_use(f"the cluster '{row.id}'", users)
            rows.remove(row)
        return True

    def install_image(self, path: str, *, ex_tags: Tags = None, ex_token: str | None = None) -> ContainerImage:
        """Have an image: any name is one that could be pulled."""
        with self._write("install_image", token=ex_token) as rows:
            row = rows.made_under(CONTAINER_IMAGE, ex_token)
            if row is None:
                digest = f"sha256:{hashlib.sha256(path.encode()).hexdigest()}"
                body: ContainerImageBody = {"tags": dict(ex_tags or {}), "name": path, "digest": digest}
                row = rows.add(CONTAINER_IMAGE, body, token=ex_token)
            return self._image(row)

    def list_images(self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None) -> list[ContainerImage]:
        """All images, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [self._image(row) for row in self._list("list_images", CONTAINER_IMAGE, wanted)]

    def ex_get_image(self, image_id: str) -> ContainerImage:
        """One image."""
        with self._read("ex_get_image", image_id) as rows:
            return self._image(rows.look_up(CONTAINER_IMAGE, image_id))

    def ex_delete_image(self, image_id: str) -> bool:
        """Delete an image; refused while a container is made of it."""
        with self._write("ex_delete_image", image_id) as rows:
            row = rows.get(CONTAINER_IMAGE, image_id)
            if users := rows.users(row.id):
                raise in_use(f"the image '{row.id}'", users)
            rows.remove(row)
        return True

    def list_containers(  # type: ignore[override] # clusters and images are asked for by what is in them and made of them
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None
    ) -> list[Container]:
        """All containers, also those that don't run, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [self._container(row) for row in self._list("list_containers", CONTAINER, wanted)]

    def get_container(self, id: str) -> Container:  # noqa: A002
        """One container."""
        with self._read("get_container", id) as rows:
            return self._container(rows.look_up(CONTAINER, id))

    def deploy_container(  # type: ignore[override] # what it is made of and where is said in one piece
        self,
        name: str,
        spec: ContainerSpec,
        *,
        start: bool = True,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> Container:
        """Make a container, and start it."""
        with self._write("deploy_container", token=ex_token) as rows:
            row = rows.made_under(CONTAINER, ex_token)
            if row is None:
                if rows.named(CONTAINER, name):
                    raise refusal("DuplicateContainerName", f"the container '{name}' already exists")
                image = rows.find(CONTAINER_IMAGE, spec["image"])
                cluster = rows.get(CLUSTER, where) if (where := spec.get("cluster")) else None
                body: ContainerBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name,
                    "spec": spec,
                    "states": [(self._now(), "created")],
                }
                row = rows.add(CONTAINER, body, name=name, token=ex_token)
                rows.use(row, "image", [image.id] if image else [])
                rows.use(row, "cluster", [cluster.id] if cluster else [])
                if start:
                    self._start(rows, row)
            return self._container(row)

    def ex_update_container(self, container_id: str, spec: ContainerSpec) -> Container:
        """Change the limits of a container and when it is started again."""
        with self._write("ex_update_container", container_id) as rows:
            row = rows.get(CONTAINER, container_id)
            kept = row.body["spec"]
            kept["restart"], kept["memory_mib"], kept["cpus"] = spec["restart"], spec["memory_mib"], spec["cpus"]
            rows.save(row)
            return self._container(row)

    def start_container(self, container: Container) -> Container:
        """Start a container; one that runs is left alone."""
        with self._write("start_container", container.id) as rows:
            row = rows.get(CONTAINER, container.id)
            if state_at(row.body["states"], self._now()) not in ("starting", "running"):
                self._start(rows, row)
            return self._container(row)

    def stop_container(self, container: Container) -> Container:
        """Stop a container."""
        with self._write("stop_container", container.id) as rows:
            row = rows.get(CONTAINER, container.id)
            row.body["states"] = [(self._now(), "exited")]
            rows.use(row, "port", [])
            rows.save(row)
            return self._container(row)

    def destroy_container(self, container: Container) -> bool:
        """Delete a container."""
        with self._write("destroy_container", container.id) as rows:
            rows.remove(rows.get(CONTAINER, container.id))
        return True

    def _start(self, rows: Rows, row: Row[ContainerBody]) -> None:
        """Let it run from now on, or run to its end; refused while another that runs has one of its ports."""
        spec = row.body["spec"]
        where = spec.get("cluster") or rows.region_of(CONTAINER)
        ports = [f"{where}:{port['host']}/{port['protocol']}" for port in spec["ports"]]
        for port in ports:
            if rows.linked(CONTAINER, port, "port"):
                raise refusal("PortInUse", f"the port {port} is already allocated")
        row.body["states"] = self._passing("starting", "exited" if spec["once"] else "running")
        rows.use(row, "port", [] if spec["once"] else ports, blocks=False)
        rows.save(row)

    def _container(self, row: Row[ContainerBody]) -> Container:
        body = row.body
        spec, state = body["spec"], state_at(body["states"], self._now())
        has_address = state == "running" and spec["network"] not in ("host", "none")
        address = str(_FIRST_ADDRESS + row.number % _ADDRESSES)
        return _CONTAINER(
            row.id,
            body["name"],
            _IMAGE(spec["image"], spec["image"], spec["image"], None, self),
            _STATES[state],
            [address] if has_address else [],
            self,
            extra={"status": state, "spec": spec, "tags": body["tags"]},
        )

    def _cluster(self, row: Row[ClusterBody]) -> ContainerCluster:
        return _CLUSTER(row.id, row.body["name"], self, extra={"tags": row.body["tags"]})

    def _image(self, row: Row[ContainerImageBody]) -> ContainerImage:
        body = row.body
        extra = {"digest": body["digest"], "tags": body["tags"]}
        return _IMAGE(row.id, body["name"], body["name"], None, self, extra)
