"""The function that makes the cloud object for Scaleway."""

from __future__ import annotations

from typing import Final

from orchestra.clouds.base.compute.cloud import (
    FamilyCloud,
    Site,
    compute_calls,
    credential_given,
    region_given,
)
from orchestra.clouds.base.driver import Endpoint, LibcloudDriver
from orchestra.clouds.families.scaleway.driver import ScalewayDriver
from orchestra.clouds.families.scaleway.traits import TRAITS
from orchestra.clouds.provider import Calls

_API: Final = "https://api.scaleway.com"

CALLS: Final[tuple[Calls[LibcloudDriver], ...]] = tuple(compute_calls(TRAITS))


def scaleway(
    *,
    region: str | None = None,
    secret_key: str | None = None,
    project: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> FamilyCloud:
    """Scaleway, in one region: servers, images of them, key pairs, volumes and snapshots.

    ``region`` is one of Scaleway's zones, such as ``fr-par-1``; it defaults to the environment's ``SCW_DEFAULT_ZONE``.
    ``secret_key`` and ``project``, the id of one, default to ``SCW_SECRET_KEY`` and ``SCW_DEFAULT_PROJECT_ID``.
    ``endpoint`` is the URL of a server that speaks Scaleway's API, such as ``http://127.0.0.1:8080``; by default its
    own. ``name`` stands in the state for this cloud and must stay the same; default ``scaleway:`` and the region. Give
    one where two projects are used in one region. ``consistency_seconds``: for so long after a creation "not found" is
    not taken for gone but asked again (30).

    Makes no call: `FamilyCloud.verify` does. Raises `CredentialsError` when the key or the project is missing and
    `InvalidRequestError` for a missing region or a wrong endpoint.
    """
    zone = region_given("scaleway", region, "SCW_DEFAULT_ZONE", "fr-par-1")
    secret = credential_given("scaleway", secret_key, "secret_key", "SCW_SECRET_KEY")
    place = credential_given("scaleway", project, "project", "SCW_DEFAULT_PROJECT_ID")
    site = Site(
        name=name or f"scaleway:{zone}",
        region=zone,
        endpoint=Endpoint.parse(endpoint or _API),
        secrets=[secret],
        settling=consistency_seconds,
    )
    return FamilyCloud(TRAITS, site, lambda: ScalewayDriver(place, secret, zone))
