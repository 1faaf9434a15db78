"""A cloud in a dict, for tests of the engine: every kind, with scripted trouble."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from orchestra.contracts import Capabilities, Inputs, Observation, Ownership, Provider, Reading, Status, Update
from orchestra.errors import NotFoundError
from orchestra.model.values import Plain


@attrs.define
class Thing:
    """One resource that exists."""

    external_id: str
    kind: str
    inputs: dict[str, Plain]
    owner: Ownership
    polls_until_ready: int = 0
    failed: bool = False


class MemoryCloud:
    """Holds things of any kind. ``before`` is called with (operation, kind, address or id) ahead of every call."""

    def __init__(self, name: str = "memory", polls_until_ready: int = 0) -> None:
        self.name = name
        self.things: dict[str, Thing] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.before: Callable[[str, str, str], None] = lambda operation, kind, what: None
        self.after: Callable[[str, str, str], None] = lambda operation, kind, what: None
        self.polls_until_ready = polls_until_ready
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)

    def provider(self, kind: str) -> Provider:
        return MemoryProvider(self, kind)

    def verify(self) -> None:
        self.called("verify", "", "")

    def called(self, operation: str, kind: str, what: str) -> None:
        with self.lock:
            self.calls.append((operation, kind, what))
        self.before(operation, kind, what)

    def at(self, address: str) -> Thing:
        found = [thing for thing in self.things.values() if thing.owner.address == address]
        assert len(found) == 1, f"{len(found)} things at {address}"
        return found[0]

    def operations(self, *wanted: str) -> list[tuple[str, str]]:
        """(operation, address) of the calls that changed something, in order."""
        return [(operation, what) for operation, _, what in self.calls if operation in (wanted or CHANGING)]


CHANGING = ("create", "update", "delete")


class MemoryProvider:
    def __init__(self, cloud: MemoryCloud, kind: str) -> None:
        self._cloud = cloud
        self.kind = kind
        self.capabilities = Capabilities()

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        cloud = self._cloud
        cloud.called("create", self.kind, owner.address)
        with cloud.lock:
            found = next((thing for thing in cloud.things.values() if thing.owner.token == owner.token), None)
            if found is None:
                external_id = f"{self.kind.rpartition('.')[2].lower()}-{next(cloud.numbers)}"
                found = Thing(external_id, self.kind, plain(inputs), owner, cloud.polls_until_ready)
                cloud.things[external_id] = found
        cloud.after("create", self.kind, owner.address)
        return self._observation(found)

    def observe(self, ids: Sequence[str]) -> Reading:
        cloud = self._cloud
        cloud.called("observe", self.kind, ",".join(ids))
        with cloud.lock:
            found = {}
            for one in ids:
                thing = cloud.things.get(one)
                if thing is not None:
                    thing.polls_until_ready = max(0, thing.polls_until_ready - 1)
                    found[one] = self._observation(thing)
        return Reading(found=found, gone=frozenset(ids) - found.keys())

    def find(self, owner: Ownership, inputs: Inputs) -> Observation | None:
        self._cloud.called("find", self.kind, owner.address)
        for thing in self._cloud.things.values():
            if thing.owner.token == owner.token:
                return self._observation(thing)
        return None

    def update(self, external_id: str, update: Update) -> Observation:
        thing = self._cloud.things.get(external_id)
        self._cloud.called("update", self.kind, thing.owner.address if thing else external_id)
        if thing is None:
            raise NotFoundError(f"no {external_id}")
        thing.inputs.update((name, plain(update.after)[name]) for name in update.changed)
        self._cloud.after("update", self.kind, thing.owner.address)
        return self._observation(thing)

    def delete(self, external_id: str) -> None:
        thing = self._cloud.things.get(external_id)
        self._cloud.called("delete", self.kind, thing.owner.address if thing else external_id)
        self._cloud.things.pop(external_id, None)
        self._cloud.after("delete", self.kind, external_id)

    def list(self) -> Iterator[Observation]:
        for thing in list(self._cloud.things.values()):
            if thing.kind == self.kind:
                yield self._observation(thing)

    def choose(self, name: str, wanted: Mapping[str, Plain]) -> str:
        self._cloud.called("choose", self.kind, name)
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        return "-".join(str(item) for item in wanted.values())

    def _observation(self, thing: Thing) -> Observation:
        status = Status.FAILED if thing.failed else Status.PENDING if thing.polls_until_ready else Status.READY
        outputs: dict[str, Plain] = {
            name: f"{thing.external_id}.{name}" for name in OUTPUTS.get(thing.kind, ()) if status is Status.READY
        }
        inputs = {
            name: {"id": value["id"]} if isinstance(value, dict) and "id" in value else value
            for name, value in thing.inputs.items()
        }
        return Observation(
            external_id=thing.external_id, status=status, inputs=inputs, outputs=outputs, ownership=thing.owner
        )


OUTPUTS = {
    "compute.Server": ("private_ip", "public_ip", "zone"),
    "network.Subnet": ("available_zone",),
    "balancing.LoadBalancer": ("address",),
    "compute.FloatingIp": ("address",),
    "dns.Zone": ("name_servers",),
    "storage.Blob": ("etag",),
}


def plain(inputs: Inputs) -> dict[str, Plain]:
    return {name: inputs._get(name) for name in inputs.values}
