"""Volumes, their attachments and snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from libcloud.compute.base import StorageVolume, VolumeSnapshot

from orchestra.clouds.families.simulated.calls import choice
from orchestra.clouds.families.simulated.calls.shared import (
    SimulatedCalls,
    location,
    node,
    progress,
    relabel,
    snapshot,
    tags_of,
    volume,
)
from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.model.values import Plain
from orchestra.resources.compute import Snapshot, Volume, VolumeAttachment


class VolumeCalls(SimulatedCalls[SimulatedNodeDriver, StorageVolume]):
    """A volume."""

    kind = "compute.Volume"
    resource = Volume

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        source = inputs.optional_text("snapshot")
        made = driver.create_volume(
            inputs.integer("size_gib"),
            owner.name(),
            location(driver, inputs.text("zone")),
            snapshot(driver, source) if source is not None else None,
            ex_type=inputs.text("type", "ssd"),
            ex_encrypted=inputs.flag("encrypted"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(made)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[StorageVolume]:
        """See `SimulatedCalls.listed`."""
        return driver.list_volumes(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> StorageVolume:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_volume(external_id)

    def tell(self, one: StorageVolume) -> Observation:
        """See `SimulatedCalls.tell`."""
        extra = _extra(one)
        inputs = {
            "size_gib": one.size,
            "zone": extra["zone"],
            "type": extra["type"],
            "encrypted": extra["encrypted"],
            "snapshot": extra["snapshot"],
        }
        status, detail = progress(extra["status"], "available")
        return self.observation(
            one.id,
            inputs,
            tags=extra["tags"],
            status=status,
            detail=detail,
            name=one.name,
        )

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        changed, after = update.changed, update.after
        if changed & {"size_gib", "type"}:
            found = driver.ex_modify_volume(
                external_id,
                size=after.integer("size_gib") if "size_gib" in changed else None,
                type=after.text("type", "ssd") if "type" in changed else None,
            )
        else:
            found = driver.ex_get_volume(external_id)
        extra = _extra(found)
        found.extra = {**extra, "tags": relabel(driver, external_id, extra["tags"], update)}
        return self.tell(found)

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.destroy_volume(volume(driver, external_id))

    def choose(self, driver: SimulatedNodeDriver, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return (
            choice.choose_zone(driver.list_locations(), wanted)
            if name == "zone"
            else super().choose(driver, name, wanted)
        )


class VolumeAttachmentCalls(SimulatedCalls[SimulatedNodeDriver, StorageVolume]):
    """A volume on a server: its id is ``volume:server``, which is its natural key as well. It has no tags."""

    kind = "compute.VolumeAttachment"
    resource = VolumeAttachment
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: once more to the same server changes nothing."""
        attached, server, device = inputs.text("volume"), inputs.text("server"), inputs.text("device")
        driver.attach_volume(node(driver, server), volume(driver, attached), device)
        return self._told(attached, server, device)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[StorageVolume]:
        """See `SimulatedCalls.listed`: attached volumes; those of ``ids`` to the server that is meant."""
        volumes = None if ids is None else [external_id.partition(":")[0] for external_id in ids]
        for one in driver.list_volumes(volumes, token):
            if _extra(one)["server"] is not None and (ids is None or _id(one) in ids):
                yield one

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> StorageVolume:
        """See `SimulatedCalls.one`."""
        attached, _, server = external_id.partition(":")
        found = driver.ex_get_volume(attached)
        if _extra(found)["server"] != server:
            raise refusal("InvalidAttachment.NotFound", f"the volume '{attached}' is not attached to '{server}'")
        return found

    def tell(self, one: StorageVolume) -> Observation:
        """See `SimulatedCalls.tell`."""
        extra = _extra(one)
        return self._told(one.id, extra["server"], extra["device"])

    def search(self, driver: SimulatedNodeDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`."""
        return self.look_up(driver, f"{inputs.text('volume')}:{inputs.text('server')}")

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`: detaches it from that server only."""
        attached, _, server = external_id.partition(":")
        driver.detach_volume(volume(driver, attached), ex_server=server)

    def _told(self, attached: str, server: str, device: str) -> Observation:
        inputs = {"volume": attached, "server": server, "device": device}
        return self.observation(f"{attached}:{server}", inputs)


class SnapshotCalls(SimulatedCalls[SimulatedNodeDriver, VolumeSnapshot]):
    """A snapshot."""

    kind = "compute.Snapshot"
    resource = Snapshot

    def create(self, driver: SimulatedNodeDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        made = driver.create_volume_snapshot(
            volume(driver, inputs.text("volume")),
            owner.name(),
            ex_description=inputs.text("description"),
            ex_tags=tags_of(inputs, owner),
            ex_token=owner.token,
        )
        return self.tell(made)

    def listed(
        self, driver: SimulatedNodeDriver, ids: Sequence[str] | None = None, token: str | None = None
    ) -> Iterable[VolumeSnapshot]:
        """See `SimulatedCalls.listed`."""
        return driver.ex_list_snapshots(ids, token)

    def one(self, driver: SimulatedNodeDriver, external_id: str) -> VolumeSnapshot:
        """See `SimulatedCalls.one`."""
        return driver.ex_get_snapshot(external_id)

    def tell(self, one: VolumeSnapshot) -> Observation:
        """See `SimulatedCalls.tell`."""
        extra = one.extra
        status, detail = progress(extra["status"], "available")
        return self.observation(
            one.id,
            {"volume": extra["volume"], "description": extra["description"]},
            {"size_gib": one.size},
            tags=extra["tags"],
            status=status,
            detail=detail,
            name=one.name or "",
        )

    def update(self, driver: SimulatedNodeDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        found = driver.ex_get_snapshot(external_id)
        found.extra["tags"] = relabel(driver, external_id, found.extra["tags"], update)
        return self.tell(found)

    def delete(self, driver: SimulatedNodeDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.destroy_volume_snapshot(snapshot(driver, external_id))


def _extra(one: StorageVolume) -> Mapping[str, Any]:
    return one.extra or {}


def _id(one: StorageVolume) -> str:
    return f"{one.id}:{_extra(one)['server']}"
