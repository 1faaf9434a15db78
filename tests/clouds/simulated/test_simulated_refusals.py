"""Everything that the simulated cloud refuses, with the error that Libcloud's drivers of real clouds raise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import KeyPair, NodeAuthPassword, NodeImage, NodeLocation, NodeSize
from libcloud.dns.types import RecordAlreadyExistsError, RecordDoesNotExistError, ZoneDoesNotExistError
from libcloud.loadbalancer.base import Member
from libcloud.storage.types import (
    ContainerAlreadyExistsError,
    ContainerDoesNotExistError,
    ContainerIsNotEmptyError,
    InvalidContainerNameError,
    ObjectDoesNotExistError,
)

from orchestra.clouds.families.simulated import Drivers, SimulatedCloud
from orchestra.clouds.families.simulated.firewalls import rule
from orchestra.clouds.translate import translate
from orchestra.errors import (
    CloudError,
    ConflictError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    QuotaError,
    TransientError,
)
from tests.clouds.simulated.scenery import KEY, Site, build_site, image, size, zone

Attempt = Callable[[Drivers, Site], object]


def node(d: Drivers, subnet: str | None = None, **more: object) -> object:
    return d.compute.create_node("x", size(d.compute), image(d.compute), ex_subnet=subnet, **more)  # type: ignore[arg-type]


def other_network(d: Drivers) -> tuple[str, str, str]:
    """A network with a subnet and a firewall."""
    network = d.compute.ex_create_network("10.9.0.0/16").id
    subnet = d.compute.ex_create_subnet(network, "10.9.0.0/24", "sim-1b").id
    return network, subnet, d.compute.ex_create_firewall(network, "web").id


def balancer(d: Drivers, s: Site, name: str = "front", **more: object) -> object:
    given = {"ex_subnets": [s.subnet.id], **more}
    return d.balancing.create_balancer(name, 80, "tcp", None, [], **given)  # type: ignore[arg-type]


def also(*steps: object) -> object:
    return steps[-1]


REFUSED: dict[str, tuple[str, type[CloudError], Attempt]] = {
    # networks
    "network range no CIDR": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_network("10.0.0.0/33"),
    ),
    "network range with host bits": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_network("10.0.0.1/16"),
    ),
    "network range IPv6": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_network("fd00::/64"),
    ),
    "network range too small": (
        "InvalidVpc.Range",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_network("10.0.0.0/30"),
    ),
    "network unknown": (
        "InvalidVpcID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_get_network("net-none"),
    ),
    "network of another kind": (
        "InvalidVpcID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_destroy_network(s.subnet.id),
    ),
    "network with subnet and firewall": (
        "DependencyViolation",
        InUseError,
        lambda d, s: d.compute.ex_destroy_network(s.network.id),
    ),
    "second gateway": (
        "Resource.AlreadyAssociated",
        ConflictError,
        lambda d, s: [d.compute.ex_create_gateway(s.network.id) for _ in range(2)],
    ),
    "gateway unknown": (
        "InvalidInternetGatewayID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_destroy_gateway("gw-none"),
    ),
    # subnets
    "subnet of unknown network": (
        "InvalidVpcID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_create_subnet("net-none", "10.0.2.0/24"),
    ),
    "subnet range no CIDR": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_subnet(s.network.id, "10.0.2"),
    ),
    "subnet outside of its network": (
        "InvalidSubnet.Range",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_subnet(s.network.id, "10.1.0.0/24"),
    ),
    "subnet around another": (
        "InvalidSubnet.Conflict",
        ConflictError,
        lambda d, s: d.compute.ex_create_subnet(s.network.id, "10.0.0.0/20"),
    ),
    "subnet inside another": (
        "InvalidSubnet.Conflict",
        ConflictError,
        lambda d, s: d.compute.ex_create_subnet(s.network.id, "10.0.1.128/25"),
    ),
    "subnet again": (
        "InvalidSubnet.Conflict",
        ConflictError,
        lambda d, s: d.compute.ex_create_subnet(s.network.id, "10.0.1.0/24"),
    ),
    "subnet in unknown zone": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_subnet(s.network.id, "10.0.2.0/24", "sim-2a"),
    ),
    "subnet with server": (
        "DependencyViolation",
        InUseError,
        lambda d, s: d.compute.ex_destroy_subnet(s.subnet.id),
    ),
    "subnet with balancer": (
        "DependencyViolation",
        InUseError,
        lambda d, s: also(balancer(d, s), d.compute.destroy_node(s.server), d.compute.ex_destroy_subnet(s.subnet.id)),
    ),
    "subnet unknown": (
        "InvalidSubnetID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_get_subnet("subnet-none"),
    ),
    "subnet full": (
        "InsufficientFreeAddressesInSubnet",
        QuotaError,
        lambda d, s: also(
            subnet := d.compute.ex_create_subnet(s.network.id, "10.0.2.0/28").id,
            [node(d, subnet) for _ in range(12)],
        ),
    ),
    # firewalls
    "firewall name taken": (
        "InvalidGroup.Duplicate",
        ConflictError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "web"),
    ),
    "firewall of unknown network": (
        "InvalidVpcID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_create_firewall("net-none", "web"),
    ),
    "firewall on server": (
        "DependencyViolation",
        InUseError,
        lambda d, s: d.compute.ex_destroy_firewall(s.firewall.id),
    ),
    "firewall on balancer": (
        "DependencyViolation",
        InUseError,
        lambda d, s: also(
            balancer(d, s, ex_firewalls=[s.firewall.id]),
            d.compute.destroy_node(s.server),
            d.compute.ex_destroy_firewall(s.firewall.id),
        ),
    ),
    "firewall in another's rule": (
        "DependencyViolation",
        InUseError,
        lambda d, s: also(
            one := d.compute.ex_create_firewall(s.network.id, "one").id,
            d.compute.ex_create_firewall(s.network.id, "two", ingress=[rule("tcp", 1, 1, firewall=one)]),
            d.compute.ex_destroy_firewall(one),
        ),
    ),
    "rule for unknown firewall": (
        "InvalidGroup.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "x", ingress=[rule("tcp", 1, 1, firewall="fw-none")]),
    ),
    "rule from no CIDR": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "x", ingress=[rule("tcp", 1, 1, cidr="everywhere")]),
    ),
    "rule from nowhere": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "x", ingress=[rule("tcp", 1, 1)]),
    ),
    "rule with ports for icmp": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "x", egress=[rule("icmp", 1, 1, cidr="0.0.0.0/0")]),
    ),
    "rule with ports the wrong way round": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "x", egress=[rule("tcp", 2, 1, cidr="0.0.0.0/0")]),
    ),
    "rule of unknown protocol": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_firewall(s.network.id, "x", egress=[rule("ipx", cidr="0.0.0.0/0")]),
    ),
    "rule twice": (
        "InvalidPermission.Duplicate",
        ConflictError,
        lambda d, s: [
            d.compute.ex_authorize_firewall(s.firewall.id, "ingress", rule("all", cidr="0.0.0.0/0")) for _ in range(2)
        ],
    ),
    "rule that isn't there": (
        "InvalidPermission.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_revoke_firewall(s.firewall.id, "ingress", rule("all", cidr="0.0.0.0/0")),
    ),
    # servers
    "server of unknown image": (
        "InvalidAMIID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.create_node("x", size(d.compute), NodeImage("img-none", "", d.compute)),
    ),
    "image unknown": ("InvalidAMIID.NotFound", NotFoundError, lambda d, s: d.compute.get_image("img-none")),
    "server of unknown size": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_node("x", NodeSize("huge", "", 1, 1, 1, 1, d.compute), image(d.compute)),
    ),
    "server in unknown subnet": (
        "InvalidSubnetID.NotFound",
        NotFoundError,
        lambda d, s: node(d, "subnet-none"),
    ),
    "server with unknown key pair": (
        "InvalidKeyPair.NotFound",
        NotFoundError,
        lambda d, s: node(d, s.subnet.id, ex_key_pair="none"),
    ),
    "server with unknown firewall": (
        "InvalidGroup.NotFound",
        NotFoundError,
        lambda d, s: node(d, s.subnet.id, ex_firewalls=["fw-none"]),
    ),
    "server with another network's firewall": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: node(d, s.subnet.id, ex_firewalls=[other_network(d)[2]]),
    ),
    "server with too much user data": (
        "InvalidUserData.Malformed",
        InvalidRequestError,
        lambda d, s: node(d, ex_user_data="ü" * 8193),
    ),
    "server with a password": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: node(d, auth=NodeAuthPassword("x")),
    ),
    "server in another zone than its subnet": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: node(d, s.subnet.id, location=zone(d.compute, "sim-1b")),
    ),
    "server in unknown zone": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: node(d, location=NodeLocation("sim-2a", "", "", d.compute)),
    ),
    "server unknown": ("InvalidInstanceID.NotFound", NotFoundError, lambda d, s: d.compute.ex_get_node("srv-none")),
    "stopped server rebooted": (
        "IncorrectInstanceState",
        TransientError,
        lambda d, s: also(d.compute.stop_node(s.server), d.compute.reboot_node(s.server)),
    ),
    "server resized to nothing": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_resize_node(str(s.server.id), NodeSize("huge", "", 1, 1, 1, 1, d.compute)),
    ),
    "too many tags": (
        "TagLimitExceeded",
        QuotaError,
        lambda d, s: d.compute.ex_create_tags(s.network.id, {str(number): "" for number in range(51)}),
    ),
    "tag value too long": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_create_network("10.0.0.0/16", ex_tags={"a": "x" * 257}),
    ),
    "tags on nothing": ("InvalidID.NotFound", NotFoundError, lambda d, s: d.compute.ex_create_tags("what", {})),
    # volumes, snapshots
    "volume too large": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_volume(65537, "x"),
    ),
    "volume of unknown type": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_volume(1, "x", ex_type="tape"),
    ),
    "volume in unknown zone": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_volume(1, "x", NodeLocation("moon", "", "", d.compute)),
    ),
    "volume smaller than its snapshot": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_volume(9, "x", snapshot=d.compute.create_volume_snapshot(s.volume)),
    ),
    "volume shrunk": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.ex_modify_volume(s.volume.id, size=9),
    ),
    "volume attached elsewhere": (
        "VolumeInUse",
        InUseError,
        lambda d, s: also(
            d.compute.attach_volume(s.server, s.volume),
            d.compute.attach_volume(node(d), s.volume),  # type: ignore[arg-type]
        ),
    ),
    "volume in another zone": (
        "InvalidVolume.ZoneMismatch",
        InvalidRequestError,
        lambda d, s: d.compute.attach_volume(s.server, d.compute.create_volume(1, "x", zone(d.compute, "sim-1b"))),
    ),
    "device taken": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: [d.compute.attach_volume(s.server, d.compute.create_volume(1, "x")) for _ in range(2)],
    ),
    "volume attached destroyed": (
        "VolumeInUse",
        InUseError,
        lambda d, s: also(d.compute.attach_volume(s.server, s.volume), d.compute.destroy_volume(s.volume)),
    ),
    "volume not attached detached": (
        "InvalidAttachment.NotFound",
        NotFoundError,
        lambda d, s: d.compute.detach_volume(s.volume),
    ),
    "volume unknown": ("InvalidVolume.NotFound", NotFoundError, lambda d, s: d.compute.ex_get_volume("vol-none")),
    "snapshot unknown": (
        "InvalidSnapshot.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_get_snapshot("snap-none"),
    ),
    "snapshot described at length": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_volume_snapshot(s.volume, ex_description="x" * 256),
    ),
    # images
    "image made of a server that is gone": (
        "InvalidInstanceID.NotFound",
        NotFoundError,
        lambda d, s: also(d.compute.destroy_node(s.server), d.compute.create_image(s.server, "golden")),
    ),
    "image name taken": (
        "InvalidAMIName.Duplicate",
        ConflictError,
        lambda d, s: [d.compute.create_image(s.server, "golden") for _ in range(2)],
    ),
    "image described at length": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.compute.create_image(s.server, "golden", "x" * 256),
    ),
    "image of a server unknown": (
        "InvalidAMIID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_get_custom_image("image-none"),
    ),
    "image of the cloud's own deleted": (
        "InvalidAMIID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.delete_image(image(d.compute)),
    ),
    # key pairs, addresses
    "key pair name taken": (
        "InvalidKeyPair.Duplicate",
        ConflictError,
        lambda d, s: [d.compute.import_key_pair_from_string("ops", KEY) for _ in range(2)],
    ),
    "key of no form": (
        "InvalidKey.Format",
        InvalidRequestError,
        lambda d, s: d.compute.import_key_pair_from_string("ops", "ssh-rsa"),
    ),
    "key pair unknown": ("InvalidKeyPair.NotFound", NotFoundError, lambda d, s: d.compute.get_key_pair("none")),
    "key pair unknown deleted": (
        "InvalidKeyPair.NotFound",
        NotFoundError,
        lambda d, s: d.compute.delete_key_pair(KeyPair("none", "", "", d.compute)),
    ),
    "address in use": (
        "InvalidIPAddress.InUse",
        InUseError,
        lambda d, s: also(
            address := d.compute.ex_allocate_address().id,
            d.compute.ex_associate_address(address, s.server.id),
            d.compute.ex_release_address(address),
        ),
    ),
    "address for unknown server": (
        "InvalidInstanceID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_associate_address(d.compute.ex_allocate_address().id, "srv-none"),
    ),
    "address unknown": (
        "InvalidAllocationID.NotFound",
        NotFoundError,
        lambda d, s: d.compute.ex_get_address("ip-none"),
    ),
    # balancers
    "balancer name taken": (
        "DuplicateLoadBalancerName",
        ConflictError,
        lambda d, s: [balancer(d, s) for _ in range(2)],
    ),
    "balancer twice in a zone": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: balancer(
            d, s, ex_subnets=[s.subnet.id, d.compute.ex_create_subnet(s.network.id, "10.0.2.0/24", "sim-1a").id]
        ),
    ),
    "balancer in two networks": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: balancer(d, s, ex_subnets=[s.subnet.id, other_network(d)[1]]),
    ),
    "balancer with another network's firewall": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: balancer(d, s, ex_firewalls=[other_network(d)[2]]),
    ),
    "balancer with another network's server": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.balancing.create_balancer(
            "x", 80, "tcp", None, [Member(s.server.id, None, 80)], ex_subnets=[other_network(d)[1]]
        ),
    ),
    "balancer with unknown server": (
        "InvalidInstanceID.NotFound",
        NotFoundError,
        lambda d, s: d.balancing.create_balancer("x", 80, "tcp", None, [Member("srv-none", None, 80)]),
    ),
    "balancer of unknown protocol": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.balancing.create_balancer("x", 80, "quic", None, []),
    ),
    "balancer on port 0": (
        "InvalidParameterValue",
        InvalidRequestError,
        lambda d, s: d.balancing.create_balancer("x", 0, "tcp", None, []),
    ),
    "member that isn't one": (
        "InvalidInstanceID.NotFound",
        NotFoundError,
        lambda d, s: d.balancing.balancer_detach_member(
            balancer(d, s),  # type: ignore[arg-type]
            Member("srv-none", None, 80),
        ),
    ),
    "balancer unknown": ("LoadBalancerNotFound", NotFoundError, lambda d, s: d.balancing.get_balancer("lb-none")),
    # records
    "zone with records": (
        "HostedZoneNotEmpty",
        InUseError,
        lambda d, s: also(
            zone := d.dns.create_zone("shop.example"), zone.create_record("a", "A", "192.0.2.1"), zone.delete()
        ),
    ),
    "zone of no domain": ("InvalidDomainName", InvalidRequestError, lambda d, s: d.dns.create_zone("a..b")),
    "record of no address": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: d.dns.create_zone("shop.example").create_record("a", "A", "fd00::1"),
    ),
    "record of no value": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: d.dns.create_zone("shop.example").create_record("a", "TXT", ""),
    ),
    "record of unknown type": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: d.dns.create_zone("shop.example").create_record("a", "WKS", "x"),
    ),
    "alias of the domain itself": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: d.dns.create_zone("shop.example").create_record("", "CNAME", "other.example"),
    ),
    "alias of two names": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: d.dns.create_zone("shop.example").create_record("a", "CNAME", "b.example\nc.example"),
    ),
    "alias beside an address": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: also(
            zone := d.dns.create_zone("shop.example"),
            zone.create_record("a", "A", "192.0.2.1"),
            zone.create_record("a", "CNAME", "b.example"),
        ),
    ),
    "address beside an alias": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: also(
            zone := d.dns.create_zone("shop.example"),
            zone.create_record("a", "CNAME", "b.example"),
            zone.create_record("a", "TXT", "x"),
        ),
    ),
    "record renamed": (
        "InvalidChangeBatch",
        InvalidRequestError,
        lambda d, s: d.dns.create_zone("shop.example").create_record("a", "TXT", "x").update(name="b"),
    ),
    "name of an object too long": (
        "KeyTooLongError",
        InvalidRequestError,
        lambda d, s: d.storage.create_container("photos").upload_object_via_stream(iter([b""]), "x" * 1025),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_code_of_a_real_cloud(cloud: SimulatedCloud, name: str) -> None:
    code, translated, attempt = REFUSED[name]
    site = build_site(cloud)
    with pytest.raises(BaseHTTPError) as caught:
        attempt(cloud.drivers, site)
    assert caught.value.code == 400
    assert caught.value.message.startswith(f"{code}: ")
    assert type(translate(caught.value)) is translated


TYPED: dict[str, tuple[type[Exception], type[CloudError], Attempt]] = {
    "zone unknown": (ZoneDoesNotExistError, NotFoundError, lambda d, s: d.dns.get_zone("zone-none")),
    "zone unknown deleted": (
        ZoneDoesNotExistError,
        NotFoundError,
        lambda d, s: also(zone := d.dns.create_zone("a.example"), zone.delete(), zone.delete()),
    ),
    "record in unknown zone": (
        ZoneDoesNotExistError,
        NotFoundError,
        lambda d, s: also(zone := d.dns.create_zone("a.example"), zone.delete(), zone.create_record("a", "TXT", "x")),
    ),
    "record unknown": (
        RecordDoesNotExistError,
        NotFoundError,
        lambda d, s: d.dns.get_record(str(d.dns.create_zone("a.example").id), "A:www"),
    ),
    "record unknown updated": (
        RecordDoesNotExistError,
        NotFoundError,
        lambda d, s: also(
            record := d.dns.create_zone("a.example").create_record("a", "TXT", "x"),
            record.delete(),
            record.update(data="y"),
        ),
    ),
    "record unknown deleted": (
        RecordDoesNotExistError,
        NotFoundError,
        lambda d, s: also(
            record := d.dns.create_zone("a.example").create_record("a", "TXT", "x"), record.delete(), record.delete()
        ),
    ),
    "record again": (
        RecordAlreadyExistsError,
        ConflictError,
        lambda d, s: also(
            zone := d.dns.create_zone("a.example"),
            zone.create_record("a", "TXT", "x"),
            zone.create_record("a", "TXT", "y"),
        ),
    ),
    "bucket unknown": (
        ContainerDoesNotExistError,
        NotFoundError,
        lambda d, s: d.storage.get_container("photos"),
    ),
    "bucket unknown deleted": (
        ContainerDoesNotExistError,
        NotFoundError,
        lambda d, s: also(bucket := d.storage.create_container("photos"), bucket.delete(), bucket.delete()),
    ),
    "bucket name taken": (
        ContainerAlreadyExistsError,
        ConflictError,
        lambda d, s: [d.storage.create_container("photos") for _ in range(2)],
    ),
    "bucket name of wrong form": (
        InvalidContainerNameError,
        InvalidRequestError,
        lambda d, s: d.storage.create_container("Photos"),
    ),
    "bucket with objects": (
        ContainerIsNotEmptyError,
        InUseError,
        lambda d, s: also(
            bucket := d.storage.create_container("photos"),
            bucket.upload_object_via_stream(iter([b""]), "a"),
            bucket.delete(),
        ),
    ),
    "object unknown": (
        ObjectDoesNotExistError,
        NotFoundError,
        lambda d, s: d.storage.create_container("photos").get_object("a"),
    ),
    "object unknown deleted": (
        ObjectDoesNotExistError,
        NotFoundError,
        lambda d, s: also(
            one := d.storage.create_container("photos").upload_object_via_stream(iter([b""]), "a"),
            one.delete(),
            one.delete(),
        ),
    ),
    "object into unknown bucket": (
        ContainerDoesNotExistError,
        NotFoundError,
        lambda d, s: also(
            bucket := d.storage.create_container("photos"),
            bucket.delete(),
            bucket.upload_object_via_stream(iter([b""]), "a"),
        ),
    ),
}


@pytest.mark.parametrize("name", TYPED)
def test_refused_with_an_error_of_libcloud(cloud: SimulatedCloud, name: str) -> None:
    error, translated, attempt = TYPED[name]
    site = build_site(cloud)
    with pytest.raises(error) as caught:
        attempt(cloud.drivers, site)
    assert type(translate(caught.value)) is translated


def test_what_is_refused_changes_nothing(cloud: SimulatedCloud) -> None:
    site = build_site(cloud)
    driver = cloud.drivers.compute
    before = cloud.inventory()
    with pytest.raises(BaseHTTPError):
        driver.create_node("x", size(driver), image(driver), ex_subnet=site.subnet.id, ex_firewalls=["fw-none"])
    assert cloud.inventory() == before
    assert driver.create_node("x", size(driver), image(driver), ex_subnet=site.subnet.id).private_ips == ["10.0.1.5"]


def test_in_use_names_three_users(cloud: SimulatedCloud) -> None:
    driver = cloud.drivers.compute
    network = driver.ex_create_network("10.0.0.0/16")
    made = [driver.ex_create_subnet(network.id, f"10.0.{third}.0/24").id for third in range(5)]
    with pytest.raises(BaseHTTPError) as caught:
        driver.ex_destroy_network(network.id)
    assert caught.value.message == (
        f"DependencyViolation: the network '{network.id}' is in use by {', '.join(made[:3])} and more"
    )
