"""Types of Terraform's provider for DigitalOcean, in the form of orchestra's kinds. Pure.

Its state says less than others': an image may be a slug, tags aren't labels. Those are asked of the cloud.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from orchestra.migrate.mapping import Mapped, Table, alone, is_given
from orchestra.migrate.states import Instance, World
from orchestra.model.values import Plain

_RECORD: Final = "digitalocean_record"


def _name(one: Instance) -> str:
    """The name inside the zone; ``@`` is the zone's own."""
    said = one.text("name")
    return "" if said == "@" else said


def _record_id(one: Instance) -> Plain:
    return f"{one.text('domain')}/{one.text('type')}/{_name(one)}"


def _values(one: Instance, world: World) -> Plain:
    """Terraform has one resource for each value, a Record has all of a name and type."""
    same = world.of(_RECORD, domain=one.get("domain"), type=one.get("type"), name=one.get("name"))
    return [*sorted({other.text("value") for other in same})]


def _attached(one: Instance) -> Plain:
    return f"{one.text('volume_id')}:{one.text('droplet_id')}"


TABLE: Final[Table] = MappingProxyType(
    {
        "digitalocean_droplet": Mapped(
            kind="compute.Server",
            external_id=alone(lambda one: one.text("id")),
            inputs={"size": "size", "user_data": is_given("user_data")},
            asked=("image", "key_pair", "labels"),
        ),
        "digitalocean_ssh_key": Mapped(
            kind="compute.KeyPair",
            external_id=alone(lambda one: one.text("id")),
            inputs={"public_key": "public_key", "name": "name"},
        ),
        "digitalocean_volume": Mapped(
            kind="compute.Volume",
            inputs={"size_gib": "size", "zone": "region"},
            asked=("labels",),
        ),
        "digitalocean_volume_attachment": Mapped(
            kind="compute.VolumeAttachment",
            external_id=alone(_attached),
            inputs={"volume": "volume_id", "server": alone(lambda one: one.text("droplet_id"))},
        ),
        "digitalocean_volume_snapshot": Mapped(
            kind="compute.Snapshot", inputs={"volume": "volume_id"}, asked=("labels",)
        ),
        "digitalocean_domain": Mapped(kind="dns.Zone", external_id="name", inputs={"domain": "name"}),
        _RECORD: Mapped(
            kind="dns.Record",
            external_id=alone(_record_id),
            inputs={"zone": "domain", "name": alone(_name), "type": "type", "values": _values, "ttl": "ttl"},
        ),
    }
)
"""Each type of DigitalOcean's provider that orchestra has a kind for."""
