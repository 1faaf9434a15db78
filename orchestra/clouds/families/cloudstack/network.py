"""Networks and subnets: VPCs, and the tiers in them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds import zoning
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, labels_of, mark, title
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InUseError, InvalidRequestError
from orchestra.model.values import Plain

_INTERNET: Final = (True, "the router of a VPC leads outside, and a VPC has one")
_PUBLIC: Final = (False, "servers have no public address of their own here: lead a FloatingIp to each that needs one")


@attrs.frozen(kw_only=True)
class Offerings:
    """What networks are made of: names of offerings of the operator's, and of the list of rules of new subnets.

    None: of the VPC offerings the default one, of the subnets' the first by name that has no balancer for the internet,
    of which a VPC may have but one.
    """

    network: str | None = None
    subnet: str | None = None
    acl: str = "default_allow"


class NetworkCalls(Described):
    """A VPC."""

    kind = "network.Network"
    found_key = "displaytext"
    fixed = MappingProxyType({"internet": _INTERNET})
    listing: ClassVar[Listing] = Listing(
        command="listVPCs", key="vpc", remove="deleteVPC", marked="displaytext", tagged="Vpc"
    )

    def __init__(self, offerings: Offerings) -> None:
        self._offerings = offerings

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del inputs
        return {"displaytext": mark(owner)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. CloudStack takes no idempotency token, so what the token made is looked for first."""
        item = self.made(driver, owner, inputs)
        if item is not None:
            self.relabel(driver, item, inputs)
            return self.look_up(driver, str(item["id"]))
        content = driver.do(
            "createVPC",
            name=title(owner),
            displaytext=mark(owner),
            cidr=inputs.text("cidr"),
            vpcofferingid=self._offering(driver),
            **driver.place,
        )
        external_id = str(content["id"])
        driver.jobs.began(external_id, content)
        self.label(driver, external_id, inputs.labels())
        told: dict[str, Plain] = {"cidr": inputs.text("cidr"), "labels": {**inputs.labels()}}
        return Observation(
            external_id=external_id, status=Status.PENDING, inputs=told, detail="accepted", ownership=owner
        )

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`. One that is being deleted is Inactive, and stays so if that fails."""
        state = str(item["state"])
        return Observation(
            external_id=str(item["id"]),
            status=Status.READY if state == "Enabled" else Status.PENDING,
            inputs={"cidr": str(item["cidr"]), "internet": True, "labels": {**labels_of(item)}},
            detail=state,
            ownership=self.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)

    def check_unused(self, drivers: Drivers, item: Item) -> None:
        """See `Described.check_unused`."""
        if tiers := item.get("network"):
            raise InUseError(f"network {item['id']} has {len(tiers)} subnets")

    def _offering(self, drivers: Drivers) -> str:
        offered = list(drivers.items("listVPCOfferings", "vpcoffering", state="Enabled"))
        ordered = sorted(offered, key=lambda one: (not one.get("isdefault"), str(one["name"]), str(one["id"])))
        return _one_of(ordered, self._offerings.network, "VPC offering", "network_offering")


class SubnetCalls(Described):
    """A tier of a VPC."""

    kind = "network.Subnet"
    found_key = "displaytext, among the tiers of its VPC"
    fixed = MappingProxyType({"public": _PUBLIC})
    listing: ClassVar[Listing] = Listing(
        command="listNetworks",
        key="network",
        remove="deleteNetwork",
        marked="displaytext",
        tagged="Network",
        more=MappingProxyType({"forvpc": True}),
    )

    def __init__(self, offerings: Offerings) -> None:
        self._offerings = offerings

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del owner
        return {"vpcid": inputs.text("network")}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: what the token made is looked for first."""
        driver.check_zone(inputs.optional_text("zone"))
        item = self.made(driver, owner, inputs)
        if item is not None:
            self.relabel(driver, item, inputs)
            return self.look_up(driver, str(item["id"]))
        gateway, netmask = _range(inputs.text("cidr"))
        content = driver.do(
            "createNetwork",
            name=title(owner),
            displaytext=mark(owner),
            networkofferingid=self._offering(driver),
            vpcid=inputs.text("network"),
            gateway=gateway,
            netmask=netmask,
            aclid=self._acl(driver),
            **driver.place,
        )
        made = content["network"]
        self.label(driver, str(made["id"]), inputs.labels())
        return self.look_up(driver, str(made["id"]))

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`."""
        state = str(item["state"])
        if state == "Destroy" or not item.get("vpcid"):
            return None
        return Observation(
            external_id=str(item["id"]),
            status=Status.PENDING if state == "Implementing" else Status.READY,
            inputs={
                "network": str(item["vpcid"]),
                "cidr": str(item["cidr"]),
                "zone": str(item["zonename"]),
                "public": False,
                "labels": {**labels_of(item)},
            },
            outputs={"available_zone": str(item["zonename"])},
            detail=state,
            ownership=self.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)

    def check_unused(self, drivers: Drivers, item: Item) -> None:
        """See `Described.check_unused`. A server that is destroyed keeps its place in it until it is expunged."""
        servers = list(drivers.items("listVirtualMachines", "virtualmachine", networkid=str(item["id"])))
        if servers:
            states = ", ".join(sorted({str(one["state"]) for one in servers}))
            raise InUseError(f"subnet {item['id']} has {len(servers)} servers in it ({states})")

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: the zone is that of the cloud."""
        if name == "zone":
            return zoning.zone([driver.zone_name], wanted, "this cloud")
        return super().choose(driver, name, wanted)

    def _offering(self, drivers: Drivers) -> str:
        asked = {"forvpc": True, "guestiptype": "Isolated", "state": "Enabled", "zoneid": drivers.zone_id}
        offered = list(drivers.items("listNetworkOfferings", "networkoffering", **asked))
        ordered = sorted(offered, key=lambda one: (_balances(one), str(one["name"]), str(one["id"])))
        return _one_of(ordered, self._offerings.subnet, "network offering for VPCs", "subnet_offering")

    def _acl(self, drivers: Drivers) -> str:
        wanted = self._offerings.acl
        offered = drivers.items("listNetworkACLLists", "networkacllist", name=wanted)
        return _one_of([one for one in offered if one["name"] == wanted], wanted, "network ACL list", "network_acl")


def _balances(offering: Item) -> bool:
    return any(one.get("name") == "Lb" for one in offering.get("service") or ())


def _one_of(offered: Iterable[Item], wanted: str | None, what: str, argument: str) -> str:
    """The id of the first of ``offered``, or of the one that is called ``wanted``."""
    there = list(offered)
    for one in there:
        if wanted in (None, one["name"], str(one["id"])):
            return str(one["id"])
    names = ", ".join(str(one["name"]) for one in there) or "none"
    raise InvalidRequestError(
        f"no {what} is called {wanted!r}" if wanted else f"no {what} is offered",
        sent=False,
        remedy=f"give cloudstack({argument}=…), one of: {names}",
    )


def _range(cidr: str) -> tuple[str, str]:
    """Gateway and netmask of a range: the router has the first address."""
    network = ipaddress.ip_network(cidr)
    if network.version != 4 or network.num_addresses < 8:
        raise InvalidRequestError(f"{cidr} is no range that a tier of a VPC can have", sent=False)
    return str(network[1]), str(network.netmask)
