"""Going back to an earlier serial: what the state tells of it, as a site to plan and to act on."""

from __future__ import annotations

import attrs

from orchestra.engine.live import Live
from orchestra.engine.survey import Site, survey
from orchestra.model.resource import known_kinds
from orchestra.planning.options import Options
from orchestra.planning.plan import Plan
from orchestra.planning.planner import make_plan
from orchestra.planning.recalling import Present, Recalled, recall
from orchestra.planning.rollback import rollback_plan
from orchestra.state.records import Snapshot


def recalled(site: Site, now: Snapshot, past: Snapshot) -> Recalled:
    """What was declared at ``past``, as far as it can be told by the stack of ``site`` and the state."""
    declared = {item.kind.name: item.kind for item in site.declaration.resources.values()}
    present = Present(
        declaration=site.declaration,
        kinds={**known_kinds(), **declared},
        scope=Live(site.declaration, site.keyring, past.records).scope,
        seal=site.keyring.seal,
    )
    return recall(past, now, present)


def plan_back(site: Site, now: Snapshot, past: Snapshot, stack: str) -> Plan:
    """The plan that makes of ``now`` what was there at ``past``. Reads the clouds, as every plan does."""
    found = recalled(site, now, past)
    there = attrs.evolve(site, declaration=found.declaration)
    world = attrs.evolve(survey(there, found.snapshot, Options(), refresh=True), put_back=found.put_back)
    return rollback_plan(found, now, past.serial, lambda options: make_plan(world, options, stack))
