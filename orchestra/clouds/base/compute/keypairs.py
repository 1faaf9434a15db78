"""Key pairs: public SSH keys that a cloud keeps. They have no tags on any of these clouds."""

from __future__ import annotations

from orchestra.clouds.base.compute.listed import Listed
from orchestra.clouds.base.compute.traits import Access, KeyPairs, Told
from orchestra.contracts import Inputs, Observation, Ownership, Update


class KeyPairCalls(Listed):
    """A public key. One with a name of its own is found by that, another's name carries whose it is.

    Its external id is the cloud's own, as servers are made with. The key isn't told: clouds tell it with another
    comment than it was given.
    """

    kind = "compute.KeyPair"

    def __init__(self, traits: KeyPairs) -> None:
        super().__init__(traits)
        self._traits = traits

    def create(self, driver: Access, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made, or what has the name already, is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        name = inputs.optional_text("name") or self.name_for(owner)
        return self.observe(self._traits.create(driver, name, inputs.text("public_key")))

    def search(self, driver: Access, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name."""
        name = inputs.optional_text("name") or self.name_for(owner)
        return next((found for found in self.everything(driver) if found.inputs["name"] == name), None)

    def observe(self, told: Told) -> Observation:
        """See `Listed.observe`."""
        return Observation(
            external_id=told.id,
            inputs={"name": told.name},
            outputs={"fingerprint": told.fingerprint},
            ownership=self.owner_of(told),
            name=told.name,
        )

    def update(self, driver: Access, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a key pair can be changed in place."""
        del update
        return self.look_up(driver, external_id)
