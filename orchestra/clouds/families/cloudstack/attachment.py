"""Volumes attached to servers. CloudStack has no id for that: ours is ``volume:server``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import settled
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import NotFoundError


class VolumeAttachmentCalls(Calls[Drivers]):
    """An attachment. It can carry no tags, so it is found by its volume and server.

    The device isn't told: the hypervisor chooses it.
    """

    kind = "compute.VolumeAttachment"
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a volume that this very server has already is what an earlier call did."""
        volume, server = inputs.text("volume"), inputs.text("server")
        if _server_of(_volume(driver, volume)) == server:
            return _told(volume, server)
        external_id = f"{volume}:{server}"
        driver.jobs.forget(external_id)
        driver.jobs.began(external_id, driver.do("attachVolume", id=volume, virtualmachineid=server))
        return attrs.evolve(_told(volume, server), status=Status.PENDING, detail="attaching")

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        if len(ids) == 1:
            return iter(())
        wanted = frozenset(ids)
        return (found for found in self.everything(driver) if found.external_id in wanted)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`. Of one that isn't there its job tells whether it is to come, or why it never came."""
        volume, _, server = external_id.partition(":")
        is_there = _server_of(_volume(driver, volume)) == server
        found = settled(driver, _told(volume, server))
        # a job that is over may have ended after the volume was read
        is_over = not is_there and found.status is Status.READY
        if is_over and _server_of(_volume(driver, volume)) != server:
            raise NotFoundError(f"volume {volume} isn't attached to {server}")
        return found

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by volume and server."""
        del owner
        volume, server = inputs.text("volume"), inputs.text("server")
        return _told(volume, server) if _server_of(_volume(driver, volume)) == server else None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an attachment can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        volume, _, server = external_id.partition(":")
        driver.jobs.forget(external_id)
        if _server_of(_volume(driver, volume)) == server:
            driver.jobs.began(external_id, driver.do("detachVolume", id=volume))

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        for item in driver.items("listVolumes", "volume", type="DATADISK", zoneid=driver.zone_id):
            if server := _server_of(item):
                yield _told(str(item["id"]), server)


def _volume(drivers: Drivers, volume: str) -> Item:
    for item in drivers.items("listVolumes", "volume", id=volume):
        if str(item["id"]) == volume:
            return item
    raise NotFoundError(f"volume {volume} isn't there")


def _server_of(item: Item) -> str | None:
    """The server that a volume is attached to."""
    told = item.get("virtualmachineid")
    return str(told) if told else None


def _told(volume: str, server: str) -> Observation:
    return Observation(external_id=f"{volume}:{server}", inputs={"volume": volume, "server": server}, detail="attached")
