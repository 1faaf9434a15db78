"""What has to change on the wire between moto and AWS, each way.

Libcloud's own fixtures, recorded from AWS, say what is right; the tests beside compare with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import attrs

from tests.moto_server.messages import FORM, Answer, Request

_EC2_SPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15"
_ROUTE53_OLD: Final = "/2012-02-29/"
_ROUTE53_NEW: Final = "/2013-04-01/"


def mend_request(request: Request, instances: Callable[[str, str], list[str]]) -> Request:
    """``request`` as moto understands it. ``instances`` tells the instances made under a (region, client token)."""
    if request.path in ("/2012-06-01/", "/2015-12-01/"):
        return attrs.evolve(request, path="/")  # moto serves the load balancers' Query API at the root only
    if request.path.startswith(_ROUTE53_OLD):
        return _scoped(attrs.evolve(request, path=request.path.replace(_ROUTE53_OLD, _ROUTE53_NEW, 1)))
    if request.service == "ec2":
        return _scoped(_mend_ec2(request, instances))
    return request


def _scoped(request: Request) -> Request:
    """Signed in a way that moto can read the service from: it knows Signature Version 4 only."""
    if "authorization" in request.headers:
        return request
    signature = (
        f"AWS4-HMAC-SHA256 Credential=key/20200101/{request.region}/{request.service}/aws4_request, "
        "SignedHeaders=host, Signature=checked"
    )
    return attrs.evolve(request, headers={**request.headers, "authorization": signature})


def _mend_ec2(request: Request, instances: Callable[[str, str], list[str]]) -> Request:
    asked = dict(request.parameters)
    if request.action in ("CreateTags", "DeleteTags") and "ResourceId.0" in asked:
        asked = {_counted_from_one(name): value for name, value in asked.items()}
    if request.action == "CreateImage":  # moto can't tag the snapshots of an image; that is completed afterwards
        asked = {name: value for name, value in asked.items() if not name.startswith("TagSpecification.2.")}
    if request.action == "DescribeInstances":
        asked = _without_client_token_filter(asked, lambda token: instances(request.region, token))
    if asked == request.parameters:
        return request
    return attrs.evolve(
        request,
        method="POST",
        query="",
        body=urlencode(asked).encode(),
        headers={**request.headers, "content-type": FORM},
    )


def _counted_from_one(name: str) -> str:
    """Libcloud counts ResourceId.0, Tag.0; AWS takes that, moto doesn't."""
    return re.sub(r"^(ResourceId|Tag)\.(\d+)", lambda found: f"{found[1]}.{int(found[2]) + 1}", name)


def _without_client_token_filter(asked: dict[str, str], instances: Callable[[str], list[str]]) -> dict[str, str]:
    """moto has no filter client-token, so it becomes one for the instances that the token made."""
    for name, value in list(asked.items()):
        if name.startswith("Filter.") and name.endswith(".Name") and value == "client-token":
            stem = name.removesuffix("Name")
            wanted = [asked.pop(key) for key in list(asked) if key.startswith(f"{stem}Value")]
            found = [one for token in wanted for one in instances(token)] or ["i-00000000000000000"]
            asked[name] = "instance-id"
            asked.update({f"{stem}Value.{index}": one for index, one in enumerate(found, start=1)})
    return asked


def mend_answer(request: Request, answer: Answer) -> Answer:
    """``answer`` of moto as AWS gives it."""
    body = answer.body.decode()
    if request.service == "ec2":
        body = _as_ec2(body)
    elif request.service == "route53" and request.path.startswith(_ROUTE53_OLD):
        body = body.replace(f"route53.amazonaws.com/doc{_ROUTE53_NEW}", f"route53.amazonaws.com/doc{_ROUTE53_OLD}")
        body = re.sub(r"<message>[^<]*</message>", "", body)
    elif request.action == "GET bucket?versioning":
        body = body.replace("GetBucketVersioningResponse", "VersioningConfiguration")
    else:
        return attrs.evolve(answer, headers=_with_charset(answer))
    return attrs.evolve(answer, body=body.encode(), headers=_with_charset(answer))


def _as_ec2(body: str) -> str:
    """AWS's namespace ends in '/', error documents have none, and calls that answer nothing answer ``true``."""
    body = body.replace(f'<Response xmlns="{_EC2_SPACE}">', "<Response>", 1)
    body = body.replace(f'xmlns="{_EC2_SPACE}"', f'xmlns="{_EC2_SPACE}/"', 1)
    body = body.replace("</CreateSecurityGroupResponse>", "<return>true</return></CreateSecurityGroupResponse>", 1)
    return re.sub(
        r"(<\w+Response xmlns=\"[^\"]+\">)(<requestId>[^<]*</requestId>)(</\w+Response>)",
        r"\1\2<return>true</return>\3",
        body,
    )


def _with_charset(answer: Answer) -> tuple[tuple[str, str], ...]:
    """Without a charset, clients read text/xml as Latin-1."""
    return tuple(
        (name, f"{value}; charset=utf-8" if name.lower() == "content-type" and value == "text/xml" else value)
        for name, value in answer.headers
    )
