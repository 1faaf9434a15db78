"""Images of servers: specialized ones, each in a gallery of its own.

A managed image would need a generalized server, which can't be started again. A gallery takes the image of one that
runs: https://learn.microsoft.com/en-us/azure/virtual-machines/image-version. Three things are put, one inside the
other, each under a name that the token or the user gives: gallery, definition, version.

https://learn.microsoft.com/en-us/rest/api/compute/gallery-image-versions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.tolerance import if_there, tolerating
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described, is_part, state_of
from orchestra.clouds.families.azure.gallery import definition_of, gallery_of, stored
from orchestra.clouds.families.azure.ids import name_in
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import DESCRIPTION, labels_in, owner_in, tags_in, tags_of
from orchestra.contracts import Inputs, Observation, Ownership, Refusal, Status, Update
from orchestra.errors import ConflictError, InProgressError, InvalidRequestError, NotFoundError
from orchestra.resources.compute import CustomImage

_VERSION: Final = "1.0.0"
_PUBLISHER: Final = "orchestra"
_LONGEST: Final = 80
"""Characters in the name of a gallery or a definition."""
_OFFER: Final = 64
"""Characters in the offer of an identifier."""
_NAME: Final = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,{_LONGEST - 2}}}[A-Za-z0-9])?")
_IMPOSSIBLE: Final = (
    f"the name of an image has at most {_LONGEST} letters, digits, '.', '_' and '-', a letter or digit at both ends",
    "write it so, or leave it out",
)
_IMAGE: Final = "orchestra:image"
"""The tag of a gallery that says how the definition in it is called."""
_STANDARD: Final = "Standard"
_DELETED: Final = 15.0
"""Seconds after which it is worth looking whether a version is gone."""


class CustomImageCalls(Described):
    """A version of an image in a gallery: of all disks of a server, as they are while it runs.

    The gallery and the definition are made for it and go with it, unless somebody has put something into them.
    """

    kind = "compute.CustomImage"
    resource = CustomImage
    azure_type = rest.GALLERY_VERSION
    expanded = MappingProxyType({"$expand": "ReplicationStatus"})
    longest_name = _LONGEST
    found_key = "name of its gallery, made from the token; then the tag orchestra:token"
    page = 20

    @staticmethod
    def refuse(inputs: Mapping[str, object]) -> Iterator[Refusal]:
        """See `Capabilities.refuse`."""
        name = inputs.get("name")
        if isinstance(name, str) and not _NAME.fullmatch(name):
            yield Refusal(why=_IMPOSSIBLE[0], remedy=_IMPOSSIBLE[1])

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: gallery, definition, version. What an earlier call with this token made stays."""
        description = inputs.text("description")
        more = {"description": description} if description else {}
        version = self._id(driver, owner, inputs)
        definition = definition_of(version)
        part = tags_of(owner, part=self.kind, image=name_in(definition))
        tags = tags_of(owner, inputs.labels(), **more)
        found = self.search(driver, owner, inputs)
        if found is not None and found.status is not Status.FAILED:
            return found
        server = driver.get(inputs.text("server"))
        kept = {"location": driver.region, "tags": part}
        driver.put_part(gallery_of(version), {**kept, "properties": {}})
        driver.put_part(definition, {**kept, "properties": _defined(driver, server, name_in(definition), owner)})
        body = {
            "location": driver.region,
            "tags": tags,
            "properties": {
                "publishingProfile": {
                    "targetRegions": [{"name": driver.region, "regionalReplicaCount": 1}],
                    "storageAccountType": "Standard_LRS",
                },
                "storageProfile": {"source": {"virtualMachineId": driver.ids.told(str(server["id"]))}},
            },
        }
        return self._named(driver, version, driver.put(version, body))

    # -- reading

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`."""
        status, word = state_of(item)
        disks = stored(item)
        source = (disks.get("source") or {}).get("virtualMachineId")
        size = (disks.get("osDiskImage") or {}).get("sizeInGB")
        return Observation(
            external_id=driver.ids.told(str(item["id"])),
            status=status,
            inputs={
                **({"server": driver.ids.told(str(source))} if source else {}),
                "description": tags_in(item).get(DESCRIPTION, ""),
                "labels": labels_in(item),
            },
            outputs={"size_gib": int(size) if size else None},
            detail=_reason(item) if status is Status.FAILED else word,
            ownership=owner_in(item),
        )

    def _named(self, drivers: Drivers, external_id: str, item: Item) -> Observation:
        """What ``item`` tells, under the id that it was asked for by: galleries tell others, too."""
        found, name = self.observe(drivers, item), name_in(definition_of(external_id))
        return attrs.evolve(found, external_id=external_id, inputs={**found.inputs, "name": name}, name=name)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: one by one, for there is a list for each definition only."""
        if len(ids) < 2:
            return
        for one in ids:
            found = if_there(lambda one=one: self.look_up(driver, one))  # type: ignore[misc]
            if found is not None:
                yield found

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`. It isn't gone while a gallery or a definition is left that was made for it."""
        self._assert_kind(driver, external_id)
        item = if_there(lambda: driver.get(external_id, self.expanded))
        if item is not None:
            return self._named(driver, external_id, item)
        for part in (definition_of(external_id), gallery_of(external_id)):
            left = if_there(lambda part=part: driver.get(part))  # type: ignore[misc]
            if left is not None and is_part(left, self.kind):
                return _left(external_id, left)
        raise NotFoundError(f"there is no image {external_id}")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name of its gallery. One of which only parts were made has failed."""
        version = self._id(driver, owner, inputs)
        gallery = if_there(lambda: driver.get(gallery_of(version)))
        if gallery is None:
            return None
        told = owner_in(gallery)
        if not is_part(gallery, self.kind) or told is None or told.token != owner.token:
            raise ConflictError(
                f"{gallery_of(version)} is there already, and isn't from here",
                remedy="choose another name for the deployment, or delete that gallery",
            )
        return self.look_up(driver, version)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: of all galleries of the group and region, and those of which only parts are left."""
        for gallery in filter(driver.is_here, driver.listed(rest.GALLERY)):
            place, left = driver.ids.told(str(gallery["id"])), gallery
            for definition in _inside(driver, place, "images"):
                image = f"{place}/images/{definition['name']}"
                versions = _inside(driver, image, "versions")
                for version in versions:
                    yield self._named(driver, f"{image}/versions/{version['name']}", version)
                if definition["name"] == tags_in(gallery).get(_IMAGE):
                    left = definition if not versions else {}
            if is_part(left, self.kind):
                yield _left(f"{place}/images/{tags_in(left).get(_IMAGE)}/versions/{_VERSION}", left)

    # -- changing

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, driver.get(external_id), external_id, update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: version, definition, gallery; the next only once nothing of the one before is left.

        Raises `InProgressError` until then. What wasn't made for it, or has something else in it, stays.
        """
        self._assert_kind(driver, external_id)
        self._remove(driver, external_id)
        definition, gallery = definition_of(external_id), gallery_of(external_id)
        for place, inside in ((definition, "versions"), (gallery, "images")):
            with tolerating(NotFoundError):
                part = driver.get(place)
                if not is_part(part, self.kind):
                    continue
                if _inside(driver, place, inside):
                    driver.retag(place, labels_in(part))  # somebody else needs it: it is no part of ours any more
                    continue
                self._remove(driver, place)

    def _remove(self, drivers: Drivers, place: str) -> None:
        """Delete what is at ``place``, and see that it is gone."""
        item = if_there(lambda: drivers.get(place))
        if item is None:
            return
        if not _is_going(item):
            with tolerating(NotFoundError):
                drivers.delete(place)
            if if_there(lambda: drivers.get(place)) is None:
                return
        raise InProgressError(
            f"{name_in(place)} is still being deleted: that comes to an end before what it is in can be deleted",
            retry_after=_DELETED,
        )

    def _id(self, drivers: Drivers, owner: Ownership, inputs: Inputs) -> str:
        name = inputs.optional_text("name") or self.name_for(owner)
        if not _NAME.fullmatch(name):
            raise InvalidRequestError(_IMPOSSIBLE[0], sent=False, remedy=_IMPOSSIBLE[1])
        gallery = drivers.ids.of(rest.GALLERY, self.name_for(owner).replace("-", "."))
        return f"{gallery}/images/{name}/versions/{_VERSION}"


def _inside(drivers: Drivers, place: str, what: str) -> list[Item]:
    """What is in a gallery or a definition; nothing if that isn't there any more."""
    return if_there(lambda: list(drivers.items(f"{place}/{what}", rest.GALLERY.version))) or []


