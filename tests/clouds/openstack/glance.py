"""Glance, and of nova what makes an image of a server, in the form of their references; served on loopback.

What is refused is what they refuse: https://docs.openstack.org/api-ref/image/v2/ and /compute/. An image has the
properties of the one that its server was made from, as nova gives it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestra.clouds.families.openstack.identity import Token
from tests.clouds.families.imitation import Answer, Imitation, RefusedError, Request

PROJECT = "p-1"
PAGE = 3
"""How many images a page has, whatever was asked for."""
OWN = ("name", "owner", "status", "id", "visibility", "min_disk", "tags")
"""Properties that mean something to glance: an image can't be given them by nova."""


class Glance(Imitation):
    """Images of one project beside the public one, and servers that were made from them."""

    def __init__(self) -> None:
        super().__init__()
        self.images: dict[str, dict[str, Any]] = {}
        self.servers: dict[str, str] = {}
        """The image that each was made from."""
        self.snapshots: set[str] = set()
        self.left: set[str] = set()
        """The images that nova began and isn't at."""
        self.races = 0
        """How many of the next images nova begins, and leaves: it was just asked for another one of the server."""
        self.states: list[str] = []
        """The states that an image that is made goes through first: each look at it takes one."""
        self.add("debian-12", owner="operator", visibility="public", os_distro="debian", os_version="12")

    def token(self) -> Token:
        """One that is good here."""
        places = dict.fromkeys(("compute", "network", "image", "volume"), self.endpoint)
        return Token("good", 4e9, PROJECT, places)

    def add(self, name: str, **properties: Any) -> str:
        """An image, as if made by others."""
        identity = f"image-{self.number():04d}"
        plain = {"owner": PROJECT, "status": "active", "visibility": "private", "min_disk": 5, "tags": []}
        made = f"2026-01-01T00:00:{len(self.images):02d}Z"
        self.images[identity] = {**plain, **properties, "id": identity, "name": name, "created_at": made}
        return identity

    def serve(self, image: str) -> str:
        """A server made from ``image``."""
        identity = f"server-{self.number()}"
        self.servers[identity] = image
        return identity

    def routes(self) -> Sequence[tuple[str, str, Answer]]:
        return (
            ("POST", "/servers/([^/]+)/action", self.create),
            ("GET", "/servers/([^/]+)", self.server),
            ("GET", "/v2/images", self.list),
            ("GET", "/v2/images/([^/]+)", self.get),
            ("PATCH", "/v2/images/([^/]+)", self.patch),
            ("DELETE", "/v2/images/([^/]+)", self.delete),
            ("DELETE", "/snapshots/([^/]+)", self.delete_snapshot),
        )

    def authorize(self, request: Request) -> None:
        if request.headers.get("X-Auth-Token") != "good":
            raise RefusedError(401, "no token")

    def refusal(self, error: RefusedError) -> Any:
        title = {404: "Not Found", 409: "Conflict"}.get(error.status, "Bad Request")
        if self.requests[-1].path.startswith("/v2/"):
            message = f"{error.message}<br /><br />\n\n\n"
            return {"message": message, "code": f"{error.status} {title}", "title": title}
        return {
            "itemNotFound" if error.status == 404 else "badRequest": {"message": error.message, "code": error.status}
        }

    def create(self, request: Request, server: str) -> tuple[int, Any]:
        assert request.headers.get("OpenStack-API-Version") == "compute 2.60"  # earlier ones tell the id in a header
        body = self.check_body(request, needed=["createImage"])["createImage"]
        assert set(body) == {"name", "metadata"}
        if server not in self.servers:
            raise RefusedError(404, "Instance could not be found.")
        for key, value in body["metadata"].items():
            if not 1 <= len(key) <= 255 or not isinstance(value, str) or len(value) > 255 or key in OWN:
                raise RefusedError(400, f"Invalid input for field/attribute {key}")
        base = self.images.get(self.servers[server], {})
        kept = {key: value for key, value in base.items() if key not in (*OWN, "created_at")}
        nova = {"image_type": "snapshot", "instance_uuid": server, "base_image_ref": self.servers[server]}
        made = self.add(body["name"], **{**kept, **nova, **body["metadata"]})
        if self.races:
            self.races -= 1
            self.images[made]["status"] = "queued"
            self.left.add(made)
            raise RefusedError(500, "Unexpected API Error.")
        if self.states:
            self.images[made]["status"] = self.states[0]
        return 202, {"image_id": made}

    def server(self, request: Request, server: str) -> tuple[int, Any]:
        if server not in self.servers:
            raise RefusedError(404, "Instance could not be found.")
        making = [
            identity
            for identity, one in self.images.items()
            if one.get("instance_uuid") == server
            and one["status"] in ("queued", "saving")
            and identity not in self.left
        ]
        return 200, {"server": {"id": server, "OS-EXT-STS:task_state": "image_uploading" if making else None}}

    def list(self, request: Request) -> tuple[int, Any]:
        asked = {key: value for key, value in request.query.items() if key not in ("limit", "marker")}
        if set(asked) - {"owner", "name", "status", "instance_uuid"}:
            self.faults.append(f"filters {sorted(asked)}")
        found = [one for one in self.images.values() if all(one.get(key) == value for key, value in asked.items())]
        after = request.query.get("marker")
        if after is not None:
            at = [one["id"] for one in found].index(after)
            found = found[at + 1 :]
        page: dict[str, Any] = {"images": found[:PAGE], "schema": "/v2/schemas/images"}
        if len(found) > PAGE:
            page["next"] = f"/v2/images?marker={found[PAGE - 1]['id']}"
        return 200, page

    def get(self, request: Request, identity: str) -> tuple[int, Any]:
        image = self._image(identity)
        if self.states and image["status"] in self.states and identity not in self.left:
            at = self.states.index(image["status"])
            image["status"] = self.states[at + 1] if at + 1 < len(self.states) else "active"
        return 200, image

    def patch(self, request: Request, identity: str) -> tuple[int, Any]:
        image = self._image(identity)
        if request.headers.get("Content-Type") != "application/openstack-images-v2.1-json-patch":
            raise RefusedError(415, "Unsupported Media Type")
        for step in request.body:
            key = step["path"][1:].replace("~1", "/").replace("~0", "~")
            if (key in image) != (step["op"] != "add") or key in OWN:
                raise RefusedError(409, f"Property {key}: {step['op']}")
            if step["op"] == "remove":
                del image[key]
            else:
                image[key] = step["value"]
        return 200, image

    def delete(self, request: Request, identity: str) -> tuple[int, Any]:
        self._image(identity)
        del self.images[identity]
        return 204, None

    def delete_snapshot(self, request: Request, identity: str) -> tuple[int, Any]:
        if identity not in self.snapshots:
            raise RefusedError(404, "Snapshot could not be found.")
        self.snapshots.remove(identity)
        return 202, None

    def _image(self, identity: str) -> dict[str, Any]:
        if identity not in self.images:
            raise RefusedError(404, "No image found with ID")
        return self.images[identity]

    def own(self) -> Mapping[str, dict[str, Any]]:
        """The images of the project."""
        return {identity: one for identity, one in self.images.items() if one["owner"] == PROJECT}
