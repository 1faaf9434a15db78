"""The cloud object of a family over Libcloud's base API: its compute kinds go by its `Traits`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.base.compute.addresses import FloatingIpCalls
from orchestra.clouds.base.compute.balancers import LoadBalancerCalls
from orchestra.clouds.base.compute.copies import CustomImageCalls, SnapshotCalls
from orchestra.clouds.base.compute.keypairs import KeyPairCalls
from orchestra.clouds.base.compute.networks import FirewallCalls, NetworkCalls
from orchestra.clouds.base.compute.servers import ServerCalls
from orchestra.clouds.base.compute.traits import Access, Traits
from orchestra.clouds.base.compute.volumes import VolumeAttachmentCalls, VolumeCalls
from orchestra.clouds.base.driver import ConnectionsTo, Endpoint, LibcloudDriver, connect
from orchestra.clouds.provider import Calls, DriverProvider, translated
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Provider
from orchestra.errors import CredentialsError, InvalidRequestError


@attrs.frozen(kw_only=True)
class Site:
    """Which cloud it is: the name that stands in the state, the region, where it is, what no message may show.

    ``settling`` is that of `Capabilities`, in seconds.
    """

    name: str
    region: str
    endpoint: Endpoint
    secrets: Sequence[str] = attrs.field(repr=False)
    settling: float


@attrs.frozen(kw_only=True)
class Beside:
    """Another driver of the same cloud: how it is made, the calls that it serves, and what those must know."""

    make: Callable[[], Any]
    calls: Sequence[Calls[LibcloudDriver]]
    settings: Mapping[str, Any] = attrs.field(factory=dict)


class FamilyCloud(Discoverable):
    """One account and region of a cloud; its family's function makes it. Safe to use from several threads."""

    def __init__(
        self,
        traits: Traits,
        site: Site,
        make: Callable[[], Any],
        beside: Sequence[Beside] = (),
    ) -> None:
        self.name = site.name
        self._traits = traits
        self._site = site
        self._connections = ConnectionsTo(site.endpoint)
        self._session = self._drivers(make, {"region": site.region})
        served = [(self._session, calls) for calls in compute_calls(traits)]
        for other in beside:
            session = self._drivers(other.make, other.settings)
            served += [(session, calls) for calls in other.calls]
        self._providers: Mapping[str, Provider] = MappingProxyType(
            {calls.kind: DriverProvider(calls, session, translate, settling=site.settling) for session, calls in served}
        )

    def _drivers(self, make: Callable[[], Any], settings: Mapping[str, Any]) -> Session[LibcloudDriver]:
        """A session of drivers that ``make`` makes, over connections that all of them share."""

        def connected() -> LibcloudDriver:
            driver = connect(make(), self._connections, self._site.endpoint)
            return LibcloudDriver(self._traits.provider, driver, settings)

        return Session(connected, self._site.secrets)

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`."""
        return self._providers.get(kind)

    def lacks(self, kind: str) -> str:
        """See `contracts.Explaining.lacks`."""
        return "" if kind in self._providers else self._traits.lacking.get(kind, "")

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: asks for the regions, which refuses wrong credentials."""
        try:
            regions = sorted(self._traits.regions(self._session.driver()))
        except Exception as error:
            raise translated(error, self._session, translate) from error
        if self._site.region not in regions:
            near = difflib.get_close_matches(self._site.region, regions, n=3, cutoff=0.5) or regions
            raise InvalidRequestError(
                f"{self._site.region!r} is no region of {self._traits.family} that this account has",
                remedy=f"use one such as {', '.join(near)}",
            )

    def __repr__(self) -> str:
        return f"FamilyCloud({self.name})"


def compute_calls(traits: Traits) -> Iterator[Calls[Access]]:
    """The calls of each kind that a family with these traits has."""
    yield ServerCalls(traits)
    if traits.key_pairs is not None:
        yield KeyPairCalls(traits.key_pairs)
    if traits.volumes is not None:
        yield VolumeCalls(traits.volumes)
        yield VolumeAttachmentCalls(traits.volumes)
    if traits.snapshots is not None:
        yield SnapshotCalls(traits.snapshots)
    if traits.images is not None:
        yield CustomImageCalls(traits.images)
    if traits.networks is not None:
        yield NetworkCalls(traits.networks)
    if traits.firewalls is not None:
        yield FirewallCalls(traits.firewalls)
    if traits.balancers is not None:
        yield LoadBalancerCalls(traits.balancers)
    if traits.addresses is not None:
        yield FloatingIpCalls(traits.addresses)


def region_given(family: str, region: str | None, variable: str | None, example: str) -> str:
    """``region``, or that of the environment's ``variable``. Raises `InvalidRequestError` if there is neither."""
    found = region or (os.environ.get(variable) if variable else None)
    if not found:
        where = f", or set {variable}" if variable else ""
        raise InvalidRequestError(
            f"{family}(): no region is given", sent=False, remedy=f"give region=…, such as {example!r}{where}"
        )
    return found


def credential_given(family: str, value: str | None, argument: str, variable: str) -> str:
    """``value``, or that of the environment's ``variable``. Raises `CredentialsError` if there is neither."""
    found = value or os.environ.get(variable)
    if not found:
        raise CredentialsError(
            f"{family}(): the {argument.replace('_', ' ')} is missing",
            sent=False,
            remedy=f"set {variable}, or give {argument}=…",
        )
    return found
