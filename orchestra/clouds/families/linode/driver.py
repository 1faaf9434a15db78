"""Libcloud's driver for Linode's servers, with what it drops of the answers, and the calls that it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from libcloud.common.linode import LinodeConnectionV4
from libcloud.compute.base import Node, StorageVolume
from libcloud.compute.drivers.linode import LinodeNodeDriverV4

from orchestra.clouds.base.compute.bytoken import ByToken
from orchestra.clouds.base.domains import FullPages, LinodeApi


class _Connection(FullPages, LinodeConnectionV4):
    pass


class LinodeDriver(ByToken, LinodeApi, LinodeNodeDriverV4):
    """Libcloud's driver; it fails on a list with a state that it doesn't know, and tells its own words for states."""

    connectionCls = _Connection  # noqa: N815 - so Libcloud names it

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
