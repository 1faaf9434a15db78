"""Clouds: configured sets of Libcloud drivers. The only place that imports Libcloud.

``clouds.aws(…)``, ``clouds.openstack(…)``, ``clouds.libcloud(…)`` and the like make one; `Cloud` puts one together from
parts of others. ``clouds.capabilities()`` tells what each family can do. A family's drivers are imported when its name
is first used.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from orchestra.lazily import lazily

if TYPE_CHECKING:
    from orchestra.clouds.abilities import capabilities
    from orchestra.clouds.base.compute.cloud import FamilyCloud
    from orchestra.clouds.cloud import Cloud
    from orchestra.clouds.families.aws import AwsCloud, aws
    from orchestra.clouds.families.azure import AzureCloud, azure
    from orchestra.clouds.families.cloudstack import CloudStackCloud, cloudstack
    from orchestra.clouds.families.digitalocean import digitalocean
    from orchestra.clouds.families.docker import DockerCloud, docker
    from orchestra.clouds.families.gce import GceCloud, gce
    from orchestra.clouds.families.libcloud import LibcloudCloud, libcloud
    from orchestra.clouds.families.linode import linode
    from orchestra.clouds.families.openstack import OpenStackCloud, openstack
    from orchestra.clouds.families.scaleway import scaleway
    from orchestra.clouds.families.simulated import Behaviour, SimulatedCloud, simulated
    from orchestra.clouds.families.upcloud import upcloud
    from orchestra.clouds.families.vultr import vultr

__all__ = [
    "AwsCloud",
    "AzureCloud",
    "Behaviour",
    "Cloud",
    "CloudStackCloud",
    "DockerCloud",
    "FamilyCloud",
    "GceCloud",
    "LibcloudCloud",
    "OpenStackCloud",
    "SimulatedCloud",
    "aws",
    "azure",
    "capabilities",
    "cloudstack",
    "digitalocean",
    "docker",
    "gce",
    "libcloud",
    "linode",
    "openstack",
    "scaleway",
    "simulated",
    "upcloud",
    "vultr",
]

_MODULES: Final = MappingProxyType(
    {
        "abilities": "capabilities",
        "base.compute.cloud": "FamilyCloud",
        "cloud": "Cloud",
        "families.aws": "AwsCloud aws",
        "families.azure": "AzureCloud azure",
        "families.cloudstack": "CloudStackCloud cloudstack",
        "families.digitalocean": "digitalocean",
        "families.docker": "DockerCloud docker",
        "families.gce": "GceCloud gce",
        "families.libcloud": "LibcloudCloud libcloud",
        "families.linode": "linode",
        "families.openstack": "OpenStackCloud openstack",
        "families.scaleway": "scaleway",
        "families.simulated": "Behaviour SimulatedCloud simulated",
        "families.upcloud": "upcloud",
        "families.vultr": "vultr",
    }
)


if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted(__all__)
