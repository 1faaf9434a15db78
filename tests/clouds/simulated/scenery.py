"""Things in the simulated cloud that tests start from, made through its drivers."""

from __future__ import annotations

from typing import Final

import attrs
from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize, StorageVolume

from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.firewalls import SimulatedFirewall
from orchestra.clouds.families.simulated.networks import SimulatedNetwork, SimulatedSubnet

KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl someone@example"


def size(driver: SimulatedNodeDriver, name: str = "small") -> NodeSize:
    return next(one for one in driver.list_sizes() if one.name == name)


def image(driver: SimulatedNodeDriver) -> NodeImage:
    return driver.list_images()[0]


def zone(driver: SimulatedNodeDriver, name: str = "sim-1a") -> NodeLocation:
    return next(one for one in driver.list_locations() if one.id == name)


@attrs.frozen
class Site:
    """A network with a subnet, a firewall and a server, and a volume in the same zone."""

    network: SimulatedNetwork
    subnet: SimulatedSubnet
    firewall: SimulatedFirewall
    server: Node
    volume: StorageVolume


def build_site(cloud: SimulatedCloud) -> Site:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16")
    subnet = driver.ex_create_subnet(network.id, "10.0.1.0/24", "sim-1a")
    firewall = driver.ex_create_firewall(network.id, "web")
    server = driver.create_node("one", size(driver), image(driver), ex_subnet=subnet.id, ex_firewalls=[firewall.id])
    return Site(network, subnet, firewall, server, driver.create_volume(10, "disk", zone(driver)))
