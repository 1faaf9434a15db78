"""Networks and subnets: VPC networks in custom mode, with the route that leads out of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from orchestra.clouds import zoning
from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described, made_now, with_inputs
from orchestra.clouds.families.gce.rest import Item, last
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import InUseError
from orchestra.model.values import Plain
from orchestra.resources import network

NO_LABELS: Final = MappingProxyType({"labels": "Compute Engine has no labels on what networks are made of"})

_EVERYWHERE: Final = "0.0.0.0/0"
_OURS: Final = "-internet"
"""Ends the name of a default route that was made here."""
_GATEWAY: Final = "global/gateways/default-internet-gateway"


class NetworkCalls(Described):
    """A VPC network in custom mode. It has no range of its own: its subnets have, so ``cidr`` isn't told.

    Google makes each with a default route to the internet; without ``internet`` that is taken away again.
    """

    kind = "network.Network"
    resource = network.Network
    unsupported = NO_LABELS
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in the description; requestId"
    collection = "networks"
    set_later = ("internet",)

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        del drivers
        return "global/networks"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        body = {
            "description": marks.description(owner),
            "autoCreateSubnetworks": False,
            "routingConfig": {"routingMode": "REGIONAL"},
        }
        item = self.make(driver, self.home(driver), body, owner)
        with made_now(str(item["name"])):
            return self._bring_to(driver, item, inputs)

    def observe(self, drivers: Drivers, item: Item) -> Observation:
        """See `Described.observe`; without what the routes tell."""
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            inputs={"internet": False},
            ownership=marks.owner_of(item),
            name=str(item["name"]),
            comes_with="the project" if item["name"] == "default" else "",
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the routes of all of them are read together."""
        found = list(super().observations(drivers, items))
        reached = {drivers.places.place(str(route["network"])) for route in _ways_out(drivers)} if found else set()
        return (with_inputs(one, internet=one.external_id in reached) for one in found)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return self._bring_to(driver, self.item(driver, external_id), update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: a way out that was made later goes first, for Google deletes only its own with a network.

        Not while there are subnets: what is in them would lose its way out, and the network be kept.
        """
        left = self.item(driver, external_id).get("subnetworks") or ()
        if left:
            raise InUseError(
                f"network {external_id} still has subnets: {driver.places.place(str(left[0]))}", sent=False
            )
        for route in list(_ways_of(driver, external_id)):
            if str(route["name"]).endswith(_OURS):
                driver.change("DELETE", f"global/routes/{route['name']}")
        super().delete(driver, external_id)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        external_id = drivers.places.place(str(item["selfLink"]))
        if not inputs.flag("internet"):
            _close(drivers, external_id)
        elif not any(True for _ in _ways_of(drivers, external_id)):
            _open(drivers, item)
        return with_inputs(self.observe(drivers, item), internet=inputs.flag("internet"))


def _ways_out(drivers: Drivers) -> Iterator[Item]:
    """The default routes to the internet, of all networks."""
    routes = drivers.items("global/routes")
    return (
        route
        for route in routes
        if route.get("destRange") == _EVERYWHERE and last(str(route.get("nextHopGateway") or "")) == last(_GATEWAY)
    )


def _ways_of(drivers: Drivers, external_id: str) -> Iterator[Item]:
    return (route for route in _ways_out(drivers) if drivers.places.place(str(route["network"])) == external_id)


def _open(drivers: Drivers, item: Item) -> None:
    """Make a default route, under a name that is made from the network's: a second one is refused."""
    route = {
        "name": f"{str(item['name'])[:54].rstrip('-')}{_OURS}",
        "description": str(item.get("description") or ""),
        "network": drivers.url(str(item["selfLink"])),
        "destRange": _EVERYWHERE,
        "nextHopGateway": drivers.url(_GATEWAY),
        "priority": 1000,
    }
    drivers.change("POST", "global/routes", route)


def _close(drivers: Drivers, external_id: str) -> None:
    """Take the default routes of a network away."""
    for route in list(_ways_of(drivers, external_id)):
        drivers.change("DELETE", f"global/routes/{route['name']}")


class SubnetCalls(Described):
    """A subnetwork. Google's span all zones of a region: the one that servers in it run in stands in its description.

    One without ``public`` has Private Google Access, so that servers without a public address reach Google's APIs; that
    is how it is told, and what changes with it.
    """

    kind = "network.Subnet"
    resource = network.Subnet
    unsupported = NO_LABELS
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in the description; requestId"
    collection = "subnetworks"

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        return f"regions/{drivers.region}/subnetworks"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        body = {
            "description": marks.description(owner, zone=driver.zone(inputs.optional_text("zone"))),
            "network": driver.url(inputs.text("network")),
            "ipCidrRange": inputs.text("cidr"),
            "privateIpGoogleAccess": not inputs.flag("public"),
        }
        return self.observe(driver, self.make(driver, self.home(driver), body, owner))

    def observe(self, drivers: Drivers, item: Item) -> Observation:
        """See `Described.observe`."""
        zone = marks.marked(item).get("zone")
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            inputs={
                "network": drivers.places.place(str(item["network"])),
                "cidr": str(item["ipCidrRange"]),
                "public": is_public(item),
                **({"zone": zone} if zone else {}),
            },
            outputs={"available_zone": zone},
            ownership=marks.owner_of(item),
            name=str(item["name"]),
            comes_with="the project" if last(str(item["network"])) == "default" else "",
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        item = self.item(driver, external_id)
        wanted = update.after.flag("public")
        if is_public(item) != wanted:
            fields = {"privateIpGoogleAccess": not wanted}
            driver.change("POST", f"{external_id}/setPrivateIpGoogleAccess", fields)
        return with_inputs(self.observe(driver, item), public=wanted)

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return choose_zone(driver, wanted) if name == "zone" else super().choose(driver, name, wanted)


def is_public(item: Item) -> bool:
    """Whether servers in a subnetwork get a public address when they don't say."""
    return not item.get("privateIpGoogleAccess")


def zone_for(drivers: Drivers, subnet: Item) -> str:
    """The zone that servers in ``subnet`` run in: as it says, or else as the cloud does."""
    return drivers.zone(marks.marked(subnet).get("zone"))


def choose_zone(drivers: Drivers, wanted: Mapping[str, Plain]) -> str:
    """The zone of the region with the number that is wanted."""
    return zoning.zone(drivers.zones, wanted, f"region {drivers.region}")
