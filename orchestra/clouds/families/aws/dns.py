"""Zones and record sets on Route 53.

A zone carries its token as the caller reference, which is told with it, and whose it is in its comment. A record set
can carry nothing: it is found by zone, name and type, and creating it is refused if there is one already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from orchestra.clouds.base.names import absolute, relative
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import tolerating
from orchestra.clouds.families.aws.names import decoded_name, quoted_text, unquoted_text
from orchestra.clouds.families.aws.rest import element, route53, texts
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, InternalError, NotFoundError
from orchestra.model.values import Plain

_MARK: Final = "orchestra"
_LONGEST_COMMENT: Final = 256
_PAGE: Final = "100"
_TYPES: Final = ("A", "AAAA", "CNAME", "MX", "NS", "SRV", "TXT")


class ZoneCalls(Calls[Drivers]):
    """A public hosted zone. Its name servers aren't in the list of zones, so reading takes a call for each."""

    kind = "dns.Zone"
    found_by = FoundBy.CLIENT_TOKEN
    found_key = "CallerReference"
    page = 10  # few, so that many are read side by side

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: Route 53 refuses a caller reference that it has seen, which is when the zone is found."""
        body = element(
            "CreateHostedZoneRequest",
            element("Name", text=inputs.text("domain")),
            element("CallerReference", text=owner.token),
            texts("HostedZoneConfig", Comment=_comment(owner)),
        )
        try:
            answer = route53(driver.route53, "POST", "hostedzone", "CreateHostedZoneResponse", body=body)
        except Exception as error:
            found = self.search(driver, owner, inputs) if isinstance(translate(error), ConflictError) else None
            if found is None:
                raise
            return found
        return _zone(query.child(answer, "HostedZone"), answer)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        for external_id in ids:
            with tolerating(NotFoundError):
                yield self.look_up(driver, external_id)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        answer = route53(driver.route53, "GET", f"hostedzone/{external_id}", "GetHostedZoneResponse")
        return _zone(query.child(answer, "HostedZone"), answer)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the caller reference."""
        del inputs
        for item in _zones(driver):
            if query.text(item, "CallerReference") == owner.token:
                return self.look_up(driver, _zone_id(item))
        return None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a zone can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        route53(driver.route53, "DELETE", f"hostedzone/{external_id}", "DeleteHostedZoneResponse")

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: of zones that aren't orchestra's, without name servers."""
        for item in _zones(driver):
            told = _zone(item, None)
            yield self.look_up(driver, told.external_id) if told.ownership else told


def _comment(owner: Ownership) -> str:
    return f"{_MARK} {owner.token} {owner.deployment} {owner.address}"[:_LONGEST_COMMENT]


def _owner(item: Element) -> Ownership | None:
    mark, _, said = query.text(item, "Config/Comment").partition(" ")
    parts = said.split(" ", 2)
    return Ownership(parts[1], parts[2], parts[0]) if mark == _MARK and len(parts) == 3 else None


def _zone_id(item: Element) -> str:
    return query.text(item, "Id").rpartition("/")[2]


def _zone(item: Element, answer: Element | None) -> Observation:
    servers: list[Plain] | None = None
    if answer is not None:
        servers = [found.text or "" for found in answer.findall("DelegationSet/NameServers/NameServer")]
    return Observation(
        external_id=_zone_id(item),
        inputs={"domain": decoded_name(query.text(item, "Name"))},
        outputs={"name_servers": servers},
        ownership=_owner(item),
    )


def _zones(drivers: Drivers) -> Iterator[Element]:
    """Every zone, all pages."""
    marker = ""
    while True:
        page = {"maxitems": _PAGE, **({"marker": marker} if marker else {})}
        answer = route53(drivers.route53, "GET", "hostedzone", "ListHostedZonesResponse", query=page)
        yield from query.child(answer, "HostedZones").findall("HostedZone")
        if query.text(answer, "IsTruncated") != "true":
            return
        before, marker = marker, query.text(answer, "NextMarker")
        query.refuse_same_page("ListHostedZones", before, marker)


class RecordCalls(Calls[Drivers]):
    """A record set. Its external id is ``zone/type/name``, the name inside the zone; '' is the zone's own name."""

    kind = "dns.Record"
    found_by = FoundBy.NATURAL_KEY
    found_key = "zone, type and name, with the values asked for"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused as a conflict if there is such a record set already, whoever made it."""
        del owner
        external_id = _record_id(inputs)
        _change(driver, "CREATE", external_id, _record_set(_name(driver, external_id), inputs))
        return _made(external_id, inputs)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: the record sets of each zone."""
        wanted = frozenset(ids)
        for zone in dict.fromkeys(external_id.partition("/")[0] for external_id in ids):
            with tolerating(NotFoundError):
                for item in _record_sets(driver, zone):
                    found = _record(zone, _domain(driver, zone), item)
                    if found.external_id in wanted:
                        yield found

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        zone = external_id.partition("/")[0]
        return _record(zone, _domain(driver, zone), _item(driver, external_id))

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by zone, name and type, if its values are those asked for: else it is another's."""
        del owner
        found = self.look_up(driver, _record_id(inputs))
        try:
            wanted = _made(found.external_id, inputs).inputs
        except InternalError:  # a value that is a secret isn't kept, so it can't be compared
            return found
        return found if found.inputs == wanted else None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        name = _name(driver, external_id)
        _change(driver, "UPSERT", external_id, _record_set(name, update.after))
        return _made(external_id, update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: Route 53 deletes a record set only if told its values, so they are read first."""
        _change(driver, "DELETE", external_id, _item(driver, external_id))

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`, without those that are part of a zone: its own name servers and its SOA."""
        for zone in _zones(driver):
            name, domain = _zone_id(zone), decoded_name(query.text(zone, "Name"))
            for item in _record_sets(driver, name):
                found = _record(name, domain, item)
                if found.inputs["type"] in _TYPES and not found.external_id.endswith("/NS/"):
                    yield found


def _record_id(inputs: Inputs) -> str:
    return f"{inputs.text('zone')}/{inputs.text('type')}/{inputs.text('name')}"


def _domain(drivers: Drivers, zone: str) -> str:
    """The domain of a zone, asked for once: it can't change."""
    if zone not in drivers.domains:
        answer = route53(drivers.route53, "GET", f"hostedzone/{zone}", "GetHostedZoneResponse")
        drivers.domains[zone] = decoded_name(query.text(answer, "HostedZone/Name"))
    return drivers.domains[zone]


def _name(drivers: Drivers, external_id: str) -> str:
    zone, _, name = external_id.split("/", 2)
    return absolute(name, _domain(drivers, zone))


def _record_set(name: str, inputs: Inputs) -> Element:
    kind = inputs.text("type")
    values = [quoted_text(value) if kind == "TXT" else value for value in sorted(set(inputs.texts("values")))]
    return element(
        "ResourceRecordSet",
        element("Name", text=name),
        element("Type", text=kind),
        element("TTL", text=str(inputs.integer("ttl"))),
        element("ResourceRecords", *(texts("ResourceRecord", Value=value) for value in values)),
    )


def _change(drivers: Drivers, action: str, external_id: str, record_set: Element) -> None:
    change = element("Change", element("Action", text=action), record_set)
    body = element("ChangeResourceRecordSetsRequest", element("ChangeBatch", element("Changes", change)))
    path = f"hostedzone/{external_id.partition('/')[0]}/rrset"
    route53(drivers.route53, "POST", path, "ChangeResourceRecordSetsResponse", body=body)


def _record_sets(drivers: Drivers, zone: str) -> Iterator[Element]:
    """Every plain record set of a zone, all pages; weighted and the like are none of ours."""
    start: Mapping[str, str] = {}
    while True:
        answer = _page(drivers, zone, {"maxitems": _PAGE, **start})
        for item in query.child(answer, "ResourceRecordSets").findall("ResourceRecordSet"):
            if item.find("SetIdentifier") is None:
                yield item
        if query.text(answer, "IsTruncated") != "true":
            return
        before = start
        start = {"name": query.text(answer, "NextRecordName"), "type": query.text(answer, "NextRecordType")}
        if identifier := query.text(answer, "NextRecordIdentifier"):
            start = {**start, "identifier": identifier}
        query.refuse_same_page("ListResourceRecordSets", str(before), str(start))


def _page(drivers: Drivers, zone: str, asked: Mapping[str, str]) -> Element:
    path = f"hostedzone/{zone}/rrset"
    return route53(drivers.route53, "GET", path, "ListResourceRecordSetsResponse", query=asked)


def _item(drivers: Drivers, external_id: str) -> Element:
    """One record set. Route 53 starts its list at the name asked for, be it there or not."""
    zone, kind, name = external_id.split("/", 2)
    wanted = absolute(name, _domain(drivers, zone))
    answer = _page(drivers, zone, {"name": wanted, "type": kind, "maxitems": "1"})
    for item in query.child(answer, "ResourceRecordSets").findall("ResourceRecordSet"):
        if decoded_name(query.text(item, "Name")) == wanted and query.text(item, "Type") == kind:
            return item
    raise NotFoundError(f"zone {zone} has no {kind} record set {wanted}")


def _record(zone: str, domain: str, item: Element) -> Observation:
    kind, name = query.text(item, "Type"), relative(decoded_name(query.text(item, "Name")), domain)
    told = [query.text(value, "Value") for value in item.findall("ResourceRecords/ResourceRecord")]
    return Observation(
        external_id=f"{zone}/{kind}/{name}",
        inputs={
            "zone": zone,
            "name": name,
            "type": kind,
            "values": sorted({unquoted_text(value) if kind == "TXT" else value for value in told}),
            "ttl": int(query.text(item, "TTL") or 0),
        },
    )


def _made(external_id: str, inputs: Inputs) -> Observation:
    zone, kind, name = external_id.split("/", 2)
    values = sorted(set(inputs.texts("values")))
    said: dict[str, Plain] = {"zone": zone, "name": name, "type": kind, "values": values, "ttl": inputs.integer("ttl")}
    return Observation(external_id=external_id, inputs=said)
