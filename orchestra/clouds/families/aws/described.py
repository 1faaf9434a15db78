"""What all kinds on EC2 share: reading in bulk by filter, looking one up, finding by token."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar
from xml.etree.ElementTree import Element

import attrs

from orchestra.clouds.base.finishing import unless_unfinished
from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Ownership
from orchestra.errors import CloudError, ConflictError, NotFoundError
from orchestra.model.resource import Resource


@attrs.frozen(kw_only=True)
class Listing:
    """How EC2 lists a kind.

    ``action`` is answered with items in ``container``; ``id_filter`` and ``id_parameter`` ask for ids, the one
    leaving out what isn't there, the other refusing it. ``size`` is how many a page may hold, 0 for no pages.
    ``fixed`` goes with every call.
    """

    action: str
    container: str
    id_filter: str
    id_parameter: str
    size: int = 1000
    fixed: Mapping[str, str] = attrs.field(factory=dict)


class Described(Calls[Drivers]):
    """The calls of a kind that EC2 lists with filters."""

    listing: ClassVar[Listing]
    resource: ClassVar[type[Resource]]
    set_later: ClassVar[tuple[str, ...]] = ()
    """The inputs that creation sets in requests of their own, after the first."""

    @abc.abstractmethod
    def observe(self, item: Element) -> Observation | None:
        """What an item of the list tells; None for one that is gone or going."""

    def observations(self, drivers: Drivers, items: Iterator[Element]) -> Iterator[Observation]:
        """What ``items`` tell; a kind that needs more calls for it makes them here, for all items together."""
        del drivers
        return (found for item in items if (found := self.observe(item)) is not None)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return self._listed(driver, query.filters({self.listing.id_filter: ids}))

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        asked = query.numbered(self.listing.id_parameter, [external_id])
        items = query.ec2_items(driver.ec2, self.listing.action, self.listing.container, self.listing.fixed, asked)
        for found in self.observations(driver, items):
            return found
        raise NotFoundError(f"{self.kind} {external_id} isn't there any more")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the token's tag. What a crash left half-way is pending."""
        found = next(self._listed(driver, query.filters({"tag:orchestra:token": [owner.token]})), None)
        return unless_unfinished(found, self.resource.kind, inputs, self.set_later) if found else None

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return self._listed(driver, {})

    def _listed(self, drivers: Drivers, asked: Mapping[str, str]) -> Iterator[Observation]:
        listing = self.listing
        items = query.ec2_items(drivers.ec2, listing.action, listing.container, listing.fixed, asked, size=listing.size)
        return self.observations(drivers, items)

    def made_before(self, drivers: Drivers, owner: Ownership, inputs: Inputs, error: Exception) -> Observation:
        """What the token of ``owner`` made earlier, after a creation was refused with ``error`` as a duplicate.

        Raises ``error`` again if it is anything else, or if what is there belongs to another.
        """
        found = self.search(drivers, owner, inputs) if isinstance(translate(error), ConflictError) else None
        if found is None:
            raise error
        return found


@contextlib.contextmanager
def tolerating(*classes: type[CloudError]) -> Iterator[None]:
    """What fails inside with one of ``classes`` is as good as done."""
    try:
        yield
    except Exception as error:
        if not isinstance(translate(error), classes):
            raise
