"""The simulated DNS driver: Libcloud's base class; a record is a record set, one value per line of its data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Any, Final

from libcloud.dns.base import DNSDriver, Record, Zone
from libcloud.dns.types import (
    RecordAlreadyExistsError,
    RecordDoesNotExistError,
    RecordType,
    ZoneDoesNotExistError,
)

from orchestra.clouds.families.simulated.endpoint import WEBSITE, InProcess
from orchestra.clouds.families.simulated.kinds import RECORD, ZONE, RecordBody, ZoneBody
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import in_use, refusal
from orchestra.clouds.families.simulated.rows import Row, Rows

_TYPES: Final = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT")
_DEFAULT_TTL: Final = 300
_ADDRESS: Final = MappingProxyType({"A": IPv4Address, "AAAA": IPv6Address})

# Libcloud's constructors have no types
_NO_ZONE: Final[Callable[..., Exception]] = ZoneDoesNotExistError
_NO_RECORD: Final[Callable[..., Exception]] = RecordDoesNotExistError
_RECORD_EXISTS: Final[Callable[..., Exception]] = RecordAlreadyExistsError

Extra = Mapping[str, Any]
"""What Libcloud's calls take beside their arguments: ``ttl``, ``tags``, ``token``."""


class SimulatedDNSDriver(InProcess, DNSDriver):
    """Zones and record sets. Two zones may have the same domain, as on Route 53.

    A creation takes ``extra={"token": …}`` (it then happens once only); a zone also ``tags``, a record ``ttl``.
    """

    name = "Simulated"
    website = WEBSITE
    service = "dns"
    RECORD_TYPE_MAP = MappingProxyType({type_: type_ for type_ in _TYPES})  # type: ignore[assignment]

    def iterate_zones(self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None) -> Iterator[Zone]:
        """All zones, or those with the ids or the token."""
        for row in self._list("list_zones", ZONE, Filter(ids=ex_ids, token=ex_token)):
            yield self._zone(row)

    def get_zone(self, zone_id: str) -> Zone:
        """One zone."""
        with self._read("get_zone", zone_id) as rows:
            found = rows.told(ZONE, zone_id)
            if found is None:
                raise _NO_ZONE(value=f"the zone '{zone_id}' does not exist", driver=self, zone_id=zone_id)
            return self._zone(found)

    def create_zone(
        self,
        domain: str,
        type: str = "master",  # noqa: A002
        ttl: int | None = None,
        extra: Extra | None = None,
    ) -> Zone:
        """Make a zone."""
        extra = extra or {}
        token = extra.get("token")
        with self._write("create_zone", token=token) as rows:
            row = rows.made_under(ZONE, token)
            if row is None:
                wanted = domain.rstrip(".")
                if not wanted or len(wanted) > 253 or any(not 1 <= len(part) <= 63 for part in wanted.split(".")):
                    raise refusal("InvalidDomainName", f"'{domain}' is not a domain name")
                body: ZoneBody = {
                    "tags": dict(extra.get("tags") or {}),
                    "domain": wanted,
                    "type": type,
                    "ttl": _DEFAULT_TTL if ttl is None else ttl,
                    "name_servers": [],
                }
                row = rows.add(ZONE, body, token=token)
                row.body["name_servers"] = _name_servers(row.id)
                rows.save(row)
            return self._zone(row)

    def delete_zone(self, zone: Zone) -> bool:
        """Delete a zone; refused while it has records."""
        with self._write("delete_zone", zone.id) as rows:
            row = self._existing_zone(rows, zone.id)
            if rows.users(row.id):
                newest = rows.newest_in(RECORD, row.id)
                users = [f"the record {_shown(newest.body)}"] if newest else []
                raise in_use(f"the zone '{row.id}'", users, code="HostedZoneNotEmpty")
            rows.remove(row)
        return True

    def iterate_records(self, zone: Zone, ex_ids: Sequence[str] | None = None) -> Iterator[Record]:
        """All records of a zone, or those with the ids."""
        wanted = Filter(parent=zone.id, names=ex_ids)
        for row in self._list("list_records", RECORD, wanted):
            yield self._record(row, zone)

    def get_record(self, zone_id: str, record_id: str) -> Record:
        """One record; its id is ``TYPE:name``."""
        zone = self.get_zone(zone_id)
        with self._read("get_record", f"{zone_id}/{record_id}") as rows:
            row = rows.look_up_named(RECORD, record_id, zone_id)
            if row is None:
                raise self._no_record(record_id)
            return self._record(row, zone)

    def create_record(
        self,
        name: str | None,
        zone: Zone,
        type: RecordType | str,  # noqa: A002
        data: str,
        extra: Extra | None = None,
    ) -> Record:
        """Make a record set; a ``name`` of '' or None is the domain itself."""
        extra = extra or {}
        token, type_, name = extra.get("token"), str(type), name or ""
        with self._write("create_record", f"{zone.id}/{type_}:{name}", token=token) as rows:
            row = rows.made_under(RECORD, token)
            if row is None:
                parent = self._existing_zone(rows, zone.id)
                record_id = f"{type_}:{name}"
                if rows.named(RECORD, record_id, parent.id):
                    raise _RECORD_EXISTS(
                        value=f"the record {type_} '{name}' already exists", driver=self, record_id=record_id
                    )
                _check_neighbours(rows, parent.id, type_, name)
                body: RecordBody = {
                    "tags": {},
                    "name": name,
                    "type": type_,
                    "values": _checked_values(type_, data),
                    "ttl": int(extra.get("ttl", parent.body["ttl"])),
                }
                row = rows.add(RECORD, body, parent=parent.id, name=record_id, token=token)
            return self._record(row, zone)

    def update_record(
        self,
        record: Record,
        name: str | None = None,
        type: RecordType | str | None = None,  # noqa: A002
        data: str | None = None,
        extra: Extra | None = None,
    ) -> Record:
        """Change the values or ``extra={"ttl": …}`` of a record set; None leaves them as they are."""
        if name not in (None, record.name) or (type is not None and str(type) != str(record.type)):
            raise refusal("InvalidChangeBatch", "name and type of a record can't be changed: make another")
        with self._write("update_record", f"{record.zone.id}/{record.id}") as rows:
            row = rows.named(RECORD, record.id or "", record.zone.id or "")
            if row is None:
                raise self._no_record(record.id)
            if data is not None:
                row.body["values"] = _checked_values(row.body["type"], data)
            if extra and extra.get("ttl") is not None:
                row.body["ttl"] = int(extra["ttl"])
            rows.save(row)
            return self._record(row, record.zone)

    def delete_record(self, record: Record) -> bool:
        """Delete a record set."""
        with self._write("delete_record", f"{record.zone.id}/{record.id}") as rows:
            row = rows.named(RECORD, record.id or "", record.zone.id or "")
            if row is None:
                raise self._no_record(record.id)
            rows.remove(row)
        return True

    def _existing_zone(self, rows: Rows, zone_id: str | None) -> Row[ZoneBody]:
        row = rows.find(ZONE, zone_id) if zone_id else None
        if row is None:
            raise _NO_ZONE(value=f"the zone '{zone_id}' does not exist", driver=self, zone_id=zone_id)
        return row

    def _no_record(self, record_id: str | None) -> Exception:
        return _NO_RECORD(value=f"the record '{record_id}' does not exist", driver=self, record_id=record_id)

    def _zone(self, row: Row[ZoneBody]) -> Zone:
        body = row.body
        extra = {"name_servers": body["name_servers"], "tags": body["tags"]}
        return Zone(row.id, body["domain"], body["type"], body["ttl"], self, extra)

    def _record(self, row: Row[RecordBody], zone: Zone) -> Record:
        body = row.body
        make: Callable[..., Record] = Record  # the stated type of its type is wrong
        return make(
            f"{body['type']}:{body['name']}",
            body["name"],
            body["type"],
            "\n".join(body["values"]),
            zone,
            self,
            ttl=body["ttl"],
            extra={"values": body["values"]},
        )


