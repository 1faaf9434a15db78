"""Who calls, in which project, region and OpenStack: from arguments, the environment or ``clouds.yaml``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from orchestra.clouds.families.openstack.cloudsyaml import read_cloud
from orchestra.errors import CredentialsError, InvalidRequestError

CREDENTIALS: Final = (
    "username",
    "user_id",
    "password",
    "user_domain",
    "user_domain_id",
    "application_credential_id",
    "application_credential_secret",
)
"""Settings that say who calls: they are taken together, from one place."""

VARIABLES: Final = MappingProxyType(
    {
        "endpoint": "OS_AUTH_URL",
        "region": "OS_REGION_NAME",
        "interface": "OS_INTERFACE",
        "ca_file": "OS_CACERT",
        "username": "OS_USERNAME",
        "user_id": "OS_USER_ID",
        "password": "OS_PASSWORD",
        "user_domain": "OS_USER_DOMAIN_NAME",
        "user_domain_id": "OS_USER_DOMAIN_ID",
        "project": "OS_PROJECT_NAME",
        "project_id": "OS_PROJECT_ID",
        "project_domain": "OS_PROJECT_DOMAIN_NAME",
        "project_domain_id": "OS_PROJECT_DOMAIN_ID",
        "application_credential_id": "OS_APPLICATION_CREDENTIAL_ID",
        "application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
    }
)
"""The environment variables that OpenStack's own client reads."""

Settings = Mapping[str, str]


@attrs.frozen(repr=False)
class Account:
    """Who calls, for which project and region. Holds secrets, so it has no telling repr.

    ``identity`` and ``scope`` are what keystone takes to sign in; ``scope`` is None where the credential fixes it.
    """

    endpoint: str
    """The URL of keystone, without its version."""
    region: str | None
    interface: str
    identity: Mapping[str, Any]
    scope: Mapping[str, Any] | None
    secret: str
    ca_file: str | None = None

    @property
    def place(self) -> str:
        """Host and region, for people to read."""
        host = urlsplit(self.endpoint).hostname or ""
        return f"{host}:{self.region}" if self.region else host


def account_of(given: Mapping[str, str | None], cloud: str | None) -> Account:
    """The account that arguments ``given`` to `openstack` name, with what they leave out from ``cloud`` or around.

    Raises `CredentialsError` when a credential is missing, `InvalidRequestError` for a missing or wrong endpoint.
    """
    settings = _settings({name: value for name, value in given.items() if value}, cloud)
    identity, scope, secret = _who(settings)
    return Account(
        endpoint=_endpoint(settings),
        region=settings.get("region"),
        interface=settings.get("interface", "public").removesuffix("URL"),
        identity=identity,
        scope=scope,
        secret=secret,
        ca_file=settings.get("ca_file"),
    )


def _settings(given: Settings, cloud: str | None) -> Settings:
    name = cloud or (None if "endpoint" in given else os.environ.get("OS_CLOUD"))
    around = read_cloud(name) if name else _environment()
    if any(one in given for one in CREDENTIALS):
        around = {key: value for key, value in around.items() if key not in CREDENTIALS}
    return {**around, **given}


def _environment() -> Settings:
    return {name: value for name, variable in VARIABLES.items() if (value := os.environ.get(variable))}


def _endpoint(settings: Settings) -> str:
    told = settings.get("endpoint", "")
    if not told:
        raise InvalidRequestError(
            "openstack(): no endpoint is given",
            sent=False,
            remedy="give endpoint=…, the URL of keystone such as https://cloud.example:5000/v3, or set OS_AUTH_URL",
        )
    parts = urlsplit(told)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise InvalidRequestError(
            "openstack(): the endpoint is no plain http or https URL",
            sent=False,
            remedy="give one such as https://cloud.example:5000/v3",
        )
    return told.rstrip("/").removesuffix("/v3")


def _who(settings: Settings) -> tuple[Mapping[str, Any], Mapping[str, Any] | None, str]:
    """What signs in, what for, and the secret in it."""
    if "application_credential_id" in settings or "application_credential_secret" in settings:
        _need(settings, "application_credential_id", "application_credential_secret")
        secret = settings["application_credential_secret"]
        credential = {"id": settings["application_credential_id"], "secret": secret}
        return {"methods": ["application_credential"], "application_credential": credential}, None, secret
    _need(settings, "user_id" if "user_id" in settings else "username", "password")
    _need(settings, "project_id" if "project_id" in settings else "project")
    user = {**_named(settings, "username", "user_id", "user_domain"), "password": settings["password"]}
    project = _named(settings, "project", "project_id", "project_domain")
    return {"methods": ["password"], "password": {"user": user}}, {"project": project}, settings["password"]


def _need(settings: Settings, *names: str) -> None:
    for name in names:
        if not settings.get(name):
            raise CredentialsError(
                f"openstack(): {name} is missing",
                sent=False,
                remedy="set OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME, or OS_APPLICATION_CREDENTIAL_ID and "
                "OS_APPLICATION_CREDENTIAL_SECRET, or OS_CLOUD; or give the like as arguments",
            )


def _named(settings: Settings, name: str, id_: str, domain: str) -> dict[str, Any]:
    """A user or a project: by id, or by name in a domain."""
    if id_ in settings:
        return {"id": settings[id_]}
    if f"{domain}_id" in settings and domain not in settings:
        return {"name": settings[name], "domain": {"id": settings[f"{domain}_id"]}}
    return {"name": settings[name], "domain": {"name": settings.get(domain, "Default")}}
