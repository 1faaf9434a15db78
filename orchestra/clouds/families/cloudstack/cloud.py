"""The cloud object for Apache CloudStack, and the function that makes one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.connections import Connections
from orchestra.clouds.families.cloudstack.account import Account, account_of
from orchestra.clouds.families.cloudstack.address import FloatingIpCalls
from orchestra.clouds.families.cloudstack.attachment import VolumeAttachmentCalls
from orchestra.clouds.families.cloudstack.balancing import LoadBalancerCalls
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.firewall import FirewallCalls
from orchestra.clouds.families.cloudstack.image import CustomImageCalls
from orchestra.clouds.families.cloudstack.jobs import Jobs
from orchestra.clouds.families.cloudstack.keypair import KeyPairCalls
from orchestra.clouds.families.cloudstack.network import NetworkCalls, Offerings, SubnetCalls
from orchestra.clouds.families.cloudstack.server import ServerCalls
from orchestra.clouds.families.cloudstack.volume import DiskOfferings, SnapshotCalls, VolumeCalls
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.errors import InvalidRequestError


@attrs.frozen(kw_only=True)
class Operator:
    """What the operator of a CloudStack calls things that there is no portable word for."""

    networks: Offerings = attrs.field(factory=Offerings)
    disks: DiskOfferings = attrs.field(factory=DiskOfferings)
    security_groups: bool = False


def _calls(operator: Operator) -> tuple[Calls[Drivers], ...]:
    """The calls of each kind: a zone has networks of one's own, or security groups and networks for all."""
    guarded: tuple[Calls[Drivers], ...] = (FirewallCalls(),)
    inside = (
        NetworkCalls(operator.networks),
        SubnetCalls(operator.networks),
        FloatingIpCalls(),
        LoadBalancerCalls(),
    )
    return (
        *(guarded if operator.security_groups else inside),
        KeyPairCalls(),
        ServerCalls(security_groups=operator.security_groups),
        CustomImageCalls(),
        VolumeCalls(operator.disks),
        VolumeAttachmentCalls(),
        SnapshotCalls(),
    )


CALLS: Final = _calls(Operator())
"""What each kind is served by in a zone without security groups."""
GUARDED: Final = _calls(Operator(security_groups=True))
"""What each kind is served by in a zone with them."""


class CloudStackCloud(Discoverable):
    """One zone of a CloudStack; make it with `cloudstack`. Safe to use from several threads."""

    def __init__(self, account: Account, name: str, settling: float, operator: Operator) -> None:
        self.name = name
        self._operator = operator
        connections, jobs = Connections(), Jobs()
        self._session: Session[Drivers] = Session(
            lambda: Drivers(account, connections, jobs), [account.key, account.secret]
        )
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {
                calls.kind: DriverProvider(calls, self._session, translate, settling=settling)
                for calls in _calls(operator)
            }
        )

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`. There are none for DNS and storage."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: looks for zone and project, and whether the zone is of the kind that was said.

        Wrong credentials are refused.
        """
        try:
            driver = self._session.driver()
            told = bool(driver.zone.get("securitygroupsenabled")), driver.project
        except Exception as error:
            raise translated(error, self._session, translate) from error
        if told[0] != self._operator.security_groups:
            raise InvalidRequestError(
                f"the zone {driver.zone_name} has {'' if told[0] else 'no '}security groups",
                sent=False,
                remedy=f"give cloudstack(security_groups={told[0]})",
            )

    def __repr__(self) -> str:
        return f"CloudStackCloud({self.name})"


def cloudstack(
    *,
    zone: str | None = None,
    endpoint: str | None = None,
    key: str | None = None,
    secret: str | None = None,
    project: str | None = None,
    security_groups: bool = False,
    network_offering: str | None = None,
    subnet_offering: str | None = None,
    network_acl: str = "default_allow",
    disk_offering: str | None = None,
    encrypted_disk_offering: str | None = None,
    ca_file: str | None = None,
    page_size: int = 500,
    name: str | None = None,
    consistency_seconds: float = 5.0,
) -> CloudStackCloud:
    """An Apache CloudStack, in one zone.

    ``zone`` is the name or id of one, ``endpoint`` the URL of the API, such as
    ``https://cloud.example/client/api``, ``key`` and ``secret`` the API key of a user and its secret. ``project`` is
    the name or id of a project (default: the account's own things). What is left out comes from the environment's
    ``CLOUDSTACK_ZONE``, ``CLOUDSTACK_ENDPOINT``, ``CLOUDSTACK_KEY``, ``CLOUDSTACK_SECRET`` and ``CLOUDSTACK_PROJECT``.

    ``security_groups``: whether the zone has them (False). Zones with them have firewalls, and networks that the
    operator made for all; zones without have networks and subnets of one's own.

    What the operator calls things: ``network_offering`` is the VPC offering of a network (the default one),
    ``subnet_offering`` the network offering of a subnet (the first by name that is for VPCs and has no load
    balancer), ``network_acl`` the list of rules of a subnet (``default_allow``), ``disk_offering`` that of a volume
    (the first by name that leaves the size to the user), ``encrypted_disk_offering`` that of one that is encrypted
    (none: no volume can be).

    ``ca_file`` has the certificates of who signed the server's (default: the system's). ``page_size`` is how many
    things one request asks for, at most the cloud's ``default.page.size`` (500). ``name`` stands in the state for this
    cloud and must stay the same; default ``cloudstack:`` with host and zone. Give one where two projects are used.
    ``consistency_seconds``: for so long after a creation "not found" is not taken for gone but asked again (5).

    Makes no call: `CloudStackCloud.verify` does. Raises `CredentialsError` when key or secret is missing, and
    `InvalidRequestError` for a missing zone or a missing or wrong endpoint.
    """
    account = account_of(endpoint, key, secret, zone, project, page=page_size, ca_file=ca_file)
    operator = Operator(
        networks=Offerings(network=network_offering, subnet=subnet_offering, acl=network_acl),
        disks=DiskOfferings(plain=disk_offering, encrypted=encrypted_disk_offering),
        security_groups=security_groups,
    )
    return CloudStackCloud(account, name or f"cloudstack:{account.host}:{account.zone}", consistency_seconds, operator)
