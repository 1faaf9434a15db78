"""Libcloud's driver for Vultr's servers, with what it drops of the answers, and the calls that it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from libcloud.compute.base import KeyPair, Node, StorageVolume
from libcloud.compute.drivers.vultr import VultrNodeDriverV2

from orchestra.clouds.base.compute.bytoken import ByToken
from orchestra.clouds.base.domains import VultrApi


class VultrDriver(ByToken, VultrApi, VultrNodeDriverV2):
    """Libcloud's driver; it fails on an answer without the old field ``tag``, and tells its own words for states."""

    def _to_node(self, data: Any) -> Node:
        parse: Any = super()._to_node
        node: Node = parse({"tag": "", **data})
        told = {name: data.get(name) for name in ("status", "plan", "os_id", "snapshot_id")}
        node.extra.update(told)
        return node

    def _to_volume(self, data: Any) -> StorageVolume:
        parse: Any = super()._to_volume
        volume: StorageVolume = parse(data)
        volume.extra = {**(volume.extra or {}), "status": data["status"]}
        return volume

    def _to_key_pair(self, data: Any) -> KeyPair:
        """Without the fingerprint, for which Libcloud needs another package."""
        return KeyPair(data["name"], data["ssh_key"], "", self, extra={"id": data["id"]})

    def instances(self) -> Iterator[Node]:
        """All servers that aren't bare metal."""
        return map(self._to_node, self.rows("/v2/instances", "instances"))

    def blocks(self) -> Iterator[StorageVolume]:
        """All volumes."""
        return map(self._to_volume, self.rows("/v2/blocks", "blocks"))

    def snapshots(self) -> Iterator[Mapping[str, Any]]:
        """All snapshots of servers."""
        return self.rows("/v2/snapshots", "snapshots")

    def instance(self, identity: str) -> Node:
        """One server."""
        get: Any = self.ex_get_node
        node: Node = get(identity)
        return node
