"""Volumes and snapshots on Elastic Block Store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import ClassVar, Final
from xml.etree.ElementTree import Element

import attrs

from orchestra.clouds.families.aws import choosing, query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing
from orchestra.clouds.families.aws.tags import labels_of, name_in, relabel, tags_in, tags_of
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import NotReadyError
from orchestra.model.values import Plain
from orchestra.resources.compute import Snapshot, Volume

_TYPES: Final = MappingProxyType({"ssd": "gp3", "hdd": "st1"})
_TOLD_TYPES: Final = MappingProxyType({told: name for name, told in _TYPES.items()})
_GOING: Final = ("deleting", "deleted")
_FOR_AN_IMAGE: Final = re.compile(r"^(?:Created by CreateImage|Auto-created snapshot).* for (?:AMI )?(ami-[0-9a-f]+)")
_STATUSES: Final = MappingProxyType(
    {"creating": Status.PENDING, "available": Status.READY, "in-use": Status.READY, "error": Status.FAILED}
)


class VolumeCalls(Described):
    """A volume: gp3 for ``ssd``, st1 for ``hdd``. One of another type is told by AWS's own name for it."""

    kind = "compute.Volume"
    resource = Volume
    found_by = FoundBy.CLIENT_TOKEN
    found_key = "ClientToken, and the tag orchestra:token"
    listing: ClassVar[Listing] = Listing(
        action="DescribeVolumes", container="volumeSet", id_filter="volume-id", id_parameter="VolumeId", size=500
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: one request, with tags and the client token in it."""
        snapshot = inputs.optional_text("snapshot")
        answer = query.ec2(
            driver.ec2,
            "CreateVolume",
            {
                "Size": str(inputs.integer("size_gib")),
                "AvailabilityZone": inputs.text("zone"),
                "VolumeType": _TYPES[inputs.text("type", "ssd")],
                "Encrypted": str(inputs.flag("encrypted")).lower(),
                "ClientToken": owner.token,
            },
            {"SnapshotId": snapshot} if snapshot else {},
            query.tagged("volume", tags_of(owner, inputs)),
        )
        found = self.observe(answer)
        if found is None:
            raise NotReadyError(f"volume {query.text(answer, 'volumeId')} was made and is gone again")
        return found

    def observe(self, item: Element) -> Observation | None:
        """See `Described.observe`."""
        state = query.text(item, "status")
        if state in _GOING:
            return None
        tags = tags_in(item)
        told = query.text(item, "volumeType")
        return Observation(
            external_id=query.text(item, "volumeId"),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                "size_gib": int(query.text(item, "size")),
                "zone": query.text(item, "availabilityZone"),
                "type": _TOLD_TYPES.get(told, told),
                "encrypted": query.text(item, "encrypted") == "true",
                "snapshot": query.text(item, "snapshotId") or None,
                "labels": labels_of(tags),
            },
            detail=state,
            ownership=Ownership.from_tags(tags),
            name=name_in(tags),
            comes_with=_server_it_goes_with(item),
        )

    def observations(self, drivers: Drivers, items: Iterator[Element]) -> Iterator[Observation]:
        """See `Described.observations`: what is being changed is pending, with the size and type that it will have."""
        while chunk := list(islice(items, query.FILTER_VALUES)):
            found = list(super().observations(drivers, iter(chunk)))
            changing = _modifications(drivers, [one.external_id for one in found])
            for one in found:
                yield _changed(one, changing[one.external_id]) if one.external_id in changing else one

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: size and type in one modification, unless that is under way already."""
        for item in query.ec2_items(
            driver.ec2, "DescribeVolumes", "volumeSet", query.numbered("VolumeId", [external_id])
        ):
            relabel(driver, external_id, tags_in(item), update.after)
        now = self.look_up(driver, external_id)
        wanted = {}
        if "size_gib" in update.changed and now.inputs["size_gib"] != update.after.integer("size_gib"):
            wanted["Size"] = str(update.after.integer("size_gib"))
        if "type" in update.changed and now.inputs["type"] != update.after.text("type", "ssd"):
            wanted["VolumeType"] = _TYPES[update.after.text("type", "ssd")]
        if wanted:
            query.ec2(driver.ec2, "ModifyVolume", {"VolumeId": external_id}, wanted)
            now = self.look_up(driver, external_id)
        return now

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        query.ec2(driver.ec2, "DeleteVolume", {"VolumeId": external_id})

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return choosing.zone(driver, wanted) if name == "zone" else super().choose(driver, name, wanted)


def _image_it_is_in(description: str) -> str:
    """The image that a snapshot was made for, which only the description tells: such a one can't be deleted."""
    found = _FOR_AN_IMAGE.search(description)
    return found[1] if found else ""


def _server_it_goes_with(item: Element) -> str:
    """The server that was made with this volume and deletes it with itself."""
    for attachment in item.findall("attachmentSet/item"):
        if query.text(attachment, "deleteOnTermination") == "true":
            return query.text(attachment, "instanceId")
    return ""


def _modifications(drivers: Drivers, volumes: Sequence[str]) -> dict[str, Element]:
    """The modifications under way; a volume is told with its old size until they have gone far enough."""
    if not volumes:
        return {}
    wanted = query.filters({"volume-id": volumes, "modification-state": ["modifying"]})
    found = query.ec2_items(drivers.ec2, "DescribeVolumesModifications", "volumeModificationSet", wanted, size=500)
    return {query.text(item, "volumeId"): item for item in found}


def _changed(observation: Observation, modification: Element) -> Observation:
    told = {"size_gib": int(query.text(modification, "targetSize"))}
    target = query.text(modification, "targetVolumeType")
    return attrs.evolve(
        observation,
        status=Status.PENDING,
        detail="modifying",
        inputs={**observation.inputs, **told, **({"type": _TOLD_TYPES.get(target, target)} if target else {})},
    )


class SnapshotCalls(Described):
    """A snapshot of a volume."""

    kind = "compute.Snapshot"
    resource = Snapshot
    found_by = FoundBy.TAG
    found_key = "orchestra:token"
    listing: ClassVar[Listing] = Listing(
        action="DescribeSnapshots",
        container="snapshotSet",
        id_filter="snapshot-id",
        id_parameter="SnapshotId",
        fixed={"Owner.1": "self"},
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A snapshot takes no idempotency token, so what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        answer = query.ec2(
            driver.ec2,
            "CreateSnapshot",
            {"VolumeId": inputs.text("volume"), "Description": inputs.text("description")},
            query.tagged("snapshot", tags_of(owner, inputs)),
        )
        return self.observe(answer)

    def observe(self, item: Element) -> Observation:
        """See `Described.observe`."""
        tags = tags_in(item)
        state = query.text(item, "status")
        return Observation(
            external_id=query.text(item, "snapshotId"),
            status={"completed": Status.READY, "error": Status.FAILED}.get(state, Status.PENDING),
            inputs={
                "volume": query.text(item, "volumeId"),
                "description": query.text(item, "description"),
                "labels": labels_of(tags),
            },
            outputs={"size_gib": int(query.text(item, "volumeSize"))},
            detail=query.text(item, "statusMessage") or state,
            ownership=Ownership.from_tags(tags),
            name=name_in(tags),
            comes_with=_image_it_is_in(query.text(item, "description")),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        asked = query.numbered("SnapshotId", [external_id])
        for item in query.ec2_items(driver.ec2, "DescribeSnapshots", "snapshotSet", asked):
            relabel(driver, external_id, tags_in(item), update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        query.ec2(driver.ec2, "DeleteSnapshot", {"SnapshotId": external_id})
