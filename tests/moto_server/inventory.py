"""What there is, straight from moto's own objects: no call of an API, no list, no page.

Left out is what AWS makes by itself: default networks with all that is in them, main route tables, default security
groups, the disk that an instance starts from, a zone's own name servers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from moto.ec2.models import ec2_backends
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends
from moto.s3.models import s3_backends

from tests.moto_server.messages import ACCOUNT, Thing

_ADDRESS: Final = "orchestra:address"
_GOING: Final = ("shutting-down", "terminated")


def inventory() -> Iterator[Thing]:
    """Everything in every region."""
    for backend in list(ec2_backends[ACCOUNT].values()):
        yield from _networks(backend)
        yield from _servers(backend)
        yield from _disks(backend)
        yield from _images(backend)
    for backend in list(elb_backends[ACCOUNT].values()):
        for name, balancer in backend.load_balancers.items():
            yield Thing("balancing.LoadBalancer", name, balancer.tags.get(_ADDRESS, ""))
    for backend in list(elbv2_backends[ACCOUNT].values()):
        yield from _newer_balancers(backend)
    yield from _zones(route53_backends[ACCOUNT]["aws"])
    yield from _buckets(s3_backends[ACCOUNT]["aws"])


def _address(backend: Any, identity: str) -> str:
    tags: Mapping[str, str] = backend.tags.get(identity, {})
    return str(tags.get(_ADDRESS, ""))


def _networks(backend: Any) -> Iterator[Thing]:
    given = {vpc.id for vpc in backend.vpcs.values() if vpc.is_default}
    for kind, vpc, identity in _inside(backend):
        if vpc not in given:
            yield Thing(kind, identity, _address(backend, identity), "" if vpc else "attached to no network")


def _inside(backend: Any) -> Iterator[tuple[str, str, str]]:
    """Kind, network and id of each network and of what is in one."""
    yield from (("network.Network", identity, identity) for identity in backend.vpcs)
    for gateway in backend.internet_gateways.values():
        yield "network.Gateway", gateway.vpc.id if gateway.vpc is not None else "", gateway.id
    for table in backend.route_tables.values():
        if not table.main_association_id:
            yield "network.RouteTable", table.vpc_id, table.id
    for subnets in backend.subnets.values():
        yield from (("network.Subnet", subnet.vpc_id, subnet.id) for subnet in subnets.values())
    for vpc, groups in backend.groups.items():
        yield from (("network.Firewall", vpc, one.id) for one in groups.values() if one.name != "default")


def _servers(backend: Any) -> Iterator[Thing]:
    alive = [one for one in backend.all_instances() if one.state not in _GOING]
    for instance in alive:
        oddity = "" if instance.state == "running" else instance.state
        yield Thing("compute.Server", instance.id, _address(backend, instance.id), oddity)
    used = {interface.id for instance in alive for interface in instance.nics.values()}
    for interface in backend.enis.values():
        if interface.id not in used:
            yield Thing("network.Interface", interface.id, _address(backend, interface.id))
    for name, pair in backend.key_pairs.items():
        yield Thing("compute.KeyPair", name, _address(backend, pair.id))
    for address in backend.addresses:
        yield Thing("compute.FloatingIp", address.allocation_id, _address(backend, address.allocation_id))


def _disks(backend: Any) -> Iterator[Thing]:
    first = {
        disk.volume_id
        for instance in backend.all_instances()
        if instance.state not in _GOING
        for disk in instance.block_device_mapping.values()
        if disk.delete_on_termination
    }
    for volume in backend.volumes.values():
        if volume.id in first:
            continue
        yield Thing("compute.Volume", volume.id, _address(backend, volume.id))
        if volume.attachment is not None:
            yield Thing("compute.VolumeAttachment", f"{volume.id}:{volume.attachment.instance.id}")
    for snapshot in backend.snapshots.values():
        if snapshot.owner_id == ACCOUNT and snapshot.from_ami not in backend.amis:
            yield Thing("compute.Snapshot", snapshot.id, _address(backend, snapshot.id))


def _images(backend: Any) -> Iterator[Thing]:
    for image in backend.amis.values():
        if image.owner_id == ACCOUNT:
            yield Thing("compute.CustomImage", image.id, _address(backend, image.id))


def _newer_balancers(backend: Any) -> Iterator[Thing]:
    """Load balancers with what belongs to each; what is left of one without the rest is odd."""
    groups = {one.name: arn for arn, one in backend.target_groups.items()}
    for arn, balancer in backend.load_balancers.items():
        tags: Mapping[str, str] = backend.tagging_service.get_tag_dict_for_resource(arn)
        group = groups.pop(balancer.name, None)
        targets = [_forwarded_to(listener) for listener in balancer.listeners.values()]
        is_whole = group is not None and targets == [[group]]
        yield Thing("balancing.LoadBalancer", arn, tags.get(_ADDRESS, ""), "" if is_whole else "half made")
    for arn in groups.values():
        yield Thing("balancing.TargetGroup", arn, "", "of no load balancer")


def _forwarded_to(listener: Any) -> list[str]:
    return [action.data.get("TargetGroupArn", "") for action in listener.default_actions if action.type == "forward"]


def _zones(backend: Any) -> Iterator[Thing]:
    for identity, zone in backend.zones.items():
        parts = (zone.comment or "").split(" ", 3)
        yield Thing("dns.Zone", identity, parts[3] if parts[0] == "orchestra" else "")
        domain = zone.name.rstrip(".")
        for record in zone.rrsets:
            name = record.name.rstrip(".")
            inside = "" if name == domain else name.removesuffix(f".{domain}")
            if record.type != "SOA" and (record.type, inside) != ("NS", ""):
                yield Thing("dns.Record", f"{identity}/{record.type}/{inside}")


def _buckets(backend: Any) -> Iterator[Thing]:
    for bucket in backend.buckets.values():
        tags: Mapping[str, str] = backend.tagger.get_tag_dict_for_resource(bucket.arn)
        yield Thing("storage.Bucket", bucket.name, tags.get(_ADDRESS, ""))
        for key in bucket.keys:
            yield Thing("storage.Blob", f"{bucket.name}/{key}")
