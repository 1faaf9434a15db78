"""DNS zones and record sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from orchestra.model.fields import input_field, output_field
from orchestra.model.refs import Ref
from orchestra.model.resource import Resource
from orchestra.resources import checks


class Zone(Resource, kind="dns.Zone", create_before_delete=False):
    """A domain that a name server of the cloud answers for."""

    domain: str = input_field(
        replace=True,
        identifies=True,
        check=checks.domain,
        doc="The domain in lower case, without the last dot: shop.example.",
    )

    name_servers = output_field(list[str], doc="The name servers to enter at the registrar.")


class Record(Resource, kind="dns.Record", create_seconds=30.0, create_before_delete=False):
    """All values of one name and type in a zone: a record set."""

    zone: Zone | Ref[str] | str = input_field(replace=True, identifies=True, doc="The zone that it is in.")
    name: str = input_field(
        default="",
        replace=True,
        identifies=True,
        check=lambda value: checks.domain(value) if value else None,
        doc="The name inside the zone, without the zone's domain: www. Default: the domain itself.",
    )
    type: Literal["A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT"] = input_field(
        replace=True, identifies=True, doc="The record type."
    )
    values: Sequence[str | Ref[str]] = input_field(
        check=checks.not_empty,
        normalize=checks.sorted_texts,
        doc="Its values as zone files have them, TXT without quotes: ['10 mail.shop.example'] for MX.",
    )
    ttl: int = input_field(
        default=300, check=checks.between(0, 2147483647, "seconds"), doc="How long it may be cached, in seconds."
    )
