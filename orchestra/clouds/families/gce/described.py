"""What all kinds share: making one, reading in bulk, looking one up, finding by name and token."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import attrs

from orchestra.clouds.base.compute.marking import unique_name
from orchestra.clouds.base.finishing import just_made, unless_unfinished
from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.rest import Item, Query
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Ownership
from orchestra.errors import ConflictError, NotFoundError
from orchestra.model.resource import Resource
from orchestra.model.values import Plain


class Described(Calls[Drivers]):
    """The calls of a kind that the API lists. Its external id is its place, such as ``global/networks/x``."""

    collection: ClassVar[str]
    """What the API calls many of them; below a zone unless `home` says otherwise."""
    resource: ClassVar[type[Resource]]
    set_later: ClassVar[tuple[str, ...]] = ()
    """The inputs that creation sets in requests of their own, after the first."""

    page: ClassVar[int | None] = None  # nothing can be asked for by several names: one pass over the list does for all

    @abc.abstractmethod
    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """What an item of the list tells; None for one that isn't of this kind."""

    def home(self, drivers: Drivers) -> str:
        """The list that has all of them in the region; '' where each zone has one."""
        del drivers
        return ""

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """What ``items`` tell; a kind that needs more calls for it makes them here, for all items together."""
        return (found for item in items if (found := self.observe(drivers, item)) is not None)

    def listed(self, drivers: Drivers, query: Query | None = None) -> Iterator[Item]:
        """The items of the list, all pages."""
        home = self.home(drivers)
        return drivers.items(home, query) if home else drivers.zonal(self.collection, query)

    def item(self, drivers: Drivers, external_id: str) -> Item:
        """One, as the API tells it."""
        found: Item = drivers.ask("GET", external_id)
        return found

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        if len(ids) == 1:
            return iter(())
        wanted = frozenset(ids)
        return (found for found in self.everything(driver) if found.external_id in wanted)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        for found in self.observations(driver, [self.item(driver, external_id)]):
            return found
        raise NotFoundError(f"{self.kind} {external_id} isn't one, or not any more")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name made from the token. What a crash left half-way is pending."""
        item = self.made(driver, owner)
        if item is None:
            return None
        for found in self.observations(driver, [item]):
            return unless_unfinished(found, self.resource.kind, inputs, self.set_later)
        return None

    def made(self, drivers: Drivers, owner: Ownership) -> Item | None:
        """What the token made, None if there is nothing; in whichever zone it is."""
        name, home = self.name(owner), self.home(drivers)
        if not home:
            listed = list(drivers.zonal(self.collection, {"filter": f"name = {name}"}))
            return next((one for one in listed if one["name"] == name and marks.is_of(one, owner)), None)
        try:
            found = self.item(drivers, f"{home}/{name}")
        except Exception as error:
            if isinstance(translate(error), NotFoundError):
                return None
            raise
        return found if marks.is_of(found, owner) else None

    def name(self, owner: Ownership) -> str:
        """The name of what the token makes."""
        return unique_name(owner, 63)

    def make(self, drivers: Drivers, place: str, body: Item, owner: Ownership, **how: Any) -> Item:
        """What was made of ``body`` in the list at ``place``, now or by an earlier call with the same token.

        ``how`` is what `Drivers.insert` takes beside that.
        """
        named = {"name": self.name(owner), **body}
        external_id = f"{place}/{named['name']}"
        is_new = drivers.make(place, named, owner, **how)
        with made_now(external_id):
            item = self.item(drivers, external_id)
        if not is_new and not marks.is_of(item, owner):
            raise ConflictError(
                f"there is a {self.kind} {external_id} already, and not from here",
                remedy="choose another name, or adopt what is there",
            )
        return item

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return self.observations(driver, self.listed(driver))

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.change("DELETE", external_id)

    def relabel(self, drivers: Drivers, item: Item, inputs: Inputs) -> None:
        """Bring the labels of ``item`` to those in ``inputs``; no other's change is lost."""
        labels = marks.relabelled(item, inputs)
        if labels is not None:
            fields = {"labels": labels, "labelFingerprint": item.get("labelFingerprint")}
            drivers.change("POST", f"{drivers.places.place(item['selfLink'])}/setLabels", fields)


def made_now(external_id: str) -> AbstractContextManager[None]:
    """Inside, what isn't there was made a moment ago; see `just_made`."""
    return just_made(external_id, "Compute Engine")


def with_inputs(found: Observation, **inputs: Plain) -> Observation:
    """``found`` with other inputs told."""
    return attrs.evolve(found, inputs={**found.inputs, **inputs})
