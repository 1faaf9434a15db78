"""Volumes attached to servers. Azure has no id for that: ours is ``volume:server``.

Attaching is an action of its own, not a change of the whole machine, so two at once don't undo each other:
https://learn.microsoft.com/en-us/rest/api/compute/virtual-machines/attach-detach-data-disks
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestra.clouds.base.tolerance import if_there
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import state_of
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import NotFoundError

_ACTION = "attachDetachDataDisks"


class VolumeAttachmentCalls(Calls[Drivers]):
    """An attachment. It can carry no tags, so it is found by its volume and server.

    The device isn't told: Azure gives a number, and the system of the server makes a name of it.
    """

    kind = "compute.VolumeAttachment"
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a volume that this very server has already is what an earlier call did."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        volume, server = inputs.text("volume"), inputs.text("server")
        driver.act(server, _ACTION, {"dataDisksToAttach": [{"diskId": volume, "deleteOption": "Detach"}]})
        return self.look_up(driver, f"{volume}:{server}")

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        wanted = frozenset(ids)
        if len(wanted) < 2:
            return iter(())
        machines = driver.listed(rest.MACHINE)
        return (found for item in machines for found in _attachments(driver, item) if found.external_id in wanted)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        volume, _, server = external_id.partition(":")
        if driver.ids.type_of(server) == rest.MACHINE:
            for found in _attachments(driver, driver.get(server)):
                if found.external_id.lower() == external_id.lower():
                    return found
        raise NotFoundError(f"volume {volume} isn't attached to {server}")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by volume and server."""
        del owner
        return if_there(lambda: self.look_up(driver, f"{inputs.text('volume')}:{inputs.text('server')}"))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an attachment can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        self.look_up(driver, external_id)
        volume, _, server = external_id.partition(":")
        driver.act(server, _ACTION, {"dataDisksToDetach": [{"diskId": volume}]})

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`, without the disks that a server goes with."""
        for item in driver.listed(rest.MACHINE):
            if driver.is_here(item):
                yield from (found for found in _attachments(driver, item) if not found.comes_with)


def _attachments(drivers: Drivers, machine: Item) -> Iterator[Observation]:
    """What a machine tells of its disks: an attachment is ready when the machine has settled with it."""
    status, word = state_of(machine)
    server = drivers.ids.told(str(machine["id"]))
    for disk in machine["properties"]["storageProfile"].get("dataDisks") or ():
        managed = (disk.get("managedDisk") or {}).get("id")
        if managed and not disk.get("toBeDetached"):
            volume = drivers.ids.told(str(managed))
            yield Observation(
                external_id=f"{volume}:{server}",
                status=status,
                inputs={"volume": volume, "server": server},
                detail=word,
                comes_with=server if disk.get("deleteOption") == "Delete" else "",
            )
