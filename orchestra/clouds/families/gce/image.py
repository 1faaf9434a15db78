"""Images of servers: a copy of the disk that one starts from, which a project has in one place."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.account import is_zone_of
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described
from orchestra.clouds.families.gce.rest import Item, zone_of
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError, NotFoundError
from orchestra.resources.compute import CustomImage

_HOME: Final = "global/images"
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_STATUSES: Final = MappingProxyType({"READY": Status.READY, "FAILED": Status.FAILED})
"""All others are pending."""


class CustomImageCalls(Described):
    """An image of the disk that a server starts from, also while it runs. Its description tells of which server."""

    kind = "compute.CustomImage"
    resource = CustomImage
    found_by = FoundBy.NAME
    found_key = "name made from the token or given, with the token in description and label; requestId"
    collection = "images"

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        del drivers
        return _HOME

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: not waited for, since copying a large disk takes long."""
        name = self._name(inputs, owner)
        server = driver.ask("GET", inputs.text("server"))
        place = driver.places.place(str(server["selfLink"]))
        body = {
            "name": name,
            "description": marks.description(owner, inputs.text("description"), server=place),
            "sourceDisk": driver.url(_boot_disk(server)),
            "labels": marks.labels_of(owner, inputs),
        }
        made = self.make(driver, _HOME, body, owner, patient=False, query={"forceCreate": "true"})
        return self._told(driver, made)

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`. Those of disks elsewhere are another region's, those of no disk nobody's."""
        if not is_zone_of(zone_of(str(item.get("sourceDisk") or "")), drivers.region):
            return None
        return self._told(drivers, item)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name, if it was made under the token."""
        try:
            item = self.item(driver, f"{_HOME}/{self._name(inputs, owner)}")
        except Exception as error:
            if isinstance(translate(error), NotFoundError):
                return None
            raise
        if not marks.is_of(item, owner):
            return None
        return unless_unfinished(self._told(driver, item), self.resource.kind, inputs, self.set_later)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)

    def _told(self, drivers: Drivers, item: Item) -> Observation:
        state, server = str(item["status"]), marks.marked(item).get("server")
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                **({"server": server} if server else {}),
                "name": str(item["name"]),
                "description": marks.text_in(item),
                "labels": {**marks.labels_in(item)},
            },
            outputs={"size_gib": int(item["diskSizeGb"]) if item.get("diskSizeGb") else None},
            detail=state,
            ownership=marks.owner_of(item),
            name=str(item["name"]),
        )

    def _name(self, inputs: Inputs, owner: Ownership) -> str:
        """The name that is given, or made from the token. Raises `InvalidRequestError` for one that can't be."""
        name = inputs.optional_text("name") or self.name(owner)
        if not _NAME.fullmatch(name):
            raise InvalidRequestError(
                f"the name {name!r} isn't possible: Compute Engine takes up to 63 lower-case letters, digits, '-', a "
                "letter first",
                sent=False,
                remedy="write it so, or leave it out",
            )
        return name


def _boot_disk(server: Item) -> str:
    for disk in server.get("disks") or ():
        if disk.get("boot") and disk.get("source"):
            return str(disk["source"])
    raise InvalidRequestError(f"server {server['name']} has no disk of its own that it starts from")
