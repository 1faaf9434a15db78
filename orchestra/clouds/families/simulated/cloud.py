"""The simulated cloud, put together."""

from __future__ import annotations

import threading
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.adoption.discovering import Discoverable
from orchestra.clouds.families.simulated import catalogue
from orchestra.clouds.families.simulated.balancing import SimulatedBalancerDriver
from orchestra.clouds.families.simulated.behaviour import Behaviour
from orchestra.clouds.families.simulated.calls.balancing import LoadBalancerCalls
from orchestra.clouds.families.simulated.calls.compute import (
    CustomImageCalls,
    FloatingIpCalls,
    KeyPairCalls,
    ServerCalls,
)
from orchestra.clouds.families.simulated.calls.containers import ClusterCalls, ContainerCalls, ContainerImageCalls
from orchestra.clouds.families.simulated.calls.disks import SnapshotCalls, VolumeAttachmentCalls, VolumeCalls
from orchestra.clouds.families.simulated.calls.dns import RecordCalls, ZoneCalls
from orchestra.clouds.families.simulated.calls.network import FirewallCalls, NetworkCalls, SubnetCalls
from orchestra.clouds.families.simulated.calls.storage import BlobCalls, BucketCalls
from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.containers import SimulatedContainerDriver
from orchestra.clouds.families.simulated.delivery import delivered
from orchestra.clouds.families.simulated.dns import SimulatedDNSDriver
from orchestra.clouds.families.simulated.endpoint import Endpoint
from orchestra.clouds.families.simulated.storage import SimulatedStorageDriver
from orchestra.clouds.provider import Calls, DriverProvider
from orchestra.clouds.session import Session
from orchestra.clouds.translate import translate
from orchestra.contracts import Clock, Provider

DEFAULT_PATH: Final = "orchestra-cloud.db"

# a provider's driver is of one class, a table of providers has them all: the table can't say more than Any
_SERVED: Final[MappingProxyType[str, tuple[str, type[Calls[Any]]]]] = MappingProxyType(
    {
        calls.kind: (service, calls)
        for service, kinds in (
            (
                "compute",
                (
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
                ),
            ),
            ("balancing", (LoadBalancerCalls,)),
            ("dns", (ZoneCalls, RecordCalls)),
            ("storage", (BucketCalls, BlobCalls)),
            ("containers", (ClusterCalls, ContainerImageCalls, ContainerCalls)),
        )
        for calls in kinds
    }
)
"""For each kind, the driver that serves it and how it is said to that."""

CALLS: Final = tuple(calls for _, calls in _SERVED.values())


@attrs.frozen(kw_only=True)
class Drivers:
    """The Libcloud drivers of one thread: what is done through them happens behind orchestra's back."""

    compute: SimulatedNodeDriver
    balancing: SimulatedBalancerDriver
    dns: SimulatedDNSDriver
    storage: SimulatedStorageDriver
    containers: SimulatedContainerDriver


class SimulatedCloud(Discoverable):
    """A cloud in a file: everything that a real one does to its user, and nothing that costs money.

    Made by `simulated`. The file is opened when the cloud is first used.
    """

    def __init__(self, path: str | Path, *, name: str, region: str, behaviour: Behaviour, clock: Clock | None) -> None:
        self.name = name
        self.region = region
        self.behaviour = behaviour
        self.path = path if str(path) == ":memory:" else Path(path).absolute()
        self._clock = clock
        self._lock = threading.Lock()
        self._endpoint: Endpoint | None = None
        self._providers: dict[str, Provider] = {}
        self._sessions: dict[str, Session[Any]] = {
            "compute": Session(lambda: delivered(SimulatedNodeDriver(self._reached()), behaviour.faults)),
            "balancing": Session(lambda: delivered(SimulatedBalancerDriver(self._reached()), behaviour.faults)),
            "dns": Session(lambda: delivered(SimulatedDNSDriver(self._reached()), behaviour.faults)),
            "storage": Session(lambda: delivered(SimulatedStorageDriver(self._reached()), behaviour.faults)),
            "containers": Session(lambda: delivered(SimulatedContainerDriver(self._reached()), behaviour.faults)),
        }

    def provider(self, kind: str) -> Provider | None:
        """See `contracts.Cloud.provider`."""
        if kind not in _SERVED:
            return None
        with self._lock:
            if kind not in self._providers:
                service, calls = _SERVED[kind]
                self._providers[kind] = DriverProvider(
                    calls(),
                    self._sessions[service],
                    translate,
                    settling=self.behaviour.lag,
                    page=self.behaviour.page_size,
                )
            return self._providers[kind]

    def verify(self) -> None:
        """See `contracts.Cloud.verify`: the region exists and the file can be used."""
        try:
            self.drivers.compute.list_locations()
        except Exception as error:
            raise translate(error) from error

    @property
    def drivers(self) -> Drivers:
        """This thread's Libcloud drivers, to look at or change things behind orchestra's back."""
        return Drivers(**{service: session.driver() for service, session in self._sessions.items()})

    def inventory(self) -> dict[str, int]:
        """How many things of each kind the region really holds, with those that belong to no region; no zeros.

        A network's gateway counts as ``network.Gateway``.
        """
        return self._reached().inventory()

    def close(self) -> None:
        """Let go of the file; the next use opens it again. A cloud in memory only is gone."""
        with self._lock:
            if self._endpoint is not None:
                self._endpoint.world.close()

    def _reached(self) -> Endpoint:
        with self._lock:
            if self._endpoint is None:
                self._endpoint = Endpoint(self.path, region=self.region, behaviour=self.behaviour, clock=self._clock)
            return self._endpoint

    def __repr__(self) -> str:
        return f"SimulatedCloud({str(self.path)!r}, region={self.region!r})"


def simulated(
    path: str | Path | None = None,
    *,
    name: str = "simulated",
    region: str = catalogue.DEFAULT_REGION,
    behaviour: Behaviour | None = None,
    clock: Clock | None = None,
) -> SimulatedCloud:
    """A simulated cloud that is kept in a file and survives the process.

    ``path`` is the file, by default ``orchestra-cloud.db`` in the working directory; ``":memory:"`` keeps it in
    memory only. ``name`` stands in the state for this cloud. ``region`` is ``sim-1`` (default), ``sim-2`` or
    ``sim-3``; an unknown one is refused with `InvalidRequestError` on first use. ``behaviour`` says how slow and
    how strict it is, by default neither. ``clock`` is the time it goes by, by default the machine's.
    """
    return SimulatedCloud(
        DEFAULT_PATH if path is None else path,
        name=name,
        region=region,
        behaviour=behaviour or Behaviour(),
        clock=clock,
    )
