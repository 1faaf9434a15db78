"""The simulated compute driver: Libcloud's `NodeDriver`, with networks and firewalls as ``ex_`` calls."""

from __future__ import annotations

from typing import Final

from libcloud.compute.base import NodeLocation, NodeSize

from orchestra.clouds.families.simulated import catalogue
from orchestra.clouds.families.simulated.access import Addresses, KeyPairs
from orchestra.clouds.families.simulated.disks import Disks
from orchestra.clouds.families.simulated.endpoint import WEBSITE
from orchestra.clouds.families.simulated.firewalls import Firewalls
from orchestra.clouds.families.simulated.images import Images
from orchestra.clouds.families.simulated.kinds import (
    ADDRESS,
    CUSTOM_IMAGE,
    FIREWALL,
    GATEWAY,
    NETWORK,
    SERVER,
    SNAPSHOT,
    SUBNET,
    VOLUME,
)
from orchestra.clouds.families.simulated.networks import Networks
from orchestra.clouds.families.simulated.servers import Servers
from orchestra.clouds.families.simulated.tagging import Tagging

_TAGGED: Final = (NETWORK, GATEWAY, SUBNET, FIREWALL, SERVER, VOLUME, SNAPSHOT, CUSTOM_IMAGE, ADDRESS)


class SimulatedNodeDriver(Servers, Images, Disks, KeyPairs, Addresses, Networks, Firewalls, Tagging):
    """Servers, images, volumes, snapshots, key pairs, addresses, networks, subnets, gateways and firewalls."""

    name = "Simulated"
    website = WEBSITE
    type = "simulated"
    service = "compute"
    tagged = _TAGGED

    def list_locations(self) -> list[NodeLocation]:
        """The zones of the region."""
        with self._read("list_locations"):
            country = catalogue.COUNTRIES[self.endpoint.region]
            return [NodeLocation(zone, zone, country, self) for zone in self.endpoint.zones]

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        """All sizes; every zone has them."""
        with self._read("list_sizes"):
            return [self._size(offer) for offer in catalogue.SIZES]

    def _size(self, offer: catalogue.SizeOffer) -> NodeSize:
        memory = int(offer.memory_gib * 1024)
        extra = {"cpus": offer.cpus, "gpus": offer.gpus}
        return NodeSize(offer.name, offer.name, memory, offer.disk, None, offer.price, self, extra=extra)
