"""Images, as calls of the simulated compute driver: the cloud's own, and those that its users make of servers."""

from __future__ import annotations

from collections.abc import Sequence

from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeLocation

from orchestra.clouds.families.simulated import catalogue
from orchestra.clouds.families.simulated.endpoint import InProcess, Tags
from orchestra.clouds.families.simulated.kinds import CUSTOM_IMAGE, SERVER, CustomImageBody, state_at
from orchestra.clouds.families.simulated.listing import Filter
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.clouds.families.simulated.rows import Row, Rows

_AT_REST = ("running", "stopped")
"""The states of a server that an image can be made of."""


class Images(InProcess, NodeDriver):
    """The calls for images."""

    def list_images(self, location: NodeLocation | None = None) -> list[NodeImage]:
        """All images of the cloud's own; every zone has them."""
        with self._read("list_images"):
            return [self._offer(offer) for offer in catalogue.IMAGES]

    def ex_list_custom_images(
        self, ex_ids: Sequence[str] | None = None, ex_token: str | None = None
    ) -> list[NodeImage]:
        """All images made of servers, or those with the ids or the token."""
        wanted = Filter(ids=ex_ids, token=ex_token)
        return [self._image(row) for row in self._list("ex_list_custom_images", CUSTOM_IMAGE, wanted)]

    def get_image(self, image_id: str) -> NodeImage:
        """One image, the cloud's own or made of a server."""
        offer = catalogue.IMAGE_BY_ID.get(image_id)
        if offer is None:
            return self.ex_get_custom_image(image_id)
        with self._read("get_image", image_id):
            return self._offer(offer)

    def ex_get_custom_image(self, image_id: str) -> NodeImage:
        """One image made of a server."""
        with self._read("ex_get_custom_image", image_id) as rows:
            return self._image(rows.look_up(CUSTOM_IMAGE, image_id))

    def create_image(  # type: ignore[override]  # Libcloud's annotation says a list, its drivers return one
        self,
        node: Node,
        name: str,
        description: str | None = None,
        *,
        ex_tags: Tags = None,
        ex_token: str | None = None,
    ) -> NodeImage:
        """Make an image of a server as it is now. ``name`` is unique in the region."""
        with self._write("create_image", token=ex_token) as rows:
            row = rows.made_under(CUSTOM_IMAGE, ex_token)
            if row is None:
                source = rows.get(SERVER, node.id)
                state = state_at(source.body["states"], self._now())
                if state not in _AT_REST:
                    needed = " or ".join(_AT_REST)
                    raise refusal("IncorrectInstanceState", f"the server '{source.id}' is {state}: it must be {needed}")
                if rows.named(CUSTOM_IMAGE, name) is not None:
                    raise refusal("InvalidAMIName.Duplicate", f"the image name '{name}' is already in use")
                if len(description or "") > 255:
                    raise refusal("InvalidParameterValue", "a description has at most 255 characters")
                body: CustomImageBody = {
                    "tags": dict(ex_tags or {}),
                    "name": name,
                    "server": source.id,
                    "size": catalogue.SIZE_BY_NAME[source.body["size"]].disk,
                    "description": description or "",
                    "states": self._passing("pending", "available"),
                }
                row = rows.add(CUSTOM_IMAGE, body, name=name, token=ex_token)
            return self._image(row)

    def delete_image(self, node_image: NodeImage) -> bool:
        """Delete an image made of a server; servers made from it stay."""
        with self._write("delete_image", node_image.id) as rows:
            rows.remove(rows.get(CUSTOM_IMAGE, node_image.id))
        return True

    def _offer(self, offer: catalogue.ImageOffer) -> NodeImage:
        extra = {
            "os": offer.os,
            "version": offer.version,
            "architecture": offer.architecture,
            "created": offer.created,
        }
        return NodeImage(offer.id, offer.name, self, extra=extra)

    def _image(self, row: Row[CustomImageBody]) -> NodeImage:
        body = row.body
        extra = {
            "status": state_at(body["states"], self._now()),
            "server": body["server"],
            "size": body["size"],
            "description": body["description"],
            "tags": body["tags"],
        }
        return NodeImage(row.id, body["name"], self, extra=extra)


def check_image(rows: Rows, image: str) -> None:
    """Refuse ``image`` if no server can be made from it."""
    if image in catalogue.IMAGE_BY_ID:
        return
    state = state_at(rows.get(CUSTOM_IMAGE, image).body["states"], rows.now)
    if state != "available":
        raise refusal("InvalidAMIID.Unavailable", f"the image '{image}' is {state}")
