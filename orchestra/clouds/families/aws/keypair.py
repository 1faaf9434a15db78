"""Key pairs. Their external id is their name: that is what servers are made with."""

from __future__ import annotations

import base64
from typing import ClassVar
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing
from orchestra.clouds.families.aws.tags import tags_in, tags_of
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.resources.compute import KeyPair


class KeyPairCalls(Described):
    """A public key. The key itself isn't told: EC2 may tell it with another comment than it was given."""

    kind = "compute.KeyPair"
    resource = KeyPair
    found_by = FoundBy.TAG
    found_key = "orchestra:token; a second one of the name is refused"
    listing: ClassVar[Listing] = Listing(
        action="DescribeKeyPairs", container="keySet", id_filter="key-name", id_parameter="KeyName", size=0
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a second one of the same name is refused, which is when the first is looked for."""
        name = inputs.optional_text("name") or owner.name(255)
        try:
            answer = query.ec2(
                driver.ec2,
                "ImportKeyPair",
                {
                    "KeyName": name,
                    "PublicKeyMaterial": base64.b64encode(inputs.text("public_key").encode()).decode(),
                },
                query.tagged("key-pair", tags_of(owner, inputs)),
            )
        except Exception as error:
            return self.made_before(driver, owner, inputs, error)
        return _told(answer, owner)

    def observe(self, item: Element) -> Observation:
        """See `Described.observe`."""
        return _told(item, Ownership.from_tags(tags_in(item)))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a key pair can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        query.ec2(driver.ec2, "DeleteKeyPair", {"KeyName": external_id})


def _told(item: Element, owner: Ownership | None) -> Observation:
    name = query.text(item, "keyName")
    return Observation(
        external_id=name,
        inputs={"name": name},
        outputs={"fingerprint": query.text(item, "keyFingerprint")},
        ownership=owner,
        name=name,
    )
