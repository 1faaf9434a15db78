"""Libcloud's driver for DigitalOcean's servers, with what it drops of the answers, and the calls that it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from libcloud.common.digitalocean import DigitalOcean_v2_Connection
from libcloud.compute.base import Node, NodeSize, StorageVolume, VolumeSnapshot
from libcloud.compute.drivers.digitalocean import DigitalOcean_v2_NodeDriver

from orchestra.clouds.base.compute.bytoken import ByToken
from orchestra.clouds.base.domains import DigitalOceanApi


class DigitalOceanDriver(ByToken, DigitalOceanApi, DigitalOcean_v2_NodeDriver):
    """Libcloud's driver; it drops the region's slug and the tags of volumes, and has no way to send tags with those."""

    connectionCls = DigitalOcean_v2_Connection  # noqa: N815 - so Libcloud names it

    # -- what is kept

    def _to_node(self, data: Any) -> Node:
        parse: Any = super()._to_node
        node: Node = parse(data)
        node.extra.update(status=data["status"], region_slug=data["region"]["slug"])
        return node

    def _to_size(self, data: Any) -> NodeSize:
        parse: Any = super()._to_size
        size: NodeSize = parse(data)
        size.extra = {**(size.extra or {}), "available": data.get("available", True)}
        return size

    def _to_volume(self, data: Any) -> StorageVolume:
        parse: Any = super()._to_volume
        volume: StorageVolume = parse(data)
        volume.extra = {**(volume.extra or {}), "tags": data.get("tags") or []}
        return volume

    def _to_volume_snapshot(self, data: Any) -> VolumeSnapshot:
        parse: Any = super()._to_volume_snapshot
        snapshot: VolumeSnapshot = parse(data)
        snapshot.extra["tags"] = data.get("tags") or []
        return snapshot

    # -- what is lacking

    def act(self, what: str, identity: str, kind: str, **named: Any) -> None:
        """Begin an action, such as ``resize``, on a droplet or volume; ``what`` is ``droplets`` or ``volumes``."""
        self.send("POST", f"/v2/{what}/{identity}/actions", {"type": kind, **named})

    def droplets(self) -> Iterator[Node]:
        """All droplets."""
        return map(self._to_node, self.rows("/v2/droplets", "droplets"))

    def make_droplet(self, **body: Any) -> Node:
        """Create a droplet in one request; Libcloud's own drops the network."""
        return self._to_node(self.send("POST", "/v2/droplets", body)["droplet"])

    def droplet(self, identity: str) -> Node:
        """One droplet."""
        return self._to_node(self.send("GET", f"/v2/droplets/{identity}")["droplet"])

    def volumes(self) -> Iterator[StorageVolume]:
        """All volumes."""
        return map(self._to_volume, self.rows("/v2/volumes", "volumes"))

    def volume(self, identity: str) -> StorageVolume:
        """One volume."""
        return self._to_volume(self.send("GET", f"/v2/volumes/{identity}")["volume"])

    def make_volume(self, **body: Any) -> StorageVolume:
        """Create a volume in one request, with its tags."""
        return self._to_volume(self.send("POST", "/v2/volumes", body)["volume"])

    def snapshots(self) -> Iterator[VolumeSnapshot]:
        """The snapshots of all volumes."""
        return map(self._to_volume_snapshot, self.rows("/v2/snapshots?resource_type=volume", "snapshots"))

    def snapshot(self, identity: str) -> VolumeSnapshot:
        """One snapshot of a volume."""
        return self._to_volume_snapshot(self.send("GET", f"/v2/snapshots/{identity}")["snapshot"])

    def make_snapshot(self, volume: str, **body: Any) -> VolumeSnapshot:
        """Snapshot a volume in one request, with the tags."""
        return self._to_volume_snapshot(self.send("POST", f"/v2/volumes/{volume}/snapshots", body)["snapshot"])

    def tag(self, name: str, identity: str, kind: str) -> None:
        """Put a tag on a thing of ``kind``, such as ``droplet``. A tag that isn't there yet is made first."""
        self.send("POST", "/v2/tags", {"name": name})
        self.send("POST", f"/v2/tags/{name}/resources", _tagged(identity, kind))

    def untag(self, name: str, identity: str, kind: str) -> None:
        """Take a tag off a thing."""
        self.send("DELETE", f"/v2/tags/{name}/resources", _tagged(identity, kind))


def _tagged(identity: str, kind: str) -> dict[str, Any]:
    return {"resources": [{"resource_id": identity, "resource_type": kind}]}
