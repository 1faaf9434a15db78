"""Everything that a plan is made from, gathered: the only part of planning that reads clouds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from orchestra.contracts import Clock, Cloud, Families
from orchestra.engine.keyring import Keyring
from orchestra.engine.reading import observe_all, verify_all
from orchestra.engine.support import check_support, choose_all, keyed_only
from orchestra.model.declaration import Declaration, Declared
from orchestra.planning.decide import Mode
from orchestra.planning.options import Options
from orchestra.planning.planner import World
from orchestra.state.records import Snapshot


@attrs.frozen(kw_only=True, eq=False)
class Site:
    """One deployment's stack with the clouds that it is on. ``width``: calls at once at most.

    ``families`` tells what clouds of each family can do, for the message that something can't be had.
    """

    deployment: str
    declaration: Declaration
    clouds: Mapping[str, Cloud]
    default_cloud: str
    families: Callable[[], Families]
    keyring: Keyring
    width: int
    clock: Clock

    def cloud_of(self, item: Declared) -> str:
        """The name of the cloud that ``item`` is to be on."""
        return item.cloud.name if item.cloud is not None else self.default_cloud


def survey(site: Site, snapshot: Snapshot, options: Options, refresh: bool) -> World:
    """Ask the clouds what there is, unless ``refresh`` is False, and what they choose. Changes nothing.

    Raises `UnsupportedError`, `ChoiceError`, `CloudError`, or an `ApplyError` of several.
    """
    items = list(site.declaration.resources.values())
    records = [*snapshot.records.values(), *snapshot.deposed]
    if options.mode is Mode.NORMAL:
        check_support(items, site.clouds, site.cloud_of, site.families)
        keyed_only(items, site.keyring.has_key)
    if refresh:
        used = {record.cloud for record in records}
        if options.mode is Mode.NORMAL:
            used.update(map(site.cloud_of, items))
        verify_all((site.clouds[name] for name in sorted(used) if name in site.clouds), site.clock)
    observations = observe_all(records, site.clouds, site.width, site.clock) if refresh else {}
    choices = {}
    if options.mode is Mode.NORMAL:
        choices = choose_all(site.declaration, snapshot, site.clouds, site.cloud_of, site.clock, refresh)
    return World(
        declaration=site.declaration,
        snapshot=snapshot,
        observations=observations,
        choices=choices,
        cloud_of=site.cloud_of,
        reveal=site.keyring.reveal,
        open_value=site.keyring.open_value,
        seal=site.keyring.seal,
    )
