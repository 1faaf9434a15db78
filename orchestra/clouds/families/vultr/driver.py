"""Libcloud's driver for Vultr, with what it drops of the answers kept."""

from __future__ import annotations

from typing import Any

from libcloud.compute.base import KeyPair, Node, StorageVolume
from libcloud.compute.drivers.vultr import VultrNodeDriverV2


class VultrDriver(VultrNodeDriverV2):
    """Libcloud's driver; it fails on an answer without the old field ``tag``, and tells its own words for states."""

    def __new__(cls, token: str) -> VultrDriver:
        """Without Libcloud's own, which looks for the version of the API and makes another class."""
        return object.__new__(cls)

    def __init__(self, token: str) -> None:
        make: Any = super().__init__
        make(token)

    def _to_node(self, data: Any) -> Node:
        parse: Any = super()._to_node
        node: Node = parse({"tag": "", **data})
        node.extra.update(status=data["status"], plan=data["plan"], os_id=data["os_id"])
        return node

    def _to_volume(self, data: Any) -> StorageVolume:
        parse: Any = super()._to_volume
        volume: StorageVolume = parse(data)
        volume.extra = {**(volume.extra or {}), "status": data["status"]}
        return volume

    def _to_key_pair(self, data: Any) -> KeyPair:
        """Without the fingerprint, for which Libcloud needs another package."""
        return KeyPair(data["name"], data["ssh_key"], "", self, extra={"id": data["id"]})

    def instance(self, identity: str) -> Node:
        """One server."""
        get: Any = self.ex_get_node
        node: Node = get(identity)
        return node
