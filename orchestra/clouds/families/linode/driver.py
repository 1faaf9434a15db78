"""Libcloud's driver for Linode, with what it drops of the answers kept, and the calls that it lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from libcloud.compute.base import Node, StorageVolume
from libcloud.compute.drivers.linode import LinodeNodeDriverV4


class LinodeDriver(LinodeNodeDriverV4):
    """Libcloud's driver; it fails on a list with a state that it doesn't know, and tells its own words for states."""

    def __new__(cls, token: str) -> LinodeDriver:
        """Without Libcloud's own, which looks for the version of the API and makes another class."""
        return object.__new__(cls)

    def __init__(self, token: str) -> None:
        make: Any = super().__init__
        make(token)

    # -- what is kept

    def _to_node(self, data: Any) -> Node:
        parse: Any = super()._to_node
        known = data["status"] if data["status"] in self.LINODE_STATES else "provisioning"
        node: Node = parse({**data, "status": known})
        node.extra.update(status=data["status"], type=data["type"], image=data["image"])
        return node

    def _to_volume(self, data: Any) -> StorageVolume:
        parse: Any = super()._to_volume
        known = data["status"] if data["status"] in self.LINODE_VOLUME_STATES else "contact_support"
        volume: StorageVolume = parse({**data, "status": known})
        volume.extra = {**(volume.extra or {}), "status": data["status"]}
        return volume

    # -- what is lacking

    def send(self, method: str, action: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request, and return the answer's object."""
        request: Any = self.connection.request
        return request(action, method=method, data=None if body is None else json.dumps(body)).object

    def profile_key(self, identity: str) -> Any:
        """One key of the profile."""
        parse: Any = self._to_key_pair
        return parse(self.send("GET", f"/v4/profile/sshkeys/{identity}"))
