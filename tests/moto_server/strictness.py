"""What AWS refuses and moto lets pass.

Each rule looks at moto's own objects and answers with the refusal that AWS documents, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from xml.etree.ElementTree import fromstring

from moto.ec2.models import ec2_backends
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends
from moto.s3.models import s3_backends

from tests.moto_server.messages import ACCOUNT, Answer, Request, refusal


def refuse(request: Request) -> Answer | None:
    """The refusal that ``request`` meets on AWS, or None."""
    rule = (_ELBV2_RULES if request.is_elbv2 else _RULES).get(request.action)
    return rule(request) if rule else None


def _ec2(request: Request) -> Any:
    return ec2_backends[ACCOUNT][request.region]


def _dependency(request: Request, what: str) -> Answer:
    return refusal(request, 400, "DependencyViolation", f"The {what} has dependencies and cannot be deleted.")


def _interfaces(request: Request) -> list[Any]:
    return list(_ec2(request).enis.values())


def _balancers(request: Request) -> list[Any]:
    return list(elb_backends[ACCOUNT][request.region].load_balancers.values())


def _newer_balancers(request: Request) -> list[Any]:
    return list(elbv2_backends[ACCOUNT][request.region].load_balancers.values())


def _delete_subnet(request: Request) -> Answer | None:
    subnet = request.parameters.get("SubnetId", "")
    used = (
        any(one.subnet.id == subnet for one in _interfaces(request))
        or any(subnet in one.subnets for one in _balancers(request))
        or any(subnet in {part.id for part in one.subnets} for one in _newer_balancers(request))
    )
    return _dependency(request, f"subnet '{subnet}'") if used else None


def _delete_group(request: Request) -> Answer | None:
    group = request.parameters.get("GroupId", "")
    backend = _ec2(request)
    known = backend.get_security_group_from_id(group)
    if known is None:
        return None
    if known.name == "default":
        return refusal(
            request, 400, "CannotDelete", f'the specified group: "{group}" name: "default" cannot be deleted by a user'
        )
    used = (
        any(group in {one.id for one in instance.security_groups} for instance in _live_instances(request))
        or any(group in one.security_groups for one in [*_balancers(request), *_newer_balancers(request)])
        or any(
            rule.source_group.get("GroupId") == group
            for groups in backend.groups.values()
            for other in groups.values()
            if other.id != group
            for rule in [*other.ingress_rules, *other.egress_rules]
        )
    )
    return refusal(request, 400, "DependencyViolation", f"resource {group} has a dependent object") if used else None


def _create_group(request: Request) -> Answer | None:
    vpc = request.parameters.get("VpcId", "")
    if not vpc or vpc in _ec2(request).vpcs:
        return None
    return refusal(request, 400, "InvalidVpcID.NotFound", f"The vpc ID '{vpc}' does not exist")


def _change_records(request: Request) -> Answer | None:
    zone = route53_backends[ACCOUNT]["aws"].zones.get(request.path.split("/")[3])
    if zone is None or not request.body:
        return None
    there = {(one.name.rstrip("."), one.type): sorted(one.records or []) for one in zone.rrsets}
    for change in fromstring(request.body).iterfind("{*}ChangeBatch/{*}Changes/{*}Change"):
        action, name, kind = (
            change.findtext(path, "")
            for path in ("{*}Action", "{*}ResourceRecordSet/{*}Name", "{*}ResourceRecordSet/{*}Type")
        )
        said = f"[Tried to {action.lower()} resource record set [name='{name}', type='{kind}'] but "
        kept = there.get((name.rstrip(".").replace("*", r"\052"), kind), there.get((name.rstrip("."), kind)))
        if action == "CREATE" and kept is not None:
            return refusal(request, 400, "InvalidChangeBatch", f"{said}it already exists]")
        if action == "DELETE" and kept is None:
            return refusal(request, 400, "InvalidChangeBatch", f"{said}it was not found]")
        values = sorted(one.text or "" for one in change.iterfind(".//{*}Value"))
        if action == "DELETE" and kept != values:
            told = "the values provided do not match the current values]"
            return refusal(request, 400, "InvalidChangeBatch", f"{said}{told}")
        if action == "CREATE":  # moto takes what was deleted before for what is there, and would refuse
            zone.rr_changes[:] = [
                one for one in zone.rr_changes if not _is_about(one["ResourceRecordSet"], name.rstrip("."), kind)
            ]
    return None


def _is_about(record_set: Any, name: str, kind: str) -> bool:
    return (record_set["Name"].rstrip("."), record_set["Type"]) == (name, kind)


def _delete_vpc(request: Request) -> Answer | None:
    vpc = request.parameters.get("VpcId", "")
    backend = _ec2(request)
    gateways = any(one.vpc is not None and one.vpc.id == vpc for one in backend.internet_gateways.values())
    groups = any(one.name != "default" for one in backend.groups.get(vpc, {}).values())
    return _dependency(request, f"vpc '{vpc}'") if gateways or groups else None


def _detach_gateway(request: Request) -> Answer | None:
    vpc = request.parameters.get("VpcId", "")
    mapped = any(
        one.subnet.vpc_id == vpc and getattr(one, "public_ip", None) and getattr(one, "instance", None)
        for one in _interfaces(request)
    )
    if not mapped:
        return None
    return refusal(
        request,
        400,
        "DependencyViolation",
        f"Network {vpc} has some mapped public address(es). Please unmap those before detaching the gateway.",
    )


def _live_instances(request: Request) -> list[Any]:
    return [one for one in _ec2(request).all_instances() if one.state not in ("shutting-down", "terminated")]


def _instance(request: Request, identity: str) -> Any:
    return next((one for one in _ec2(request).all_instances() if one.id == identity), None)


def _modify_instance(request: Request) -> Answer | None:
    identity = request.parameters.get("InstanceId", "")
    instance = _instance(request, identity)
    if instance is None or "InstanceType.Value" not in request.parameters or instance.state == "stopped":
        return None
    return refusal(request, 400, "IncorrectInstanceState", f"The instance '{identity}' is not in the 'stopped' state.")


def _create_image(request: Request) -> Answer | None:
    asked, backend = request.parameters, _ec2(request)
    name, instance = asked.get("Name", ""), _instance(request, asked.get("InstanceId", ""))
    if not re.fullmatch(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}", name) or len(asked.get("Description", "")) > 255:
        return refusal(request, 400, "InvalidParameterValue", "AMI names must be between 3 and 128 characters long")
    taken = next((one for one in backend.amis.values() if (one.owner_id, one.name) == (ACCOUNT, name)), None)
    if taken is not None:
        said = f"AMI name {name} is already in use by AMI {taken.id}"
        return refusal(request, 400, "InvalidAMIName.Duplicate", said)
    if instance is None or instance.state in ("running", "stopped"):
        return None
    said = f"The instance '{instance.id}' is not in a state from which it can be imaged."
    return refusal(request, 400, "IncorrectInstanceState", said)


def _attach_volume(request: Request) -> Answer | None:
    volume = _ec2(request).volumes.get(request.parameters.get("VolumeId", ""))
    instance = _instance(request, request.parameters.get("InstanceId", ""))
    if volume is None or instance is None:
        return None
    if volume.attachment is not None:
        return refusal(request, 400, "VolumeInUse", f"{volume.id} is already attached to an instance")
    if getattr(volume.zone, "name", volume.zone) == instance.availability_zone:
        return None
    return refusal(
        request, 400, "InvalidVolume.ZoneMismatch", f"The volume '{volume.id}' is not in the same availability zone"
    )


def _detach_volume(request: Request) -> Answer | None:
    volume = _ec2(request).volumes.get(request.parameters.get("VolumeId", ""))
    if volume is None or volume.attachment is not None:
        return None
    return refusal(request, 400, "IncorrectState", f"Volume '{volume.id}' is in the 'available' state.")


def _release_address(request: Request) -> Answer | None:
    wanted = request.parameters.get("AllocationId", "")
    address = next((one for one in _ec2(request).addresses if one.allocation_id == wanted), None)
    if address is None or not address.association_id:
        return None
    return refusal(request, 400, "InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


def _put_object(request: Request) -> Answer | None:
    if request.headers.get("if-none-match") != "*":
        return None
    bucket, _, key = request.path.lstrip("/").partition("/")
    known = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    if known is None or known.keys.get(key) is None:
        return None
    return refusal(request, 412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")


def _create_newer_balancer(request: Request) -> Answer | None:
    asked = request.parameters
    subnets = [value for name, value in asked.items() if name.startswith("Subnets.member.")]
    zones = [_ec2(request).get_subnet(one).availability_zone for one in subnets]
    if asked["Name"].startswith("internal-"):
        return refusal(
            request, 400, "ValidationError", "The load balancer name 'internal' cannot begin with 'internal-'"
        )
    if len(set(zones)) < len(zones):
        told = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        return refusal(request, 400, "InvalidConfigurationRequest", told)
    if asked.get("Type", "application") == "application" and len(zones) < 2:
        told = "At least two subnets in two different Availability Zones must be specified"
        return refusal(request, 400, "ValidationError", told)
    return None


def _check_health_check(request: Request) -> Answer | None:
    asked = request.parameters
    group = elbv2_backends[ACCOUNT][request.region].target_groups.get(asked.get("TargetGroupArn", ""))
    protocol = asked.get("Protocol") or (group.protocol if group else "")
    if asked.get("HealthCheckProtocol") != "TCP":
        return None
    if protocol == "HTTP":
        told = "Health check protocol 'TCP' is not supported for target groups with the HTTP protocol"
    elif "HealthCheckPath" in asked or "Matcher.HttpCode" in asked:
        told = "You cannot specify a path or a matcher for a TCP health check"
    else:
        return None
    return refusal(request, 400, "InvalidConfigurationRequest", told)


def _set_groups(request: Request) -> Answer | None:
    arn = request.parameters.get("LoadBalancerArn", "")
    balancer = elbv2_backends[ACCOUNT][request.region].load_balancers.get(arn)
    if balancer is None or balancer.type != "network" or balancer.security_groups:
        return None
    told = "You cannot set security groups on a load balancer that was created without any"
    return refusal(request, 400, "InvalidConfigurationRequest", told)


_ELBV2_RULES: Final[dict[str, Callable[[Request], Answer | None]]] = {
    "CreateLoadBalancer": _create_newer_balancer,
    "CreateTargetGroup": _check_health_check,
    "ModifyTargetGroup": _check_health_check,
    "SetSecurityGroups": _set_groups,
}
"""AWS's API reference of Elastic Load Balancing, version 2015-12-01, names each."""

_RULES: Final[dict[str, Callable[[Request], Answer | None]]] = {
    "CreateSecurityGroup": _create_group,
    "DeleteSubnet": _delete_subnet,
    "DeleteSecurityGroup": _delete_group,
    "DeleteVpc": _delete_vpc,
    "DetachInternetGateway": _detach_gateway,
    "ModifyInstanceAttribute": _modify_instance,
    "CreateImage": _create_image,
    "AttachVolume": _attach_volume,
    "DetachVolume": _detach_volume,
    "ReleaseAddress": _release_address,
    "PUT object": _put_object,
    "POST rrset": _change_records,
}
