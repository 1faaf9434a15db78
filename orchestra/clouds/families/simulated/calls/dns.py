"""Zones and records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from libcloud.dns.base import Record as CloudRecord
from libcloud.dns.base import Zone as CloudZone

from orchestra.clouds.families.simulated.calls.shared import SimulatedCalls
from orchestra.clouds.families.simulated.dns import SimulatedDNSDriver
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.resources.dns import Record, Zone


class ZoneCalls(SimulatedCalls[SimulatedDNSDriver, CloudZone]):
    """A zone."""

    kind = "dns.Zone"
    resource = Zone

    def create(self, driver: SimulatedDNSDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        return self.tell(driver.create_zone(inputs.text("domain"), extra={"tags": owner.tags(), "token": owner.token}))

    def listed(
        self, driver: SimulatedDNSDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[CloudZone]:
        """See `SimulatedCalls.listed`."""
        return driver.iterate_zones(ids, token)

    def one(self, driver: SimulatedDNSDriver, external_id: str) -> CloudZone:
        """See `SimulatedCalls.one`."""
        return driver.get_zone(external_id)

    def tell(self, one: CloudZone) -> Observation:
        """See `SimulatedCalls.tell`."""
        outputs = {"name_servers": one.extra["name_servers"]}
        return self.observation(str(one.id), {"domain": one.domain}, outputs, tags=one.extra["tags"])

    def delete(self, driver: SimulatedDNSDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.delete_zone(_zone(driver, external_id))


class RecordCalls(SimulatedCalls[SimulatedDNSDriver, CloudRecord]):
    """A record set: its id is ``zone/TYPE/name``, which is its natural key as well. It has no tags."""

    kind = "dns.Record"
    resource = Record
    found_by = FoundBy.NATURAL_KEY
    found_key = "zone, type and name"

    def create(self, driver: SimulatedDNSDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        record = driver.create_record(
            inputs.text("name"),
            _zone(driver, inputs.text("zone")),
            inputs.text("type"),
            "\n".join(inputs.texts("values")),
            extra={"ttl": inputs.integer("ttl"), "token": owner.token},
        )
        return self.tell(record)

    def listed(
        self, driver: SimulatedDNSDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterator[CloudRecord]:
        """See `SimulatedCalls.listed`: zone by zone."""
        if ids is None:
            for zone in driver.iterate_zones():
                yield from driver.iterate_records(zone)
            return
        wanted: dict[str, list[str]] = {}
        for external_id in ids:
            zone_id, type_, name = external_id.split("/", 2)
            wanted.setdefault(zone_id, []).append(f"{type_}:{name}")
        for zone_id, names in wanted.items():
            yield from driver.iterate_records(_zone(driver, zone_id), names)

    def one(self, driver: SimulatedDNSDriver, external_id: str) -> CloudRecord:
        """See `SimulatedCalls.one`."""
        zone_id, type_, name = external_id.split("/", 2)
        return driver.get_record(zone_id, f"{type_}:{name}")

    def tell(self, one: CloudRecord) -> Observation:
        """See `SimulatedCalls.tell`."""
        zone, type_, name = str(one.zone.id), str(one.type), one.name or ""
        inputs = {"zone": zone, "name": name, "type": type_, "values": one.extra["values"], "ttl": one.ttl}
        return self.observation(f"{zone}/{type_}/{name}", inputs)

    def search(self, driver: SimulatedDNSDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`."""
        return self.look_up(driver, f"{inputs.text('zone')}/{inputs.text('type')}/{inputs.text('name')}")

    def update(self, driver: SimulatedDNSDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        record = driver.update_record(
            _record(driver, external_id),
            data="\n".join(update.after.texts("values")),
            extra={"ttl": update.after.integer("ttl")},
        )
        return self.tell(record)

    def delete(self, driver: SimulatedDNSDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.delete_record(_record(driver, external_id))


# Libcloud's calls take objects of which only the id matters here

_RECORD: Final[Callable[..., CloudRecord]] = CloudRecord  # the stated type of its type is wrong


def _zone(driver: SimulatedDNSDriver, zone_id: str) -> CloudZone:
    return CloudZone(zone_id, "", "master", 0, driver)


def _record(driver: SimulatedDNSDriver, external_id: str) -> CloudRecord:
    zone_id, type_, name = external_id.split("/", 2)
    return _RECORD(f"{type_}:{name}", name, type_, "", _zone(driver, zone_id), driver)
