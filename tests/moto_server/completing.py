"""What AWS does with a call and moto leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import attrs
from moto.ec2.models import ec2_backends
from moto.moto_api import state_manager
from moto.s3.models import s3_backends

from tests.moto_server.messages import ACCOUNT, FORM, Answer, Request

Ask = Callable[[Request], Answer]

PAGE: Final = 40
"""The most items that a page holds here. AWS may always answer fewer than it was asked for."""

_LONG_PAGE: Final = re.compile(r"(max-keys=|max-buckets=)\d{3,}")


def complete_request(request: Request) -> Request:
    """``request`` with the defaults that AWS fills in, and for pages that are as short as AWS may make them."""
    if request.service == "s3":
        return attrs.evolve(request, query=_LONG_PAGE.sub(rf"\g<1>{PAGE}", request.query))
    if request.action == "CreateLoadBalancer":
        return _with(request, _default_group(request))
    if request.action == "DetachVolume" and "InstanceId" not in request.parameters:
        return _with(request, _attached_instance(request))
    for name in ("MaxResults", "PageSize"):
        if int(request.parameters.get(name, 0)) > PAGE:
            return _with(request, {name: str(PAGE)})
    return request


def complete_answer(request: Request, answer: Answer, ask: Ask) -> Answer:
    """``answer`` after the rest of the work was done; ``ask`` asks moto."""
    if answer.status >= 300:
        return answer
    if request.action == "RunInstances":
        return _with_groups(request, answer, ask)
    if request.action == "RevokeSecurityGroupEgress":
        _revoke_ipv6(request)
    if request.action == "CreateImage":
        _tag_snapshots(request, answer)
    if request.action == "DeregisterImage" and request.parameters.get("DeleteAssociatedSnapshots") == "true":
        _delete_snapshots(request)
    if request.action == "DescribeVolumes":
        return _with_ends_of_disks(request, answer)
    if request.action in ("DescribeTasks", "StopTask"):
        return _with_stop_codes(answer)
    if request.action == "PUT bucket":
        _tag_new_bucket(request)
    return answer


def _ec2(request: Request) -> Any:
    return ec2_backends[ACCOUNT][request.region]


def _with(request: Request, fields: dict[str, str]) -> Request:
    return _instead(request, {**request.parameters, **fields})


def _instead(request: Request, fields: dict[str, str]) -> Request:
    """Another request of the same sender; of Libcloud's, the parameters stand in the URL."""
    body = urlencode(fields).encode()
    return attrs.evolve(request, method="POST", query="", body=body, headers={**request.headers, "content-type": FORM})


def _default_group(request: Request) -> dict[str, str]:
    """AWS guards a balancer without security groups by its network's default one; moto makes one up."""
    asked = request.parameters
    if any(name.startswith("SecurityGroups.member.") for name in asked) or "Subnets.member.1" not in asked:
        return {}
    if asked.get("Type") == "network":
        return {}  # AWS guards none of these that wasn't asked for
    subnet = _ec2(request).get_subnet(asked["Subnets.member.1"])
    return {"SecurityGroups.member.1": _ec2(request).get_security_group_from_name("default", subnet.vpc_id).id}


def _attached_instance(request: Request) -> dict[str, str]:
    """AWS knows which instance a volume is on; moto wants to be told."""
    volume = _ec2(request).volumes.get(request.parameters.get("VolumeId", ""))
    return {"InstanceId": volume.attachment.instance.id} if volume and volume.attachment else {}


def _with_groups(request: Request, answer: Answer, ask: Ask) -> Answer:
    """AWS tells the groups of a new instance's first interface, the default one if none was asked for.

    That interface goes with the instance.
    """
    backend = _ec2(request)
    wanted = [
        value for name, value in request.parameters.items() if name.startswith("NetworkInterface.1.SecurityGroupId.")
    ]
    told = answer.body.decode()
    identities = re.findall(r"<instanceId>([^<]+)<", told)
    for identity in identities:
        instance = backend.get_instance(identity)
        groups = [backend.get_security_group_from_id(one) for one in wanted] or instance.security_groups
        if not groups and instance.vpc_id:
            groups = [backend.get_security_group_from_name("default", instance.vpc_id)]
        instance.security_groups = groups
        for interface in instance.nics.values():
            interface.delete_on_termination = True
    asked = {f"InstanceId.{index}": identity for index, identity in enumerate(identities, start=1)}
    described = ask(_instead(request, {"Action": "DescribeInstances", "Version": "2016-11-15", **asked})).body.decode()
    instances = "".join(re.findall(r"<instancesSet>.*</instancesSet>", described, re.DOTALL))
    pending = re.sub(
        r"<instanceState>.*?</instanceState>",
        "<instanceState><code>0</code><name>pending</name></instanceState>",
        instances,
        flags=re.DOTALL,
    )
    body = re.sub(r"<instancesSet>.*</instancesSet>", lambda _: pending, told, flags=re.DOTALL)
    return attrs.evolve(answer, body=body.encode())


