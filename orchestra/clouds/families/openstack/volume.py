"""Volumes and snapshots of cinder's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import attrs

from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import Described, Listing
from orchestra.clouds.families.openstack.ownership import labels_in_metadata, metadata_of, relabelled
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError
from orchestra.resources.compute import Snapshot, Volume

_STATUSES: Final = MappingProxyType(
    {
        "available": Status.READY,
        "in-use": Status.READY,
        "reserved": Status.READY,
        "attaching": Status.READY,
        "detaching": Status.READY,
        "backing-up": Status.READY,
        "maintenance": Status.READY,
        "error": Status.FAILED,
        "error_extending": Status.FAILED,
    }
)
"""All others are pending."""

_GROWS_IN_USE: Final = "volume 3.42"
"""The microversion, of Pike (2017), from which a volume may grow while it is attached."""

_TYPE: Final = "ssd"
"""The type of a volume that says none."""


@attrs.frozen
class VolumeTypes:
    """What cinder's types are called, for those of the kind: plain ones, and ones that encrypt."""

    plain: Mapping[str, str] = attrs.field(factory=dict)
    encrypted: Mapping[str, str] = attrs.field(factory=dict)

    def chosen(self, inputs: Inputs) -> str | None:
        """The name of the type for ``inputs``; None for the cloud's default. Raises `InvalidRequestError`."""
        kind, encrypted = inputs.optional_text("type"), inputs.flag("encrypted")
        offered = self.encrypted if encrypted else self.plain
        if kind is None and not encrypted and _TYPE not in offered:
            return None
        name = offered.get(kind or _TYPE)
        if name is None:
            argument = "encrypted_volume_types" if encrypted else "volume_types"
            raise InvalidRequestError(
                f"no volume type is known for {kind or _TYPE!r}",
                sent=False,
                remedy=f"give openstack({argument}={{{kind or _TYPE!r}: …}}), with the name of one of the cloud's own",
            )
        return name

    def told(self, name: str) -> str:
        """The kind's word for the type ``name``, else cinder's own."""
        names = {theirs: ours for offered in (self.plain, self.encrypted) for ours, theirs in offered.items()}
        return names.get(name, name)


class VolumeCalls(Described):
    """A volume, of the type that ``types`` say."""

    kind = "compute.Volume"
    resource = Volume
    found_by = FoundBy.TAG
    found_key = "metadata orchestra:token, of the volume of its name"
    listing: ClassVar[Listing] = Listing(
        service="volume", path="/volumes", detailed="/volumes/detail", many="volumes", one="volume"
    )

    def __init__(self, types: VolumeTypes) -> None:
        self._types = types
        self.unsupported = _unsupported(types)

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`."""
        del driver, inputs
        return {"name": owner.name(255)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A volume takes no idempotency token, so what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        fields: dict[str, Any] = {
            "size": inputs.integer("size_gib"),
            "availability_zone": inputs.text("zone"),
            "name": owner.name(255),
            "metadata": metadata_of(owner, inputs),
        }
        if name := self._types.chosen(inputs):
            fields["volume_type"] = name
        if snapshot := inputs.optional_text("snapshot"):
            fields["snapshot_id"] = snapshot
        return self._told(driver.create("volume", self.listing.path, "volume", fields))

    def observe(self, item: Item) -> Observation:
        """See `Described.observe`."""
        return self._told(item)

    def _told(self, item: Item) -> Observation:
        metadata: Mapping[str, str] = item.get("metadata") or {}
        state = str(item["status"])
        return Observation(
            external_id=str(item["id"]),
            status=Status.FAILED if state.startswith("error") else _STATUSES.get(state, Status.PENDING),
            inputs={
                "size_gib": int(item["size"]),
                "zone": str(item["availability_zone"]),
                "type": self._types.told(str(item["volume_type"])),
                "encrypted": bool(item["encrypted"]),
                "snapshot": item.get("snapshot_id"),
                "labels": labels_in_metadata(metadata),
            },
            detail=state,
            ownership=Ownership.from_tags(metadata),
            name=str(item["name"] or ""),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: labels, then the size, then the type; cinder does but one of the last two at a time."""
        item = self.item(driver, external_id)
        path = f"{self.listing.path}/{external_id}"
        if (metadata := relabelled(item.get("metadata") or {}, update.after)) is not None:
            driver.ask("volume", "PUT", f"{path}/metadata", body={"metadata": metadata})
        size = update.after.integer("size_gib")
        if "size_gib" in update.changed and int(item["size"]) < size:
            extension = {"os-extend": {"new_size": size}}
            driver.ask("volume", "POST", f"{path}/action", body=extension, version=_GROWS_IN_USE)
        name = self._types.chosen(update.after)
        if "type" in update.changed and name is not None and str(item["volume_type"]) != name:
            retype = {"new_type": name, "migration_policy": "on-demand"}
            driver.ask("volume", "POST", f"{path}/action", body={"os-retype": retype})
        return self.look_up(driver, external_id)


def _unsupported(types: VolumeTypes) -> Mapping[str, str]:
    """What can't be had with ``types``: a volume that should be encrypted is never made without."""
    missing = {
        "type": (types.plain or types.encrypted, "volume_types"),
        "encrypted": (types.encrypted, "encrypted_volume_types"),
    }
    return {
        name: f"which types cinder has for that isn't known: give openstack({argument}={{'ssd': …, 'hdd': …}})"
        for name, (offered, argument) in missing.items()
        if not offered
    }


class SnapshotCalls(Described):
    """A snapshot of a volume, also of one that is in use."""

    kind = "compute.Snapshot"
    resource = Snapshot
    found_by = FoundBy.TAG
    found_key = "metadata orchestra:token, of the snapshot of its name"
    listing: ClassVar[Listing] = Listing(
        service="volume", path="/snapshots", detailed="/snapshots/detail", many="snapshots", one="snapshot"
    )

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`."""
        del driver, inputs
        return {"name": owner.name(255)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A snapshot takes no idempotency token, so what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        fields = {
            "volume_id": inputs.text("volume"),
            "name": owner.name(255),
            "description": inputs.text("description"),
            "metadata": metadata_of(owner, inputs),
            "force": True,
        }
        return self.observe(driver.create("volume", self.listing.path, "snapshot", fields))

    def observe(self, item: Item) -> Observation:
        """See `Described.observe`."""
        metadata: Mapping[str, str] = item.get("metadata") or {}
        state = str(item["status"])
        return Observation(
            external_id=str(item["id"]),
            status={"available": Status.READY, "error": Status.FAILED}.get(state, Status.PENDING),
            inputs={
                "volume": str(item["volume_id"]),
                "description": str(item["description"] or ""),
                "labels": labels_in_metadata(metadata),
            },
            outputs={"size_gib": int(item["size"])},
            detail=state,
            ownership=Ownership.from_tags(metadata),
            name=str(item["name"] or ""),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        item = self.item(driver, external_id)
        if (metadata := relabelled(item.get("metadata") or {}, update.after)) is not None:
            path = f"{self.listing.path}/{external_id}/metadata"
            driver.ask("volume", "PUT", path, body={"metadata": metadata})
        return self.look_up(driver, external_id)
