"""A cloud in a dict, for tests of the engine: every kind, with scripted trouble."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from orchestra.contracts import Capabilities, Inputs, Observation, Ownership, Provider, Reading, Status, Update
from orchestra.errors import ConflictError, NotFoundError
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
    """Holds things of any kind. ``before`` is called with (operation, kind, address or id) ahead of every call.

    ``natural`` maps kinds that can carry no ownership to the inputs that they are found by. ``settling`` is that of
    `Capabilities`, and ``sees`` says whether `find` shows a thing yet. ``untold`` are inputs that the cloud doesn't
    tell; ``told`` may change what it tells.
    """

    def __init__(
        self,
        name: str = "memory",
        polls_until_ready: int = 0,
        *,
        natural: Mapping[str, Sequence[str]] | None = None,
        settling: float = 0.0,
    ) -> None:
        self.name = name
        self.natural = natural or {}
        self.settling = settling
        self.sees: Callable[[Thing], bool] = lambda thing: True
        self.untold: frozenset[str] = frozenset()
        self.told: Callable[[Observation], Observation] = lambda observation: observation
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

    def put(self, kind: str, external_id: str, **inputs: Plain) -> Thing:
        """Something that was there before, made by somebody else."""
        thing = Thing(external_id, kind, dict(inputs), Ownership("theirs", "their", "0" * 32))
        self.things[external_id] = thing
        return thing

    def operations(self, *wanted: str) -> list[tuple[str, str]]:
        """(operation, address) of the calls that changed something, in order."""
        return [(operation, what) for operation, _, what in self.calls if operation in (wanted or CHANGING)]


CHANGING = ("create", "update", "delete")


class MemoryProvider:
    def __init__(self, cloud: MemoryCloud, kind: str) -> None:
        self._cloud = cloud
        self.kind = kind
        self.capabilities = Capabilities(settling=cloud.settling)

    def create(self, inputs: Inputs, owner: Ownership) -> Observation:
        cloud = self._cloud
        cloud.called("create", self.kind, owner.address)
        with cloud.lock:
            external_id = self._natural_id(inputs)
            if external_id in cloud.things:
                raise ConflictError(f"{external_id} exists already")
            found = next((thing for thing in cloud.things.values() if thing.owner.token == owner.token), None)
            if found is None:
                external_id = external_id or f"{self.kind.rpartition('.')[2].lower()}-{next(cloud.numbers)}"
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
        with self._cloud.lock:
            there = [thing for thing in self._cloud.things.values() if self._cloud.sees(thing)]
        natural_id = self._natural_id(inputs)
        for thing in there:
            if thing.external_id == natural_id or (not natural_id and thing.owner.token == owner.token):
                return self._observation(thing)
        return None

    def _natural_id(self, inputs: Inputs) -> str:
        return "/".join(inputs.text(name) for name in self._cloud.natural.get(self.kind, ()))

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
            if name not in self._cloud.untold
        }
        observation = Observation(
            external_id=thing.external_id,
            status=status,
            inputs=inputs,
            outputs=outputs,
            ownership=None if thing.kind in self._cloud.natural else thing.owner,
        )
        return self._cloud.told(observation)


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
