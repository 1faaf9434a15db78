"""What all kinds share: reading in bulk, looking one up, finding by token, labels, and what comes of jobs."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs

from orchestra.clouds.base.compute.marking import owner_in_name, owner_name, unique_name
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.jobs import Outcome
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, is_ownership_tag
from orchestra.errors import InvalidRequestError, NotFoundError

_LONGEST: Final = 255
"""Characters in any text that a command takes, unless CloudStack's reference says otherwise."""
_TITLE: Final = 63
"""Characters in the name of a server, which is its host name; others have room for more."""

_SOON: Final = 2.0
"""Seconds after which a small job is done."""


def mark(owner: Ownership) -> str:
    """The text that tells whose something is: of characters that every field takes and nothing encodes."""
    return owner_name(owner, _LONGEST)


def title(owner: Ownership) -> str:
    """A name for people to read, and for the network: letters, digits and '-', the first a letter."""
    return unique_name(owner, _TITLE)


@attrs.frozen(kw_only=True)
class Listing:
    """Where a kind is: the command that lists it, under which key, and what narrows that down; what deletes one.

    ``marked`` is the field that tells whose it is. ``tagged`` is what `createTags` calls the kind. ``zoned``: whether
    the list can be of one zone.
    """

    command: str
    key: str
    remove: str
    marked: str
    tagged: str
    more: Mapping[str, object] = attrs.field(factory=dict)
    zoned: bool = True


