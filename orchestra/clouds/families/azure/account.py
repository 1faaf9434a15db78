"""Who calls, and in which subscription, resource group and region: from arguments or the environment."""

from __future__ import annotations

import os
import re
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from libcloud.common.azure_arm import publicEnvironments

from orchestra.clouds.base.compute.cloud import credential_given, region_given
from orchestra.clouds.base.driver import Endpoint
from orchestra.errors import CredentialsError, InvalidRequestError

_ENVIRONMENTS: Final[Any] = publicEnvironments
_STORAGE: Final = re.compile(r"[a-z0-9]{3,24}")
_PART: Final = re.compile(r"[\w.()-]{1,90}")
"""What may stand in a path: subscriptions, tenants, and names of resource groups; see
https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/resource-name-rules"""


@attrs.frozen(repr=False, kw_only=True)
class Account:
    """Who calls, and where. Holds a secret, so it has no telling repr."""

    subscription: str
    resource_group: str
    region: str
    tenant: str
    client_id: str
    secret: str
    endpoint: Endpoint
    login: Endpoint
    audience: str
    """What tokens are for."""


@attrs.frozen(repr=False, kw_only=True)
class StorageAccount:
    """An account of Azure Storage, one of its keys, and where it is; ``hosted``: not at a host of Azure's own."""

    name: str
    key: str
    endpoint: Endpoint
    hosted: bool = False


@attrs.frozen
class Environment:
    """One of Azure's clouds: where Resource Manager is, where one signs in, what tokens are for, where blobs are."""

    management: str
    login: str
    audience: str
    storage: str


def environment_of(endpoint: str | None) -> Environment:
    """The cloud of Azure's that has Resource Manager at ``endpoint``, as Libcloud lists them; else the public one."""
    wanted = Endpoint.parse(endpoint).host if endpoint else ""
    known = {str(urlsplit(one["resourceManagerEndpointUrl"]).hostname): one for one in _ENVIRONMENTS.values()}
    told = known.get(wanted, _ENVIRONMENTS["default"])
    return Environment(
        management=str(told["resourceManagerEndpointUrl"]),
        login=str(told["activeDirectoryEndpointUrl"]),
        audience=str(told["activeDirectoryResourceId"]),
        storage=str(told["storageEndpointSuffix"]),
    )


def place_given(argument: str, value: str | None, variable: str) -> str:
    """The subscription or the resource group, or that of the environment's ``variable``.

    Raises `InvalidRequestError` if there is neither, and for what can't be the name of one.
    """
    found = value or os.environ.get(variable)
    name = argument.replace("_", " ")
    if not found:
        raise InvalidRequestError(
            f"azure(): no {name} is given", sent=False, remedy=f"give {argument}=…, or set {variable}"
        )
    if not _PART.fullmatch(found):
        raise InvalidRequestError(
            f"azure(): {found!r} can't be a {name}",
            sent=False,
            remedy=f"give {argument}= as Azure has it, such as {_EXAMPLES[argument]}",
        )
    return found


_EXAMPLES: Final = MappingProxyType(
    {
        "subscription": "00000000-0000-0000-0000-000000000000",
        "resource_group": "production",
        "tenant": "00000000-0000-0000-0000-000000000000 or example.onmicrosoft.com",
    }
)


def region_of(value: str | None) -> str:
    """The region in the form in which Azure compares it: ``West Europe`` is ``westeurope``."""
    return place_name(region_given("azure", value, "AZURE_DEFAULTS_LOCATION", "westeurope"))


def place_name(told: str) -> str:
    """A region as Azure tells it, in the form that it is compared in."""
    return told.lower().replace(" ", "")


def who(tenant: str | None, client_id: str | None, secret: str | None) -> tuple[str, str, str]:
    """The tenant, the application and its secret; what is given is never mixed with an application around.

    Raises `CredentialsError` for the one that is missing.
    """
    found = credential_given("azure", tenant, "tenant", "AZURE_TENANT_ID")
    if not _PART.fullmatch(found):
        raise InvalidRequestError(
            f"azure(): {found!r} can't be a tenant", sent=False, remedy=f"give one such as {_EXAMPLES['tenant']}"
        )
    if client_id is None and secret is None:
        client_id, secret = os.environ.get("AZURE_CLIENT_ID"), os.environ.get("AZURE_CLIENT_SECRET")
    return (
        found,
        _given(client_id, "client_id"),
        _given(secret, "secret"),
    )


def _given(value: str | None, argument: str) -> str:
    if not value:
        raise CredentialsError(
            f"azure(): the {argument.replace('_', ' ')} is missing",
            sent=False,
            remedy="set AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give client_id=… and secret=…",
        )
    return value


def storage_of(
    name: str | None, key: str | None, endpoint: str | None, environment: Environment
) -> StorageAccount | None:
    """The storage account, None if none is named; raises `CredentialsError` if its key is missing."""
    if name is None and key is None:
        name, key = os.environ.get("AZURE_STORAGE_ACCOUNT"), os.environ.get("AZURE_STORAGE_KEY")
    if not name:
        return None
    if not key:
        raise CredentialsError(
            f"azure(): the key of the storage account {name!r} is missing",
            sent=False,
            remedy="set AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, or give storage_account=… and storage_key=…",
        )
    if not _STORAGE.fullmatch(name):
        raise InvalidRequestError(
            f"azure(): {name!r} can't be a storage account",
            sent=False,
            remedy="3 to 24 lower-case letters and digits are one",
        )
    place = Endpoint.parse(endpoint or f"https://{name}.blob{environment.storage}")
    return StorageAccount(name=name, key=key, endpoint=place, hosted=endpoint is not None)
