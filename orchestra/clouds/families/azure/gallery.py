"""What a gallery has of an image: its definition, which says what kind of image it is, and its version.

https://learn.microsoft.com/en-us/azure/virtual-machines/shared-image-galleries
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from orchestra.clouds.families.azure import choosing, rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.rest import Item
from orchestra.errors import InvalidRequestError

_SPECIALIZED: Final = "specialized"
_VERSIONS: Final = "/versions/"


@attrs.frozen
class Source:
    """What a machine is made from.

    ``is_specialized``: it has users, keys and a name already, and takes none. ``disks`` are the numbers of the disks
    that are in the image beside the one that it starts from.
    """

    reference: Item
    is_specialized: bool = False
    disks: tuple[int, ...] = ()


def is_versioned(image_id: str) -> bool:
    """Whether it is the id of one version of an image in a gallery."""
    return _VERSIONS in image_id.lower() and f"/{rest.GALLERY.name}/".lower() in image_id.lower()


def definition_of(version_id: str) -> str:
    """The id of the definition that a version is of."""
    return version_id[: version_id.lower().rindex(_VERSIONS)]


def gallery_of(version_id: str) -> str:
    """The id of the gallery that a version is in."""
    return definition_of(version_id).rpartition("/")[0].rpartition("/")[0]


def source_of(drivers: Drivers, image_id: str) -> Source:
    """What the image is. Raises `InvalidRequestError` for one that is another from time to time."""
    reference = choosing.reference(image_id)
    if f"/{rest.GALLERY.name}/".lower() not in image_id.lower():
        return Source(reference)
    if not is_versioned(image_id):
        raise InvalidRequestError(
            f"the image {image_id!r} is whatever version of it is the newest",
            sent=False,
            remedy="give the id of a version, which ends with /versions/…",
        )
    definition, version = drivers.get(definition_of(image_id)), drivers.get(image_id)
    return Source(
        reference,
        str(definition["properties"].get("osState")).lower() == _SPECIALIZED,
        tuple(int(one["lun"]) for one in stored(version).get("dataDiskImages") or ()),
    )


def stored(version: Item) -> Item:
    """What disks a version has, and what they were taken of."""
    found: Item = version["properties"].get("storageProfile") or {}
    return found


def disk(name: str, **more: Any) -> dict[str, Any]:
    """A disk of a machine that is made from an image, and goes with the machine."""
    return {
        "name": name,
        "createOption": "FromImage",
        "caching": "ReadWrite",
        "deleteOption": "Delete",
        "managedDisk": {"storageAccountType": "StandardSSD_LRS"},
        **more,
    }
