"""What all kinds share: reading in bulk, looking one up, finding by token, finishing what was begun."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar, Final

import attrs

from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.ownership import labels_in_tags, mark, tags_of
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Ownership
from orchestra.errors import CloudError, NotFoundError
from orchestra.model.resource import Resource

FILTER_VALUES: Final = 100
"""How many ids one request asks for: they stand in its URL, which some servers limit to 8 KiB."""


@attrs.frozen(kw_only=True)
class Listing:
    """Where a service has a kind.

    ``path`` is answered with a list under ``many``, with an id behind it with one thing under ``one``; ``detailed``
    is the path of the list where that is another.
    """

    service: str
    path: str
    many: str
    one: str
    detailed: str = ""


class Described(Calls[Drivers]):
    """The calls of a kind that a service lists."""

    listing: ClassVar[Listing]
    resource: ClassVar[type[Resource]]
    set_later: ClassVar[tuple[str, ...]] = ()
    """The inputs that creation sets in requests of their own, after the first."""

    page: ClassVar[int | None] = (
        None  # nova and cinder can't be asked for several ids: one pass over the list does for all of them
    )

    @abc.abstractmethod
    def observe(self, item: Item) -> Observation | None:
        """What an item of the list tells; None for one that is gone or going."""

    @abc.abstractmethod
    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """What narrows the list down to what ``owner`` made."""

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """What ``items`` tell; a kind that needs more calls for it makes them here, for many items together."""
        del drivers
        return (found for item in items if (found := self.observe(item)) is not None)

    def own(self, drivers: Drivers) -> Query:
        """What keeps other projects' things out of a list; nova and cinder leave them out by themselves."""
        del drivers
        return {}

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        if len(ids) == 1:
            return iter(())
        wanted = frozenset(ids)
        return self.observations(driver, (item for item in self.listed(driver) if item["id"] in wanted))

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        for found in self.observations(driver, [self.item(driver, external_id)]):
            return found
        raise NotFoundError(f"{self.kind} {external_id} isn't there any more")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the token. What a crash left half-way is pending."""
        for found in self.observations(driver, self.listed(driver, self.asked(driver, owner, inputs))):
            if found.ownership is not None and found.ownership.token == owner.token:
                return unless_unfinished(found, self.resource.kind, inputs, self.set_later)
        return None

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return self.observations(driver, self.listed(driver))

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.ask(self.listing.service, "DELETE", f"{self.listing.path}/{external_id}")

    def item(self, drivers: Drivers, external_id: str) -> Item:
        """One, as the service tells it."""
        return drivers.item(self.listing.service, f"{self.listing.path}/{external_id}", self.listing.one)

    def listed(self, drivers: Drivers, query: Query | None = None) -> Iterator[Item]:
        """The items of the list, all pages."""
        listing = self.listing
        asked = {**self.own(drivers), **(query or {})}
        return drivers.items(listing.service, listing.detailed or listing.path, listing.many, asked)


class Networked(Described):
    """The calls of a kind of neutron's, which can be asked for several ids, and carries its owner in a text."""

    page = FILTER_VALUES

    def own(self, drivers: Drivers) -> Query:
        """See `Described.own`: an administrator is shown everybody's."""
        return {"project_id": drivers.project}

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        listing = self.listing
        items = driver.items(listing.service, listing.path, listing.many, {"id": list(ids)})
        return self.observations(driver, items)

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`."""
        del driver, inputs
        return {"description": mark(owner)}

    def relabel(self, drivers: Drivers, item: Item, inputs: Inputs) -> None:
        """Bring the tags of ``item`` to the labels in ``inputs``."""
        if labels_in_tags(item) != inputs.labels():
            path = f"{self.listing.path}/{item['id']}/tags"
            drivers.ask(self.listing.service, "PUT", path, body={"tags": tags_of(inputs)})


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """``items``, in lists that are short enough for one request to ask for what belongs to them."""
    left = iter(items)
    while chunk := list(islice(left, FILTER_VALUES)):
        yield chunk


@contextlib.contextmanager
def tolerating(*classes: type[CloudError]) -> Iterator[None]:
    """What fails inside with one of ``classes`` is as good as done."""
    try:
        yield
    except Exception as error:
        if not isinstance(translate(error), classes):
            raise
