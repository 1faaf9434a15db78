"""The function that makes the cloud object for Linode."""

from __future__ import annotations

from typing import Any, Final

from orchestra.clouds.base.compute.cloud import Beside, FamilyCloud, Site, compute_calls, credential_given
from orchestra.clouds.base.dns import dns_calls
from orchestra.clouds.base.driver import Endpoint, LibcloudDriver
from orchestra.clouds.families.linode.driver import LinodeDns, LinodeDriver
from orchestra.clouds.families.linode.traits import TRAITS
from orchestra.clouds.provider import Calls

_API: Final = "https://api.linode.com"
_DNS: Final = dns_calls("linode")

CALLS: Final[tuple[Calls[LibcloudDriver], ...]] = (*compute_calls(TRAITS), *_DNS)


def linode(
    *,
    region: str,
    token: str | None = None,
    soa_email: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> FamilyCloud:
    """Linode, in one region: servers, volumes, SSH keys and domains.

    ``region`` is such as ``eu-west``. ``token`` is a personal access token; it defaults to the environment's
    ``LINODE_TOKEN``. ``soa_email`` is the address of who answers for zones: Linode makes none without it.
    ``endpoint`` is the URL of a server that speaks Linode's API, such as
    ``http://127.0.0.1:8080``; by default its own. ``name`` stands in the state for this cloud and must stay the same;
    default ``linode:`` and the region. Give one where two accounts are used in one region. ``consistency_seconds``: for
    so long after a creation "not found" is not taken for gone but asked again (30).

    Makes no call: `FamilyCloud.verify` does. Raises `CredentialsError` when the token is missing and
    `InvalidRequestError` for a wrong endpoint.
    """
    key = credential_given("linode", token, "token", "LINODE_TOKEN")
    site = Site(
        name=name or f"linode:{region}",
        region=region,
        endpoint=Endpoint.parse(endpoint or _API),
        secrets=[key],
        settling=consistency_seconds,
    )
    dns: Any = LinodeDns  # which has no types
    settings = {"soa_email": soa_email} if soa_email else {}
    beside = [Beside(make=lambda: dns(key), calls=_DNS, settings=settings)]
    return FamilyCloud(TRAITS, site, lambda: LinodeDriver(key), beside)
