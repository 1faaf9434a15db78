"""The function that makes the cloud object for DigitalOcean."""

from __future__ import annotations

from typing import Final

from orchestra.clouds.base.compute.bytoken import TokenFamily
from orchestra.clouds.base.compute.cloud import FamilyCloud
from orchestra.clouds.families.digitalocean.driver import DigitalOceanDriver
from orchestra.clouds.families.digitalocean.traits import TRAITS

_FAMILY: Final = TokenFamily(
    traits=TRAITS, driver=DigitalOceanDriver, api="https://api.digitalocean.com", variable="DIGITALOCEAN_TOKEN"
)
CALLS: Final = _FAMILY.calls


def digitalocean(
    *,
    region: str,
    token: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> FamilyCloud:
    """DigitalOcean, in one region: droplets and images of them, and all that goes with those, and domains.

    ``region`` is a slug such as ``ams3``. ``token`` defaults to the environment's ``DIGITALOCEAN_TOKEN``. ``endpoint``
    is the URL of a server that speaks DigitalOcean's API, such as ``http://127.0.0.1:8080``; by default its own.
    ``name`` stands in the state for this cloud and must stay the same; default ``digitalocean:`` and the region. Give
    one where two accounts are used in one region. ``consistency_seconds``: for so long after a creation "not found" is
    not taken for gone but asked again (30).

    Makes no call: `FamilyCloud.verify` does. Raises `CredentialsError` when the token is missing and
    `InvalidRequestError` for a wrong endpoint.
    """
    return _FAMILY.cloud(
        region=region,
        token=token,
        endpoint=endpoint,
        name=name,
        consistency_seconds=consistency_seconds,
    )
