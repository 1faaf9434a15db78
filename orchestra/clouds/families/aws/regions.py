"""AWS's regions, from Libcloud's own table, and the hosts that serve them."""

from __future__ import annotations

import difflib
from urllib.parse import urlsplit

import attrs
from libcloud.compute.constants.ec2_region_details_partial import REGION_DETAILS

from orchestra.errors import InvalidRequestError


@attrs.frozen
class Host:
    """Where a service is reached."""

    name: str
    port: int
    secure: bool


@attrs.frozen
class Hosts:
    """Where each service is reached."""

    ec2: Host
    elb: Host
    route53: Host
    s3: Host


def known_regions() -> tuple[str, ...]:
    """The regions that Libcloud can reach, sorted."""
    return tuple(sorted(REGION_DETAILS))


def check_region(region: str) -> None:
    """Raise `InvalidRequestError`, with the regions that it may have been meant to be, unless Libcloud has it."""
    regions = known_regions()
    if region not in regions:
        near = difflib.get_close_matches(region, regions, n=3, cutoff=0.5) or regions
        raise InvalidRequestError(
            f"{region!r} is no region of AWS that Libcloud knows",
            sent=False,
            remedy=f"use one such as {', '.join(near)}",
        )


def hosts(region: str, endpoint: str | None) -> Hosts:
    """The hosts for ``region``; all services behind ``endpoint`` where one is given.

    Raises `InvalidRequestError` for an unknown region or an endpoint that isn't a plain http or https URL.
    """
    check_region(region)
    if endpoint is not None:
        one = _endpoint(endpoint)
        return Hosts(one, one, one, one)
    ec2: str = REGION_DETAILS[region]["endpoint"]
    suffix = ec2.removeprefix(f"ec2.{region}.")
    partition = "us-gov." if region.startswith("us-gov-") else ""
    return Hosts(
        ec2=_public(ec2),
        elb=_public(f"elasticloadbalancing.{region}.{suffix}"),
        route53=_public(f"route53.{partition}{suffix}"),
        s3=_public(f"s3.{region}.{suffix}"),
    )


def _public(name: str) -> Host:
    return Host(name, 443, True)


def _endpoint(endpoint: str) -> Host:
    parts = urlsplit(endpoint)
    try:
        port = parts.port
    except ValueError:
        port = 0
    plain = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/") and port != 0
    if not plain or parts.query or parts.username or parts.hostname is None:
        raise InvalidRequestError(
            "endpoint: a URL of scheme, host and port is needed",
            sent=False,
            remedy="give it as http://127.0.0.1:4566 or https://aws.example",
        )
    secure = parts.scheme == "https"
    return Host(parts.hostname, port or (443 if secure else 80), secure)
