"""Every kind of the catalogue, in the order in which the documentation tells them."""

from __future__ import annotations

from typing import Final

from orchestra.model.resource import Resource
from orchestra.resources.balancing import LoadBalancer
from orchestra.resources.compute import CustomImage, FloatingIp, KeyPair, Server, Snapshot, Volume, VolumeAttachment
from orchestra.resources.containers import Cluster, Container, ContainerImage
from orchestra.resources.dns import Record, Zone
from orchestra.resources.network import Firewall, Network, Subnet
from orchestra.resources.storage import Blob, Bucket

KINDS: Final[tuple[type[Resource], ...]] = (
    Network,
    Subnet,
    Firewall,
    KeyPair,
    Server,
    CustomImage,
    Volume,
    VolumeAttachment,
    Snapshot,
    FloatingIp,
    LoadBalancer,
    Zone,
    Record,
    Bucket,
    Blob,
    Cluster,
    ContainerImage,
    Container,
)
