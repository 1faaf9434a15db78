"""Floating addresses: elastic IPs. Their external id is the allocation id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar
from xml.etree.ElementTree import Element

from orchestra.clouds.families.aws import query
from orchestra.clouds.families.aws.connecting import Drivers
from orchestra.clouds.families.aws.described import Described, Listing, tolerating
from orchestra.clouds.families.aws.finishing import just_made
from orchestra.clouds.families.aws.tags import labels_of, name_in, relabel, tags_in, tags_of
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import NotFoundError
from orchestra.resources.compute import FloatingIp


class FloatingIpCalls(Described):
    """An elastic IP."""

    kind = "compute.FloatingIp"
    resource = FloatingIp
    found_by = FoundBy.TAG
    found_key = "orchestra:token"
    set_later = ("server",)
    listing: ClassVar[Listing] = Listing(
        action="DescribeAddresses",
        container="addressesSet",
        id_filter="allocation-id",
        id_parameter="AllocationId",
        size=0,
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. An address takes no idempotency token, so what the token made is looked for first."""
        found = self.search(driver, owner, inputs)
        if found is None:
            tags = tags_of(owner, inputs)
            answer = query.ec2(driver.ec2, "AllocateAddress", {"Domain": "vpc"}, query.tagged("elastic-ip", tags))
            found = _told(answer, tags)
        with just_made(f"floating address {found.external_id}"):
            return self._lead(driver, found, inputs)

    def observe(self, item: Element) -> Observation:
        """See `Described.observe`."""
        return _told(item, tags_in(item))

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        relabel(driver, external_id, tags_in(_item(driver, external_id)), update.after)
        return self._lead(driver, self.look_up(driver, external_id), update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: EC2 keeps an address that still leads somewhere."""
        _disassociate(driver, _item(driver, external_id))
        query.ec2(driver.ec2, "ReleaseAddress", {"AllocationId": external_id})

    def _lead(self, drivers: Drivers, now: Observation, inputs: Inputs) -> Observation:
        """Let it lead to the server in ``inputs``, or to none."""
        server = inputs.optional_text("server")
        if server == now.inputs["server"]:
            return now
        if server:
            query.ec2(
                drivers.ec2,
                "AssociateAddress",
                {"AllocationId": now.external_id, "InstanceId": server, "AllowReassociation": "true"},
            )
        else:
            _disassociate(drivers, _item(drivers, now.external_id))
        return self.look_up(drivers, now.external_id)


def _told(item: Element, tags: Mapping[str, str]) -> Observation:
    return Observation(
        external_id=query.text(item, "allocationId"),
        inputs={"server": query.text(item, "instanceId") or None, "labels": labels_of(tags)},
        outputs={"address": query.text(item, "publicIp")},
        ownership=Ownership.from_tags(tags),
        name=name_in(tags),
    )


def _item(drivers: Drivers, allocation: str) -> Element:
    asked = query.numbered("AllocationId", [allocation])
    for item in query.ec2_items(drivers.ec2, "DescribeAddresses", "addressesSet", asked):
        return item
    raise NotFoundError(f"floating address {allocation} isn't there any more")


def _disassociate(drivers: Drivers, item: Element) -> None:
    association = query.text(item, "associationId")
    if association:
        with tolerating(NotFoundError):
            query.ec2(drivers.ec2, "DisassociateAddress", {"AssociationId": association})