class Described(Calls[Drivers]):
    """The calls of a kind that CloudStack lists."""

    listing: ClassVar[Listing]
    found_by = FoundBy.NAME
    page: ClassVar[int | None] = None

    @abc.abstractmethod
    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """What an item of the list tells; None for one that is gone or going."""

    @abc.abstractmethod
    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """What narrows the list down to what ``owner`` made."""

    def check_unused(self, drivers: Drivers, item: Item) -> None:
        """Raise `InUseError` while something uses ``item``: CloudStack says so only when its job has failed."""

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """What ``items`` tell, with what their jobs do."""
        for item in items:
            found = self.observe(drivers, item)
            if found is not None:
                yield settled(drivers, found)

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`. A single one isn't listed: looking it up takes one call, however many there are."""
        if len(ids) == 1:
            return iter(())
        wanted = frozenset(ids)
        return self.observations(driver, (item for item in self.listed(driver) if str(item["id"]) in wanted))

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`. Of what isn't there, its job may tell that it is yet to come, or why it never came."""
        try:
            item = self.item(driver, external_id)
        except Exception as error:
            if not isinstance(translate(error), NotFoundError) or not driver.jobs.of(external_id):
                raise
            missing = settled(driver, Observation(external_id=external_id))
            if missing.status is Status.FAILED:
                driver.jobs.forget(external_id)  # told once: from now on it isn't there
            if missing.status is not Status.READY:
                return missing
            item = self.item(driver, external_id)  # its job may have ended after the list was read
        for found in self.observations(driver, [item]):
            return found
        raise NotFoundError(f"{self.kind} {external_id} isn't there any more")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the text that tells whose it is. What a crash left without its labels is pending."""
        item = self.made(driver, owner, inputs)
        if item is None:
            return None
        found = next(self.observations(driver, [item]), None)
        if found is not None and labels_of(item) != inputs.labels():
            return attrs.evolve(found, status=Status.PENDING, detail="its labels aren't set yet")
        return found

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return self.observations(driver, self.listed(driver))

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.jobs.forget(external_id)
        self.check_unused(driver, self.item(driver, external_id))
        try:
            content = driver.do(self.listing.remove, id=external_id, **self.removal(driver))
        except Exception as error:
            if isinstance(translate(error), InvalidRequestError):
                self.item(driver, external_id)  # which tells whether it went in between
            raise
        driver.jobs.began(external_id, content)

    def removal(self, drivers: Drivers) -> Mapping[str, object]:
        """What the command that deletes one takes beside its id."""
        del drivers
        return {}

    # -- items

    def item(self, drivers: Drivers, external_id: str) -> Item:
        """One, as CloudStack tells it. Raises `NotFoundError`, or the driver's own, if it isn't there."""
        for item in drivers.items(self.listing.command, self.listing.key, id=external_id, **self.listing.more):
            if str(item["id"]) == external_id and self.observe(drivers, item) is not None:
                return item
        raise NotFoundError(f"{self.kind} {external_id} isn't there")

    def listed(self, drivers: Drivers, **asked: object) -> Iterator[Item]:
        """The items of the list, all pages."""
        zone = {"zoneid": drivers.zone_id} if self.listing.zoned else {}
        return drivers.items(self.listing.command, self.listing.key, **self.listing.more, **zone, **asked)

    def made(self, drivers: Drivers, owner: Ownership, inputs: Inputs) -> Item | None:
        """What ``owner`` made already; None if nothing is there of it."""
        text = mark(owner)
        for item in self.listed(drivers, **self.asked(owner, inputs)):
            if item.get(self.listing.marked) == text and self.observe(drivers, item) is not None:
                return item
        return None

    def owner_of(self, item: Item) -> Ownership | None:
        """Whose ``item`` is."""
        return owner_in_name(str(item.get(self.listing.marked) or ""))

    # -- labels

    def label(self, drivers: Drivers, external_id: str, labels: Mapping[str, str]) -> None:
        """Put ``labels`` on what has none of them."""
        if labels:
            fields = {
                f"tags[{number}].{part}": text
                for number, label in enumerate(sorted(labels.items()))
                for part, text in zip(("key", "value"), label, strict=True)
            }
            content = drivers.do("createTags", resourceids=external_id, resourcetype=self.listing.tagged, **fields)
            drivers.jobs.began(external_id, content, decides=False)

    def relabel(self, drivers: Drivers, item: Item, inputs: Inputs) -> None:
        """Bring the labels of ``item`` to those in ``inputs``.

        CloudStack doesn't change a tag: one with another value is taken away first. `InProgressError` says when to call
        again while that is under way.
        """
        external_id, there, wanted = str(item["id"]), labels_of(item), inputs.labels()
        stale = sorted(key for key, value in there.items() if wanted.get(key) != value)
        changed = [key for key in stale if key in wanted]
        if stale:
            keys = {f"tags[{number}].key": key for number, key in enumerate(stale)}
            content = drivers.do("deleteTags", resourceids=external_id, resourcetype=self.listing.tagged, **keys)
            if changed:
                drivers.finished(content, f"the labels of {external_id} are being taken away", _SOON)
            else:
                drivers.jobs.began(external_id, content, decides=False)
        self.label(drivers, external_id, {key: value for key, value in wanted.items() if there.get(key) != value})


def labels_of(item: Item) -> dict[str, str]:
    """The user's labels among the tags of ``item``."""
    told: Sequence[Any] = item.get("tags") or ()
    pairs = sorted((str(tag["key"]), str(tag.get("value") or "")) for tag in told)
    return {key: value for key, value in pairs if not is_ownership_tag(key)}


def settled(drivers: Drivers, found: Observation) -> Observation:
    """``found`` with what comes of its jobs: pending while one is under way, failed with CloudStack's words if one did.

    Something that CloudStack says is pending isn't asked about: that would take a call for each.
    """
    if found.status is Status.PENDING:
        return found
    for job in drivers.jobs.of(found.external_id):
        verdict = drivers.job(job.id)
        if verdict.outcome is Outcome.FAILED and job.decides:
            return attrs.evolve(found, status=Status.FAILED, detail=verdict.text)
        if verdict.outcome is Outcome.PENDING:
            if found.status is Status.READY:
                return attrs.evolve(found, status=Status.PENDING, detail=found.detail or "under way")
        else:
            drivers.jobs.over(found.external_id, job)
    return found


def chosen(inputs: Inputs, name: str) -> str:
    """The id of a choice."""
    value = inputs.values.get(name)
    return str(value["id"]) if isinstance(value, Mapping) else inputs.text(name)
