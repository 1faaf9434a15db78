"""What a container in the simulated world is made of."""

from __future__ import annotations

from typing import TypedDict


class PortBody(TypedDict):
    """A port of a container that can be reached from outside, in the catalogue's form."""

    container: int
    host: int
    protocol: str
    address: str


class MountBody(TypedDict):
    """A folder or a volume that a container sees, in the catalogue's form."""

    source: str
    target: str
    read_only: bool


class Placed(TypedDict, total=False):
    """Where a container is: the id of a cluster; one without is on the region's machine, as all once were."""

    cluster: str | None


class ContainerSpec(Placed):
    """What a container is made of, in the catalogue's form. ``image`` is the id of one, or any name."""

    image: str
    command: list[str]
    environment: dict[str, str]
    ports: list[PortBody]
    mounts: list[MountBody]
    network: str
    restart: str
    memory_mib: int | None
    cpus: float | None
    stop_seconds: int
    once: bool
