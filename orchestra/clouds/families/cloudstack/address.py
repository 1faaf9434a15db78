"""Floating addresses: public ones of a VPC, with static NAT to a server in it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds.families.cloudstack import acquiring
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, labels_of
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError, NotFoundError

_SOON: Final = 2.0
"""Seconds after which a small job is done."""


class FloatingIpCalls(Described):
    """A public address. One that its VPC leads outside with, or a balancer listens on, is told to come with that."""

    kind = "compute.FloatingIp"
    found_by = FoundBy.TAG
    found_key = "the tag orchestra:token; until it has that, its address in a tag of the VPC"
    required = MappingProxyType({"server": "an address is acquired for the VPC that its server is in"})
    listing: ClassVar[Listing] = Listing(
        command=acquiring.COMMAND,
        key=acquiring.KEY,
        remove="disassociateIpAddress",
        marked="",
        tagged="PublicIpAddress",
    )

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del inputs
        return {"tags[0].key": "orchestra:token", "tags[0].value": owner.token}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. What was begun under the token is gone on with, from wherever it broke off."""
        item = self.made(driver, owner, inputs)
        if item is None:
            tier = _tier(driver, inputs.text("server"))
            item = acquiring.acquire(driver, acquiring.vpc_of(driver, tier), owner)
        return self._bring_to(driver, str(item["id"]), inputs)

    def made(self, drivers: Drivers, owner: Ownership, inputs: Inputs) -> Item | None:
        """See `Described.made`."""
        for item in self.listed(drivers, **self.asked(owner, inputs)):
            found = self.owner_of(item)
            if found is not None and found.token == owner.token:
                return item
        return None

    def owner_of(self, item: Item) -> Ownership | None:
        """See `Described.owner_of`."""
        return Ownership.from_tags(acquiring.tags_of(item))

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`."""
        state = str(item["state"])
        if state == "Free":
            return None
        return Observation(
            external_id=str(item["id"]),
            status=Status.READY if state == "Allocated" else Status.PENDING,
            inputs={
                "server": str(item["virtualmachineid"]) if item.get("isstaticnat") else None,
                "labels": {**labels_of(item)},
            },
            outputs={"address": str(item["ipaddress"])},
            detail=state,
            ownership=None if acquiring.is_of_balancer(item) else self.owner_of(item),
            name=str(item["ipaddress"]),
            comes_with=_comes_with(item),
        )

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One that isn't marked yet, or leads nowhere yet, is pending."""
        found = super().search(driver, owner, inputs)
        if found is not None:
            if found.inputs["server"] != inputs.optional_text("server"):
                return attrs.evolve(found, status=Status.PENDING, detail="it doesn't lead to its server yet")
            return found
        if not inputs.optional_text("server"):
            return None
        vpc = acquiring.vpc_of(driver, _tier(driver, inputs.text("server")))
        item = acquiring.acquired(driver, vpc, owner)
        found = self.observe(driver, item) if item is not None else None
        return found and attrs.evolve(found, status=Status.PENDING, detail="it isn't marked yet", ownership=owner)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return self._bring_to(driver, external_id, update.after)

    def _bring_to(self, drivers: Drivers, external_id: str, inputs: Inputs) -> Observation:
        """Bring labels and server to those in ``inputs``. Between two servers it leads to none for a moment."""
        item = self.item(drivers, external_id)
        self.relabel(drivers, item, inputs)
        server = inputs.text("server")
        there = str(item["virtualmachineid"]) if item.get("isstaticnat") else None
        if there != server:
            tier = _tier(drivers, server)
            if str(acquiring.vpc_of(drivers, tier)["id"]) != str(item.get("vpcid")):
                raise InvalidRequestError(
                    f"address {item['ipaddress']} is of another VPC than the one that server {server} is in",
                    sent=False,
                    remedy="replace it: plan(replace=[…]) acquires one there",
                )
            if there is not None:
                content = drivers.do("disableStaticNat", ipaddressid=external_id)
                drivers.finished(content, f"address {item['ipaddress']} is being taken from its server", _SOON)
            drivers.do("enableStaticNat", ipaddressid=external_id, virtualmachineid=server, networkid=tier)
        return self.look_up(drivers, external_id)


def _comes_with(item: Item) -> str:
    """What an address goes with: its VPC, which leads outside by it, or the balancer that it was acquired for."""
    if item.get("issourcenat"):
        return str(item.get("vpcid") or item.get("associatednetworkid") or "a network")
    return "a balancer" if acquiring.is_of_balancer(item) else ""


def _tier(drivers: Drivers, server: str) -> str:
    """The network that a server is in."""
    for item in drivers.items("listVirtualMachines", "virtualmachine", id=server):
        for nic in sorted(item.get("nic") or (), key=lambda one: not one.get("isdefault")):
            return str(nic["networkid"])
    raise NotFoundError(f"server {server} isn't there, or is in no network")
