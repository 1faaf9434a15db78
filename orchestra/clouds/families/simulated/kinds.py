"""What there is in the simulated world: for each kind, what is kept of it."""

from __future__ import annotations

from typing import Final, Generic, TypedDict, TypeVar

import attrs

from orchestra.clouds.families.simulated.specs import ContainerSpec


class Body(TypedDict):
    """What is kept of every kind."""

    tags: dict[str, str]


B = TypeVar("B", bound=Body)
_B_co = TypeVar("_B_co", bound=Body, covariant=True)

FAILED: Final = "failed"
"""The state of what the cloud accepted and could not bring about."""

States = list[tuple[float, str]]
"""States that a thing has had and will have, each with the time from which it holds; in order."""


def state_at(states: States, now: float) -> str:
    """The state that holds at ``now``."""
    return next((state for since, state in reversed(states) if since <= now), states[0][1])


@attrs.frozen
class Kind(Generic[_B_co]):
    """One kind of thing in the world, with the words that the cloud has for it."""

    name: str
    """The name of the catalogue's kind: ``network.Subnet``."""
    noun: str
    """What messages call it."""
    prefix: str
    """What its ids start with."""
    missing: str
    """The error code for one that isn't there."""
    limit: str
    """The error code for one too many."""
    worldwide: bool = False
    """Whether it belongs to no region."""


class NetworkBody(Body):
    """A private network. ``gateway`` is the id of its way to the internet."""

    cidr: str
    gateway: str | None


class GatewayBody(Body):
    """A way to the internet, with the default route to it."""

    network: str


class SubnetBody(Body):
    """A part of a network. ``public``: servers get a public address unless they say otherwise."""

    network: str
    cidr: str
    zone: str
    public: bool


class RuleBody(TypedDict):
    """One rule of a firewall, in the catalogue's form: from a ``cidr`` or from whatever a ``firewall`` is on."""

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str | None
    firewall: str | None


class FirewallBody(Body):
    """Which traffic may come in and go out. ``name`` is unique in the network."""

    network: str
    name: str
    description: str
    ingress: list[RuleBody]
    egress: list[RuleBody]


class KeyPairBody(Body):
    """A public SSH key. ``name`` is unique in the region."""

    name: str
    public_key: str
    fingerprint: str


class PlaceBody(TypedDict):
    """Where a server is; without a subnet it is in the region's own network."""

    subnet: str | None
    network: str | None
    zone: str


class ServerBody(Body, PlaceBody):
    """A virtual machine. ``public``: whether it has a public address of its own while it runs.

    ``floating_ips`` are those that lead to it besides.
    """

    name: str
    image: str
    size: str
    firewalls: list[str]
    key_pair: str | None
    user_data: str | None
    public: bool
    private_ip: str
    public_ip: str | None
    floating_ips: list[str]
    states: States


class VolumeBody(Body):
    """A disk. ``size`` is in GiB; ``server`` and ``device`` say what it is attached to."""

    name: str
    size: int
    zone: str
    type: str
    encrypted: bool
    snapshot: str | None
    server: str | None
    device: str | None
    states: States


class SnapshotBody(Body):
    """A copy of a volume, which it outlives. ``size`` is in GiB."""

    name: str
    volume: str
    size: int
    description: str
    states: States


class CustomImageBody(Body):
    """An image of a server, which it outlives. ``name`` is unique in the region; ``size`` is in GiB."""

    name: str
    server: str
    size: int
    description: str
    states: States


class AddressBody(Body):
    """A public address that leads to a server, or to none."""

    address: str
    server: str | None


class HealthCheckBody(TypedDict):
    """How members of a balancer are checked, in the catalogue's form."""

    protocol: str
    port: int
    path: str
    interval: int
    timeout: int
    healthy: int
    unhealthy: int


class BalancerBody(Body):
    """A load balancer. ``name`` is unique in the region; ``members`` are ids of servers."""

    name: str
    port: int
    protocol: str
    member_port: int
    algorithm: int
    address: str
    members: list[str]
    subnets: list[str]
    network: str | None
    firewalls: list[str]
    health_check: HealthCheckBody
    states: States


class ZoneBody(Body):
    """A DNS zone. Two may have the same domain, as on Route 53."""

    domain: str
    type: str
    ttl: int
    name_servers: list[str]


class RecordBody(Body):
    """A record set."""

    name: str
    type: str
    values: list[str]
    ttl: int


