"""Drivers whose clouds hold record sets as a whole. Libcloud says one value at a time; here all are said at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.dialects import Dialect, ToldZone, Traits
from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.base.recordsets import TYPES, RecordSet, mark, marked
from orchestra.clouds.base.tolerance import if_there
from orchestra.contracts import Ownership
from orchestra.errors import InvalidRequestError, TransientError

_ACCOUNT: Final = "orchestra"
"""Whose comments are ours, in PowerDNS."""

_ZONE_TTL: Final = 3600
"""Seconds that the name servers of a new zone may be cached."""


class PowerDns(Dialect):
    """PowerDNS 4 and later. Whose a zone or a record set is stands in a comment, that of a zone at its name servers.

    Its backend must be able to keep comments, as all SQL ones are; where it isn't, ``comments=False`` leaves them out.
    """

    atomic = True
    marks_records = True
    marked_in = "comment of the record set; of a zone, at its name servers"

    def zone(self, driver: LibcloudDriver, zone_id: str) -> ToldZone:
        """See `Dialect.zone`."""
        told = self._request(driver, "GET", zone_id)
        domain = str(told["name"]).rstrip(".").lower()
        for found in self._sets(told, domain):
            if (found.type, found.name) == ("NS", ""):
                return ToldZone(str(told["id"]), domain, found.owner, found.values)
        return ToldZone(str(told["id"]), domain, None, ())

    def create_zone(self, driver: LibcloudDriver, domain: str, owner: Ownership) -> str:
        """See `Dialect.create_zone`: with its name servers, which are the cloud's ``nameservers``."""
        servers = driver.settings.get("nameservers") or ()
        if not servers or isinstance(servers, str):
            raise InvalidRequestError(
                "PowerDNS must be told which name servers a new zone has",
                sent=False,
                remedy="give them to the cloud: libcloud('powerdns', …, options={'nameservers': ['ns1.example.net']})",
            )
        own = RecordSet("", "NS", tuple(sorted({str(one).rstrip(".") for one in servers})), _ZONE_TTL, owner)
        body = {"name": f"{domain}.", "kind": "Native", "rrsets": [self._set(driver, domain, own)]}
        return str(self._request(driver, "POST", "", body)["id"])

    def delete_zone(self, driver: LibcloudDriver, zone_id: str) -> None:
        """See `Dialect.delete_zone`."""
        self._request(driver, "DELETE", zone_id)

    def record_sets(self, driver: LibcloudDriver, zone_id: str) -> Iterator[RecordSet]:
        """See `Dialect.record_sets`."""
        told = self._request(driver, "GET", zone_id)
        return self._sets(told, str(told["name"]).rstrip(".").lower())

    def record_set(self, driver: LibcloudDriver, zone_id: str, kind: str, name: str) -> RecordSet | None:
        """See `Dialect.record_set`: asked for alone; a server that doesn't know how answers with the whole zone."""
        domain = self._domain(driver, zone_id)
        asked = {"rrset_name": self.outside(name, domain), "rrset_type": kind}
        told = self._sets(self._request(driver, "GET", zone_id, query=asked), domain)
        return next((one for one in told if (one.type, one.name) == (kind, name)), None)

    def add(self, driver: LibcloudDriver, zone_id: str, wanted: RecordSet) -> None:
        """See `Dialect.add`."""
        self._replace(driver, zone_id, wanted)

    def change(self, driver: LibcloudDriver, zone_id: str, before: RecordSet, after: RecordSet) -> None:
        """See `Dialect.change`."""
        del before
        self._replace(driver, zone_id, after)

    def drop(self, driver: LibcloudDriver, zone_id: str, before: RecordSet) -> None:
        """See `Dialect.drop`."""
        name = self.outside(before.name, self._domain(driver, zone_id))
        self._patch(driver, zone_id, {"name": name, "type": before.type, "changetype": "DELETE"})

    def _replace(self, driver: LibcloudDriver, zone_id: str, wanted: RecordSet) -> None:
        said = self._set(driver, self._domain(driver, zone_id), wanted)
        self._patch(driver, zone_id, {**said, "changetype": "REPLACE"})

    def _domain(self, driver: LibcloudDriver, zone_id: str) -> str:
        """The domain of a zone, asked for once, without what is in it."""
        if zone_id not in driver.domains:
            told = self._request(driver, "GET", zone_id, query={"rrsets": "false"})
            driver.domains[zone_id] = str(told["name"]).rstrip(".").lower()
        return driver.domains[zone_id]

    def _patch(self, driver: LibcloudDriver, zone_id: str, change: Mapping[str, Any]) -> None:
        self._request(driver, "PATCH", zone_id, {"rrsets": [change]})

    def _request(
        self,
        driver: LibcloudDriver,
        method: str,
        zone_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        api = driver.driver
        path = f"{api.api_root}/servers/{api.ex_server}/zones" + (f"/{zone_id}" if zone_id else "")
        sent = json.dumps(body) if body is not None else None
        request = api.connection.request
        answer = request(path, params=dict(query or {}), method=method, data=sent, retry_failed=False).object
        return answer if isinstance(answer, Mapping) else {}

    def _set(self, driver: LibcloudDriver, domain: str, wanted: RecordSet) -> dict[str, Any]:
        said: dict[str, Any] = {
            "name": self.outside(wanted.name, domain),
            "type": wanted.type,
            "ttl": wanted.ttl,
            "records": [{"content": self.written(wanted.type, value), "disabled": False} for value in wanted.values],
        }
        if wanted.owner and driver.settings.get("comments", True):
            said["comments"] = [{"content": mark(wanted.owner), "account": _ACCOUNT}]
        return said

    def _sets(self, told: Mapping[str, Any], domain: str) -> Iterator[RecordSet]:
        for one in told["rrsets"]:
            enabled = [record["content"] for record in one["records"] if not record.get("disabled")]
            if one["type"] not in TYPES or not enabled:
                continue
            values = tuple(sorted({self.read(one["type"], value, domain) for value in enabled}))
            comments = [each["content"] for each in one.get("comments", ()) if each.get("account") == _ACCOUNT]
            owner = next((found for found in map(marked, comments) if found), None)
            yield RecordSet(self.inside(one["name"], domain), one["type"], values, int(one["ttl"]), owner)


class Google(Dialect):
    """Google Cloud DNS: what is deleted and what is added goes in one request, and both must be right."""

    atomic = True

    def create_zone(self, driver: LibcloudDriver, domain: str, owner: Ownership) -> str:
        """See `Dialect.create_zone`: under a name made of its token, so that it is refused when it is made again."""
        extra = {"name": f"orchestra-{owner.name(50)}", self.traits.zone_mark: mark(owner)}
        return str(driver.driver.create_zone(f"{domain}.", extra=extra).id)

    def record_sets(self, driver: LibcloudDriver, zone_id: str) -> Iterator[RecordSet]:
        """See `Dialect.record_sets`."""
        zone = self.place(driver, zone_id)
        return self._sets(zone.domain, (record.data for record in driver.driver.list_records(zone)))

    def record_set(self, driver: LibcloudDriver, zone_id: str, kind: str, name: str) -> RecordSet | None:
        """See `Dialect.record_set`: asked for alone."""
        domain = self.place(driver, zone_id).domain
        asked = {"name": self.outside(name, domain), "type": kind}
        answer = driver.driver.connection.request(f"/managedZones/{zone_id}/rrsets", params=asked).object
        told = self._sets(domain, answer.get("rrsets") or ())
        return next((one for one in told if (one.type, one.name) == (kind, name)), None)

    def _sets(self, domain: str, told: Iterable[Mapping[str, Any]]) -> Iterator[RecordSet]:
        for one in told:
            kind, data = str(one["type"]), one.get("rrdatas")
            if kind in TYPES and data:
                values = tuple(sorted({self.read(kind, value, domain) for value in data}))
                yield RecordSet(self.inside(one["name"], domain), kind, values, int(one.get("ttl") or 0))

    def add(self, driver: LibcloudDriver, zone_id: str, wanted: RecordSet) -> None:
        """See `Dialect.add`."""
        self._change(driver, zone_id, additions=[wanted])

    def change(self, driver: LibcloudDriver, zone_id: str, before: RecordSet, after: RecordSet) -> None:
        """See `Dialect.change`."""
        if before != after:
            self._change(driver, zone_id, deletions=[before], additions=[after])

    def drop(self, driver: LibcloudDriver, zone_id: str, before: RecordSet) -> None:
        """See `Dialect.drop`."""
        self._change(driver, zone_id, deletions=[before])

    def _change(self, driver: LibcloudDriver, zone_id: str, **parts: Sequence[RecordSet]) -> None:
        zone = self.place(driver, zone_id)
        said = {part: [self._set(zone.domain, one) for one in sets] for part, sets in parts.items()}
        driver.driver.ex_bulk_record_changes(zone, said)

    def _set(self, domain: str, wanted: RecordSet) -> dict[str, Any]:
        return {
            "name": self.outside(wanted.name, domain),
            "type": wanted.type,
            "ttl": wanted.ttl,
            "rrdatas": [self.written(wanted.type, value) for value in wanted.values],
        }


class GandiLive(Dialect):
    """Gandi LiveDNS, for domains that are registered there: zones are neither made nor deleted."""

    atomic = True

    def record_set(self, driver: LibcloudDriver, zone_id: str, kind: str, name: str) -> RecordSet | None:
        """See `Dialect.record_set`: asked for alone."""
        zone, path = self.place(driver, zone_id), self._path(RecordSet(name, kind, (), 0))
        told = if_there(lambda: driver.driver.connection.request(f"/api/v5/domains/{zone_id}/records{path}").object)
        if told is None:
            return None
        if not isinstance(told, Mapping) or "rrset_values" not in told:
            raise TransientError(f"{path}: what came back is no record set", remedy="check the endpoint")
        return next(self.sets_of(zone, driver.driver._to_records([told], zone)), None)

    def add(self, driver: LibcloudDriver, zone_id: str, wanted: RecordSet) -> None:
        """See `Dialect.add`."""
        said = {"rrset_name": self.outside(wanted.name, ""), "rrset_type": wanted.type, **self._set(wanted)}
        self._request(driver, "POST", zone_id, "", said)

    def change(self, driver: LibcloudDriver, zone_id: str, before: RecordSet, after: RecordSet) -> None:
        """See `Dialect.change`."""
        del before
        self._request(driver, "PUT", zone_id, self._path(after), self._set(after))

    def drop(self, driver: LibcloudDriver, zone_id: str, before: RecordSet) -> None:
        """See `Dialect.drop`."""
        self._request(driver, "DELETE", zone_id, self._path(before))

    def _path(self, wanted: RecordSet) -> str:
        return f"/{self.outside(wanted.name, '')}/{wanted.type}"

    def _set(self, wanted: RecordSet) -> dict[str, Any]:
        return {"rrset_values": [self.written(wanted.type, value) for value in wanted.values], "rrset_ttl": wanted.ttl}

    def _request(
        self, driver: LibcloudDriver, method: str, zone_id: str, path: str, body: Mapping[str, Any] | None = None
    ) -> None:
        place = f"/api/v5/domains/{zone_id}/records{path}"
        driver.driver.connection.request(place, method=method, data=body, retry_failed=False)


WHOLE: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "gandi_live": GandiLive(
            Traits(
                apex="@",
                dotted_hosts=True,
                quoted=True,
                apart=MappingProxyType({"MX": ("priority",)}),
                least_ttl=300,
                zones=False,
            )
        ),
        "google": Google(
            Traits(absolute=True, dotted_names=True, dotted_hosts=True, quoted=True, zone_mark="description")
        ),
        "powerdns": PowerDns(
            Traits(absolute=True, dotted_names=True, dotted_hosts=True, quoted=True),
            Terms(settings=("comments", "nameservers"), defaults=MappingProxyType({"api_version": "v1"})),
        ),
    }
)
"""The dialects of drivers that hold record sets, by Libcloud's constant."""