def _shown(body: RecordBody) -> str:
    return f"{body['type']} '{body['name']}'"


def _name_servers(zone_id: str) -> list[str]:
    start = int(hashlib.blake2b(zone_id.encode(), digest_size=2).hexdigest(), 16) % 500
    return [f"ns-{start + step * 512}.dns.sim.example" for step in range(4)]


def _check_neighbours(rows: Rows, zone_id: str, type_: str, name: str) -> None:
    """A CNAME is alone at its name, and never at the domain itself."""
    if type_ not in _TYPES:
        raise refusal("InvalidChangeBatch", f"the record type '{type_}' is not one of {', '.join(_TYPES)}")
    if type_ == "CNAME" and not name:
        raise refusal("InvalidChangeBatch", "a CNAME is not permitted at the domain itself")
    others = _TYPES if type_ == "CNAME" else ("CNAME",)
    if any(rows.named(RECORD, f"{other}:{name}", zone_id) for other in others):
        raise refusal("InvalidChangeBatch", f"{type_} '{name}' conflicts with another record of that name: CNAME")


def _checked_values(type_: str, data: str) -> list[str]:
    """The values in ``data``, each once."""
    values = list(dict.fromkeys(line for line in data.split("\n") if line))
    if not values:
        raise refusal("InvalidChangeBatch", f"a record of type {type_} needs a value")
    if type_ == "CNAME" and len(values) > 1:
        raise refusal("InvalidChangeBatch", "a CNAME has one value only")
    if type_ in _ADDRESS:
        for value in values:
            try:
                _ADDRESS[type_](value)
            except ValueError as fault:
                raise refusal("InvalidChangeBatch", f"'{value}' is not an address for {type_}") from fault
    return values
