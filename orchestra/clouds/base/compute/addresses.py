"""Floating addresses that carry nothing to say whose one is: each is made with the server that it leads to."""

from __future__ import annotations

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, Addresses, Told, region
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, InProgressError

_SOON = 5.0
"""Seconds after which it is worth looking whether an address leads to its server."""


class FloatingIpCalls(Listed):
    """A floating address. A server has one at most, so it is found by that; without one nothing would tell it apart.

    So it must be made with a server, and may lead to another one later.
    """

    kind = "compute.FloatingIp"

    def __init__(self, traits: Addresses) -> None:
        super().__init__(traits)
        self._traits = traits
        self.found_by = FoundBy.NATURAL_KEY
        self.found_key = "server"
        self.required = {"server": "an address carries nothing that says whose it is but the server it was made with"}

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused as a conflict if the server has an address already."""
        server = inputs.text("server")
        found = self.search(driver, owner, inputs)
        if found is not None:
            raise ConflictError(
                f"server {server} has the floating address {found.external_id} already", remedy="adopt it, or delete it"
            )
        return self.observe(self._traits.create(driver, server))

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the server. `InProgressError` while that of another isn't told yet."""
        del owner
        server, waiting = inputs.optional_text("server"), None
        for told in self.all(driver):
            if told.region == region(driver):
                if server in told.servers:
                    return self.observe(told)
                waiting = told if told.state == self._traits.busy and not told.servers else waiting
        if waiting is not None:
            raise InProgressError(f"to which server {waiting.id} will lead isn't told yet", retry_after=_SOON)
        return None

    def observe(self, told: Told) -> Observation:
        """See `Listed.observe`. While something is done to it, to which server it will lead isn't told."""
        is_busy = told.state == self._traits.busy
        return Observation(
            external_id=told.id,
            status=Status.PENDING if is_busy else Status.READY,
            inputs={} if is_busy else {"server": next(iter(told.servers), None)},
            outputs={"address": told.public_ip},
            detail=told.state,
            name=told.name,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the server that it leads to."""
        told, server = self._idle(driver, external_id), update.after.optional_text("server")
        if server != next(iter(told.servers), None):
            self._traits.lead(driver, told, server)
        return self.look_up(driver, external_id)

    def delete(self, driver: Access, external_id: str) -> None:
        """See `Calls.delete`."""
        self._traits.destroy(driver, self._idle(driver, external_id))

    def _idle(self, driver: Access, external_id: str) -> Told:
        """The address, unless something is being done to it."""
        told = self.one(driver, external_id)
        if told.state == self._traits.busy:
            raise InProgressError(f"something is being done to the address {external_id}", retry_after=_SOON)
        return told
