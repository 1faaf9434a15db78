"""What is in the cloud against what is in the state and in the stack."""

from __future__ import annotations

import json
from collections import Counter

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.resources.catalogue import KINDS
from orchestra.state.records import Condition


@attrs.frozen(kw_only=True)
class Verdict:
    """What a crash and what came after it did.

    ``lost``: declared or recorded, and not there. ``doubled``: there twice for one address. ``orphaned``: there, and
    nobody knows of it. ``unsettled``: whatever else is not as it was meant to be, in words.
    """

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.orphaned or self.unsettled)

    def to_json(self) -> str:
        return json.dumps(attrs.asdict(self))

    @staticmethod
    def from_json(text: str) -> Verdict:
        return Verdict(**{name: tuple(items) for name, items in json.loads(text).items()})


def judge(deployment: oc.Deployment, cloud: SimulatedCloud, destroyed: bool) -> Verdict:
    """Compare the cloud with the state of ``deployment``, the state with its stack, and see that nothing is left to do.

    ``cloud`` must tell what really is: without delays and lag.
    """
    snapshot = deployment.store.load()
    records = snapshot.records
    recorded = {(record.kind, record.external_id): record.address for record in records.values()}
    there = _listed(cloud)
    declared = set() if destroyed else set(deployment.graph())
    lost = [f"{address}: {external_id}" for (_, external_id), address in recorded.items()]
    lost = [one for one, key in zip(lost, recorded, strict=True) if key not in there]
    lost += [f"{address}: not recorded" for address in declared - set(records)]
    doubled, orphaned = [], []
    known = Counter(recorded.values())
    for (kind, external_id), owner in there.items():
        if (kind, external_id) in recorded:
            continue
        known[owner] += 1
        (doubled if owner and known[owner] > 1 else orphaned).append(f"{owner or kind}: {external_id}")
    unsettled = [f"{address}: recorded, and not declared" for address in set(records) - declared]
    unsettled += [f"{one.address}: {one.operation.value} pending" for one in snapshot.pending]
    unsettled += [f"{one.address}: deposed" for one in snapshot.deposed]
    unsettled += [
        f"{one.address}: {one.condition.value}" for one in records.values() if one.condition is not Condition.READY
    ]
    unsettled += _miscounted(cloud, deployment)
    unsettled += [
        f"{change.address}: the next plan says {change.action.value}, {change.reason.value}"
        for change in deployment.plan(destroy=destroyed).changes
    ]
    return Verdict(lost=tuple(lost), doubled=tuple(doubled), orphaned=tuple(orphaned), unsettled=tuple(unsettled))


def _listed(cloud: SimulatedCloud) -> dict[tuple[str, str], str]:
    """The address of everything that there is, by kind and id; '' where the cloud doesn't keep that."""
    found: dict[tuple[str, str], str] = {}
    for kind in KINDS:
        provider = cloud.provider(kind.kind.name)
        assert provider is not None
        for one in provider.list():
            found[kind.kind.name, one.external_id] = one.ownership.address if one.ownership else ""
    return found


def _miscounted(cloud: SimulatedCloud, deployment: oc.Deployment) -> list[str]:
    """Where the world's own count differs from that of the records; every network has its gateway."""
    expected = Counter(record.kind for record in deployment.resources.values())
    expected["network.Gateway"] = expected["network.Network"]
    found = cloud.inventory()
    return [
        f"{kind}: {found.get(kind, 0)} there, {expected[kind]} expected"
        for kind in sorted({*expected, *found})
        if found.get(kind, 0) != expected[kind]
    ]