class BucketBody(Body):
    """A bucket. ``name`` is unique in the whole world."""

    name: str
    encrypted: bool
    public: bool
    versioned: bool


class BlobBody(Body):
    """An object in a bucket; its content is kept beside it. ``size`` is in bytes, ``tags`` are its metadata."""

    bucket: str
    key: str
    size: int
    md5: str
    content_type: str
    modified: float


class ClusterBody(Body):
    """What containers run in. ``name`` is unique in the region."""

    name: str


class ContainerImageBody(Body):
    """An image on the machine that runs containers."""

    name: str
    digest: str


class ContainerBody(Body):
    """A container. ``name`` is unique in the region."""

    name: str
    spec: ContainerSpec
    states: States


NETWORK: Final = Kind[NetworkBody]("network.Network", "network", "net", "InvalidVpcID.NotFound", "VpcLimitExceeded")
GATEWAY: Final = Kind[GatewayBody](
    "network.Gateway", "gateway", "gw", "InvalidInternetGatewayID.NotFound", "InternetGatewayLimitExceeded"
)
SUBNET: Final = Kind[SubnetBody](
    "network.Subnet", "subnet", "subnet", "InvalidSubnetID.NotFound", "SubnetLimitExceeded"
)
FIREWALL: Final = Kind[FirewallBody](
    "network.Firewall", "firewall", "fw", "InvalidGroup.NotFound", "SecurityGroupLimitExceeded"
)
KEY_PAIR: Final = Kind[KeyPairBody](
    "compute.KeyPair", "key pair", "key", "InvalidKeyPair.NotFound", "KeyPairLimitExceeded"
)
SERVER: Final = Kind[ServerBody](
    "compute.Server", "server", "srv", "InvalidInstanceID.NotFound", "InstanceLimitExceeded"
)
VOLUME: Final = Kind[VolumeBody]("compute.Volume", "volume", "vol", "InvalidVolume.NotFound", "VolumeLimitExceeded")
SNAPSHOT: Final = Kind[SnapshotBody](
    "compute.Snapshot", "snapshot", "snap", "InvalidSnapshot.NotFound", "SnapshotLimitExceeded"
)
CUSTOM_IMAGE: Final = Kind[CustomImageBody](
    "compute.CustomImage", "image", "image", "InvalidAMIID.NotFound", "ImageLimitExceeded"
)
ADDRESS: Final = Kind[AddressBody](
    "compute.FloatingIp", "address", "ip", "InvalidAllocationID.NotFound", "AddressLimitExceeded"
)
BALANCER: Final = Kind[BalancerBody](
    "balancing.LoadBalancer", "balancer", "lb", "LoadBalancerNotFound", "LoadBalancerLimitExceeded"
)
ZONE: Final = Kind[ZoneBody]("dns.Zone", "zone", "zone", "NoSuchHostedZone", "ZoneLimitExceeded", worldwide=True)
RECORD: Final = Kind[RecordBody]("dns.Record", "record", "rec", "NoSuchRecord", "RecordLimitExceeded", worldwide=True)
BUCKET: Final = Kind[BucketBody](
    "storage.Bucket", "bucket", "bkt", "NoSuchBucket", "BucketLimitExceeded", worldwide=True
)
BLOB: Final = Kind[BlobBody]("storage.Blob", "object", "obj", "NoSuchKey", "ObjectLimitExceeded", worldwide=True)
CLUSTER: Final = Kind[ClusterBody](
    "containers.Cluster", "cluster", "cls", "ClusterNotFoundException", "ClusterLimitExceeded"
)
CONTAINER_IMAGE: Final = Kind[ContainerImageBody](
    "containers.ContainerImage", "image", "img", "InvalidImageID.NotFound", "ImageLimitExceeded"
)
CONTAINER: Final = Kind[ContainerBody](
    "containers.Container", "container", "ctr", "InvalidContainerID.NotFound", "ContainerLimitExceeded"
)

KIND_NAMES: Final = frozenset(
    kind.name
    for kind in (
        *(NETWORK, GATEWAY, SUBNET, FIREWALL, KEY_PAIR, SERVER, VOLUME, SNAPSHOT, CUSTOM_IMAGE),
        *(ADDRESS, BALANCER, ZONE, RECORD, BUCKET, BLOB, CLUSTER, CONTAINER_IMAGE, CONTAINER),
    )
)
