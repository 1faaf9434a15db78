"""Volumes and snapshots: zonal persistent disks, and their snapshots, which a project has in one place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.account import is_zone_of
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described
from orchestra.clouds.families.gce.network import choose_zone
from orchestra.clouds.families.gce.rest import Item, last, zone_of
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError
from orchestra.model.values import Plain
from orchestra.resources.compute import Snapshot, Volume

_TYPES: Final = MappingProxyType({"ssd": "pd-balanced", "hdd": "pd-standard"})
_STATUSES: Final = MappingProxyType({"READY": Status.READY, "FAILED": Status.FAILED})
"""All others are pending."""


class VolumeCalls(Described):
    """A disk. Google encrypts every one."""

    kind = "compute.Volume"
    resource = Volume
    fixed = MappingProxyType({"encrypted": (True, "Google encrypts every disk at rest")})
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in description and label; requestId"
    collection = "disks"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        zone = driver.zone(inputs.text("zone"))
        body: dict[str, Any] = {
            "description": marks.description(owner),
            "sizeGb": str(inputs.integer("size_gib")),
            "type": f"zones/{zone}/diskTypes/{_TYPES[inputs.text('type', 'ssd')]}",
            "labels": marks.labels_of(owner, inputs),
        }
        if snapshot := inputs.optional_text("snapshot"):
            body["sourceSnapshot"] = driver.url(snapshot)
        return self.observe(driver, self.make(driver, f"zones/{zone}/disks", body, owner))

    def observe(self, drivers: Drivers, item: Item) -> Observation:
        """See `Described.observe`. One that was made of an image came with the server that it is on."""
        state, kind = str(item["status"]), last(str(item["type"]))
        snapshot = item.get("sourceSnapshot")
        users = [drivers.places.place(str(one)) for one in item.get("users") or ()]
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                "size_gib": int(item["sizeGb"]),
                "zone": zone_of(str(item["selfLink"])),
                "type": next((ours for ours, theirs in _TYPES.items() if theirs == kind), kind),
                "encrypted": True,
                "snapshot": drivers.places.place(str(snapshot)) if snapshot else None,
                "labels": {**marks.labels_in(item)},
            },
            detail=state,
            ownership=marks.owner_of(item),
            name=str(item["name"]),
            comes_with=users[0] if users and item.get("sourceImage") else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: labels and size. A disk keeps its type."""
        if "type" in update.changed:
            raise InvalidRequestError(
                f"disk {external_id} keeps its type: Compute Engine can't change it",
                sent=False,
                remedy="declare Volume(lifecycle=Lifecycle(replace_on=['type'])), or leave the type as it is",
            )
        item = self.item(driver, external_id)
        self.relabel(driver, item, update.after)
        size = update.after.integer("size_gib")
        if int(item["sizeGb"]) < size:
            driver.change("POST", f"{external_id}/resize", {"sizeGb": str(size)})
        return self.look_up(driver, external_id)

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return choose_zone(driver, wanted) if name == "zone" else super().choose(driver, name, wanted)


class SnapshotCalls(Described):
    """A snapshot of a disk, also of one that is in use."""

    kind = "compute.Snapshot"
    resource = Snapshot
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in description and label; requestId"
    collection = "snapshots"

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        del drivers
        return "global/snapshots"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: not waited for, since copying a large disk takes long."""
        body = {
            "description": marks.description(owner, inputs.text("description")),
            "sourceDisk": driver.url(inputs.text("volume")),
            "labels": marks.labels_of(owner, inputs),
        }
        return self.observed(driver, self.make(driver, self.home(driver), body, owner, patient=False))

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`. Those of disks elsewhere are another region's."""
        if not is_zone_of(zone_of(str(item["sourceDisk"])), drivers.region):
            return None
        return self.observed(drivers, item)

    def observed(self, drivers: Drivers, item: Item) -> Observation:
        """What a snapshot tells."""
        state = str(item["status"])
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                "volume": drivers.places.place(str(item["sourceDisk"])),
                "description": marks.text_in(item),
                "labels": {**marks.labels_in(item)},
            },
            outputs={"size_gib": int(item["diskSizeGb"]) if item.get("diskSizeGb") else None},
            detail=state,
            ownership=marks.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)
