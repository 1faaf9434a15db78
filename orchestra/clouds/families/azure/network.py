"""Virtual networks, and the subnets in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from orchestra.clouds.base.tolerance import if_there
from orchestra.clouds.families.azure import choosing, rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described, state_of
from orchestra.clouds.families.azure.ids import name_in
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import labels_in, owner_in, tags_of
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import ConflictError, InUseError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources import network


class NetworkCalls(Described):
    """A virtual network.

    It is never put a second time, nor with other labels: what is left out of it then, such as its subnets, goes.
    """

    kind = "network.Network"
    resource = network.Network
    azure_type = rest.NETWORK
    fixed = MappingProxyType(
        {
            "internet": (
                True,
                "every virtual network has a system route to the internet; a Firewall's egress closes it",
            )
        }
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`."""
        found = self.made_before(driver, owner)
        if found is not None:
            return found
        body = {
            "location": driver.region,
            "tags": tags_of(owner, inputs.labels()),
            "properties": {"addressSpace": {"addressPrefixes": [inputs.text("cidr")]}},
        }
        return self.observe(driver, driver.put(driver.ids.of(self.azure_type, self.name_for(owner)), body))

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`."""
        status, word = state_of(item)
        return Observation(
            external_id=driver.ids.told(item["id"]),
            status=status,
            inputs={
                "cidr": ", ".join(item["properties"]["addressSpace"]["addressPrefixes"]),
                "labels": labels_in(item),
            },
            detail=word,
            ownership=owner_in(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels."""
        self.relabel(driver, driver.get(external_id), external_id, update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. Refused while there are subnets in it: Azure would delete them too."""
        subnets = driver.get(external_id)["properties"].get("subnets") or ()
        if subnets:
            names = ", ".join(sorted(str(one["name"]) for one in subnets))
            raise InUseError(f"network {name_in(external_id)} has the subnets {names}")
        super().delete(driver, external_id)


_ZONE: Final = re.compile(r".*-az(\d+)")
_SUBNETS: Final = "/subnets/"


class SubnetCalls(Calls[Drivers]):
    """A subnet. It has no tags, so its name carries what is needed: a part of the token, and the zone for servers.

    Azure's subnets are in all zones of the region. One of several subnets of a network is changed at a time.
    """

    kind = "network.Subnet"
    page = None
    found_by = FoundBy.NAME
    found_key = "network, and name made from the token"
    unsupported = MappingProxyType({"labels": "Azure's subnets have no tags"})
    fixed = MappingProxyType(
        {"public": (True, "Azure's subnets have no such setting; a server says public_address=False itself")}
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: its name is made from the token; one of that name with another range isn't it."""
        external_id = f"{inputs.text('network')}{_SUBNETS}{_subnet_name(inputs, owner)}"
        there = if_there(lambda: self.look_up(driver, external_id))
        if there is not None and there.inputs["cidr"] != inputs.text("cidr"):
            raise ConflictError(f"subnet {name_in(external_id)} is there already, with another range")
        if there is not None:
            return there
        body = {"properties": {"addressPrefix": inputs.text("cidr")}}
        return _subnet(driver, driver.put(external_id, body))

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: networks tell of their subnets."""
        wanted = {one.lower(): one for one in ids}
        if len(wanted) < 2:
            return
        for found in self._all(driver, everywhere=True):
            if found.external_id.lower() in wanted:
                yield found

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        if driver.ids.type_of(external_id) != rest.SUBNET:
            raise NotFoundError(f"{external_id!r} is no id of a subnet", sent=False)
        return _subnet(driver, driver.get(external_id))

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by network and name. Without a token, as for a lost state, by range and address."""
        if owner.token:
            external_id = f"{inputs.text('network')}{_SUBNETS}{_subnet_name(inputs, owner)}"
            found = self.look_up(driver, external_id)
            return found if found.inputs["cidr"] == inputs.text("cidr") else None
        name = re.compile(re.escape(owner.name(_LONGEST).rstrip("-")) + r"-[0-9a-f]{10}(-az\d+)?")
        wanted = (inputs.text("network").lower(), inputs.text("cidr"))
        for found in self._all(driver, everywhere=True):
            told = (str(found.inputs["network"]).lower(), found.inputs["cidr"])
            if told == wanted and name.fullmatch(found.name):
                return found
        return None

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: no input of a subnet can be changed in place."""
        del update
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`."""
        if driver.ids.type_of(external_id) == rest.SUBNET:
            driver.delete(external_id)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return self._all(driver, everywhere=False)

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`."""
        return choosing.zone(driver, wanted) if name == "zone" else super().choose(driver, name, wanted)

    def _all(self, driver: Drivers, *, everywhere: bool) -> Iterator[Observation]:
        for item in driver.listed(rest.NETWORK):
            if everywhere or driver.is_here(item):
                yield from (_subnet(driver, one) for one in item["properties"].get("subnets") or ())


_LONGEST: Final = 72
"""Characters of a subnet's name without its zone: 80 may be in it all in all."""


def _subnet_name(inputs: Inputs, owner: Ownership) -> str:
    zone = inputs.optional_text("zone")
    return owner.name(_LONGEST) + (f"-az{zone}" if zone else "")


def zone_of(subnet: str) -> str | None:
    """The zone that servers in the subnet with this id are made in; None for any."""
    found = _ZONE.fullmatch(subnet.lower())
    return found[1] if found else None


def _subnet(drivers: Drivers, item: Item) -> Observation:
    external_id = drivers.ids.told(item["id"])
    status, word = state_of(item)
    properties, zone = item["properties"], zone_of(external_id)
    prefixes = [properties["addressPrefix"]] if properties.get("addressPrefix") else properties["addressPrefixes"]
    return Observation(
        external_id=external_id,
        status=status,
        inputs={
            "network": external_id.rpartition(_SUBNETS)[0],
            "cidr": ", ".join(prefixes),
            **({"zone": zone} if zone else {}),
        },
        outputs={"available_zone": zone or drivers.region},
        detail=word,
        name=name_in(external_id),
    )
