"""The cloud object for AWS, and the function that makes one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.address import FloatingIpCalls
from orchestra.clouds.families.aws.attachment import VolumeAttachmentCalls
from orchestra.clouds.families.aws.balancing import CALLS_OF, Balancers, LoadBalancerCalls
from orchestra.clouds.families.aws.blob import BlobCalls
from orchestra.clouds.families.aws.connecting import Account, Drivers, Pools
from orchestra.clouds.families.aws.dns import RecordCalls, ZoneCalls
from orchestra.clouds.families.aws.firewall import FirewallCalls
from orchestra.clouds.families.aws.image import CustomImageCalls
from orchestra.clouds.families.aws.keypair import KeyPairCalls
from orchestra.clouds.families.aws.network import NetworkCalls, SubnetCalls
from orchestra.clouds.families.aws.regions import hosts, known_regions
from orchestra.clouds.families.aws.server import ServerCalls
from orchestra.clouds.families.aws.storage import BucketCalls
from orchestra.clouds.families.aws.volume import SnapshotCalls, VolumeCalls
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.errors import CredentialsError, InvalidRequestError

CALLS: Final[tuple[type[Calls[Drivers]], ...]] = (
    NetworkCalls,
    SubnetCalls,
    FirewallCalls,
    KeyPairCalls,
    ServerCalls,
    CustomImageCalls,
    VolumeCalls,
    VolumeAttachmentCalls,
    SnapshotCalls,
    FloatingIpCalls,
    LoadBalancerCalls,
    ZoneCalls,
    RecordCalls,
    BucketCalls,
    BlobCalls,
)
"""What each kind is served by; with ``balancers``, load balancers are served by another of `CALLS_OF`."""


class AwsCloud(Discoverable):
    """One account and region of AWS; make it with `aws`. Safe to use from several threads."""

    def __init__(
        self,
        account: Account,
        name: str,
        settling: float,
        *,
        balancers: Balancers = "elb",
        pools: Pools | None = None,
    ) -> None:
        self.name = name
        pools = pools or Pools()
        self._session: Session[Drivers] = Session(lambda: Drivers(account, pools), account.secrets)
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {
                calls.kind: DriverProvider(calls(), self._session, translate, settling=settling)
                for calls in (*CALLS, CALLS_OF[balancers])
            }
        )

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: asks for the region, which refuses wrong keys and regions not enabled."""
        try:
            drivers = self._session.driver()
            answer = query.ec2(drivers.ec2, "DescribeRegions", query.numbered("RegionName", [drivers.region]))
            query.child(answer, "regionInfo/item/regionName")
        except Exception as error:
            raise translated(error, self._session, translate) from error

    def __repr__(self) -> str:
        return f"AwsCloud({self.name})"


def aws(
    *,
    region: str | None = None,
    endpoint: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    session_token: str | None = None,
    name: str | None = None,
    balancers: Balancers = "elb",
    consistency_seconds: float = 30.0,
) -> AwsCloud:
    """Amazon Web Services, in one region.

    ``region`` defaults to the environment's ``AWS_REGION`` or ``AWS_DEFAULT_REGION``; the keys to
    ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``, which are taken together: a key that
    is given is never mixed with one of the environment. ``endpoint`` is the URL of a server that speaks AWS's API for
    all services, such as ``http://127.0.0.1:4566``; by default AWS's own hosts. ``name`` stands in the state for this
    cloud and must stay the same; default ``aws:`` and the region. Give one where two accounts are used in one region.

    ``balancers``: which of AWS's two APIs makes new load balancers. ``"elb"`` makes classic ones; ``"elbv2"`` makes
    application load balancers, which need subnets in two zones, for http, and network load balancers for tcp. Those
    that are there stay what they are, whichever is set.

    ``consistency_seconds``: AWS is eventually consistent: for so long after a creation "not found" is not taken for
    gone but asked again (30; the EC2 API reference, "Eventual consistency", names no bound and advises to wait).

    Makes no call: `AwsCloud.verify` does. Raises `CredentialsError` when a key is missing and `InvalidRequestError`
    for an unknown region or a wrong endpoint.
    """
    place = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not place:
        raise InvalidRequestError(
            "aws(): no region is given",
            sent=False,
            remedy=f"give region=…, one of {', '.join(known_regions())}, or set AWS_REGION",
        )
    if access_key is None and secret_key is None:
        access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
        session_token = session_token or os.environ.get("AWS_SESSION_TOKEN")
    if not access_key or not secret_key:
        missing = "access key" if not access_key else "secret key"
        raise CredentialsError(
            f"aws(): the {missing} is missing",
            sent=False,
            remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give access_key=… and secret_key=…",
        )
    if balancers not in CALLS_OF:
        raise InvalidRequestError(
            f"aws(): balancers={balancers!r} is none of AWS's APIs for load balancers",
            sent=False,
            remedy=f"write one of {', '.join(repr(one) for one in CALLS_OF)}",
        )
    account = Account(place, hosts(place, endpoint), access_key, secret_key, session_token or None)
    return AwsCloud(account, name or f"aws:{place}", consistency_seconds, balancers=balancers)