def _left(external_id: str, part: Item) -> Observation:
    """What is there of an image of which only ``part`` is left, its gallery or its definition.

    Nothing goes on with it by itself: the next plan makes another and takes this away. What is going is waited for.
    """
    return Observation(
        external_id=external_id,
        status=Status.PENDING if _is_going(part) else Status.FAILED,
        outputs={"size_gib": None},
        detail="it is being deleted" if _is_going(part) else "there is no version of it",
        ownership=owner_in(part),
    )


def _is_going(item: Item) -> bool:
    return state_of(item)[1].lower() == "deleting"


def _defined(drivers: Drivers, server: Item, name: str, owner: Ownership) -> dict[str, Any]:
    """The properties of the definition of an image of ``server``: what they must say is told by its system disk.

    Raises `InvalidRequestError` for what a server that is made here from the image couldn't be.
    """
    managed = (server["properties"]["storageProfile"]["osDisk"].get("managedDisk") or {}).get("id")
    if managed is None:
        raise InvalidRequestError(f"server {server['name']} has no managed disk that it starts from", sent=False)
    disk = drivers.get(drivers.ids.told(str(managed)))["properties"]
    kind = str((disk.get("securityProfile") or {}).get("securityType") or _STANDARD)
    for trait, is_there in ((f"is of the security type {kind}", kind != _STANDARD), ("has a plan", "plan" in server)):
        if is_there:
            raise InvalidRequestError(
                f"server {server['name']} {trait}: what is made from its image must be so, too, and can't be made here",
                sent=False,
                remedy="make the image of a server that was made here",
            )
    return {
        "osType": "Linux",
        "osState": "Specialized",
        "hyperVGeneration": str(disk.get("hyperVGeneration") or "V1"),
        "architecture": str((disk.get("supportedCapabilities") or {}).get("architecture") or "x64"),
        "identifier": {"publisher": _PUBLISHER, "offer": name[:_OFFER].rstrip("."), "sku": owner.token},
    }


def _reason(item: Item) -> str:
    """Why it failed, where that is told."""
    regions = (item["properties"].get("replicationStatus") or {}).get("summary") or ()
    words = [str(one["details"]) for one in regions if one.get("state") == "Failed" and one.get("details")]
    return "; ".join(words) or str(item["properties"]["provisioningState"])
