"""DigitalOcean's snapshots of droplets, as images of them.

An action on the droplet makes one. What the action tells is neither the image's id nor its name, and the image is
listed when the action is done: so its name, made from the token, is in the request, and while the droplet has an action
under way nobody says that there is no such image.

https://docs.digitalocean.com/reference/api/reference/droplet-actions/ and …/images/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orchestra.clouds.base.compute.traits import Access, Images, Marks, Told, region
from orchestra.clouds.translate import translate
from orchestra.contracts import Status
from orchestra.errors import InProgressError, InvalidRequestError

_PATH: Final = "/v2/images"
_SOON: Final = 30.0
"""Seconds after which it is worth looking whether an image is there."""


def _image(access: Access, row: Mapping[str, Any]) -> Told:
    """DigitalOcean doesn't tell of which droplet it is. It may be in several regions."""
    places = row["regions"] or ()
    return Told(
        id=str(row["id"]),
        name=row["name"],
        state=row["status"],
        region=region(access) if region(access) in places else next(iter(places), None),
        size_gib=row["min_disk_size"],
    )


def _images(access: Access) -> Iterator[Told]:
    """Those that are made of droplets by hand: backups and what was uploaded are of other types."""
    rows = access.driver.rows(f"{_PATH}?private=true", "images")
    return (_image(access, row) for row in rows if row["type"] == "snapshot")


def _settled(access: Access, server: str) -> None:
    for action in access.driver.rows(f"/v2/droplets/{server}/actions", "actions"):
        if action["status"] == "in-progress":
            raise InProgressError(
                f"droplet {server} has an action under way: {action['type']}, {action['id']}", retry_after=_SOON
            )


def _make(access: Access, server: str, name: str, tags: Sequence[str]) -> Told:
    del tags
    try:
        access.driver.act("droplets", server, "snapshot", name=name)
    except Exception as error:
        if isinstance(translate(error), InvalidRequestError):
            _settled(access, server)  # DigitalOcean does one thing to a droplet at a time, and calls a second one wrong
        raise
    _settled(access, server)
    for told in _images(access):
        if told.name == name:
            return told
    raise InProgressError(f"the image of droplet {server} isn't listed yet", retry_after=_SOON)


IMAGES: Final = Images(
    marks=Marks(longest_name=255),
    all=_images,
    one=lambda access, identity: _image(access, access.driver.send("GET", f"{_PATH}/{identity}")["image"]),
    create=_make,
    destroy=lambda access, told: access.driver.send("DELETE", f"{_PATH}/{told.id}"),
    statuses={"available": Status.READY},
    gone=frozenset({"deleted"}),
    settled=_settled,
    unsupported={"description": "whose an image is takes the only place that there is, its name"},
)
