"""Volumes and their attachments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, Told, Volumes, region
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, InvalidRequestError, NotFoundError


class VolumeCalls(Listed):
    """A volume. Its zone is the region: these clouds have no smaller one."""

    kind = "compute.Volume"

    def __init__(self, traits: Volumes) -> None:
        super().__init__(traits)
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. These clouds take no idempotency token, so what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        if inputs.text("zone") != region(driver):
            raise InvalidRequestError(
                f"a volume in {inputs.text('zone')!r} can't be had from a cloud whose region is {region(driver)!r}",
                sent=False,
                remedy=f"give zone={region(driver)!r}, or server.zone",
            )
        tags = self.tags_for(owner, inputs.labels())
        size, snapshot = inputs.integer("size_gib"), inputs.optional_text("snapshot")
        return self.observe(self._traits.create(driver, self.name_for(owner), tags, size, snapshot))

    def observe(self, told: Told) -> Observation:
        """See `Listed.observe`."""
        return Observation(
            external_id=told.id,
            status=self._traits.statuses.get(told.state, Status.PENDING) if told.state else Status.READY,
            inputs={"size_gib": told.size_gib, "zone": told.region, **self.labels_told(told)},
            detail=told.state,
            ownership=self.owner_of(told),
            name=told.name,
            comes_with=told.comes_with,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels, and a larger size."""
        self.relabel(driver, external_id, update, self._traits.retag)
        told = self.one(driver, external_id)
        size = update.after.integer("size_gib")
        if "size_gib" in update.changed and told.size_gib != size:
            self._traits.grow(driver, told, size)
        return self.look_up(driver, external_id)

    def delete(self, driver: Access, external_id: str) -> None:
        """See `Calls.delete`."""
        told = self.one(driver, external_id)
        if told.servers:
            raise InUseError(f"volume {external_id} is attached to {', '.join(told.servers)}")
        self._traits.destroy(driver, told)


class VolumeAttachmentCalls(Calls[Access]):
    """An attachment. No cloud has an id for it: ours is ``volume:server``. It is found by both.

    The device isn't told: these clouds choose it.
    """

    kind = "compute.VolumeAttachment"
    page = None
    found_by = FoundBy.NATURAL_KEY
    found_key = "volume and server"

    def __init__(self, traits: Volumes) -> None:
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a volume that this very server has already is what an earlier call did."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        volume, server = inputs.text("volume"), inputs.text("server")
        self._traits.attach(driver, self._traits.one(driver, volume), server)
        return _attachment(volume, server, Status.PENDING)

    def read(self, driver: Access, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        wanted = frozenset(ids)
        return (found for found in self.everything(driver) if found.external_id in wanted)

    def look_up(self, driver: Access, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        volume, _, server = external_id.partition(":")
        if server not in self._traits.one(driver, volume).servers:
            raise NotFoundError(f"volume {volume} isn't attached to {server}")
        return _attachment(volume, server)

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by volume and server."""
        del owner
        volume, server = inputs.text("volume"), inputs.text("server")
        return _attachment(volume, server) if server in self._traits.one(driver, volume).servers else None

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of an attachment can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Access, external_id: str) -> None:
        """See `Calls.delete`."""
        volume, _, server = external_id.partition(":")
        told = self._traits.one(driver, volume)
        if server in told.servers:
            self._traits.detach(driver, told, server)

    def everything(self, driver: Access) -> Iterator[Observation]:
        """See `Calls.everything`: not of a disk that comes with its server."""
        for told in self._traits.all(driver):
            if told.region in (None, region(driver)) and not told.comes_with:
                yield from (_attachment(told.id, server) for server in told.servers)


def _attachment(volume: str, server: str, status: Status = Status.READY) -> Observation:
    return Observation(external_id=f"{volume}:{server}", status=status, inputs={"volume": volume, "server": server})
