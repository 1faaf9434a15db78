"""Zones and record sets over Libcloud's base API for DNS.

Where a cloud has a place for it, a zone or a record set tells whose it is. Where it hasn't, a zone is found by its
domain and a record set by zone, type and name, if its values are those asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from orchestra.clouds.base.dialects import SINGLE, Dialect, ToldZone
from orchestra.clouds.base.driver import LibcloudDriver, Terms
from orchestra.clouds.base.recordsets import RecordSet
from orchestra.clouds.base.rrsets import WHOLE
from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, InternalError, InUseError, InvalidRequestError, NotFoundError
from orchestra.model.values import Plain

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType({**SINGLE, **WHOLE})
"""How the drivers that are served are spoken to, by Libcloud's constant."""


def dns_calls(provider: str) -> tuple[Calls[LibcloudDriver], ...]:
    """The calls of each kind that the driver ``provider`` of Libcloud can serve."""
    dialect = DIALECTS.get(provider)
    if dialect is None:
        return ()
    return (ZoneCalls(dialect), RecordCalls(dialect)) if dialect.traits.zones else (RecordCalls(dialect),)


def dns_terms(provider: str) -> Terms:
    """What the calls for ``provider`` take beside its driver."""
    return DIALECTS[provider].terms if provider in DIALECTS else Terms()


