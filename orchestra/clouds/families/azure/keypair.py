"""Key pairs: public SSH keys, as resources of Azure's.

https://learn.microsoft.com/en-us/rest/api/compute/ssh-public-keys
"""

from __future__ import annotations

from orchestra.clouds.base.compute.objects import sha256_fingerprint
from orchestra.clouds.base.tolerance import if_there
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import owner_in, tags_of
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.resources.compute import KeyPair


class KeyPairCalls(Described):
    """A public key. Azure tells no fingerprint of it: that is made here, in OpenSSH's form."""

    kind = "compute.KeyPair"
    resource = KeyPair
    azure_type = rest.KEY
    found_by = FoundBy.TAG
    found_key = "the tag orchestra:token, of the key of its name"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: refused if there is one of that name that isn't from the token."""
        found = self.search(driver, owner, inputs)
        if found is not None:
            return found
        body = {
            "location": driver.region,
            "tags": tags_of(owner),
            "properties": {"publicKey": inputs.text("public_key")},
        }
        return self.observe(driver, driver.put(self._id(driver, owner, inputs), body))

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`."""
        key = str(item["properties"].get("publicKey") or "").strip()
        return Observation(
            external_id=driver.ids.told(item["id"]),
            inputs={"name": str(item["name"]), "public_key": key},
            outputs={"fingerprint": sha256_fingerprint(key)},
            ownership=owner_in(item),
            name=str(item["name"]),
        )

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name."""
        found = if_there(lambda: self.look_up(driver, self._id(driver, owner, inputs)))
        return found and self._owned(found, owner)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a key pair can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def _id(self, drivers: Drivers, owner: Ownership, inputs: Inputs) -> str:
        return drivers.ids.of(self.azure_type, inputs.optional_text("name") or self.name_for(owner))
