"""What all kinds share: one list for any number of them, a direct look-up, finding by ownership."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from orchestra.clouds.base.compute.marking import (
    MARK,
    dotted,
    label_tags,
    labels_in_tags,
    others,
    owner_in_name,
    owner_in_tags,
    owner_name,
    owner_tags,
    undotted,
    unique_name,
)
from orchestra.clouds.base.compute.traits import (
    Access,
    Addresses,
    Balancers,
    Copies,
    Firewalls,
    KeyPairs,
    Networks,
    Retag,
    Servers,
    Told,
    Volumes,
    region,
)
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import NotFoundError


class Listed(Calls[Access]):
    """The calls of a kind that is listed as a whole: these clouds have no filters by id."""

    page: ClassVar[int | None] = None

    def __init__(
        self, listed: Servers | Volumes | Copies | KeyPairs | Networks | Firewalls | Balancers | Addresses
    ) -> None:
        self._listed = listed
        self.unsupported = listed.unsupported
        self.fixed = listed.fixed
        self.marks = marks = listed.marks
        self.found_by = FoundBy.TAG if marks.longest_tag else FoundBy.NAME
        self.found_key = f"the tag {MARK}:token" if marks.longest_tag else "the name, with the token in it"

    def all(self, access: Access) -> Iterable[Told]:
        """What the driver lists, of every region."""
        return self._listed.all(access)

    def one(self, access: Access, external_id: str) -> Told:
        """One, asked for directly; a not-found error of the driver if it is gone."""
        return self._listed.one(access, external_id)

    @abc.abstractmethod
    def observe(self, told: Told) -> Observation | None:
        """What is told, as an observation; None for one that is gone or going."""

    def read(self, driver: Access, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        wanted = frozenset(ids)
        return (found for found in self.everything(driver) if found.external_id in wanted)

    def look_up(self, driver: Access, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        found = self.observe(self.one(driver, external_id))
        if found is None:
            raise NotFoundError(f"{self.kind} {external_id} isn't there any more")
        return found

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the ownership; by the name where that has no room for it."""
        del inputs
        name = self.name_for(owner)
        return next(
            (found for found in self.everything(driver) if found.ownership == owner or found.name == name), None
        )

    def delete(self, driver: Access, external_id: str) -> None:
        """See `Calls.delete`."""
        self._listed.destroy(driver, self.one(driver, external_id))

    def everything(self, driver: Access) -> Iterator[Observation]:
        """See `Calls.everything`: those of the region."""
        for told in self.all(driver):
            if told.region in (None, region(driver)) and (found := self.observe(told)) is not None:
                yield found

    # -- whose it is

    def owner_of(self, told: Told) -> Ownership | None:
        """Whose it is, as its tags or its name say."""
        if self.marks.longest_tag:
            return owner_in_tags(told.tags)
        return owner_in_name(undotted(told.name) if self.marks.dotted else told.name)

    def name_for(self, owner: Ownership) -> str:
        """The name of what is made for ``owner``: it carries the ownership where tags can't."""
        marks = self.marks
        if marks.longest_tag or not marks.whole:
            return unique_name(owner, marks.longest_name)
        if marks.dotted:
            return dotted(owner_name(owner, marks.longest_name - 2))
        return owner_name(owner, marks.longest_name)

    def tags_for(self, owner: Ownership, labels: Mapping[str, str]) -> list[str]:
        """The tags of what is made for ``owner``."""
        longest = self.marks.longest_tag
        return owner_tags(owner, longest) + label_tags(labels, longest) if longest else []

    def relabel(self, access: Access, external_id: str, update: Update, retag: Retag | None) -> None:
        """Bring the labels to those that ``update`` wants, if it is about them."""
        if retag is not None and "labels" in update.changed:
            told = self.one(access, external_id)
            tags = others(told.tags) + label_tags(update.after.labels(), self.marks.longest_tag)
            if set(tags) != set(told.tags):
                retag(access, told, tags)

    def labels_told(self, told: Told) -> dict[str, dict[str, str]]:
        """The input ``labels``, where there are tags to tell it."""
        return {"labels": labels_in_tags(told.tags)} if self.marks.longest_tag else {}
