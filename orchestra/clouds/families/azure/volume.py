"""Volumes and snapshots: managed disks.

https://learn.microsoft.com/en-us/rest/api/compute/disks and https://learn.microsoft.com/en-us/rest/api/compute/snapshots
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.families.azure import choosing, rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described, state_of
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import DESCRIPTION, labels_in, owner_in, tags_in, tags_of
from orchestra.contracts import Inputs, Observation, Ownership, Update
from orchestra.errors import InvalidRequestError
from orchestra.model.values import Plain
from orchestra.resources.compute import Snapshot, Volume

_TYPES: Final = MappingProxyType({"ssd": "StandardSSD_LRS", "hdd": "Standard_LRS"})
"""Standard SSDs can be attached to servers of every size, premium ones can't:
https://learn.microsoft.com/en-us/azure/virtual-machines/disks-types"""
_TOLD_TYPES: Final = MappingProxyType({told: name for name, told in _TYPES.items()})


class VolumeCalls(Described):
    """A managed disk: StandardSSD_LRS for ``ssd``, Standard_LRS for ``hdd``; of another type, by Azure's own name."""

    kind = "compute.Volume"
    resource = Volume
    azure_type = rest.DISK
    fixed = MappingProxyType({"encrypted": (True, "every managed disk is encrypted at rest")})

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: in one zone, or in none if it is the region that is named."""
        found = self.made_before(driver, owner)
        if found is not None:
            return found
        snapshot = inputs.optional_text("snapshot")
        source = {"createOption": "Copy", "sourceResourceId": snapshot} if snapshot else {"createOption": "Empty"}
        body: dict[str, Any] = {
            "location": driver.region,
            "sku": {"name": _TYPES[inputs.text("type", "ssd")]},
            "tags": tags_of(owner, inputs.labels()),
            "properties": {"creationData": source, "diskSizeGB": inputs.integer("size_gib")},
            **_zones(driver, inputs.text("zone")),
        }
        return self.observe(driver, driver.put(driver.ids.of(self.azure_type, self.name_for(owner)), body))

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`. The disk that a server was made with comes with that."""
        status, word = state_of(item)
        properties, sku = item["properties"], str((item.get("sku") or {}).get("name") or "")
        source = properties["creationData"].get("sourceResourceId") or ""
        is_system = properties["creationData"].get("createOption") == "FromImage"
        snapshot = driver.ids.told(source) if f"/{rest.SNAPSHOT.name}/".lower() in source.lower() else None
        return Observation(
            external_id=driver.ids.told(item["id"]),
            status=status,
            inputs={
                **({"size_gib": int(properties["diskSizeGB"])} if properties.get("diskSizeGB") else {}),
                "zone": next(iter(item.get("zones") or ()), driver.region),
                "type": _TOLD_TYPES.get(sku, sku),
                "snapshot": snapshot,
                "labels": labels_in(item),
            },
            detail=word,
            ownership=owner_in(item),
            name=str(item["name"]),
            comes_with=driver.ids.told(str(item.get("managedBy") or "")) if is_system else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: labels, then size and type in one request. Azure changes types of disks at rest only."""
        item = driver.get(external_id)
        self.relabel(driver, item, external_id, update.after)
        told, wanted = self.observe(driver, item).inputs, dict[str, Any]()
        if "size_gib" in update.changed and told.get("size_gib") != update.after.integer("size_gib"):
            wanted["properties"] = {"diskSizeGB": update.after.integer("size_gib")}
        if "type" in update.changed and told["type"] != update.after.text("type", "ssd"):
            wanted["sku"] = {"name": _TYPES[update.after.text("type", "ssd")]}
        if wanted:
            driver.patch(external_id, wanted)
        return self.look_up(driver, external_id)

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return choosing.zone(driver, wanted) if name == "zone" else super().choose(driver, name, wanted)


def _zones(drivers: Drivers, zone: str) -> dict[str, Any]:
    if zone == drivers.region:
        return {}
    if not zone.isdigit():
        raise InvalidRequestError(
            f"zone {zone!r}: {drivers.region} has no such zone",
            sent=False,
            remedy=f"give server.zone, the number of a zone such as '1', or {drivers.region!r} for none",
        )
    return {"zones": [zone]}


class SnapshotCalls(Described):
    """A snapshot of a disk, incremental: it takes the room of what has changed since the one before."""

    kind = "compute.Snapshot"
    resource = Snapshot
    azure_type = rest.SNAPSHOT

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. Never put a second time: it would be of a later moment."""
        found = self.made_before(driver, owner)
        if found is not None:
            return found
        source = {"createOption": "Copy", "sourceResourceId": inputs.text("volume")}
        description = inputs.text("description")
        more = {"description": description} if description else {}
        body = {
            "location": driver.region,
            "tags": tags_of(owner, inputs.labels(), **more),
            "properties": {"creationData": source, "incremental": True},
        }
        return self.observe(driver, driver.put(driver.ids.of(self.azure_type, self.name_for(owner)), body))

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`."""
        status, word = state_of(item)
        properties, told = item["properties"], tags_in(item)
        size, source = properties.get("diskSizeGB"), properties["creationData"].get("sourceResourceId")
        return Observation(
            external_id=driver.ids.told(item["id"]),
            status=status,
            inputs={
                **({"volume": driver.ids.told(source)} if source else {}),
                "description": told.get(DESCRIPTION, ""),
                "labels": labels_in(item),
            },
            outputs={"size_gib": int(size) if size else None},
            detail=word,
            ownership=owner_in(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels."""
        self.relabel(driver, driver.get(external_id), external_id, update.after)
        return self.look_up(driver, external_id)
