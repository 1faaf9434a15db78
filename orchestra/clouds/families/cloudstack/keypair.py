"""Key pairs. Their external id is their name: servers are made with that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestra.clouds.base.compute.objects import fingerprint
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, NotFoundError


class KeyPairCalls(Calls[Drivers]):
    """A public key. It has but a name, so it is found by that; one of that name with another key isn't it.

    The key isn't told, but its fingerprint is.
    """

    kind = "compute.KeyPair"
    found_by = FoundBy.NATURAL_KEY
    found_key = "name and fingerprint"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a second one of the same name is refused, which is when the first is looked for."""
        fields = {"name": _name(inputs, owner), "publickey": inputs.text("public_key"), "projectid": driver.project}
        try:
            return _told(driver.do("registerSSHKeyPair", **fields)["keypair"])
        except Exception as error:
            found = self.search(driver, owner, inputs) if isinstance(translate(error), ConflictError) else None
            if found is None:
                raise
            return found

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return (found for found in self.everything(driver) if found.external_id in ids)

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        for item in driver.items("listSSHKeyPairs", "sshkeypair", name=external_id):
            if item["name"] == external_id:
                return _told(item)
        raise NotFoundError(f"there is no key pair {external_id}")

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name and key. Without a token, as for a lost state, any made-up name will do."""
        wanted = fingerprint(inputs.text("public_key"))
        if not owner.token and inputs.optional_text("name") is None:
            stem = re.escape(owner.name(255).rstrip("-")) + "-[0-9a-f]{10}"
            names = (one for one in self.everything(driver) if re.fullmatch(stem, one.external_id))
            return next((one for one in names if one.outputs["fingerprint"] == wanted), None)
        found = self.look_up(driver, _name(inputs, owner))
        return found if found.outputs["fingerprint"] == wanted else None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a key pair can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        self.look_up(driver, external_id)
        driver.do("deleteSSHKeyPair", name=external_id, projectid=driver.project)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return (_told(item) for item in driver.items("listSSHKeyPairs", "sshkeypair"))


def _name(inputs: Inputs, owner: Ownership) -> str:
    return inputs.optional_text("name") or owner.name(255)


def _told(item: Item) -> Observation:
    name = str(item["name"])
    return Observation(
        external_id=name, inputs={"name": name}, outputs={"fingerprint": str(item["fingerprint"])}, name=name
    )
