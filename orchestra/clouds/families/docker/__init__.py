"""Docker engines, through Libcloud's container driver."""

from __future__ import annotations

from orchestra.clouds.families.docker.cloud import DockerCloud, docker

__all__ = ["DockerCloud", "docker"]
