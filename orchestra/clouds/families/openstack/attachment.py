"""Volumes attached to servers. Nova has the volume's id for that: ours is ``volume:server``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.rest import Item
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, NotFoundError


class VolumeAttachmentCalls(Calls[Drivers]):
    """An attachment. It can carry no tags, so it is found by its volume and server.

    The device isn't told: most hypervisors take another than they were told, and say so.
    """

    kind = "compute.VolumeAttachment"
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a volume that this very server has already is what an earlier call did."""
        volume, server = inputs.text("volume"), inputs.text("server")
        fields = {"volumeId": volume, "device": inputs.text("device")}
        try:
            driver.create("compute", _path(server), "volumeAttachment", fields)
        except Exception as error:
            if not isinstance(translate(error), InUseError):
                raise
            found = self.search(driver, owner, inputs)
            if found is None:
                raise
            return found
        return _told(volume, server, Status.PENDING, "attaching")

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes two calls, however many there are."""
        if len(ids) == 1:
            return iter(())
        return (found for found in self.everything(driver) if found.external_id in ids)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`: nova knows of it from the beginning, cinder tells how far it is."""
        volume, _, server = external_id.partition(":")
        driver.item("compute", f"{_path(server)}/{volume}", "volumeAttachment")
        state = str(driver.item("volume", f"/volumes/{volume}", "volume")["status"])
        status = {"in-use": Status.READY, "error_attaching": Status.FAILED}.get(state, Status.PENDING)
        return _told(volume, server, status, state)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by volume and server."""
        del owner
        try:
            return self.look_up(driver, f"{inputs.text('volume')}:{inputs.text('server')}")
        except Exception as error:
            if not isinstance(translate(error), NotFoundError):
                raise
            return None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an attachment can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        volume, _, server = external_id.partition(":")
        driver.ask("compute", "DELETE", f"{_path(server)}/{volume}")

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: cinder tells of all volumes where they are attached."""
        for volume in driver.items("volume", "/volumes/detail", "volumes"):
            if volume["status"] == "in-use":
                yield from (_told(str(volume["id"]), server, Status.READY, "in-use") for server in _servers(volume))


def _servers(volume: Item) -> Iterator[str]:
    attachments: Sequence[Any] = volume.get("attachments") or ()
    return (str(one["server_id"]) for one in attachments if one.get("server_id"))


def _path(server: str) -> str:
    return f"/servers/{server}/os-volume_attachments"


def _told(volume: str, server: str, status: Status, detail: str) -> Observation:
    return Observation(
        external_id=f"{volume}:{server}",
        status=status,
        inputs={"volume": volume, "server": server},
        detail=detail,
    )
