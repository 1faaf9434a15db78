"""Which container drivers are served, and why others aren't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.families.libcloud.containers.clusters import ClusterCalls
from orchestra.clouds.families.libcloud.containers.ecs import ask as ask_ecs
from orchestra.clouds.families.libcloud.containers.instances import InstanceCalls
from orchestra.clouds.families.libcloud.containers.kubernetes import KubernetesDriver
from orchestra.clouds.families.libcloud.containers.kubernetes import ask as ask_kubernetes
from orchestra.clouds.families.libcloud.containers.lxd import INSTANCES, PROJECT, LxdDriver
from orchestra.clouds.families.libcloud.containers.lxd import ask as ask_lxd
from orchestra.clouds.families.libcloud.containers.lxd_images import PROTOCOL, ImageCalls
from orchestra.clouds.families.libcloud.containers.namespaces import NamespaceCalls
from orchestra.clouds.families.libcloud.containers.pods import PodCalls
from orchestra.clouds.families.libcloud.containers.tasks import TaskCalls
from orchestra.clouds.provider import Calls


@attrs.frozen
class Runner:
    """What runs containers: its calls, and what those take beside its driver."""

    calls: Sequence[Calls[LibcloudDriver]]
    terms: Terms = attrs.field(factory=Terms)


_CERTIFICATES: Final = ("ca_cert", "cert_file", "key_file")

RUNNERS: Final[Mapping[str, Runner]] = MappingProxyType(
    {
        "ecs": Runner((ClusterCalls(), TaskCalls()), Terms(settings=("run_task", "task_definition"), settling=30.0)),
        "kubernetes": Runner((NamespaceCalls(), PodCalls()), Terms(settings=_CERTIFICATES)),
        "lxd": Runner((ImageCalls(), InstanceCalls()), Terms(settings=(*_CERTIFICATES, PROJECT, "profiles", PROTOCOL))),
    }
)
"""What is served, by Libcloud's constant."""

DRIVERS: Final[Mapping[str, type]] = MappingProxyType({"kubernetes": KubernetesDriver, "lxd": LxdDriver})
"""Classes to be used in place of Libcloud's own."""

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GKE": "what it makes is the clusters' own machines; give the address of a cluster to kubernetes",
        "docker": "it has a family of its own, which can do more",
        "dummy": "it can do nothing",
        "rancher": "Rancher has taken out the API that it speaks",
    }
)
"""Why others aren't."""


def calls_of(provider: str) -> tuple[Calls[LibcloudDriver], ...]:
    """The calls of each kind that the container driver ``provider`` can serve."""
    return tuple(RUNNERS[provider].calls) if provider in RUNNERS else ()


def terms_of(provider: str) -> Terms:
    """What the calls for ``provider`` take beside its driver."""
    return RUNNERS[provider].terms if provider in RUNNERS else Terms()


def greet(access: LibcloudDriver) -> object:
    """One call that wrong credentials fail."""
    if access.provider == "ecs":
        return ask_ecs(access, "ListClusters", maxResults=1)
    if access.provider == "lxd":
        return ask_lxd(access, "GET", INSTANCES)
    return ask_kubernetes(access, "GET", "/api/v1/namespaces", query={"limit": "1"})
