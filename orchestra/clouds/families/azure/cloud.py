"""The cloud object for Azure, and the function that makes one."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from libcloud.storage.providers import get_driver as get_storage_driver

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.base.driver import ConnectionsTo, Endpoint, LibcloudDriver, connect
from orchestra.clouds.base.storage import storage_calls
from orchestra.clouds.base.tokens import Tokens
from orchestra.clouds.families.azure import account, choosing, rest
from orchestra.clouds.families.azure.account import Account, StorageAccount
from orchestra.clouds.families.azure.address import FloatingIpCalls
from orchestra.clouds.families.azure.attachment import VolumeAttachmentCalls
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.firewall import FirewallCalls
from orchestra.clouds.families.azure.identity import Token, sign_in
from orchestra.clouds.families.azure.image import CustomImageCalls
from orchestra.clouds.families.azure.keypair import KeyPairCalls
from orchestra.clouds.families.azure.network import NetworkCalls, SubnetCalls
from orchestra.clouds.families.azure.server import ServerCalls
from orchestra.clouds.families.azure.volume import SnapshotCalls, VolumeCalls
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.errors import InvalidRequestError
from orchestra.model.values import Revealed

_BLOBS: Final = "azure_blobs"

_MANAGED: Final[tuple[Calls[Drivers], ...]] = (
    NetworkCalls(),
    SubnetCalls(),
    FirewallCalls(),
    KeyPairCalls(),
    ServerCalls(),
    CustomImageCalls(),
    VolumeCalls(),
    VolumeAttachmentCalls(),
    SnapshotCalls(),
    FloatingIpCalls(),
)
"""What each kind of Resource Manager's is served by."""

CALLS: Final[tuple[Calls[Any], ...]] = (*_MANAGED, *storage_calls(_BLOBS))
"""What each kind is served by, where there is a storage account."""


class AzureCloud(Discoverable):
    """One resource group and region of Azure; make it with `azure`. Safe to use from several threads."""

    def __init__(self, who: Account, name: str, settling: float, *, storage: StorageAccount | None = None) -> None:
        self.name = name
        self._region = who.region
        management, login = ConnectionsTo(who.endpoint), ConnectionsTo(who.login)
        self._session: Session[Drivers] = Session(lambda: Drivers(who, tokens, management), [who.secret])
        tokens: Tokens[Token] = Tokens(
            lambda: sign_in(who, login, lambda text: self._session.concealer.learn([Revealed(text)]))
        )
        providers: dict[str, Provider] = {
            calls.kind: DriverProvider(calls, self._session, translate, settling=settling) for calls in _MANAGED
        }
        if storage is not None:
            session = _storage(storage)
            for blobs in storage_calls(_BLOBS):
                providers[blobs.kind] = DriverProvider(blobs, session, translate, settling=settling)
        self._providers: Mapping[str, Provider] = MappingProxyType(providers)

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`. There are none for load balancers and DNS."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: signs in, asks for the resource group, and for the regions."""
        try:
            drivers = self._session.driver()
            drivers.ask("GET", drivers.ids.group_path, rest.GROUPS)
            regions = sorted(str(one["name"]) for one in choosing.locations(drivers))
        except Exception as error:
            raise translated(error, self._session, translate) from error
        if self._region not in regions:
            near = difflib.get_close_matches(self._region, regions, n=3, cutoff=0.5) or regions
            raise InvalidRequestError(
                f"{self._region!r} is no region of Azure that this subscription has",
                remedy=f"use one such as {', '.join(near)}",
            )

    def __repr__(self) -> str:
        return f"AzureCloud({self.name})"


def _storage(storage: StorageAccount) -> Session[LibcloudDriver]:
    """Drivers for the blobs of a storage account: its key reaches that account's host only."""
    place = storage.endpoint
    connections = ConnectionsTo(place)
    named = {"host": place.host, "port": place.port, "secure": place.secure} if storage.hosted else {}

    def make() -> LibcloudDriver:
        driver: Any = get_storage_driver(_BLOBS)(key=storage.name, secret=storage.key, **named)
        return LibcloudDriver(_BLOBS, connect(driver, connections, place))

    return Session(make, [storage.key])


def azure(
    *,
    subscription: str | None = None,
    resource_group: str | None = None,
    region: str | None = None,
    tenant: str | None = None,
    client_id: str | None = None,
    secret: str | None = None,
    storage_account: str | None = None,
    storage_key: str | None = None,
    endpoint: str | None = None,
    login_endpoint: str | None = None,
    storage_endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 30.0,
) -> AzureCloud:
    """Microsoft Azure, in one resource group and region: servers, disks, networks; blobs in a storage account.

    ``subscription`` is its id, ``resource_group`` the name of one that exists: nothing is made outside of it, and it
    isn't made either. ``region`` is such as ``westeurope``. Who calls is an application of Microsoft Entra ID:
    ``tenant``, ``client_id`` and ``secret``. What is left out comes from the environment, as Azure's own tools have
    it: ``AZURE_SUBSCRIPTION_ID``, ``AZURE_DEFAULTS_GROUP``, ``AZURE_DEFAULTS_LOCATION``, ``AZURE_TENANT_ID``, and
    ``AZURE_CLIENT_ID`` with ``AZURE_CLIENT_SECRET``, which are taken together.

    ``storage_account`` and ``storage_key`` (``AZURE_STORAGE_ACCOUNT``, ``AZURE_STORAGE_KEY``) are the name of a
    storage account and one of its keys; without them there are no buckets and blobs.

    ``endpoint``, ``login_endpoint`` and ``storage_endpoint`` are URLs of servers that speak the APIs of Azure Resource
    Manager, of signing in, and of blobs; by default those of the public cloud. For Azure Government
    ``endpoint="https://management.usgovcloudapi.net"`` is enough. ``name`` stands in the state for
    this cloud and must stay the same; default ``azure:`` with resource group and region. Give one where two
    subscriptions have groups of one name. ``consistency_seconds``: for so long after a creation "not found" is not
    taken for gone but asked again (30).

    Makes no call: `AzureCloud.verify` does. Raises `CredentialsError` when a credential is missing and
    `InvalidRequestError` for a missing place or a wrong endpoint.
    """
    directory, application, password = account.who(tenant, client_id, secret)
    environment = account.environment_of(endpoint)
    who = Account(
        subscription=account.place_given("subscription", subscription, "AZURE_SUBSCRIPTION_ID"),
        resource_group=account.place_given("resource_group", resource_group, "AZURE_DEFAULTS_GROUP"),
        region=account.region_of(region),
        tenant=directory,
        client_id=application,
        secret=password,
        endpoint=Endpoint.parse(endpoint or environment.management),
        login=Endpoint.parse(login_endpoint or environment.login),
        audience=environment.audience,
    )
    blobs = account.storage_of(storage_account, storage_key, storage_endpoint, environment)
    title = name or f"azure:{who.resource_group}:{who.region}"
    return AzureCloud(who, title, consistency_seconds, storage=blobs)
