"""The function that makes the cloud object for Linode."""

from __future__ import annotations

from typing import Final

from orchestra.clouds.base.compute.bytoken import TokenFamily
from orchestra.clouds.base.compute.cloud import FamilyCloud
from orchestra.clouds.families.linode.driver import LinodeDriver
from orchestra.clouds.families.linode.traits import TRAITS

_FAMILY: Final = TokenFamily(traits=TRAITS, driver=LinodeDriver, api="https://api.linode.com", variable="LINODE_TOKEN")
CALLS: Final = _FAMILY.calls


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
    return _FAMILY.cloud(
        region=region,
        token=token,
        endpoint=endpoint,
        name=name,
        consistency_seconds=consistency_seconds,
        settings={"soa_email": soa_email},
    )
