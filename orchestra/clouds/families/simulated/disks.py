"""Volumes and snapshots, as calls of the simulated compute driver."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from libcloud.compute.base import Node, NodeDriver, NodeLocation, StorageVolume, VolumeSnapshot
from libcloud.compute.types import StorageVolumeState

from orchestra.clouds.families.simulated.endpoint import InProcess, Tags
from orchestra.clouds.families.simulated.kinds import (
    FAILED,
    SERVER,
    SNAPSHOT,
    VOLUME,
    SnapshotBody,
    VolumeBody,
    state_at,
)
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import in_use, refusal
from orchestra.clouds.families.simulated.rows import Row

_TYPES: Final = ("ssd", "hdd")
_LARGEST: Final = 65536
_STATES: Final = MappingProxyType(
    {
        "creating": StorageVolumeState.CREATING,
        "available": StorageVolumeState.AVAILABLE,
        FAILED: StorageVolumeState.ERROR,
    }
)


class Disks(InProcess, NodeDriver):
    """The calls for volumes and snapshots."""

    def list_volumes(self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None) -> list[StorageVolume]:
        """All volumes, or those with the ids or the token."""
        return [self._volume(row) for row in self._list("list_volumes", VOLUME, Filter(ids=ex_ids, token=ex_token))]

    def ex_get_volume(self, volume_id: str) -> StorageVolume:
        """One volume."""
        with self._read("ex_get_volume", volume_id) as rows:
            return self._volume(rows.look_up(VOLUME, volume_id))

    def create_volume(
        self,
        size: int,
        name: str,
        location: NodeLocation | None = None,
        snapshot: VolumeSnapshot | None = None,
        *,
        ex_type: str = "ssd",
        ex_encrypted: bool = False,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> StorageVolume:
        """Make a volume of ``size`` GiB, empty or with the content of ``snapshot``.

        ``ex_type`` is ``ssd`` or ``hdd``; ``location`` is a zone, by default the region's first.
        """
        with self._write("create_volume", token=ex_token) as rows:
            row = rows.made_under(VOLUME, ex_token)
            if row is None:
                zone = location.id if location else self.endpoint.zones[0]
                if zone not in self.endpoint.zones:
                    raise refusal("InvalidParameterValue", f"the zone '{zone}' is not in {self.endpoint.region}")
                _check_type(ex_type)
                smallest = rows.get(SNAPSHOT, snapshot.id).body["size"] if snapshot else 1
                if not smallest <= size <= _LARGEST:
                    raise refusal("InvalidParameterValue", f"size {size} is invalid: {smallest} to {_LARGEST} GiB")
                body: VolumeBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name,
                    "size": size,
                    "zone": zone,
                    "type": ex_type,
                    "encrypted": ex_encrypted,
                    "snapshot": snapshot.id if snapshot else None,
                    "server": None,
                    "device": None,
                    "states": self._passing("creating", "available"),
                }
                row = rows.add(VOLUME, body, token=ex_token)
            return self._volume(row)

    def attach_volume(self, node: Node, volume: StorageVolume, device: str | None = "/dev/sdf") -> bool:
        """Attach a volume to a server in the same zone; once more to the same server changes nothing."""
        with self._write("attach_volume", volume.id) as rows:
            row, server = rows.get(VOLUME, volume.id), rows.get(SERVER, node.id)
            if row.body["server"] == server.id and row.body["device"] == device:
                return True
            if row.body["server"] is not None:
                raise in_use(f"the volume '{row.id}'", [row.body["server"]], code="VolumeInUse")
            if row.body["zone"] != server.body["zone"]:
                raise refusal(
                    "InvalidVolume.ZoneMismatch",
                    f"the volume '{row.id}' is in {row.body['zone']}, the server in {server.body['zone']}",
                )
            if any(one.body["device"] == device for one in rows.linked(VOLUME, server.id, "attachment")):
                raise refusal("InvalidParameterValue", f"'{device}' of server '{server.id}' is already in use")
            row.body["server"], row.body["device"] = server.id, device
            rows.use(row, "attachment", [server.id], blocks=False)
            rows.save(row)
        return True

    def detach_volume(self, volume: StorageVolume, *, ex_server: str | None = None) -> bool:
        """Detach a volume from its server; from ``ex_server`` alone if that is given."""
        with self._write("detach_volume", volume.id) as rows:
            row = rows.get(VOLUME, volume.id)
            if row.body["server"] is None or ex_server not in (None, row.body["server"]):
                raise refusal("InvalidAttachment.NotFound", f"the volume '{row.id}' is not attached {ex_server or ''}")
            row.body["server"] = row.body["device"] = None
            rows.use(row, "attachment", ())
            rows.save(row)
        return True

    def ex_modify_volume(self, volume_id: str, *, size: int | None = None, type: str | None = None) -> StorageVolume:  # noqa: A002
        """Make a volume larger, or of another type; None leaves it as it is. It can't be made smaller."""
        with self._write("ex_modify_volume", volume_id) as rows:
            row = rows.get(VOLUME, volume_id)
            if size is not None:
                if not row.body["size"] <= size <= _LARGEST:
                    raise refusal(
                        "InvalidParameterValue", f"new size {size} is invalid: {row.body['size']} to {_LARGEST} GiB"
                    )
                row.body["size"] = size
            if type is not None:
                _check_type(type)
                row.body["type"] = type
            rows.save(row)
            return self._volume(row)

    def destroy_volume(self, volume: StorageVolume) -> bool:
        """Delete a volume; refused while it is attached. Its snapshots stay."""
        with self._write("destroy_volume", volume.id) as rows:
            row = rows.get(VOLUME, volume.id)
            if row.body["server"] is not None:
                raise in_use(f"the volume '{row.id}'", [row.body["server"]], code="VolumeInUse")
            rows.remove(row)
        return True

    def create_volume_snapshot(
        self,
        volume: StorageVolume,
        name: str | None = None,
        *,
        ex_description: str = "",
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> VolumeSnapshot:
        """Copy a volume as it is now."""
        with self._write("create_volume_snapshot", token=ex_token) as rows:
            row = rows.made_under(SNAPSHOT, ex_token)
            if row is None:
                source = rows.get(VOLUME, volume.id)
                if len(ex_description) > 255:
                    raise refusal("InvalidParameterValue", "a description has at most 255 characters")
                body: SnapshotBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name or "",
                    "volume": source.id,
                    "size": source.body["size"],
                    "description": ex_description,
                    "states": self._passing("creating", "available"),
                }
                row = rows.add(SNAPSHOT, body, parent=source.id, token=ex_token)
            return self._snapshot(row)

    def list_volume_snapshots(self, volume: StorageVolume) -> list[VolumeSnapshot]:
        """The snapshots of one volume."""
        wanted = Filter(parent=volume.id)
        return [self._snapshot(row) for row in self._list("list_volume_snapshots", SNAPSHOT, wanted)]

    def ex_list_snapshots(
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None
    ) -> list[VolumeSnapshot]:
        """All snapshots, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [self._snapshot(row) for row in self._list("ex_list_snapshots", SNAPSHOT, wanted)]

    def ex_get_snapshot(self, snapshot_id: str) -> VolumeSnapshot:
        """One snapshot."""
        with self._read("ex_get_snapshot", snapshot_id) as rows:
            return self._snapshot(rows.look_up(SNAPSHOT, snapshot_id))

    def destroy_volume_snapshot(self, snapshot: VolumeSnapshot) -> bool:
        """Delete a snapshot; volumes made from it stay."""
        with self._write("destroy_volume_snapshot", snapshot.id) as rows:
            rows.remove(rows.get(SNAPSHOT, snapshot.id))
        return True

    def _volume(self, row: Row[VolumeBody]) -> StorageVolume:
        body = row.body
        state = state_at(body["states"], self._now())
        return StorageVolume(
            row.id,
            body["name"],
            body["size"],
            self,
            StorageVolumeState.INUSE if body["server"] is not None else _STATES[state],
            {
                "status": state,
                "zone": body["zone"],
                "type": body["type"],
                "encrypted": body["encrypted"],
                "snapshot": body["snapshot"],
                "server": body["server"],
                "device": body["device"],
                "tags": body["tags"],
            },
        )

    def _snapshot(self, row: Row[SnapshotBody]) -> VolumeSnapshot:
        body = row.body
        state = state_at(body["states"], self._now())
        return VolumeSnapshot(
            row.id,
            self,
            body["size"],
            {
                "status": state,
                "volume": body["volume"],
                "description": body["description"],
                "tags": body["tags"],
            },
            datetime.datetime.fromtimestamp(body["states"][0][0], tz=datetime.timezone.utc),
            _STATES[state],
            body["name"],
        )


def _check_type(type_: str) -> None:
    if type_ not in _TYPES:
        raise refusal("InvalidParameterValue", f"the volume type '{type_}' is not one of {', '.join(_TYPES)}")
