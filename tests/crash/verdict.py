"""What is in the cloud against what is in the state and in the stack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.resources.catalogue import KINDS
from orchestra.state.records import Condition, Record, Snapshot

Key: TypeAlias = "tuple[str, str]"
"""Kind and external id."""


@attrs.frozen(kw_only=True)
class World:
    """What there is in a cloud.

    ``things``: the address that each carries, '' where the cloud doesn't keep that. ``counts``: how many there are of
    each kind by the cloud's own books. ``oddities``: what nobody asked for, in words.
    """

    things: Mapping[Key, str]
    counts: Mapping[str, int]
    oddities: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Verdict:
    """What a crash and what came after it did.

    ``lost``: declared or recorded, and not there. ``doubled``: there twice for one address. ``orphaned``: there, and
    nobody knows of it. ``remade``: made by a process that was killed, and made again instead of finished.
    ``unsettled``: whatever else is not as it was meant to be, in words.
    """

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()
    remade: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not any(attrs.astuple(self))

    def to_json(self) -> str:
        return json.dumps(attrs.asdict(self))

    @staticmethod
    def from_json(text: str) -> Verdict:
        return Verdict(**{name: tuple(items) for name, items in json.loads(text).items()})


def judge(deployment: oc.Deployment, world: World, *, destroyed: bool = False, made: Collection[Key] = ()) -> Verdict:
    """Compare the cloud with the state of ``deployment``, the state with its stack, and see that nothing is left to do.

    ``made``: what processes that were killed had made.
    """
    snapshot = deployment.store.load()
    recorded = {(record.kind, record.external_id): str(record.address) for record in snapshot.records.values()}
    declared = set() if destroyed else set(deployment.graph())
    lost = [f"{address}: {external_id}" for (kind, external_id), address in recorded.items()]
    lost = [one for one, key in zip(lost, recorded, strict=True) if key not in world.things]
    lost += [f"{address}: not recorded" for address in declared - set(snapshot.records)]
    doubled, orphaned = [], []
    known = Counter(recorded.values())
    for (kind, external_id), owner in world.things.items():
        if (kind, external_id) in recorded or kind not in _KINDS:
            continue
        known[owner] += 1
        (doubled if owner and known[owner] > 1 else orphaned).append(f"{owner or kind}: {external_id}")
    return Verdict(
        lost=tuple(lost),
        doubled=tuple(doubled),
        orphaned=tuple(orphaned),
        remade=tuple(sorted(f"{kind}: {one}" for kind, one in set(made) - set(world.things))) if declared else (),
        unsettled=(
            *_unsettled(snapshot, declared),
            *_miscounted(world, snapshot.records.values()),
            *world.oddities,
            *(
                f"{change.address}: the next plan says {change.action.value}, {change.reason.value}"
                for change in deployment.plan(destroy=destroyed).changes
                if change.action is not oc.Action.READ
            ),
        ),
    )


_KINDS = frozenset(kind.kind.name for kind in KINDS)


def _unsettled(snapshot: Snapshot, declared: Collection[str]) -> Iterator[str]:
    """What the state says that isn't as it should be."""
    for address in set(snapshot.records) - set(declared):
        yield f"{address}: recorded, and not declared"
    for pending in snapshot.pending:
        yield f"{pending.address}: {pending.operation.value} pending"
    for deposed in snapshot.deposed:
        yield f"{deposed.address}: deposed"
    for record in snapshot.records.values():
        if record.condition is not Condition.READY:
            yield f"{record.address}: {record.condition.value}"


def _miscounted(world: World, records: Collection[Record]) -> Iterator[str]:
    """Where the world's own count differs from that of the records; every network has its gateway."""
    expected = Counter(record.kind for record in records)
    expected["network.Gateway"] = expected["network.Network"]
    for kind in sorted({*expected, *world.counts}):
        if world.counts.get(kind, 0) != expected[kind]:
            yield f"{kind}: {world.counts.get(kind, 0)} there, {expected[kind]} expected"


def simulated_world(cloud: SimulatedCloud) -> World:
    """What there is in ``cloud``, which must tell what really is: without delays and lag."""
    things: dict[Key, str] = {}
    for kind in KINDS:
        provider = cloud.provider(kind.kind.name)
        assert provider is not None
        for one in provider.list():
            things[kind.kind.name, one.external_id] = one.ownership.address if one.ownership else ""
    return World(things=things, counts=cloud.inventory())
