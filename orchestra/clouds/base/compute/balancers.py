"""Load balancers that are made and changed as a whole."""

from __future__ import annotations

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, Balancers, Told
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update


class LoadBalancerCalls(Listed):
    """A load balancer. All that it is goes into the one request that makes it, and into the one that changes it."""

    kind = "balancing.LoadBalancer"

    def __init__(self, traits: Balancers) -> None:
        super().__init__(traits)
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        return found or self.observe(self._traits.create(driver, self.name_for(owner), inputs))

    def observe(self, told: Told) -> Observation:
        """See `Listed.observe`."""
        return Observation(
            external_id=told.id,
            status=self._traits.statuses.get(told.state, Status.PENDING),
            inputs=told.inputs,
            outputs={"address": told.public_ip},
            detail=told.state,
            ownership=self.owner_of(told),
            name=told.name,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self._traits.change(driver, self.one(driver, external_id), update.after)
        return self.look_up(driver, external_id)
