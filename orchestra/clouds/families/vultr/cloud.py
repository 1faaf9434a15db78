"""The function that makes the cloud object for Vultr."""

from __future__ import annotations

from typing import Final

from orchestra.clouds.base.compute.bytoken import TokenFamily
from orchestra.clouds.base.compute.cloud import FamilyCloud
from orchestra.clouds.families.vultr.driver import VultrDriver
from orchestra.clouds.families.vultr.traits import TRAITS

_FAMILY: Final = TokenFamily(traits=TRAITS, driver=VultrDriver, api="https://api.vultr.com", variable="VULTR_API_KEY")
CALLS: Final = _FAMILY.calls


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
    return _FAMILY.cloud(
        region=region,
        token=token,
        endpoint=endpoint,
        name=name,
        consistency_seconds=consistency_seconds,
    )
