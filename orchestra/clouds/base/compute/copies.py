"""Copies: snapshots of volumes, and images of servers."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, Copies, Images, Told
from orchestra.clouds.base.tolerance import tolerating
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import NotFoundError

_NAMED_FOR_ITS_OWNER: Final = MappingProxyType(
    {
        "name": "whose an image is takes the only place that there is, its name",
        "labels": "whose an image is takes the only place that there is, its name",
    }
)


class CopyCalls(Listed):
    """A copy of something as it was at one moment. Its description is not told: these clouds have but names."""

    source: ClassVar[str]
    """The input that says of what it is a copy."""

    def __init__(self, traits: Copies) -> None:
        super().__init__(traits)
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None and not self.is_half(found):
            return found
        name = inputs.optional_text("name") or self.name_for(owner)
        tags = self.tags_for(owner, inputs.labels())
        return self._observed(self._traits.create(driver, inputs.text(self.source), name, tags))

    def observe(self, told: Told) -> Observation | None:
        """See `Listed.observe`."""
        return None if told.state in self._traits.gone else self._observed(told)

    def _observed(self, told: Told) -> Observation:
        return Observation(
            external_id=told.id,
            status=self._traits.statuses.get(told.state, Status.PENDING) if told.state else Status.READY,
            inputs={**self.told_inputs(told), **self.labels_told(told)},
            outputs={"size_gib": told.size_gib},
            detail=told.state,
            ownership=self.owner_of(told),
            name=told.name,
        )

    def is_half(self, found: Observation) -> bool:
        """Whether only a part of it is there, so that creating it again finishes it."""
        del found
        return False

    def told_inputs(self, told: Told) -> dict[str, str | None]:
        """The inputs beside the labels that are told."""
        return {self.source: told.source} if told.source is not None else {}

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels."""
        self.relabel(driver, external_id, update, self._traits.retag)
        return self.look_up(driver, external_id)


class SnapshotCalls(CopyCalls):
    """A snapshot of a volume."""

    kind = "compute.Snapshot"
    source = "volume"


class CustomImageCalls(CopyCalls):
    """An image of a server. It has the name that it is given where tags say whose it is."""

    kind = "compute.CustomImage"
    source = "server"

    def __init__(self, traits: Images) -> None:
        super().__init__(traits)
        self._images = traits
        if not traits.marks.longest_tag:
            self.unsupported = {**_NAMED_FOR_ITS_OWNER, **traits.unsupported}

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One of which only a part is there is pending."""
        server = inputs.optional_text(self.source)
        if self._images.settled is not None and server:
            with tolerating(NotFoundError):  # the server may be gone by now
                self._images.settled(driver, server)
        found = super().search(driver, owner, inputs)
        return attrs.evolve(found, status=Status.PENDING) if found is not None and self.is_half(found) else found

    def is_half(self, found: Observation) -> bool:
        """See `CopyCalls.is_half`."""
        return bool(self._images.half) and found.detail == self._images.half

    def told_inputs(self, told: Told) -> dict[str, str | None]:
        """See `CopyCalls.told_inputs`."""
        named = {"name": told.name} if self.marks.longest_tag else {}
        return {**super().told_inputs(told), **named}
