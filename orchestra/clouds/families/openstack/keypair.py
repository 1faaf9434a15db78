"""Key pairs. Their external id is their name: nova has no other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import tolerating
from orchestra.clouds.families.openstack.rest import Item
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, NotFoundError

_PATH: Final = "/os-keypairs"


class KeyPairCalls(Calls[Drivers]):
    """A public key. It can carry no tags, so it is found by its name; one of that name with another key isn't it."""

    kind = "compute.KeyPair"
    found_by = FoundBy.NATURAL_KEY
    found_key = "name and key"
    page = None

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a second one of the same name is refused, which is when the first is looked for."""
        fields = {"name": _name(inputs, owner), "public_key": inputs.text("public_key"), "type": "ssh"}
        try:
            return _told(driver.create("compute", _PATH, "keypair", fields))
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
        return _told(driver.item("compute", f"{_PATH}/{external_id}", "keypair"))

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by name and key. Without a token, as for a lost state, any made-up name will do."""
        if not owner.token and inputs.optional_text("name") is None:
            return next((one for one in self.everything(driver) if _is_for(one, owner, inputs)), None)
        with tolerating(NotFoundError):
            found = self.look_up(driver, _name(inputs, owner))
            if found.inputs["public_key"] == inputs.text("public_key"):
                return found
        return None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a key pair can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        driver.ask("compute", "DELETE", f"{_PATH}/{external_id}")

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return (_told(item["keypair"]) for item in driver.items("compute", _PATH, "keypairs"))


def _name(inputs: Inputs, owner: Ownership) -> str:
    return inputs.optional_text("name") or owner.name(255)


def _is_for(found: Observation, owner: Ownership, inputs: Inputs) -> bool:
    """Whether a key is that of ``inputs``, under a name made up for the address of ``owner``."""
    stem = owner.name(255).rstrip("-")
    return found.inputs["public_key"] == inputs.text("public_key") and bool(
        re.fullmatch(re.escape(stem) + "-[0-9a-f]{10}", found.external_id)
    )


def _told(item: Item) -> Observation:
    name = str(item["name"])
    return Observation(
        external_id=name,
        inputs={"name": name, "public_key": str(item["public_key"]).strip()},
        outputs={"fingerprint": str(item["fingerprint"])},
        name=name,
    )
