"""Libcloud's drivers for Vultr, with what they drop of the answers kept, and the calls that they lack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from libcloud.compute.base import KeyPair, Node, StorageVolume
from libcloud.compute.drivers.vultr import VultrNodeDriverV2
from libcloud.dns.drivers.vultr import VultrDNSDriverV2

from orchestra.clouds.base.paging import Page, Paging, rows_in


class _Api(Paging):
    """Requests to Vultr, through the connection of whichever driver."""

    connection: Any

    def send(self, method: str, action: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Send one request, and return the answer's object."""
        content = None if body is None else json.dumps(body)
        return self.connection.request(action, params=query, method=method, data=content).object

    def page(self, path: str, name: str, after: Any) -> Page:
        """See `Paging.page`: https://www.vultr.com/api/#section/Introduction/Meta-and-Pagination."""
        answer = self.send("GET", path, **({"cursor": after} if after else {}))
        meta = answer.get("meta") or {}
        return Page(rows_in(answer, name), (meta.get("links") or {}).get("next") or None, meta.get("total"))


class VultrDns(_Api, VultrDNSDriverV2):
    """Libcloud's driver for domains."""


class VultrDriver(_Api, VultrNodeDriverV2):
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
