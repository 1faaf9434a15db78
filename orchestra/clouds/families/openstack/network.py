"""Networks and subnets of neutron's, and the router that leads out of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds.base.marks import marked, owner_in, with_more
from orchestra.clouds.families.openstack import ports, rest, routers
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import Listing, Networked, chunks
from orchestra.clouds.families.openstack.ownership import labels_in_tags, mark, title
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import NotReadyError
from orchestra.resources import network

_STATUSES: Final = MappingProxyType({"BUILD": Status.PENDING, "ERROR": Status.FAILED})


class NetworkCalls(Networked):
    """A network; with ``internet``, a router with a gateway belongs to it, and leads into each of its subnets.

    So one that doesn't lead into a subnet shows as ``internet=False``, and the next plan lets it in. Neutron knows no
    range of a network.
    """

    kind = "network.Network"
    resource = network.Network
    found_by = FoundBy.TAG
    found_key = "description"
    set_later = ("internet", "labels")
    listing: ClassVar[Listing] = Listing(service="network", path="/v2.0/networks", many="networks", one="network")

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. A network takes no idempotency token, so what the token made is looked for first."""
        item = next(self.listed(driver, self.asked(driver, owner, inputs)), None)
        if item is None:
            fields = {"name": title(owner), "description": mark(owner)}
            item = driver.create("network", self.listing.path, "network", fields)
        return self._bring_to(driver, item, inputs)

    def observe(self, item: Item) -> Observation:
        """See `Described.observe`."""
        return Observation(
            external_id=str(item["id"]),
            status=_STATUSES.get(str(item["status"]), Status.READY),
            inputs={"internet": False, "labels": labels_in_tags(item)},
            detail=str(item["status"]),
            ownership=owner_in(item.get("description")),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the routers of all of them are read together."""
        for chunk in chunks(items):
            reached = routers.with_internet(drivers, [str(item["id"]) for item in chunk])
            for item in chunk:
                found = self.observe(item)
                yield attrs.evolve(found, inputs={**found.inputs, "internet": found.external_id in reached})

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return self._bring_to(driver, self.item(driver, external_id), update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: its router goes first, for nothing else tells that it was made for this network."""
        routers.close_way(driver, external_id)
        super().delete(driver, external_id)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        """Bring tags and router to what is in ``inputs``."""
        self.relabel(drivers, item, inputs)
        external_id = str(item["id"])
        if inputs.flag("internet"):
            routers.open_way(drivers, external_id, str(item.get("description") or ""))
        else:
            routers.close_way(drivers, external_id)
        return self.look_up(drivers, external_id)


class SubnetCalls(Networked):
    """A subnet. Neutron's have no zone: the one that servers in it run in stands in its description."""

    kind = "network.Subnet"
    resource = network.Subnet
    found_by = FoundBy.TAG
    found_key = "description, among those of its network"
    set_later = ("labels",)
    listing: ClassVar[Listing] = Listing(service="network", path="/v2.0/subnets", many="subnets", one="subnet")

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`: its description holds what may change, so those of the network are looked through."""
        del driver, owner
        return {"network_id": inputs.text("network")}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first; then the router of the network comes in."""
        item = next((one for one in self.listed(driver, self.asked(driver, owner, inputs)) if _is_of(one, owner)), None)
        if item is None:
            zone = inputs.optional_text("zone") or _first_zone(driver)
            cidr = inputs.text("cidr")
            fields = {
                "network_id": inputs.text("network"),
                "cidr": cidr,
                "ip_version": 6 if ":" in cidr else 4,
                "name": title(owner),
                "description": mark(owner, zone=zone, public=_word(inputs.flag("public"))),
            }
            item = driver.create("network", self.listing.path, "subnet", fields)
        self.relabel(driver, item, inputs)
        routers.connect(driver, item)
        return self.look_up(driver, str(item["id"]))

    def observe(self, item: Item) -> Observation:
        """See `Described.observe`."""
        told = marked(item.get("description"))
        return Observation(
            external_id=str(item["id"]),
            inputs={
                "network": str(item["network_id"]),
                "cidr": str(item["cidr"]),
                "public": is_public(item),
                "labels": labels_in_tags(item),
                **({"zone": told["zone"]} if "zone" in told else {}),
            },
            outputs={"available_zone": told.get("zone")},
            ownership=owner_in(item.get("description")),
            name=str(item["name"]),
        )

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One that the network's router doesn't lead into yet is pending."""
        found = super().search(driver, owner, inputs)
        if found is None or found.status is not Status.READY:
            return found
        router = routers.own_router(driver, inputs.text("network"))
        if router is None or list(routers.interfaces(driver, found.external_id)):
            return found
        return attrs.evolve(found, status=Status.PENDING, detail="the router doesn't lead into it yet")

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. What its creation left out is made up for."""
        item = self.item(driver, external_id)
        self.relabel(driver, item, update.after)
        routers.connect(driver, item)
        description = with_more(item.get("description"), public=_word(update.after.flag("public")))
        if description != item.get("description"):
            path = f"{self.listing.path}/{external_id}"
            driver.change("network", "PUT", path, "subnet", {"description": description})
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: routers leave it first, and what servers left in it goes; else neutron keeps it."""
        for port in list(driver.items("network", "/v2.0/ports", "ports", {"fixed_ips": f"subnet_id={external_id}"})):
            if ports.is_left(port):
                ports.remove(driver, port)
            elif routers.is_interface(port):
                routers.leave(driver, str(port["device_id"]), external_id)
        super().delete(driver, external_id)


def is_public(item: Item) -> bool:
    """Whether servers in a subnet get a public address when they don't say: not in one that orchestra didn't make."""
    return marked(item.get("description")).get("public") == _word(True)


def _word(flag: bool) -> str:
    return "yes" if flag else "no"


def _is_of(item: Item, owner: Ownership) -> bool:
    found = owner_in(item.get("description"))
    return found is not None and found.token == owner.token


def _first_zone(drivers: Drivers) -> str:
    """The first zone that takes servers, by name: what the cloud would pick must stay, so it is picked once."""
    zones = rest.document(drivers.ask("compute", "GET", "/os-availability-zone"), "availabilityZoneInfo")
    names = sorted(str(one["zoneName"]) for one in zones if one["zoneState"]["available"])
    if not names:
        raise NotReadyError("no availability zone takes servers now", remedy="give Subnet(zone=…), or try again later")
    return names[0]
