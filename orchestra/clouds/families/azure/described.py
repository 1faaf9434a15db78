"""What all kinds share: names made from the token, reading in bulk, looking one up, finishing what was begun."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds.base.tolerance import if_there, tolerating
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.ids import name_in
from orchestra.clouds.families.azure.rest import Item, Type
from orchestra.clouds.families.azure.tags import PART, owner_in, relabelled, tags_in
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status
from orchestra.errors import ConflictError, NotFoundError
from orchestra.model.resource import Resource

STATES: Final = MappingProxyType(
    {"succeeded": Status.READY, "failed": Status.FAILED, "canceled": Status.FAILED, "cancelled": Status.FAILED}
)
"""All others are pending: https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/async-operations"""

_PARTS: Final = "parts:"
"""Begins the external id of something of which only parts were made; its name follows."""


class Described(Calls[Drivers]):
    """The calls of a kind that has a type of Azure's, and tags on it.

    Its name is made from the token, so that a second one of the same creation is the first one. ``parts`` are types
    of things that are made before it, under the same name, and go with it.
    """

    azure_type: ClassVar[Type]
    resource: ClassVar[type[Resource]]
    parts: ClassVar[tuple[Type, ...]] = ()
    expanded: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What is asked for in addition when one is looked up."""
    longest_name: ClassVar[int] = 64
    found_by = FoundBy.NAME
    found_key = "name, made from the token; then the tag orchestra:token"
    page: ClassVar[int | None] = None  # Azure can't be asked for several ids: one pass over the list does for all

    @abc.abstractmethod
    def observe(self, driver: Drivers, item: Item) -> Observation:
        """What an item of the list tells."""

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """What ``items`` tell; a kind that needs more calls for it makes them here, for many items together."""
        return (self.observe(drivers, item) for item in items)

    # -- reading

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        wanted = {one.lower(): one for one in ids if self.is_whole(one)}
        if len(wanted) < 2:
            return
        found = [item for item in driver.listed(self.azure_type) if driver.ids.told(item["id"]).lower() in wanted]
        for one in self.observations(driver, found):
            yield attrs.evolve(one, external_id=wanted[one.external_id.lower()])

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        if not self.is_whole(external_id):
            return self._half_made(driver, external_id.removeprefix(_PARTS))
        self._assert_kind(driver, external_id)
        found = next(iter(self.observations(driver, [driver.get(external_id, self.expanded)])))
        return attrs.evolve(found, external_id=external_id)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name. Of what a crash left half-way its parts tell."""
        del inputs
        found = self.made_before(driver, owner)
        if found is None and self.parts:
            found = if_there(lambda: self._half_made(driver, self.name_for(owner)))
        return found and self._owned(found, owner)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`: those of the region, and those of which only parts were made."""
        items = list(driver.listed(self.azure_type))
        yield from self.observations(driver, filter(driver.is_here, items))
        whole = {str(item["name"]).lower() for item in items}
        for kind in self.parts:
            for item in driver.listed(kind):
                name = str(item["name"])
                if is_part(item, self.kind) and driver.is_here(item) and name.lower() not in whole:
                    whole.add(name.lower())
                    yield self._half(name, item)

    # -- what is made, and taken away

    def made_before(self, drivers: Drivers, owner: Ownership) -> Observation | None:
        """What an earlier call with this token made as a whole."""
        found = if_there(lambda: self.look_up(drivers, drivers.ids.of(self.azure_type, self.name_for(owner))))
        return found and self._owned(found, owner)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        if not self.is_whole(external_id):
            self.remove_parts(driver, external_id.removeprefix(_PARTS))
            return
        self._assert_kind(driver, external_id)
        driver.delete(external_id)

    def remove_parts(self, drivers: Drivers, name: str) -> None:
        """Take away the parts called ``name``, the last first: only those that were made as such."""
        for kind in reversed(self.parts):
            with tolerating(NotFoundError):
                part = drivers.ids.of(kind, name)
                if is_part(drivers.get(part), self.kind):
                    drivers.delete(part)

    def relabel(self, drivers: Drivers, item: Item, external_id: str, inputs: Inputs) -> None:
        """Bring the tags of ``item`` to the labels in ``inputs``."""
        if (tags := relabelled(item, inputs)) is not None:
            drivers.retag(external_id, tags)

    @staticmethod
    def is_whole(external_id: str) -> bool:
        """Whether it is the id of more than parts."""
        return not external_id.startswith(_PARTS)

    def name_for(self, owner: Ownership) -> str:
        """The name of what is made for ``owner``."""
        return owner.name(self.longest_name)

    # -- inside

    def _owned(self, found: Observation, owner: Ownership) -> Observation:
        """``found``, unless its name is by chance that of something else: to make ours would overwrite it."""
        if found.ownership is None or found.ownership.token != owner.token:
            raise ConflictError(
                f"{found.external_id} is there already, and isn't from here",
                remedy="choose another name, or adopt it",
            )
        return found

    def _assert_kind(self, drivers: Drivers, external_id: str) -> None:
        if drivers.ids.type_of(external_id) != self.azure_type:
            raise NotFoundError(f"{external_id!r} is no id of a {self.kind}", sent=False)

    def _half_made(self, drivers: Drivers, name: str) -> Observation:
        for kind in reversed(self.parts):
            with tolerating(NotFoundError):
                item = drivers.get(drivers.ids.of(kind, name))
                if is_part(item, self.kind):
                    return self._half(name, item)
        raise NotFoundError(f"nothing of the {self.kind} {name} is there")

    def _half(self, name: str, item: Item) -> Observation:
        """What only ``item`` is there of."""
        return Observation(
            external_id=f"{_PARTS}{name}",
            status=Status.FAILED,  # nothing goes on with it by itself: the next plan makes another and takes this away
            outputs=dict.fromkeys(one for one in self.resource.kind.outputs if one != "id"),
            detail=f"only its {name_in(str(item['type']))} was made",
            ownership=owner_in(item),
        )


def is_part(item: Item, kind: str = "") -> bool:
    """Whether ``item`` was made as a part of something: of a ``kind``, if one is named."""
    told = tags_in(item).get(PART)
    return told is not None and kind in ("", told)


def state_of(item: Item) -> tuple[Status, str]:
    """How far ``item`` is, and Azure's word for it."""
    word = str(item["properties"].get("provisioningState") or "Succeeded")
    return STATES.get(word.lower(), Status.PENDING), word
