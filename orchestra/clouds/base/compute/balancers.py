"""Load balancers that are made and changed as a whole."""

from __future__ import annotations

import attrs

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, Balancers, Told
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update


class LoadBalancerCalls(Listed):
    """A load balancer. All that it is goes into the one request that makes it, and into the one that changes it.

    Where making it takes more than that, its first request makes what carries the ownership, and what is seen through
    from there is finished by whoever creates it again under the same token.
    """

    kind = "balancing.LoadBalancer"

    def __init__(self, traits: Balancers) -> None:
        super().__init__(traits)
        self._traits = traits
        self.required = traits.required

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        traits, name = self._traits, self.name_for(owner)
        there = (told for told in self.all(driver) if told.name == name and told.state not in traits.gone)
        told = next(iter(there), None) or traits.create(driver, name, inputs)
        return self._observation(traits.finish(driver, told, inputs) if traits.finish else told)

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One that is half made is pending: creating it again finishes it."""
        found = super().search(driver, owner, inputs)
        if found is not None and found.detail in self._traits.half:
            return attrs.evolve(found, status=Status.PENDING)
        return found

    def observe(self, told: Told) -> Observation | None:
        """See `Listed.observe`."""
        return None if told.state in self._traits.gone else self._observation(told)

    def _observation(self, told: Told) -> Observation:
        half = told.state in self._traits.half
        return Observation(
            external_id=told.id,
            status=Status.FAILED if half else self._traits.statuses.get(told.state, Status.PENDING),
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
