"""Volumes attached to servers. AWS has no id for that: ours is ``vol-…:i-…``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, NotFoundError

_PAGE: Final = 500


class VolumeAttachmentCalls(Calls[Drivers]):
    """An attachment. It can carry no tags, so it is found by its volume and server."""

    kind = "compute.VolumeAttachment"
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a volume that this very server has already is what an earlier call did."""
        volume, server = inputs.text("volume"), inputs.text("server")
        try:
            answer = query.ec2(
                driver.ec2,
                "AttachVolume",
                {"VolumeId": volume, "InstanceId": server, "Device": inputs.text("device")},
            )
        except Exception as error:
            if not isinstance(translate(error), InUseError):
                raise
            found = self.search(driver, owner, inputs)
            if found is None:
                raise
            return found
        return _told(answer)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        volumes = dict.fromkeys(external_id.partition(":")[0] for external_id in ids)
        wanted = query.filters({"volume-id": list(volumes)})
        return (found for found in _attachments(driver, wanted) if found.external_id in ids)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        volume, _, server = external_id.partition(":")
        found = self._find(driver, volume, server)
        if found is None:
            raise NotFoundError(f"volume {volume} isn't attached to {server}")
        return found

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by volume and server."""
        del owner
        return self._find(driver, inputs.text("volume"), inputs.text("server"))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an attachment can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. EC2 answers by the volume's state where there is nothing to detach."""
        volume, _, server = external_id.partition(":")
        try:
            query.ec2(driver.ec2, "DetachVolume", {"VolumeId": volume, "InstanceId": server})
        except Exception as error:
            if translate(error).code != "IncorrectState" or self._find(driver, volume, server) is not None:
                raise

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`, without the disks that a server was made with and goes with."""
        return _attachments(driver, {}, with_own_disks=False)

    def _find(self, drivers: Drivers, volume: str, server: str) -> Observation | None:
        wanted = f"{volume}:{server}"
        found = _attachments(drivers, query.numbered("VolumeId", [volume]), size=0)
        return next((one for one in found if one.external_id == wanted), None)


def _attachments(
    drivers: Drivers, asked: Mapping[str, str], *, size: int = _PAGE, with_own_disks: bool = True
) -> Iterator[Observation]:
    for volume in query.ec2_items(drivers.ec2, "DescribeVolumes", "volumeSet", asked, size=size):
        for item in volume.findall("attachmentSet/item"):
            is_own = query.text(item, "deleteOnTermination") == "true"
            if query.text(item, "status") not in ("detaching", "detached") and (with_own_disks or not is_own):
                yield _told(item)


def _told(item: Element) -> Observation:
    volume, server, state = (query.text(item, name) for name in ("volumeId", "instanceId", "status"))
    return Observation(
        external_id=f"{volume}:{server}",
        status=Status.READY if state == "attached" else Status.PENDING,
        inputs={"volume": volume, "server": server, "device": query.text(item, "device")},
        detail=state,
    )
