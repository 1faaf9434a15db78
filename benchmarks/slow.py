"""A cloud whose calls and starts take time on a timeline, and stacks to make on it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from orchestra.contracts import Capabilities, Clock, Inputs, Observation, Ownership, Reading, Status, Update
from orchestra.model.values import Plain

READ_SECONDS: Final = 0.2
"""How long a list takes."""
SPREAD: Final = 0.15
"""The standard deviation of the logarithm of what calls and starts take: one in twenty takes a third more."""


@attrs.frozen
class Takes:
    """What a kind takes, in the middle: seconds of its creating call, and from then until it is ready."""

    call: float
    start: float = 0.0


KINDS: Final[Mapping[str, Takes]] = MappingProxyType(
    {
        "network.Network": Takes(1.2),
        "network.Subnet": Takes(0.8),
        "network.Firewall": Takes(1.5),
        "compute.KeyPair": Takes(0.4),
        "compute.Server": Takes(2.0, 35.0),
        "compute.Volume": Takes(0.8, 6.0),
        "compute.VolumeAttachment": Takes(1.0, 4.0),
        "compute.FloatingIp": Takes(0.7),
        "balancing.LoadBalancer": Takes(1.5, 90.0),
        "dns.Zone": Takes(1.0),
        "dns.Record": Takes(0.5, 20.0),
        "storage.Bucket": Takes(0.6),
        "storage.Blob": Takes(3.0),
    }
)
"""As on Amazon Web Services, roughly."""

OUTPUTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "compute.Server": ("private_ip", "public_ip", "zone"),
        "network.Subnet": ("available_zone",),
        "balancing.LoadBalancer": ("address",),
        "compute.FloatingIp": ("address",),
        "dns.Zone": ("name_servers",),
    }
)


@attrs.define(eq=False)
class Thing:
    """What was made: from when it is ready."""

    owner: Ownership
    ready_at: float


class SlowCloud:
    """Makes every kind in `KINDS`. What each address takes is drawn by ``season``; set that for other draws.

    ``at_once``: creating calls are answered as soon as they are accepted; else when it is ready.
    """

    name = "slow"

    def __init__(self, clock: Clock, *, at_once: bool = True) -> None:
        self.clock = clock
        self.at_once = at_once
        self.season = 0
        self.looks = 0
        """How often it was asked whether something is ready."""
        self.things: dict[str, Thing] = {}
        self._providers = {kind: SlowProvider(self, kind) for kind in KINDS}

    def provider(self, kind: str) -> SlowProvider | None:
        """See `contracts.Cloud.provider`."""
        return self._providers.get(kind)

    def verify(self) -> None:
        """See `contracts.Cloud.verify`."""

    def takes(self, kind: str, address: str) -> Takes:
        """What the resource takes that is to be made."""
        chance = random.Random(f"{self.season} {address}")
        middle = KINDS[kind]
        drawn = Takes(*(seconds * chance.lognormvariate(0.0, SPREAD) for seconds in attrs.astuple(middle)))
        return drawn if self.at_once else Takes(drawn.call + drawn.start)


class SlowProvider:
    """See `contracts.Provider`. Deleting takes no time: it is creating that is measured."""

    capabilities = Capabilities()

    def __init__(self, cloud: SlowCloud, kind: str) -> None:
        self._cloud = cloud
        self.kind = kind

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        """See `contracts.Provider.create`."""
        cloud, takes = self._cloud, self._cloud.takes(self.kind, owner.address)
        cloud.clock.sleep(takes.call)
        external_id = f"{self.kind}-{owner.token}"
        cloud.things[external_id] = Thing(owner, cloud.clock.monotonic() + takes.start)
        return self._told(external_id)

    def observe(self, ids: Sequence[str]) -> Reading:
        """See `contracts.Provider.observe`."""
        self._cloud.looks += 1
        self._cloud.clock.sleep(READ_SECONDS)
        found = {one: self._told(one) for one in ids if one in self._cloud.things}
        return Reading(found=found, gone=frozenset(ids) - found.keys())

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `contracts.Provider.find`."""
        external_id = f"{self.kind}-{owner.token}"
        return self._told(external_id) if external_id in self._cloud.things else None

    def update(self, external_id: str, update: Update) -> Observation:
        """See `contracts.Provider.update`."""
        return self._told(external_id)

    def delete(self, external_id: str) -> None:
        """See `contracts.Provider.delete`."""
        self._cloud.things.pop(external_id, None)

    def list(self) -> Iterator[Observation]:
        """See `contracts.Provider.list`."""
        return (self._told(one) for one in list(self._cloud.things) if one.startswith(f"{self.kind}-"))

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `contracts.Provider.choose`."""
        return "-".join(str(value) for value in wanted.values())

    def _told(self, external_id: str) -> Observation:
        thing = self._cloud.things[external_id]
        is_ready = self._cloud.clock.monotonic() >= thing.ready_at
        outputs = {name: f"{external_id}.{name}" for name in OUTPUTS.get(self.kind, ()) if is_ready}
        return Observation(
            external_id=external_id,
            status=Status.READY if is_ready else Status.PENDING,
            outputs=outputs,
            ownership=thing.owner,
        )
