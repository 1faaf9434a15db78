"""What AWS does with a call and moto leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import attrs
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends

from tests.moto_server.messages import ACCOUNT, Answer, Request

Ask = Callable[[Request], Answer]


def complete_request(request: Request) -> Request:
    """``request`` with the defaults that AWS fills in."""
    if request.action == "CreateLoadBalancer":
        return _with_default_group(request)
    return request


def complete_answer(request: Request, answer: Answer, ask: Ask) -> Answer:
    """``answer`` after the rest of the work was done; ``ask`` asks moto."""
    if answer.status >= 300:
        return answer
    if request.action == "RunInstances":
        return _with_groups(request, answer, ask)
    if request.action == "PUT bucket":
        _tag_new_bucket(request)
    return answer


def _ec2(request: Request) -> Any:
    return ec2_backends[ACCOUNT][request.region]


def _with_default_group(request: Request) -> Request:
    """AWS guards a balancer without security groups by its network's default one; moto makes one up."""
    asked = request.parameters
    if any(name.startswith("SecurityGroups.member.") for name in asked) or "Subnets.member.1" not in asked:
        return request
    subnet = _ec2(request).get_subnet(asked["Subnets.member.1"])
    group = _ec2(request).get_security_group_from_name("default", subnet.vpc_id)
    return attrs.evolve(request, body=urlencode({**asked, "SecurityGroups.member.1": group.id}).encode())


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
    body = urlencode({"Action": "DescribeInstances", "Version": "2016-11-15", **asked})
    described = ask(attrs.evolve(request, body=body.encode())).body.decode()
    instances = "".join(re.findall(r"<instancesSet>.*</instancesSet>", described, re.DOTALL))
    pending = re.sub(
        r"<instanceState>.*?</instanceState>",
        "<instanceState><code>0</code><name>pending</name></instanceState>",
        instances,
        flags=re.DOTALL,
    )
    body = re.sub(r"<instancesSet>.*</instancesSet>", lambda _: pending, told, flags=re.DOTALL)
    return attrs.evolve(answer, body=body.encode())


def _tag_new_bucket(request: Request) -> None:
    """AWS tags a bucket in the request that creates it."""
    document = fromstring(request.body or b"<CreateBucketConfiguration/>")
    tags = {tag.findtext("{*}Key"): tag.findtext("{*}Value") or "" for tag in document.iterfind("{*}Tags/{*}Tag")}
    if tags:
        s3_backends[ACCOUNT]["aws"].put_bucket_tagging(request.path.strip("/"), tags)