class ZoneCalls(Calls[LibcloudDriver]):
    """A zone. Its name servers aren't in a list of zones mostly, so reading takes a call for each."""

    kind = "dns.Zone"

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.found_by = FoundBy.TAG if self._marks else FoundBy.NATURAL_KEY
        self.found_key = (dialect.marked_in or dialect.traits.zone_mark) if self._marks else "domain"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused as a conflict if the domain has a zone that isn't marked with the token."""
        domain = inputs.text("domain")
        try:
            made = self._dialect.create_zone(driver, domain, owner)
        except Exception as error:
            if not isinstance(translate(error), (ConflictError, InvalidRequestError)):
                raise
            found = self._of_domain(driver, domain)
            if found is None:
                raise
            if found.owner != owner:
                raise ConflictError(
                    f"zone {domain} is there already, and not from here", remedy="adopt it, or delete it"
                ) from error
            made = found.id
        return self.look_up(driver, made)

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        for external_id in ids:
            with tolerating(NotFoundError):
                yield self.look_up(driver, external_id)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return _zone(self._dialect.zone(driver, external_id))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by domain; where zones are marked, only if it is marked with the token."""
        found = self._of_domain(driver, inputs.text("domain"))
        if found is None or (found.owner or owner).token != owner.token:
            return None
        return self.look_up(driver, found.id) if found.owner or not self._marks else None

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a zone can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`: refused while there is a record set in it beside its own name servers.

        Most clouds would delete those with it, whoever made them.
        """
        left = [found for found in self._dialect.record_sets(driver, external_id) if not _is_of_zone(found)]
        if left:
            raise InUseError(
                f"zone {external_id} still has records: {left[0].type} {left[0].name or 'of its own name'}"
                + (f" and {len(left) - 1} more" if left[1:] else ""),
                sent=False,
                remedy="delete them, or adopt them into the deployment",
            )
        self._dialect.delete_zone(driver, external_id)

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`."""
        for zone in self._dialect.zones(driver):
            with tolerating(NotFoundError):
                yield self.look_up(driver, zone.id)

    @property
    def _marks(self) -> bool:
        return self._dialect.marks_records or bool(self._dialect.traits.zone_mark)

    def _of_domain(self, driver: LibcloudDriver, domain: str) -> ToldZone | None:
        for zone in self._dialect.zones(driver):
            if zone.domain == domain:
                return self._dialect.zone(driver, zone.id)
        return None


def _zone(told: ToldZone) -> Observation:
    servers: list[Plain] | None = None if told.name_servers is None else list(told.name_servers)
    return Observation(
        external_id=told.id, inputs={"domain": told.domain}, outputs={"name_servers": servers}, ownership=told.owner
    )


def _is_of_zone(found: RecordSet) -> bool:
    """Whether a record set is part of every zone: its own name servers."""
    return (found.type, found.name) == ("NS", "")


class RecordCalls(Calls[LibcloudDriver]):
    """A record set. Its external id is ``zone/type/name``, the name inside the zone; '' is the zone's own name."""

    kind = "dns.Record"
    page = None

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.found_by = FoundBy.TAG if dialect.marks_records else FoundBy.NATURAL_KEY
        self.found_key = dialect.marked_in or "zone, type and name, with the values asked for"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused as a conflict if there is such a record set, unless it is one half made.

        Where none tells whose it is, one with some of the values wanted, and the TTL wanted, is taken for half made.
        """
        zone, wanted = inputs.text("zone"), RecordSet.wanted(inputs, owner)
        self._dialect.check(wanted)
        there = self._dialect.record_set(driver, zone, wanted.type, wanted.name)
        if there is None:
            self._dialect.add(driver, zone, wanted)
        elif self._is_ours(there, owner) or self._is_half(there, wanted):
            self._dialect.change(driver, zone, there, wanted)
        else:
            raise ConflictError(
                f"zone {zone} has a {wanted.type} record set {wanted.name or 'of its own name'} already",
                remedy="choose another name, or adopt what is there",
            )
        return self._told(zone, wanted)

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: the record sets of each zone."""
        wanted = frozenset(ids)
        for zone in dict.fromkeys(external_id.partition("/")[0] for external_id in ids):
            with tolerating(NotFoundError):
                for found in self._dialect.record_sets(driver, zone):
                    told = self._told(zone, found)
                    if told.external_id in wanted:
                        yield told

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return self._told(external_id.partition("/")[0], self._found(driver, external_id))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by zone, type and name, if it is marked with the token.

        Where none is marked: if its values are those asked for, else it is another's; some of them are pending.
        """
        zone = inputs.text("zone")
        there = self._found(driver, f"{zone}/{inputs.text('type')}/{inputs.text('name')}")
        if self._marks(driver):
            return self._told(zone, there) if self._is_ours(there, owner) else None
        try:
            wanted = RecordSet.wanted(inputs)
        except InternalError:  # a value that is a secret isn't kept, so it can't be compared
            return self._told(zone, there)
        if there == wanted:
            return self._told(zone, there)
        status = Status.PENDING if self._is_half(there, wanted) else None
        return self._told(zone, there, status) if status else None

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        zone, there = external_id.partition("/")[0], self._found(driver, external_id)
        wanted = RecordSet.wanted(update.after, there.owner)
        self._dialect.check(wanted)
        self._dialect.change(driver, zone, there, wanted)
        return self._told(zone, wanted)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        self._dialect.drop(driver, external_id.partition("/")[0], self._found(driver, external_id))

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`, without those that are part of a zone."""
        for zone in self._dialect.zones(driver):
            with tolerating(NotFoundError):
                for found in self._dialect.record_sets(driver, zone.id):
                    if not _is_of_zone(found):
                        yield self._told(zone.id, found)

    def _marks(self, driver: LibcloudDriver) -> bool:
        return self._dialect.marks_records and bool(driver.settings.get("comments", True))

    def _is_ours(self, there: RecordSet, owner: Ownership) -> bool:
        return there.owner is not None and there.owner.token == owner.token

    def _is_half(self, there: RecordSet, wanted: RecordSet) -> bool:
        """Whether ``there`` may be what a creation that was broken off has left."""
        return not self._dialect.atomic and there.ttl == wanted.ttl and set(there.values) < set(wanted.values)

    def _found(self, driver: LibcloudDriver, external_id: str) -> RecordSet:
        zone, kind, name = external_id.split("/", 2)
        there = self._dialect.record_set(driver, zone, kind, name)
        if there is None:
            raise NotFoundError(f"zone {zone} has no {kind} record set {name or 'of its own name'}")
        return there

    def _told(self, zone: str, found: RecordSet, status: Status = Status.READY) -> Observation:
        inputs: dict[str, Plain] = {
            "zone": zone,
            "name": found.name,
            "type": found.type,
            "values": list(found.values),
            "ttl": found.ttl,
        }
        return Observation(
            external_id=f"{zone}/{found.type}/{found.name}",
            status=status,
            inputs=inputs,
            detail="some values aren't there yet" if status is Status.PENDING else "",
            ownership=found.owner,
        )
