"""How Libcloud's DNS drivers are spoken to: their forms for names and values, and what each can do.

Most hold one record for each value. A record set is all of a name and type then, and is brought to what is wanted one
record after another, so that what was broken off is finished when it is asked for again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs
from libcloud.dns.base import Zone as LibcloudZone

from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.base.names import absolute, relative
from orchestra.clouds.base.paging import Page, numbered, rows_of
from orchestra.clouds.base.recordsets import (
    HOSTS,
    TYPES,
    RecordSet,
    mark,
    marked,
    quoted_text,
    unquoted_text,
)
from orchestra.contracts import Ownership
from orchestra.errors import InvalidRequestError, TransientError


@attrs.frozen(kw_only=True)
class Traits:
    """The forms that a driver has for names and values, and what its cloud doesn't take.

    ``absolute``: names have the zone's domain behind them. ``apex``: what a zone's own name is called where they
    don't. ``dotted_names``, ``dotted_hosts``: with the last dot. ``quoted``: texts in quotes. ``apart``: for a type,
    the names of the numbers before the value that are told apart from it. ``ttl``: what the driver calls that;
    ``least_ttl`` and ``ttls`` are what the cloud takes, in seconds (no ``ttls``: any). ``without``: types that can't be
    made. ``zone_mark``: what the driver calls the field of a zone that tells whose it is. ``name_servers``: those of
    every zone, where no zone tells them.
    """

    absolute: bool = False
    apex: str = ""
    dotted_names: bool = False
    dotted_hosts: bool = False
    quoted: bool = False
    apart: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    ttl: str = "ttl"
    least_ttl: int = 0
    ttls: tuple[int, ...] = ()
    without: tuple[str, ...] = ()
    zones: bool = True
    zone_mark: str = ""
    name_servers: tuple[str, ...] = ()


@attrs.frozen
class ToldZone:
    """A zone as a driver tells it. ``name_servers`` is None where only its records tell them."""

    id: str
    domain: str
    owner: Ownership | None = None
    name_servers: tuple[str, ...] | None = None


@attrs.frozen
class Dialect:
    """A driver that holds one record for each value; what others do differently, they say in classes of their own."""

    traits: Traits
    terms: Terms = attrs.field(factory=Terms)
    atomic = False
    """Whether a record set is changed as a whole, so that none is ever half made."""
    marks_records = False
    """Whether a record set tells whose it is."""
    marked_in = ""
    """What of the creating request tells that."""

    # -- zones

    def zones(self, driver: LibcloudDriver) -> Iterator[ToldZone]:
        """Every zone."""
        return (self._told_zone(one) for one in driver.driver.list_zones())

    def zone(self, driver: LibcloudDriver, zone_id: str) -> ToldZone:
        """One zone with its name servers; an error of the driver's if it isn't there."""
        told = self._told_zone(driver.driver.get_zone(zone_id))
        if told.name_servers is not None:
            return told
        own = (found for found in self.record_sets(driver, zone_id) if (found.type, found.name) == ("NS", ""))
        return attrs.evolve(told, name_servers=next((found.values for found in own), ()))

    def create_zone(self, driver: LibcloudDriver, domain: str, owner: Ownership) -> str:
        """Make a zone and tell its id."""
        extra = {self.traits.zone_mark: mark(owner)} if self.traits.zone_mark else {}
        return str(driver.driver.create_zone(domain, extra={**extra, **driver.settings}).id)

    def delete_zone(self, driver: LibcloudDriver, zone_id: str) -> None:
        """Delete a zone and whatever is in it."""
        if not driver.driver.delete_zone(self.place(driver, zone_id)):
            raise TransientError(f"whether zone {zone_id} was deleted isn't known: the driver said no")

    def _told_zone(self, zone: Any) -> ToldZone:
        extra = zone.extra or {}
        servers = self.traits.name_servers or extra.get("name_servers") or extra.get("nameServers")
        return ToldZone(
            str(zone.id),
            zone.domain.rstrip(".").lower(),
            marked(extra.get(self.traits.zone_mark)),
            tuple(one.rstrip(".") for one in servers) if servers else None,
        )

    def place(self, driver: LibcloudDriver, zone_id: str) -> Any:
        """Libcloud's object for a zone. Its domain is asked for once: it can't change."""
        if zone_id not in driver.domains:
            driver.domains[zone_id] = driver.driver.get_zone(zone_id).domain.rstrip(".").lower()
        return LibcloudZone(zone_id, driver.domains[zone_id], "master", 0, driver.driver)

    # -- record sets

    def check(self, wanted: RecordSet) -> None:
        """Raise `InvalidRequestError` for what the cloud doesn't take, or would tell back otherwise."""
        traits = self.traits
        if wanted.type in traits.without:
            raise InvalidRequestError(f"records of type {wanted.type} can't be made through this driver", sent=False)
        nearest = min(traits.ttls, key=lambda one: abs(one - wanted.ttl), default=max(wanted.ttl, traits.least_ttl))
        if nearest != wanted.ttl:
            raise InvalidRequestError(
                f"a TTL of {wanted.ttl} s isn't possible here", sent=False, remedy=f"use ttl={nearest}"
            )

    def record_sets(self, driver: LibcloudDriver, zone_id: str) -> Iterator[RecordSet]:
        """Every record set of a zone, of the types that there are kinds for."""
        zone = self.place(driver, zone_id)
        return self.sets_of(zone, self.listed(zone))

    def sets_of(self, zone: Any, records: Iterable[Any]) -> Iterator[RecordSet]:
        """The record sets that ``records`` of Libcloud's are."""
        for (name, kind), some in self._grouped(zone, records).items():
            values = tuple(sorted({self._value(zone, record) for record in some}))
            yield RecordSet(name, kind, values, min(int(record.ttl or 0) for record in some))

    def listed(self, zone: Any) -> Iterable[Any]:
        """The records of a zone, all pages; an error if they can't be read to the end."""
        records: Iterable[Any] = zone.driver.list_records(zone)
        return records

    def record_set(self, driver: LibcloudDriver, zone_id: str, kind: str, name: str) -> RecordSet | None:
        """One record set of a zone, None if it isn't there; an error of the driver's if the zone isn't."""
        named = (kind, name)
        return next((one for one in self.record_sets(driver, zone_id) if (one.type, one.name) == named), None)

    def add(self, driver: LibcloudDriver, zone_id: str, wanted: RecordSet) -> None:
        """Make a record set of which nothing is there."""
        zone = self.place(driver, zone_id)
        for value in wanted.values:
            self._add_record(zone, wanted, value)

    def change(self, driver: LibcloudDriver, zone_id: str, before: RecordSet, after: RecordSet) -> None:
        """Bring what is there to ``after``: records are changed, then missing ones made, then others deleted."""
        del before
        zone = self.place(driver, zone_id)
        left, kept = self._records(zone, after), []
        missing = list(after.values)
        for record in list(left):
            if self._value(zone, record) in missing:
                missing.remove(self._value(zone, record))
                left.remove(record)
                kept.append((record, self._value(zone, record)))
        changed = [(record, missing.pop(0)) for record in left[: len(missing)]]
        for record, value in changed + [each for each in kept if int(each[0].ttl or 0) != after.ttl]:
            self._change_record(zone, record, after, value)
        for value in missing:
            self._add_record(zone, after, value)
        for record in left[len(changed) :]:
            self._delete_record(record)

    def drop(self, driver: LibcloudDriver, zone_id: str, before: RecordSet) -> None:
        """Delete a record set."""
        for record in self._records(self.place(driver, zone_id), before):
            self._delete_record(record)

    # -- records

    def _records(self, zone: Any, wanted: RecordSet) -> list[Any]:
        return self._grouped(zone, self.listed(zone))[wanted.name, wanted.type]

    def _grouped(self, zone: Any, records: Iterable[Any]) -> Mapping[tuple[str, str], list[Any]]:
        groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for record in records:
            kind = str(getattr(record.type, "value", record.type))
            if kind in TYPES:
                groups[self.inside(record.name, zone.domain), kind].append(record)
        return groups

    def _add_record(self, zone: Any, wanted: RecordSet, value: str) -> None:
        data, extra = self.spoken(wanted, value, zone.domain)
        zone.driver.create_record(self.outside(wanted.name, zone.domain), zone, wanted.type, data, extra)

    def _change_record(self, zone: Any, record: Any, wanted: RecordSet, value: str) -> None:
        data, extra = self.spoken(wanted, value, zone.domain)
        zone.driver.update_record(record, name=record.name, type=record.type, data=data, extra=extra)

    def _delete_record(self, record: Any) -> None:
        if not record.driver.delete_record(record):
            raise TransientError(f"whether a record of {record.name} was deleted isn't known: the driver said no")

    # -- forms

    def outside(self, name: str, domain: str) -> str:
        """A name inside the zone as the driver has it."""
        if not self.traits.absolute:
            return name or self.traits.apex
        return absolute(name, domain) + ("." if self.traits.dotted_names else "")

    def inside(self, told: str | None, domain: str) -> str:
        """A name that the driver tells as the kinds have it."""
        name = (told or "").rstrip(".").lower()
        if self.traits.absolute:
            return relative(name, domain)
        return "" if name == self.traits.apex else name

    def spoken(self, wanted: RecordSet, value: str, domain: str) -> tuple[str, dict[str, Any]]:
        """A value as the driver has it, with what goes beside it."""
        del domain
        names = self.traits.apart.get(wanted.type, ())
        *numbers, data = value.split(" ", len(names)) if names else [value]
        extra = {name: int(number) for name, number in zip(names, numbers, strict=True)}
        return self.written(wanted.type, data), {**extra, self.traits.ttl: wanted.ttl}

    def written(self, kind: str, value: str) -> str:
        """A value as the cloud has it, without what is told apart."""
        if kind == "TXT" and self.traits.quoted:
            return quoted_text(value)
        return f"{value}." if kind in HOSTS and self.traits.dotted_hosts else value

    def read(self, kind: str, told: str, domain: str) -> str:
        """A value that the cloud tells as the kinds have it."""
        if kind == "TXT":
            return unquoted_text(told)
        return (domain if told == "@" else told.rstrip(".")) if kind in HOSTS else told

    def _value(self, zone: Any, record: Any) -> str:
        kind = str(getattr(record.type, "value", record.type))
        numbers = [str((record.extra or {}).get(name) or 0) for name in self.traits.apart.get(kind, ())]
        return " ".join([*numbers, self.read(kind, str(record.data), zone.domain)])


