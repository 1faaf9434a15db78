"""What each family of clouds can do, as it stands in its table of calls: no driver is made and nothing is called.

Imports every family, so `orchestra.clouds` imports it only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from orchestra.clouds.families.aws.cloud import CALLS as AWS
from orchestra.clouds.families.azure.cloud import CALLS as AZURE
from orchestra.clouds.families.cloudstack.cloud import CALLS as CLOUDSTACK
from orchestra.clouds.families.cloudstack.cloud import GUARDED as CLOUDSTACK_GUARDED
from orchestra.clouds.families.digitalocean.cloud import CALLS as DIGITALOCEAN
from orchestra.clouds.families.docker.cloud import CALLS as DOCKER
from orchestra.clouds.families.gce.cloud import CALLS as GCE
from orchestra.clouds.families.libcloud.services import every_call
from orchestra.clouds.families.linode.cloud import CALLS as LINODE
from orchestra.clouds.families.openstack.cloud import CALLS as OPENSTACK
from orchestra.clouds.families.scaleway.cloud import CALLS as SCALEWAY
from orchestra.clouds.families.simulated.cloud import CALLS as SIMULATED
from orchestra.clouds.families.upcloud.cloud import CALLS as UPCLOUD
from orchestra.clouds.families.vultr.cloud import CALLS as VULTR
from orchestra.clouds.provider import Calls, capabilities_of
from orchestra.contracts import Capabilities, Families

_Table: TypeAlias = Sequence["Calls[Any] | type[Calls[Any]]"]

_TABLES: Final[Mapping[str, _Table | Mapping[str, _Table]]] = MappingProxyType(
    {
        "aws": AWS,
        "azure": AZURE,
        "cloudstack": CLOUDSTACK,
        "cloudstack:security_groups": CLOUDSTACK_GUARDED,
        "digitalocean": DIGITALOCEAN,
        "docker": DOCKER,
        "gce": GCE,
        "libcloud": every_call(),
        "linode": LINODE,
        "openstack": OPENSTACK,
        "scaleway": SCALEWAY,
        "simulated": SIMULATED,
        "upcloud": UPCLOUD,
        "vultr": VULTR,
    }
)
"""By the name of the function that makes a family's clouds: its calls, or those of each provider that it takes."""


def capabilities() -> Families:
    """What each family of clouds can do: its name → kind → `Capabilities`. A kind that isn't there can't be had.

    A family has the name of the function that makes its clouds: ``oc.clouds.capabilities()["aws"]["compute.Server"]``.
    ``libcloud`` is there for each provider that it takes: ``libcloud:powerdns``. ``cloudstack:security_groups`` is a
    zone that has those.

    Needs no credentials, makes no driver and calls nothing. The first use imports all families, which takes about a
    second; planning does so only for the message that something can't be had.
    """
    told: dict[str, Mapping[str, Capabilities]] = {}
    for family, table in _TABLES.items():
        if isinstance(table, Mapping):
            told.update({f"{family}:{provider}": _abilities(calls) for provider, calls in table.items()})
        else:
            told[family] = _abilities(table)
    return MappingProxyType(told)


def _abilities(table: _Table) -> Mapping[str, Capabilities]:
    return MappingProxyType({calls.kind: capabilities_of(calls) for calls in table})
