"""Who calls, and where: from arguments or the environment, which is that of cloudmonkey and ``cs``."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import attrs

from orchestra.clouds.base.compute.cloud import credential_given
from orchestra.errors import InvalidRequestError


@attrs.frozen(repr=False)
class Account:
    """Who calls, in which zone and project. Holds a secret, so it has no telling repr.

    ``zone`` and ``project`` are names or ids, ``project`` '' for the account's own things. ``page`` is how many
    things are asked for in one request.
    """

    endpoint: str
    key: str
    secret: str
    zone: str
    project: str = ""
    page: int = 500
    ca_file: str | None = None

    @property
    def host(self) -> str:
        """The host of the endpoint, for people to read."""
        return urlsplit(self.endpoint).hostname or ""


def account_of(
    endpoint: str | None,
    key: str | None,
    secret: str | None,
    zone: str | None,
    project: str | None,
    *,
    page: int = 500,
    ca_file: str | None = None,
) -> Account:
    """The account that the arguments of `cloudstack` name, with what they leave out from the environment.

    Raises `CredentialsError` if key or secret is missing, `InvalidRequestError` for a missing zone or a missing or
    wrong endpoint.
    """
    return Account(
        endpoint=_endpoint(endpoint or os.environ.get("CLOUDSTACK_ENDPOINT", "")),
        key=credential_given("cloudstack", key, "key", "CLOUDSTACK_KEY"),
        secret=credential_given("cloudstack", secret, "secret", "CLOUDSTACK_SECRET"),
        zone=_zone(zone or os.environ.get("CLOUDSTACK_ZONE", "")),
        project=project or os.environ.get("CLOUDSTACK_PROJECT", ""),
        page=page,
        ca_file=ca_file,
    )


def _zone(told: str) -> str:
    if not told:
        raise InvalidRequestError(
            "cloudstack(): no zone is given", sent=False, remedy="give zone=…, its name or id, or set CLOUDSTACK_ZONE"
        )
    return told


def _endpoint(told: str) -> str:
    parts = urlsplit(told)
    if not told:
        raise InvalidRequestError(
            "cloudstack(): no endpoint is given",
            sent=False,
            remedy="give endpoint=…, such as https://cloud.example/client/api, or set CLOUDSTACK_ENDPOINT",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise InvalidRequestError(
            "cloudstack(): the endpoint is no plain http or https URL",
            sent=False,
            remedy="give one such as https://cloud.example/client/api",
        )
    if parts.path in ("", "/"):
        raise InvalidRequestError(
            "cloudstack(): the endpoint has no path",
            sent=False,
            remedy=f"it is most likely {told.rstrip('/')}/client/api",
        )
    return told