class Cloudflare(Dialect):
    """Libcloud's update of a record puts the TTL where Cloudflare doesn't look, so records are patched here.

    It takes a page that isn't full for the last, and a list for whole that was cut short, so they are read here, too.
    """

    def listed(self, zone: Any) -> Iterator[Any]:
        """See `Dialect.listed`: https://developers.cloudflare.com/api/resources/dns/subresources/records/methods/list/."""
        api, path = zone.driver, f"/client/v4/zones/{zone.id}/dns_records"

        def page(after: Any) -> Page:
            number = int(after or 1)
            api.connection.set_context({"zone_id": zone.id})
            answer = api.connection.request(path, params={"page": number, "per_page": _PAGE}).object
            info = (answer.get("result_info") if isinstance(answer, Mapping) else None) or {}
            more = number < int(info.get("total_pages") or 1)
            return numbered(answer, "result", number, more=more, total=info.get("total_count"))

        return (api._to_record(zone, item) for item in rows_of(page, path))

    def _change_record(self, zone: Any, record: Any, wanted: RecordSet, value: str) -> None:
        data, extra = self.spoken(wanted, value, zone.domain)
        path = f"/client/v4/zones/{zone.id}/dns_records/{record.id}"
        zone.driver.connection.set_context({"record_id": record.id})
        zone.driver.connection.request(path, data={"content": data, **extra}, method="PATCH", retry_failed=False)