def _with_ends_of_disks(request: Request, answer: Answer) -> Answer:
    """AWS tells whether a disk goes with its instance, as the one that it starts from does."""
    roots = {
        disk.volume_id
        for instance in _ec2(request).all_instances()
        for disk in instance.block_device_mapping.values()
        if disk.delete_on_termination
    }

    def told(found: re.Match[str]) -> str:
        volume = re.search(r"<volumeId>([^<]+)<", found[0])
        goes = str(volume is not None and volume[1] in roots).lower()
        return found[0].replace("</item>", f"<deleteOnTermination>{goes}</deleteOnTermination></item>")

    body = re.sub(r"<attachmentSet>.*?</attachmentSet>", told, answer.body.decode(), flags=re.DOTALL)
    return attrs.evolve(answer, body=body.encode())


def _tag_snapshots(request: Request, answer: Answer) -> None:
    """AWS tags the snapshots of an image in the request that creates it."""
    asked, made = request.parameters, re.search(r"<imageId>([^<]+)<", answer.body.decode())
    if made is None or asked.get("TagSpecification.2.ResourceType") != "snapshot":
        return
    stem = "TagSpecification.2.Tag."
    tags = {
        value: asked.get(f"{name.removesuffix('Key')}Value", "")
        for name, value in asked.items()
        if name.startswith(stem) and name.endswith(".Key")
    }
    for snapshot in _ec2(request).snapshots.values():
        if snapshot.from_ami == made[1]:
            snapshot.add_tags(tags)


def _delete_snapshots(request: Request) -> None:
    """AWS deletes the snapshots with their image if it is asked to."""
    backend = _ec2(request)
    gone = [one.id for one in backend.snapshots.values() if one.from_ami == request.parameters["ImageId"]]
    for identity in gone:
        del backend.snapshots[identity]


def _with_stop_codes(answer: Answer) -> Answer:
    """AWS tells why a task stopped; here tasks stop only when they are asked to."""
    told = json.loads(answer.body)
    for task in [*told.get("tasks", ()), *([told["task"]] if "task" in told else ())]:
        if task["desiredStatus"] == "STOPPED":
            task["stopCode"] = "UserInitiated"
    return attrs.evolve(answer, body=json.dumps(told).encode())


def tasks_go_on() -> None:
    """A task goes on until it is stopped; moto ends each after some looks at it."""
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 10**9})


def _revoke_ipv6(request: Request) -> None:
    """AWS revokes what it authorized; moto keeps IPv6 rules of networks without IPv6 addresses."""
    asked = request.parameters
    group = _ec2(request).get_security_group_from_id(asked.get("GroupId", ""))
    for name, cidr in asked.items():
        stem = name.partition(".Ipv6Ranges.")[0]
        if name.endswith(".CidrIpv6"):
            group.egress_rules = [
                rule
                for rule in group.egress_rules
                if (rule.ip_range.get("CidrIpv6"), rule.ip_protocol, str(rule.from_port))
                != (cidr, asked.get(f"{stem}.IpProtocol"), asked.get(f"{stem}.FromPort", "None"))
            ]


def _tag_new_bucket(request: Request) -> None:
    """AWS tags a bucket in the request that creates it."""
    document = fromstring(request.body or b"<CreateBucketConfiguration/>")
    tags = {tag.findtext("{*}Key"): tag.findtext("{*}Value") or "" for tag in document.iterfind("{*}Tags/{*}Tag")}
    if tags:
        s3_backends[ACCOUNT]["aws"].put_bucket_tagging(request.path.strip("/"), tags)
