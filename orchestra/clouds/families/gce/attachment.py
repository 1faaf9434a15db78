"""Disks attached to instances. The API has no id for that: ours is ``disk:instance``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.rest import Item, zone_of
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import InUseError, InvalidRequestError, NotFoundError


class VolumeAttachmentCalls(Calls[Drivers]):
    """An attachment. It can carry no owner, so it is found by its disk and instance.

    The device's last part is the name under which Google's images show it: ``/dev/disk/by-id/google-sdf``.
    """

    kind = "compute.VolumeAttachment"
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a disk that this very instance has already is what an earlier call did."""
        disk, instance = (driver.places.place(inputs.text(name)) for name in ("volume", "server"))
        body = {"source": driver.url(disk), "deviceName": inputs.text("device").removeprefix("/dev/")}
        try:
            driver.change("POST", f"{instance}/attachDisk", {**body, "autoDelete": False, "mode": "READ_WRITE"})
        except Exception as error:
            if not isinstance(translate(error), (InUseError, InvalidRequestError)):
                raise
            found = self.search(driver, owner, inputs)
            if found is None:
                raise
            return found
        return self.look_up(driver, f"{disk}:{instance}")

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        if len(ids) == 1:
            return iter(())
        return (found for found in self.everything(driver) if found.external_id in ids)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        disk, _, instance = external_id.partition(":")
        item = driver.ask("GET", instance)
        for found in _attached(driver, item):
            if found.external_id == external_id:
                return found
        raise NotFoundError(f"disk {disk} isn't attached to {instance}")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by disk and instance."""
        del owner
        disk, instance = (driver.places.place(inputs.text(name)) for name in ("volume", "server"))
        try:
            return self.look_up(driver, f"{disk}:{instance}")
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
        device = str(self.look_up(driver, external_id).inputs["device"]).removeprefix("/dev/")
        instance = external_id.partition(":")[2]
        driver.change("POST", f"{instance}/detachDisk", query={"deviceName": device})

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: of every instance in the region, without the disks that it starts from."""
        for item in driver.zonal("instances"):
            yield from _attached(driver, item)


def _attached(drivers: Drivers, item: Item) -> Iterator[Observation]:
    instance = drivers.places.place(str(item["selfLink"]))
    disks: Sequence[Mapping[str, object]] = item.get("disks") or ()
    for one in disks:
        source = str(one.get("source") or "")
        if one.get("boot") or not zone_of(source):
            continue  # that goes with the instance, and a local one can't be attached
        disk = drivers.places.place(source)
        yield Observation(
            external_id=f"{disk}:{instance}",
            inputs={"volume": disk, "server": instance, "device": f"/dev/{one['deviceName']}"},
        )
