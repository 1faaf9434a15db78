"""Checking who calls: the access key, and that the signature was made with its secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote

import attrs

from tests.moto_server.messages import Answer, Request, refusal


@attrs.frozen
class _Claim:
    """Who a request says it is from, and whether its signature bears that out (None: can't be checked)."""

    access_key: str
    scheme: str


class Credentials:
    """Refuses calls that are not signed with one of ``pairs`` (access key → secret key)."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.pairs = dict(pairs)

    def check(self, request: Request) -> Answer | None:
        """The refusal that ``request`` meets on AWS, or None."""
        claim = _claim(request)
        if claim is None or claim.access_key not in self.pairs:
            return _unknown(request)
        secret = self.pairs[claim.access_key]
        if claim.scheme == "4" and _signature_v4(request, secret) != _field(request, "Signature"):
            return _mismatch(request)
        if claim.scheme == "3" and _signature_v3(request, secret) != _field(request, "Signature"):
            return _mismatch(request)
        return None


def _header(request: Request) -> str:
    return request.headers.get("authorization") or request.headers.get("x-amzn-authorization", "")


def _field(request: Request, name: str) -> str:
    found = re.search(rf"{name}=([^,\s]+)", _header(request))
    return found[1] if found else ""


def _claim(request: Request) -> _Claim | None:
    header = _header(request)
    if header.startswith("AWS4-HMAC-SHA256"):
        return _Claim(_field(request, "Credential").partition("/")[0], "4")
    if header.startswith("AWS3-HTTPS"):
        return _Claim(_field(request, "AWSAccessKeyId"), "3")
    if "AWSAccessKeyId" in request.parameters:
        return _Claim(request.parameters["AWSAccessKeyId"], "2")
    return None


def _unknown(request: Request) -> Answer:
    if request.service == "ec2":
        return refusal(request, 401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    if request.service == "ecs":
        return refusal(
            request, 400, "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if request.service in ("elasticloadbalancing", "route53"):
        return refusal(request, 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    return refusal(
        request, 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
    )


def _mismatch(request: Request) -> Answer:
    return refusal(
        request,
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method.",
    )


def _signature_v3(request: Request, secret: str) -> str:
    return base64.b64encode(
        hmac.new(secret.encode(), request.headers.get("date", "").encode(), hashlib.sha1).digest()
    ).decode()


def _signature_v4(request: Request, secret: str) -> str:
    """Signature Version 4, from the request as it came."""
    scope = _field(request, "Credential").partition("/")[2]
    moment = request.headers.get("x-amz-date", "")
    text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, _hash(_canonical(request).encode())])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical(request: Request) -> str:
    signed = _field(request, "SignedHeaders")
    path = quote(unquote(request.path), safe="/~-._") or "/"
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    return "\n".join(
        [
            request.method,
            path if request.service == "s3" else quote(path, safe="/~-._"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed.split(";")),
            "",
            signed,
            _payload(request),
        ]
    )


def _payload(request: Request) -> str:
    """The hash of the body as the signature has it; a hash that isn't the body's gives a signature that isn't right."""
    said = request.headers.get("x-amz-content-sha256", "")
    if request.service == "s3" and (said == "UNSIGNED-PAYLOAD" or said.startswith("STREAMING-")):
        return said
    return _hash(request.body)


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
