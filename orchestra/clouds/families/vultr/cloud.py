"""The function that makes the cloud object for Vultr."""

from __future__ import annotations

from typing import Any, Final

from orchestra.clouds.base.compute.cloud import Beside, FamilyCloud, Site, compute_calls, credential_given
from orchestra.clouds.base.dns import dns_calls
from orchestra.clouds.base.driver import Endpoint, LibcloudDriver
from orchestra.clouds.families.vultr.driver import VultrDns, VultrDriver
from orchestra.clouds.families.vultr.traits import TRAITS
from orchestra.clouds.provider import Calls

_API: Final = "https://api.vultr.com"
_DNS: Final = dns_calls("vultr")

CALLS: Final[tuple[Calls[LibcloudDriver], ...]] = (*compute_calls(TRAITS), *_DNS)


def vultr(
    *,
    region: str,
    token: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> FamilyCloud:
    """Vultr, in one region: servers, volumes, SSH keys and domains.

    ``region`` is such as ``ams``. ``token`` is the API key; it defaults to the environment's
    ``VULTR_API_KEY``. ``endpoint`` is the URL of a server that speaks Vultr's API, such as
    ``http://127.0.0.1:8080``; by default its own. ``name`` stands in the state for this cloud and must stay the same;
    default ``vultr:`` and the region. Give one where two accounts are used in one region. ``consistency_seconds``: for
    so long after a creation "not found" is not taken for gone but asked again (30).

    Makes no call: `FamilyCloud.verify` does. Raises `CredentialsError` when the token is missing and
    `InvalidRequestError` for a wrong endpoint.
    """
    key = credential_given("vultr", token, "token", "VULTR_API_KEY")
    site = Site(
        name=name or f"vultr:{region}",
        region=region,
        endpoint=Endpoint.parse(endpoint or _API),
        secrets=[key],
        settling=consistency_seconds,
    )
    dns: Any = VultrDns  # which has no types
    beside = [Beside(make=lambda: dns(key), calls=_DNS)]
    return FamilyCloud(TRAITS, site, lambda: VultrDriver(key), beside)
