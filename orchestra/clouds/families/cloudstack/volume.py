"""Volumes and snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds import zoning
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, labels_of, mark
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, InvalidRequestError
from orchestra.model.values import Plain

_GIB: Final = 2**30
_GONE: Final = ("Destroy", "Destroying", "Expunging", "Expunged")
_STATUSES: Final = MappingProxyType(
    {
        "Allocated": Status.READY,
        "Ready": Status.READY,
        "Snapshotting": Status.READY,
        "RevertSnapshotting": Status.READY,
        "Attaching": Status.READY,
        "UploadError": Status.FAILED,
    }
)
"""All others are pending. One that was never attached is Allocated: its place on a disk is found then."""
_GROWTH_POLL: Final = 3.0
"""Seconds after which it is worth looking whether a volume has grown."""

OF_IMAGE: Final = ":image"
"""Ends the name of a snapshot that was made for a `CustomImage`, and goes with it."""

_TYPE: Final = "what a volume is on is said by its disk offering: give cloudstack(disk_offering=…) for all"
_ENCRYPTED: Final = (
    "which disk offering encrypts isn't known: give cloudstack(encrypted_disk_offering=…), or Volume(encrypted=False)"
)


@attrs.frozen(kw_only=True)
class DiskOfferings:
    """Names of volumes' disk offerings; None for ``plain``: the first by name that leaves the size to the user."""

    plain: str | None = None
    encrypted: str | None = None


class VolumeCalls(Described):
    """A data disk, of one of ``offerings``."""

    kind = "compute.Volume"
    found_key = "name"
    listing: ClassVar[Listing] = Listing(
        command="listVolumes",
        key="volume",
        remove="deleteVolume",
        marked="name",
        tagged="Volume",
        more=MappingProxyType({"type": "DATADISK"}),
    )

    def __init__(self, offerings: DiskOfferings) -> None:
        self._offerings = offerings
        self.unsupported = {"type": _TYPE, **({} if offerings.encrypted else {"encrypted": _ENCRYPTED})}

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del inputs
        return {"name": mark(owner)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. CloudStack takes no idempotency token, so what the token made is looked for first."""
        driver.check_zone(inputs.text("zone"))
        item = self.made(driver, owner, inputs)
        if item is not None:
            self.relabel(driver, item, inputs)
            return self.look_up(driver, str(item["id"]))
        content = driver.do("createVolume", name=mark(owner), **self._content(driver, inputs), **driver.place)
        external_id = str(content["id"])
        driver.jobs.began(external_id, content)
        self.label(driver, external_id, inputs.labels())
        told: dict[str, Plain] = {"size_gib": inputs.integer("size_gib"), "zone": driver.zone_name}
        return Observation(
            external_id=external_id,
            status=Status.PENDING,
            inputs={**told, "labels": {**inputs.labels()}},
            detail="accepted",
            ownership=owner,
        )

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`. What it was made from isn't told."""
        state = str(item["state"])
        if state in _GONE:
            return None
        return Observation(
            external_id=str(item["id"]),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                "size_gib": int(item["size"]) // _GIB,
                "zone": str(item["zonename"]),
                "encrypted": self._offerings.encrypted is not None
                and item.get("diskofferingname") == self._offerings.encrypted,
                "labels": {**labels_of(item)},
            },
            detail=state,
            ownership=self.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: labels, and a larger size. `InProgressError` says when to call again while it grows."""
        item = self.item(driver, external_id)
        self.relabel(driver, item, update.after)
        size = update.after.integer("size_gib")
        if "size_gib" in update.changed and int(item["size"]) < size * _GIB:
            content = driver.do("resizeVolume", id=external_id, size=size)
            driver.finished(content, f"volume {external_id} is being made larger", _GROWTH_POLL)
        return self.look_up(driver, external_id)

    def check_unused(self, drivers: Drivers, item: Item) -> None:
        """See `Described.check_unused`."""
        if server := item.get("virtualmachineid"):
            raise InUseError(f"volume {item['id']} is attached to {server}")

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: the zone is that of the cloud."""
        if name == "zone":
            return zoning.zone([driver.zone_name], wanted, "this cloud")
        return super().choose(driver, name, wanted)

    def _content(self, drivers: Drivers, inputs: Inputs) -> dict[str, object]:
        """What a volume is made from: an offering and a size, or a snapshot, which has both."""
        size, snapshot = inputs.integer("size_gib"), inputs.optional_text("snapshot")
        if snapshot is None:
            return {"diskofferingid": self._offering(drivers, encrypted=inputs.flag("encrypted")), "size": size}
        for item in drivers.items("listSnapshots", "snapshot", id=snapshot):
            if str(item["id"]) == snapshot and item.get("virtualsize") and _gib(item) != size:
                raise InvalidRequestError(
                    f"a volume from snapshot {snapshot} is of the size that the snapshot has, {_gib(item)} GiB",
                    sent=False,
                    remedy=f"give size_gib={_gib(item)}, and let it grow afterwards",
                )
        return {"snapshotid": snapshot}

    def _offering(self, drivers: Drivers, *, encrypted: bool) -> str:
        wanted = self._offerings.encrypted if encrypted else self._offerings.plain
        offered = drivers.items("listDiskOfferings", "diskoffering", zoneid=drivers.zone_id)
        names = sorted((str(one["name"]), str(one["id"])) for one in offered if one.get("iscustomized"))
        for name, offering in names:
            if wanted in (None, name):
                return offering
        argument = "encrypted_disk_offering" if encrypted else "disk_offering"
        raise InvalidRequestError(
            f"no disk offering that leaves the size to the user is called {wanted!r}"
            if wanted
            else "no disk offering leaves the size to the user",
            sent=False,
            remedy=f"give cloudstack({argument}=…), one of: {', '.join(name for name, _ in names) or 'none'}",
        )


class SnapshotCalls(Described):
    """A snapshot of a volume that has been attached once: before that there is nothing to copy."""

    kind = "compute.Snapshot"
    found_key = "name"
    unsupported = MappingProxyType({"description": "a snapshot has but a name, and that tells whose it is"})
    listing: ClassVar[Listing] = Listing(
        command="listSnapshots", key="snapshot", remove="deleteSnapshot", marked="name", tagged="Snapshot"
    )

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        return {"name": mark(owner), "volumeid": inputs.text("volume")}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        item = self.made(driver, owner, inputs)
        if item is not None:
            self.relabel(driver, item, inputs)
            return self.look_up(driver, str(item["id"]))
        content = driver.do("createSnapshot", name=mark(owner), volumeid=inputs.text("volume"))
        external_id = str(content["id"])
        driver.jobs.began(external_id, content)
        self.label(driver, external_id, inputs.labels())
        return Observation(
            external_id=external_id,
            status=Status.PENDING,
            inputs={"volume": inputs.text("volume"), "labels": {**inputs.labels()}},
            outputs={"size_gib": None},
            detail="accepted",
            ownership=owner,
        )

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`."""
        state = str(item["state"])
        if state in ("Destroying", "Destroyed"):
            return None
        return Observation(
            external_id=str(item["id"]),
            status={"BackedUp": Status.READY, "Error": Status.FAILED}.get(state, Status.PENDING),
            inputs={"volume": str(item["volumeid"]), "labels": {**labels_of(item)}},
            outputs={"size_gib": _gib(item) if item.get("virtualsize") else None},
            detail=state,
            ownership=self.owner_of(item),
            name=str(item["name"]),
            comes_with="an image" if str(item["name"]).endswith(OF_IMAGE) else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)


def _gib(snapshot: Item) -> int:
    return int(snapshot["virtualsize"]) // _GIB
