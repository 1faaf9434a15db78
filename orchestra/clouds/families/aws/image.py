"""Images of servers: machine images (AMIs) backed by snapshots on Elastic Block Store."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import ClassVar, Final
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing, tolerating
from orchestra.clouds.families.aws.tags import labels_of, name_in, relabel, tags_in, tags_of
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, NotFoundError
from orchestra.resources.compute import CustomImage

_LONGEST_NAME: Final = 128
_GOING: Final = "deregistered"
_OWN: Final = MappingProxyType({"Owner.1": "self"})
_STATUSES: Final = MappingProxyType(
    {
        "available": Status.READY,
        "disabled": Status.READY,  # whoever disabled it did so on purpose: it isn't failed, and no reason to replace it
        "invalid": Status.FAILED,
        "failed": Status.FAILED,
        "error": Status.FAILED,
    }
)


class CustomImageCalls(Described):
    """An image. AWS restarts the server for it, so that what the server hasn't written to its disk yet is in it too.

    Of what server it was made is told only by later versions of AWS's API.
    """

    kind = "compute.CustomImage"
    resource = CustomImage
    found_by = FoundBy.TAG
    found_key = "orchestra:token"
    listing: ClassVar[Listing] = Listing(
        action="DescribeImages", container="imagesSet", id_filter="image-id", id_parameter="ImageId", fixed=_OWN
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: one request, with the tags of the image and of its snapshots in it.

        An image takes no idempotency token, so what the token made is looked for first; the name, of which an account
        has one, keeps a second one from being made while the first isn't listed yet.
        """
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        tags = tags_of(owner, inputs)
        try:
            answer = query.ec2(
                driver.ec2,
                "CreateImage",
                {
                    "InstanceId": inputs.text("server"),
                    "Name": inputs.optional_text("name") or owner.name(_LONGEST_NAME),
                    "Description": inputs.text("description"),
                    "NoReboot": "false",
                },
                query.tagged("image", tags),
                query.tagged("snapshot", _of_a_part(tags), 2),
            )
        except Exception as error:
            return self.made_before(driver, owner, inputs, error)
        return Observation(
            external_id=query.child(answer, "imageId").text or "",
            status=Status.PENDING,
            outputs={"size_gib": None},
            ownership=owner,
        )

    def observe(self, item: Element) -> Observation | None:
        """See `Described.observe`."""
        state = query.text(item, "imageState")
        if state == _GOING:
            return None
        tags, source = tags_in(item), query.text(item, "sourceInstanceId")
        return Observation(
            external_id=query.text(item, "imageId"),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                **({"server": source} if source else {}),
                "name": query.text(item, "name"),
                "description": query.text(item, "description"),
                "labels": labels_of(tags),
            },
            outputs={"size_gib": _size(item)},
            detail=query.text(item, "stateReason/message") or state,
            ownership=Ownership.from_tags(tags),
            name=name_in(tags) or query.text(item, "name"),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels, last those of the image itself, by which it is seen that they are changed."""
        for item in self._items(driver, external_id):
            for snapshot in _snapshots(driver, query.numbered("SnapshotId", _parts(item))) if _parts(item) else ():
                relabel(driver, query.text(snapshot, "snapshotId"), tags_in(snapshot), update.after)
            relabel(driver, external_id, tags_in(item), update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: the image, and its snapshots, which are found by what AWS wrote on them.

        So they also go if an earlier call came no further than to the image. One that another image uses stays.
        """
        with tolerating(NotFoundError):
            query.ec2(driver.ec2, "DeregisterImage", {"ImageId": external_id, "DeleteAssociatedSnapshots": "true"})
        written = {"description": [f"Created by CreateImage(*) for {external_id}*"]}
        for snapshot in _snapshots(driver, query.filters(written)):
            identity = query.text(snapshot, "snapshotId")
            try:
                with tolerating(NotFoundError):
                    query.ec2(driver.ec2, "DeleteSnapshot", {"SnapshotId": identity})
            except Exception as error:
                is_in_use = isinstance(translate(error), InUseError)
                if not is_in_use or not self._is_used_elsewhere(driver, identity, external_id):
                    raise

    def _items(self, drivers: Drivers, external_id: str) -> Iterator[Element]:
        asked = query.numbered("ImageId", [external_id])
        return query.ec2_items(drivers.ec2, "DescribeImages", "imagesSet", _OWN, asked)

    def _is_used_elsewhere(self, drivers: Drivers, snapshot: str, image: str) -> bool:
        listed = query.ec2_items(drivers.ec2, "DescribeImages", "imagesSet", _OWN, size=self.listing.size)
        return any(snapshot in _parts(item) for item in listed if query.text(item, "imageId") != image)


def _of_a_part(tags: dict[str, str]) -> dict[str, str]:
    """The tags of what belongs to an image: not the token, by which the image alone is to be found."""
    return {key: value for key, value in tags.items() if key != "orchestra:token"}


def _snapshots(drivers: Drivers, asked: query.Parameters) -> Iterator[Element]:
    return query.ec2_items(drivers.ec2, "DescribeSnapshots", "snapshotSet", _OWN, asked)


def _parts(item: Element) -> list[str]:
    """The snapshots that an image is made up of."""
    found = (query.text(part, "ebs/snapshotId") for part in item.findall("blockDeviceMapping/item"))
    return [one for one in found if one]


def _size(item: Element) -> int | None:
    """The size of the disk that a server starts from; not told while the image is being made."""
    root = query.text(item, "rootDeviceName")
    for part in item.findall("blockDeviceMapping/item"):
        size = query.text(part, "ebs/volumeSize")
        if query.text(part, "deviceName") == root and size:
            return int(size)
    return None
