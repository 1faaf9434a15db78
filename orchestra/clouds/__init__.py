"""Clouds: configured sets of Libcloud drivers. The only place that imports Libcloud.

``clouds.aws(…)``, ``clouds.openstack(…)``, ``clouds.libcloud(…)`` and the like make one; `Cloud` puts one together from
parts of others. ``clouds.capabilities()`` tells what each family can do. A family's drivers are imported when its name
is first used.
"""

from __future__ import annotations

import importlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from orchestra.clouds.abilities import capabilities
    from orchestra.clouds.base.compute.cloud import FamilyCloud
    from orchestra.clouds.cloud import Cloud
    from orchestra.clouds.families.aws import AwsCloud, aws
    from orchestra.clouds.families.digitalocean import digitalocean
    from orchestra.clouds.families.docker import DockerCloud, docker
    from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
    from orchestra.clouds.families.linode import linode
    from orchestra.clouds.families.openstack import OpenStackCloud, openstack
    from orchestra.clouds.families.scaleway import scaleway
    from orchestra.clouds.families.simulated import Behaviour, SimulatedCloud, simulated
    from orchestra.clouds.families.upcloud import upcloud
    from orchestra.clouds.families.vultr import vultr

__all__ = [
    "AwsCloud",
    "Behaviour",
    "Cloud",
    "DockerCloud",
    "FamilyCloud",
    "LibcloudCloud",
    "OpenStackCloud",
    "SimulatedCloud",
    "aws",
    "capabilities",
    "digitalocean",
    "docker",
    "libcloud",
    "linode",
    "openstack",
    "scaleway",
    "simulated",
    "upcloud",
    "vultr",
]

_HOMES: Final = MappingProxyType(
    {
        "AwsCloud": "orchestra.clouds.families.aws",
        "Behaviour": "orchestra.clouds.families.simulated",
        "Cloud": "orchestra.clouds.cloud",
        "DockerCloud": "orchestra.clouds.families.docker",
        "FamilyCloud": "orchestra.clouds.base.compute.cloud",
        "LibcloudCloud": "orchestra.clouds.families.libcloud",
        "OpenStackCloud": "orchestra.clouds.families.openstack",
        "SimulatedCloud": "orchestra.clouds.families.simulated",
        "aws": "orchestra.clouds.families.aws",
        "capabilities": "orchestra.clouds.abilities",
        "digitalocean": "orchestra.clouds.families.digitalocean",
        "docker": "orchestra.clouds.families.docker",
        "libcloud": "orchestra.clouds.families.libcloud",
        "linode": "orchestra.clouds.families.linode",
        "openstack": "orchestra.clouds.families.openstack",
        "scaleway": "orchestra.clouds.families.scaleway",
        "simulated": "orchestra.clouds.families.simulated",
        "upcloud": "orchestra.clouds.families.upcloud",
        "vultr": "orchestra.clouds.families.vultr",
    }
)


if not TYPE_CHECKING:  # else every name, also a mistyped one, would look as if it were there

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
