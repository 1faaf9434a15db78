"""The function that makes the cloud object for DigitalOcean."""

from __future__ import annotations

from typing import Any, Final

from orchestra.clouds.base.compute.cloud import Beside, FamilyCloud, Site, compute_calls, credential_given
from orchestra.clouds.base.dns import dns_calls
from orchestra.clouds.base.driver import Endpoint, LibcloudDriver
from orchestra.clouds.families.digitalocean.driver import DigitalOceanDns, DigitalOceanDriver
from orchestra.clouds.families.digitalocean.traits import TRAITS
from orchestra.clouds.provider import Calls

_API: Final = "https://api.digitalocean.com"
_DNS: Final = dns_calls("digitalocean")

CALLS: Final[tuple[Calls[LibcloudDriver], ...]] = (*compute_calls(TRAITS), *_DNS)


def digitalocean(
    *,
    region: str,
    token: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> FamilyCloud:
    """DigitalOcean, in one region: droplets, networks, firewalls, balancers, volumes, snapshots, SSH keys, domains.

    ``region`` is a slug such as ``ams3``. ``token`` defaults to the environment's ``DIGITALOCEAN_TOKEN``. ``endpoint``
    is the URL of a server that speaks DigitalOcean's API, such as ``http://127.0.0.1:8080``; by default its own.
    ``name`` stands in the state for this cloud and must stay the same; default ``digitalocean:`` and the region. Give
    one where two accounts are used in one region. ``consistency_seconds``: for so long after a creation "not found" is
    not taken for gone but asked again (30).

    Makes no call: `FamilyCloud.verify` does. Raises `CredentialsError` when the token is missing and
    `InvalidRequestError` for a wrong endpoint.
    """
    key = credential_given("digitalocean", token, "token", "DIGITALOCEAN_TOKEN")
    site = Site(
        name=name or f"digitalocean:{region}",
        region=region,
        endpoint=Endpoint.parse(endpoint or _API),
        secrets=[key],
        settling=consistency_seconds,
    )
    dns: Any = DigitalOceanDns  # which has no types
    beside = [Beside(make=lambda: dns(key), calls=_DNS)]
    return FamilyCloud(TRAITS, site, lambda: DigitalOceanDriver(key), beside)
