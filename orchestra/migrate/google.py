"""Types of Terraform's provider for Google Cloud, in the form of orchestra's kinds. Pure.

Zones and record sets, buckets and blobs are here, and Compute Engine in `google_compute`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from orchestra.errors import DefinitionError
from orchestra.migrate.google_compute import COMPUTE
from orchestra.migrate.mapping import Mapped, Table, alone
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain

_ZONE: Final = "google_dns_managed_zone"


def _domain(one: Instance) -> Plain:
    if one.get("visibility") == "private":
        raise DefinitionError("it is a private zone, and orchestra has public ones only")
    return one.text("dns_name").rstrip(".") or None


def _zone_id(one: Instance) -> Plain:
    return one.text("managed_zone_id") or None


def _zone(one: Instance, world: World) -> Instance:
    for zone in world.of(_ZONE, name=one.get("managed_zone")):
        return zone
    raise DefinitionError("its zone isn't in the state")


def _record_zone(one: Instance, world: World) -> Plain:
    return _zone_id(_zone(one, world))


def _name(one: Instance, world: World) -> str:
    domain = _zone(one, world).text("dns_name").rstrip(".")
    full = one.text("name").rstrip(".")
    if one.blocks("routing_policy"):
        raise DefinitionError("it is answered by a policy, and a Record isn't")
    return "" if full == domain else full.removesuffix(f".{domain}")


def _record_id(one: Instance, world: World) -> Plain:
    return f"{_record_zone(one, world)}/{one.text('type')}/{_name(one, world)}"


def _values(one: Instance) -> Plain:
    return [*sorted(value.replace('" "', "").strip('"') for value in one.texts("rrdatas"))]


TABLE: Final[Table] = MappingProxyType(
    {
        **COMPUTE,
        _ZONE: Mapped(kind="dns.Zone", external_id=alone(_zone_id), inputs={"domain": alone(_domain)}),
        "google_dns_record_set": Mapped(
            kind="dns.Record",
            external_id=_record_id,
            inputs={"zone": _record_zone, "name": _name, "type": "type", "values": alone(_values), "ttl": "ttl"},
        ),
        "google_storage_bucket": Mapped(kind="storage.Bucket", external_id="name", inputs={"name": "name"}),
        "google_storage_bucket_object": Mapped(
            kind="storage.Blob",
            external_id=alone(lambda one: f"{one.text('bucket')}/{one.text('name')}"),
            inputs={"bucket": "bucket", "key": "name", "content": "content", "content_type": "content_type"},
            in_plain=("content",),
        ),
    }
)
"""Each type of Google's provider that orchestra has a kind for."""
