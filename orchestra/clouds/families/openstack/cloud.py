"""The cloud object for OpenStack, and the function that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.connections import Connections
from orchestra.clouds.families.openstack.account import Account, account_of
from orchestra.clouds.families.openstack.address import FloatingIpCalls
from orchestra.clouds.families.openstack.attachment import VolumeAttachmentCalls
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.firewall import FirewallCalls
from orchestra.clouds.families.openstack.identity import Identity
from orchestra.clouds.families.openstack.image import CustomImageCalls
from orchestra.clouds.families.openstack.keypair import KeyPairCalls
from orchestra.clouds.families.openstack.network import NetworkCalls, SubnetCalls
from orchestra.clouds.families.openstack.server import ServerCalls
from orchestra.clouds.families.openstack.volume import SnapshotCalls, VolumeCalls, VolumeTypes
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.model.values import Revealed


def _calls(types: VolumeTypes) -> tuple[Calls[Drivers], ...]:
    return (
        NetworkCalls(),
        SubnetCalls(),
        FirewallCalls(),
        KeyPairCalls(),
        ServerCalls(),
        CustomImageCalls(),
        VolumeCalls(types),
        VolumeAttachmentCalls(),
        SnapshotCalls(),
        FloatingIpCalls(),
    )


CALLS: Final = _calls(VolumeTypes())
"""What each kind is served by, on a cloud of which nothing is known."""


class OpenStackCloud(Discoverable):
    """One project and region of an OpenStack; make it with `openstack`. Safe to use from several threads."""

    def __init__(
        self,
        account: Account,
        name: str,
        settling: float,
        *,
        external_network: str | None = None,
        volume_types: VolumeTypes | None = None,
        connections: Connections | None = None,
    ) -> None:
        self.name = name
        shared = connections or Connections()
        self._session: Session[Drivers] = Session(
            lambda: Drivers(account, identity, shared, external_network), [account.secret]
        )
        identity = Identity(account, shared, lambda token: self._session.concealer.learn([Revealed(token)]))
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {
                calls.kind: DriverProvider(calls, self._session, translate, settling=settling)
                for calls in _calls(volume_types or VolumeTypes())
            }
        )

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`. There are none for load balancers, DNS and storage."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: signs in, and asks nova for one flavor."""
        try:
            self._session.driver().ask("compute", "GET", "/flavors", query={"limit": 1})
        except Exception as error:
            raise translated(error, self._session, translate) from error

    def __repr__(self) -> str:
        return f"OpenStackCloud({self.name})"


def openstack(
    *,
    region: str | None = None,
    endpoint: str | None = None,
    username: str | None = None,
    password: str | None = None,
    user_domain: str | None = None,
    project: str | None = None,
    project_domain: str | None = None,
    application_credential_id: str | None = None,
    application_credential_secret: str | None = None,
    cloud: str | None = None,
    ca_file: str | None = None,
    external_network: str | None = None,
    volume_types: Mapping[str, str] | None = None,
    encrypted_volume_types: Mapping[str, str] | None = None,
    name: str | None = None,
    consistency_seconds: float = 5.0,
) -> OpenStackCloud:
    """An OpenStack, in one project and region.

    ``endpoint`` is the URL of keystone, such as ``https://cloud.example:5000/v3``; ``region`` may be left out where
    there is only one. Who calls is said by ``username`` and ``password`` (in ``user_domain``, Default) for ``project``
    (in ``project_domain``, Default), or by an application credential, which fixes the project. What is left out comes
    from the environment's ``OS_…`` variables, or from ``cloud``, the name of an entry in ``clouds.yaml`` (default: the
    environment's ``OS_CLOUD``; needs PyYAML). Credentials are never mixed: those that are given, or those around.

    ``ca_file`` has the certificates of who signed the servers' (default: the system's). ``external_network`` is the
    name or id of the network that leads outside; it may be left out where there is only one. ``volume_types`` and
    ``encrypted_volume_types`` say what cinder's types are called for ``ssd`` and ``hdd``; without the first a volume
    is of the cloud's default type, without the second none can be encrypted. ``name`` stands in the state for this
    cloud and must stay the same; default ``openstack:`` with host and region. Give one where two projects are used.

    ``consistency_seconds``: for so long after a creation "not found" is not taken for gone but asked again (5;
    OpenStack's services read what they have written, but their databases may be several).

    Makes no call: `OpenStackCloud.verify` does. Raises `CredentialsError` when a credential is missing and
    `InvalidRequestError` for a wrong endpoint or a ``clouds.yaml`` that can't be used.
    """
    given = {
        "region": region,
        "endpoint": endpoint,
        "username": username,
        "password": password,
        "user_domain": user_domain,
        "project": project,
        "project_domain": project_domain,
        "application_credential_id": application_credential_id,
        "application_credential_secret": application_credential_secret,
        "ca_file": ca_file,
    }
    account = account_of(given, cloud)
    return OpenStackCloud(
        account,
        name or f"openstack:{account.place}",
        consistency_seconds,
        external_network=external_network,
        volume_types=VolumeTypes(dict(volume_types or {}), dict(encrypted_volume_types or {})),
    )
