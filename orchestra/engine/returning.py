"""Going back to an earlier serial: what the state tells of it, as a site to plan and to act on."""

from __future__ import annotations

import functools
from collections.abc import Collection

import attrs

from orchestra.engine.live import Live
from orchestra.engine.survey import Site, survey
from orchestra.model.address import Address
from orchestra.model.resource import known_kinds
from orchestra.planning.decide import Action
from orchestra.planning.options import Options
from orchestra.planning.plan import Plan
from orchestra.planning.planner import World, make_plan
from orchestra.planning.recalling import Present, Recalled, recall
from orchestra.planning.rollback import rollback_plan
from orchestra.state.records import Snapshot


def recalled(site: Site, now: Snapshot, past: Snapshot, left: Collection[Address] = ()) -> Recalled:
    """What was declared at ``past``, as far as it can be told by the stack of ``site`` and the state; see `recall`."""
    declared = {item.kind.name: item.kind for item in site.declaration.resources.values()}
    present = Present(
        declaration=site.declaration,
        kinds={**known_kinds(), **declared},
        scope=Live(site.declaration, site.keyring, past.records).scope,
        seal=site.keyring.seal,
    )
    return recall(past, now, present, left)


def plan_back(site: Site, now: Snapshot, past: Snapshot, stack: str) -> Plan:
    """The plan that makes of ``now`` what was there at ``past``. Reads the clouds, as every plan does.

    What was replaced and would have to be replaced again isn't put back: its successor may be what is wanted already.
    """
    left: set[Address] = set()
    while True:
        found = recalled(site, now, past, left)
        there = attrs.evolve(site, declaration=found.declaration)
        world = attrs.evolve(survey(there, found.snapshot, Options(), refresh=True), put_back=found.put_back)
        plan = rollback_plan(found, now, past.serial, functools.partial(_planned, world, stack))
        again = {change.address for change in plan.changes if change.action is Action.REPLACE} & found.put_back
        if not again:
            return plan
        left |= again


def _planned(world: World, stack: str, options: Options) -> Plan:
    return make_plan(world, options, stack)
