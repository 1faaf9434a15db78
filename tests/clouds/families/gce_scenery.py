"""What the tests of Compute Engine stand on: a cloud at an imitation, and things made in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from orchestra.clouds import GceCloud, gce
from orchestra.contracts import Inputs, Observation, Ownership, Provider, Update, fresh_token
from tests.clouds.families.gce import REGION, Gce, credentials

ZONE: Final = f"{REGION}-a"


def connect(server: Gce, **more: Any) -> GceCloud:
    """A cloud at ``server``."""
    given = {"region": REGION, "credentials": credentials(server.endpoint), "endpoint": server.endpoint, **more}
    return gce(**given)


def provider(cloud: GceCloud, kind: str) -> Provider:
    """The cloud's provider for ``kind``, which it must have."""
    found = cloud.provider(kind)
    assert found is not None
    return found


def make(cloud: GceCloud, kind: str, address: str, **inputs: Any) -> str:
    """The external id of what is made."""
    owner = Ownership("prod", address, fresh_token(address))
    return provider(cloud, kind).create(Inputs({"labels": {}, **inputs}), owner).external_id


def network(cloud: GceCloud, address: str = "network") -> str:
    """A network."""
    return make(cloud, "network.Network", address, cidr="10.0.0.0/16", internet=True)


def subnet(cloud: GceCloud) -> str:
    """A subnet of that network."""
    return make(cloud, "network.Subnet", "subnet", network=network(cloud), cidr="10.0.1.0/24", zone=None, public=True)


def machine(cloud: GceCloud, address: str, home: str, **more: Any) -> str:
    """A server in the subnet ``home``."""
    image, size = {"id": "projects/debian-cloud/global/images/debian-12-v1"}, {"id": "e2-small"}
    plain = {"firewalls": [], "key_pair": None, "user_data": None, "public_address": None}
    return make(cloud, "compute.Server", address, subnet=home, **{**plain, "image": image, "size": size, **more})


def disk(cloud: GceCloud, address: str) -> str:
    """A volume."""
    plain = {"type": None, "encrypted": True, "snapshot": None}
    return make(cloud, "compute.Volume", address, size_gib=10, zone=ZONE, **plain)


def change(cloud: GceCloud, kind: str, identity: str, before: Mapping[str, Any], **changes: Any) -> Observation:
    """Bring it to ``before`` with ``changes``."""
    update = Update(before=Inputs(before), after=Inputs({**before, **changes}), changed=frozenset(changes))
    return provider(cloud, kind).update(identity, update)