class DigitalOcean(Dialect):
    """Libcloud gives every zone it makes a record for 127.0.0.1, so it is made here."""

    def create_zone(self, driver: LibcloudDriver, domain: str, owner: Ownership) -> str:
        """See `Dialect.create_zone`."""
        del owner
        body = json.dumps({"name": domain})
        answer = driver.driver.connection.request("/v2/domains", data=body, method="POST", retry_failed=False)
        return str(answer.object["domain"]["name"])


_PAGE: Final = 100
"""How many records of Cloudflare's a page holds."""
_PRIORITY: Final = MappingProxyType({"MX": ("priority",)})

SINGLE: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "cloudflare": Cloudflare(
            Traits(absolute=True, apart=_PRIORITY, least_ttl=60, without=("SRV",)), Terms(settings=("account",))
        ),
        "digitalocean": DigitalOcean(
            Traits(
                apex="@",
                dotted_hosts=True,
                apart=MappingProxyType({**_PRIORITY, "SRV": ("priority", "weight", "port")}),
                least_ttl=30,
            )
        ),
        "linode": Dialect(
            Traits(
                apart=_PRIORITY,
                ttl="ttl_sec",
                ttls=(300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800, 1209600, 2419200),
                without=("SRV",),
                zone_mark="description",
                name_servers=tuple(f"ns{number}.linode.com" for number in range(1, 6)),
            ),
            Terms(settings=("soa_email",)),
        ),
        "vultr": Dialect(Traits(quoted=True, apart=MappingProxyType({**_PRIORITY, "SRV": ("priority",)}))),
    }
)
"""The dialects of drivers that hold one record for each value, by Libcloud's constant."""
