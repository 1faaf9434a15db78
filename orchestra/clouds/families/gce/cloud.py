"""The cloud object for Google Compute Engine, and the function that makes one."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.base.dns import dns_calls
from orchestra.clouds.base.driver import ConnectionsTo, LibcloudDriver
from orchestra.clouds.base.storage import storage_calls
from orchestra.clouds.families.gce.account import Account, account_of
from orchestra.clouds.families.gce.address import FloatingIpCalls
from orchestra.clouds.families.gce.attachment import VolumeAttachmentCalls
from orchestra.clouds.families.gce.balancing import LoadBalancerCalls
from orchestra.clouds.families.gce.connecting import Drivers, connected, dns_driver, storage_driver
from orchestra.clouds.families.gce.firewall import FirewallCalls
from orchestra.clouds.families.gce.identity import Identity
from orchestra.clouds.families.gce.image import CustomImageCalls
from orchestra.clouds.families.gce.keypair import KeyPairCalls
from orchestra.clouds.families.gce.network import NetworkCalls, SubnetCalls
from orchestra.clouds.families.gce.server import ServerCalls
from orchestra.clouds.families.gce.volume import SnapshotCalls, VolumeCalls
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.errors import InvalidRequestError, NotFoundError
from orchestra.model.values import Revealed

_COMPUTE: Final[tuple[Calls[Drivers], ...]] = (
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
    LoadBalancerCalls(),
)
_DNS: Final = dns_calls("google")
_STORAGE: Final = storage_calls("google_storage")

CALLS: Final[tuple[Calls[Any], ...]] = (*_COMPUTE, *_DNS, *_STORAGE)
"""What each kind is served by."""


class GceCloud(Discoverable):
    """One project and region of Google's cloud; make it with `gce`. Safe to use from several threads."""

    def __init__(self, account: Account, name: str, settling: float) -> None:
        self.name = name
        self._region = account.region
        hidden = list(account.secrets)
        identity = Identity(account, self._learn)
        turn = threading.Lock()
        compute, storage = ConnectionsTo(account.compute), ConnectionsTo(account.storage)
        self._session: Session[Drivers] = Session(lambda: Drivers(account, identity, compute, turn), hidden)
        make: Mapping[str, Callable[[], LibcloudDriver]] = {
            "google": lambda: connected(dns_driver(identity, account.project), "google", compute, account.compute),
            "google_storage": lambda: connected(
                storage_driver(identity, account.project, account.region), "google_storage", storage, account.storage
            ),
        }
        self._others = {provider: Session(made, hidden) for provider, made in make.items()}
        provided = functools.partial(DriverProvider, translate=translate, settling=settling)
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {calls.kind: provided(calls, self._session) for calls in _COMPUTE}
            | {calls.kind: provided(calls, self._others["google"]) for calls in _DNS}
            | {calls.kind: provided(calls, self._others["google_storage"]) for calls in _STORAGE}
        )

    def _learn(self, token: str) -> None:
        """Take a token out of whatever errors say from now on."""
        for concealer in (self._session.concealer, *(one.concealer for one in self._others.values())):
            concealer.learn([Revealed(token)])

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: signs in, and asks for the region."""
        try:
            self._session.driver().ask("GET", f"regions/{self._region}")
        except Exception as error:
            told = translated(error, self._session, translate)
            if isinstance(told, NotFoundError):
                raise InvalidRequestError(
                    f"{self._region!r} is no region that the project has, or there is no such project",
                    code=told.code,
                    remedy="check region=… and project=…",
                ) from error
            raise told from error

    def __repr__(self) -> str:
        return f"GceCloud({self.name})"


def gce(
    *,
    project: str | None = None,
    region: str | None = None,
    zone: str | None = None,
    credentials: str | Path | Mapping[str, Any] | None = None,
    endpoint: str | None = None,
    name: str | None = None,
    consistency_seconds: float = 5.0,
) -> GceCloud:
    """Google Compute Engine, in one project and region, with Cloud DNS and Cloud Storage.

    ``project`` is the id of one; it defaults to the environment's ``GOOGLE_CLOUD_PROJECT``, then to that of the
    credentials. ``region`` is one such as ``europe-west1``, by default that of ``zone``. ``zone`` is where servers go
    whose subnet says none, by default the region's first. ``credentials`` are a service account's key, or those of a
    user that ``gcloud auth application-default login`` writes: the path of the file, its content, or that as a
    mapping; by default the file that the environment's ``GOOGLE_APPLICATION_CREDENTIALS`` names. A service account's
    key signs in with the library ``cryptography``: install ``orchestra-iac[crypto]``.

    ``endpoint`` is the URL of a server that speaks Google's APIs, such as ``http://127.0.0.1:8080``; by default
    Google's own. Tokens are had where the credentials' ``token_uri`` says. ``name`` stands in the state for this cloud
    and must stay the same; default ``gce:`` with project and region. ``consistency_seconds``: for so long after a
    creation "not found" is not taken for gone but asked again (5).

    Makes no call: `GceCloud.verify` does. Raises `CredentialsError` for credentials that are missing or can't be used,
    and `InvalidRequestError` for a missing project or region, a zone of another region, and a wrong endpoint.
    """
    account = account_of(credentials, project=project, region=region, zone=zone, endpoint=endpoint)
    return GceCloud(account, name or f"gce:{account.project}:{account.region}", consistency_seconds)
