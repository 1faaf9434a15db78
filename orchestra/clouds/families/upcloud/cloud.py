"""The function that makes the cloud object for UpCloud."""

from __future__ import annotations

import base64
from typing import Final

from orchestra.clouds.base.compute.cloud import FamilyCloud, Site, compute_calls, credential_given
from orchestra.clouds.base.driver import Endpoint, LibcloudDriver
from orchestra.clouds.families.upcloud.driver import UpCloudDriver
from orchestra.clouds.families.upcloud.traits import TRAITS
from orchestra.clouds.provider import Calls

_API: Final = "https://api.upcloud.com"

CALLS: Final[tuple[Calls[LibcloudDriver], ...]] = tuple(compute_calls(TRAITS))


def upcloud(
    *,
    region: str,
    username: str | None = None,
    password: str | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> FamilyCloud:
    """UpCloud, in one region: servers, images of them, volumes and snapshots.

    ``region`` is one of UpCloud's zones, such as ``fi-hel1``. ``username`` and ``password`` are of a user who may use
    the API; they default to the environment's ``UPCLOUD_USERNAME`` and ``UPCLOUD_PASSWORD``. ``endpoint`` is the URL of
    a server that speaks UpCloud's API, such as ``http://127.0.0.1:8080``; by default its own. ``name`` stands in the
    state for this cloud and must stay the same; default ``upcloud:`` and the region. Give one where two accounts are
    used in one region. ``consistency_seconds``: for so long after a creation "not found" is not taken for gone but
    asked again (30).

    Makes no call: `FamilyCloud.verify` does. Raises `CredentialsError` when one of the credentials is missing and
    `InvalidRequestError` for a wrong endpoint.
    """
    user = credential_given("upcloud", username, "username", "UPCLOUD_USERNAME")
    secret = credential_given("upcloud", password, "password", "UPCLOUD_PASSWORD")
    site = Site(
        name=name or f"upcloud:{region}",
        region=region,
        endpoint=Endpoint.parse(endpoint or _API),
        secrets=[secret, base64.b64encode(f"{user}:{secret}".encode()).decode()],
        settling=consistency_seconds,
    )
    return FamilyCloud(TRAITS, site, lambda: UpCloudDriver(user, secret))
