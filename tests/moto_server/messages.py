"""Requests and answers, as plain values that every layer of the server works on."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import attrs

ACCESS_KEY: Final = "test-access-key"
SECRET_KEY: Final = "test-secret-key"
"""The one pair of keys that the server accepts unless told otherwise."""

FORM: Final = "application/x-www-form-urlencoded; charset=utf-8"

ACCOUNT: Final = "123456789012"
"""The account that moto answers for."""


@attrs.frozen
class Request:
    """One HTTP request. ``path`` and ``query`` are as they came, still quoted; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    environ: Mapping[str, Any]

    @functools.cached_property
    def parameters(self) -> dict[str, str]:
        """What a Query API was asked: of the URL and of a form body."""
        pairs = parse_qsl(self.query, keep_blank_values=True)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            pairs += parse_qsl(self.body.decode(), keep_blank_values=True)
        return dict(pairs)

    @functools.cached_property
    def scope(self) -> tuple[str, str]:
        """The (region, service) that it was signed for; empty texts where the signature doesn't say."""
        signature = self.headers.get("authorization", "")
        if "Credential=" in signature:
            parts = signature.split("Credential=")[1].split(",")[0].split("/")
            if len(parts) == 5:
                return parts[2], parts[3]
        if "x-amzn-authorization" in self.headers:
            return "us-east-1", "route53"
        if self.parameters.get("Version") == "2016-11-15":
            return "us-east-1", "ec2"
        return "", ""

    @property
    def region(self) -> str:
        """The region that it is for."""
        return self.scope[0]

    @property
    def service(self) -> str:
        """``ec2``, ``ecs``, ``elasticloadbalancing``, ``route53``, ``s3``, or '' where it can't be told."""
        return self.scope[1]

    @property
    def is_elbv2(self) -> bool:
        """Whether it is for application and network load balancers: some actions have the names of classic ones."""
        return self.service == "elasticloadbalancing" and self.parameters.get("Version") == "2015-12-01"

    @property
    def action(self) -> str:
        """What it asks for: ``RunInstances``; for REST APIs the method and the kind of path, ``PUT bucket?tagging``."""
        if "Action" in self.parameters:
            return self.parameters["Action"]
        if "x-amz-target" in self.headers:
            return self.headers["x-amz-target"].rpartition(".")[2]
        parts = [part for part in unquote(self.path).split("/") if part]
        if self.service == "route53":
            return f"{self.method} {'rrset' if parts[-1:] == ['rrset'] else 'hostedzone'}"
        kind = "bucket" if len(parts) == 1 else "object" if parts else "service"
        names = {name for name, _ in parse_qsl(self.query, keep_blank_values=True)}
        sub = names & {"tagging", "encryption", "publicAccessBlock", "versioning", "versions", "delete"}
        return f"{self.method} {kind}" + (f"?{min(sub)}" if sub else "")


@attrs.frozen
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml; charset=utf-8"),)


@attrs.frozen
class Thing:
    """One thing that there is: its kind and id as orchestra has them, and whose address it carries.

    ``oddity`` is what is odd about it, '' if nothing.
    """

    kind: str
    external_id: str
    address: str = ""
    oddity: str = ""


def refusal(request: Request, status: int, code: str, message: str) -> Answer:
    """An error document in the form that the service of ``request`` has on AWS."""
    if request.service == "ecs":
        told = json.dumps({"__type": code, "message": message}).encode()
        return Answer(status, told, (("Content-Type", "application/x-amz-json-1.1"),))
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if request.service == "ec2":
        text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>refused</RequestID></Response>"
    elif request.service == "s3":
        text = f"<Error>{error}<RequestId>refused</RequestId><HostId>here</HostId></Error>"
    else:
        space = (
            "https://route53.amazonaws.com/doc/2012-02-29/"
            if request.service == "route53"
            else f"http://elasticloadbalancing.amazonaws.com/doc/{request.parameters.get('Version', '2012-06-01')}/"
        )
        text = (
            f'<ErrorResponse xmlns="{space}"><Error><Type>Sender</Type>{error}</Error>'
            "<RequestId>refused</RequestId></ErrorResponse>"
        )
    return Answer(status, b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode())
