"""Libcloud's drivers for Linode, with what they drop of the answers kept, and the calls that they lack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from libcloud.common.linode import LinodeConnectionV4
from libcloud.compute.base import Node, StorageVolume
from libcloud.compute.drivers.linode import LinodeNodeDriverV4
from libcloud.dns.drivers.linode import LinodeDNSConnectionV4, LinodeDNSDriverV4

from orchestra.clouds.base.paging import Page, Paging, numbered

_PAGE: Final = 500
"""The most that a page holds: https://techdocs.akamai.com/linode-api/reference/pagination. Libcloud asks for 25."""


class _FullPages:
    """Goes before a class of connections of Libcloud's."""

    def add_default_params(self, params: Any) -> Any:
        """See `libcloud.common.base.Connection.add_default_params`."""
        return {**params, "page_size": _PAGE}


class _Connection(_FullPages, LinodeConnectionV4):
    pass


class _DnsConnection(_FullPages, LinodeDNSConnectionV4):
    pass


class _Api(Paging):
    """Requests to Linode, through the connection of whichever driver."""

    connection: Any

    def send(self, method: str, action: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """Send one request, and return the answer's object."""
        content = None if body is None else json.dumps(body)
        return self.connection.request(action, params=query, method=method, data=content).object

    def page(self, path: str, name: str, after: Any) -> Page:
        """See `Paging.page`."""
        number = int(after or 1)
        answer = self.send("GET", path, page=number)
        more = number < int(answer.get("pages") or 1)
        return numbered(answer, name, number, more=more, total=answer.get("results"))


class LinodeDns(_Api, LinodeDNSDriverV4):
    """Libcloud's driver for domains."""

    connectionCls = _DnsConnection  # noqa: N815 - so Libcloud names it


class LinodeDriver(_Api, LinodeNodeDriverV4):
    """Libcloud's driver; it fails on a list with a state that it doesn't know, and tells its own words for states."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud names it

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

    def instances(self) -> Iterator[Node]:
        """All servers."""
        return map(self._to_node, self.rows("/v4/linode/instances", "data"))

    def volumes(self) -> Iterator[StorageVolume]:
        """All volumes."""
        return map(self._to_volume, self.rows("/v4/volumes", "data"))

    def own_images(self) -> Iterator[Mapping[str, Any]]:
        """The images that the account has made of servers; all others are Linode's, or uploaded."""
        listed = self.rows("/v4/images", "data")
        return (one for one in listed if not one["is_public"] and one["type"] == "manual")

    def disk_of(self, server: str) -> int | None:
        """The first disk of a server that isn't for swapping; None if it has none."""
        disks = self.rows(f"/v4/linode/instances/{server}/disks", "data")
        return next((int(one["id"]) for one in disks if one["filesystem"] != "swap"), None)

    def profile_key(self, identity: str) -> Any:
        """One key of the profile."""
        parse: Any = self._to_key_pair
        return parse(self.send("GET", f"/v4/profile/sshkeys/{identity}"))
