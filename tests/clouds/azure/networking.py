"""Networks, security groups, interfaces and addresses of the imitation."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from tests.clouds.azure.arm import NETWORK, ROOT, AzureRefusal, Manager, Put
from tests.clouds.families.imitation import Request, recorded

_READ_ONLY: Final = ("provisioningState", "resourceGuid", "macAddress", "virtualMachine", "primary")
_INTERFACE: Final = ("networkSecurityGroup", "dnsSettings", "enableIPForwarding", *_READ_ONLY)


class Networking(Manager):
    """The types of Microsoft.Network."""

    def puts(self) -> Mapping[str, Put]:
        return {
            "virtualNetworks": self.put_network,
            "subnets": self.put_subnet,
            "networkSecurityGroups": self.put_group,
            "applicationSecurityGroups": self.put_application_group,
            "networkInterfaces": self.put_interface,
            "publicIPAddresses": self.put_address,
        }

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All of a type."""
        return [one for key, one in self.things.items() if f"/{kind.lower()}/" in key.rpartition("/")[0] + "/"]

    def etag(self) -> str:
        return f'W/"{self.number():012}"'

    def fresh(self, thing: dict[str, Any], there: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        thing["etag"] = self.etag()
        thing["properties"]["provisioningState"] = "Updating"
        return (200 if there else 201), thing

    def settle(self, thing: dict[str, Any]) -> None:
        super().settle(thing)
        for subnet in thing["properties"].get("subnets", ()):
            super().settle(subnet)

    # -- networks

    def put_network(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request)
        properties = self.properties(request, ["addressSpace"])
        if there is not None:
            self.faults.append("a network is put a second time: what is left out of it, its subnets, goes")
        network = recorded("azure", "virtualnetworks")["value"][0]
        network.update(location=body["location"], tags=body["tags"])
        network["properties"].update(**properties, subnets=[])
        return self.fresh(network, there)

    def put_subnet(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        self.check_body(request, needed=("properties",))
        properties = self.properties(request, ["addressPrefix"])
        network = self.known(identity.partition("/subnets/")[0])
        inside = network["properties"]
        if inside["provisioningState"] == "Updating":
            raise AzureRefusal(429, "AnotherOperationInProgress", "Another operation on this or dependent resource.")
        wanted = ipaddress.ip_network(properties["addressPrefix"])
        spaces = [ipaddress.ip_network(one) for one in inside["addressSpace"]["addressPrefixes"]]
        if not any(wanted.subnet_of(space) for space in spaces):  # type: ignore[arg-type]
            raise AzureRefusal(400, "NetcfgInvalidSubnet", f"Subnet is not valid in virtual network {network['name']}.")
        others = [one for one in inside["subnets"] if one["id"] != identity]
        if any(wanted.overlaps(ipaddress.ip_network(one["properties"]["addressPrefix"])) for one in others):
            raise AzureRefusal(400, "NetcfgSubnetRangesOverlap", "Subnet overlaps with another one.")
        subnet = {
            "id": identity,
            "name": identity.rpartition("/")[2],
            "properties": {**properties, "delegations": []},
            "type": f"{NETWORK}/virtualNetworks/subnets",
        }
        inside["subnets"] = [*others, subnet]
        return self.fresh(subnet, there)

    # -- security groups

    def put_application_group(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request)
        self.properties(request, [])
        return self.fresh({**body, "type": f"{NETWORK}/applicationSecurityGroups"}, there)

    def put_group(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request)
        properties = self.properties(request, ["securityRules"])
        rules = properties["securityRules"]
        places = [(one["properties"]["direction"], one["properties"]["priority"]) for one in rules]
        if len(set(places)) < len(places) or len({one["name"] for one in rules}) < len(rules):
            raise AzureRefusal(400, "SecurityRuleConflict", "two rules have one priority or name")
        for rule in rules:
            self.check_rule(rule["properties"])
        return self.fresh({**body, "properties": properties, "type": f"{NETWORK}/networkSecurityGroups"}, there)

    def check_rule(self, rule: dict[str, Any]) -> None:
        assert 100 <= rule["priority"] <= 4096, rule
        assert rule["access"] in ("Allow", "Deny"), rule
        assert rule["protocol"] in ("Tcp", "Udp", "Icmp", "*"), rule
        assert rule["sourcePortRange"] == "*", rule
        first, _, last = rule["destinationPortRange"].partition("-")
        assert first == "*" or 0 <= int(first) <= int(last or first) <= 65535, rule
        for end in ("source", "destination"):
            prefix, groups = rule.get(f"{end}AddressPrefix"), rule.get(f"{end}ApplicationSecurityGroups")
            assert (prefix is None) != (groups is None), rule
            for group in groups or ():
                self.known(group["id"])
            if prefix not in ("*", None):
                ipaddress.ip_network(prefix)

    # -- addresses and interfaces

    def put_address(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request, "sku", "zones")
        properties = self.properties(request, ["publicIPAllocationMethod", "publicIPAddressVersion"])
        assert body["sku"] == {"name": "Standard"}, body
        assert properties["publicIPAllocationMethod"] == "Static", body
        if there is not None:
            return self.fresh(there, there)
        address = recorded("azure", "publicIPAddress")
        del address["properties"]["ipConfiguration"], address["zones"]
        address.update({name: body[name] for name in body if name != "properties"})
        address["properties"].update(**properties, ipAddress=f"198.18.0.{self.number() % 250 + 2}")
        return self.fresh(address, there)

    def put_interface(self, request: Request, identity: str, there: Any) -> tuple[int, dict[str, Any]]:
        body = self.resource(request)
        properties = self.properties(request, ["ipConfigurations"], _INTERFACE)
        interface = there or recorded("azure", "networkInterface")
        if there is None:
            for name in ("virtualMachine", "primary"):
                del interface["properties"][name]
        (inside,) = properties["ipConfigurations"]
        self.connect(identity, inside["properties"])
        if (group := properties.get("networkSecurityGroup")) is not None:
            self.known(group["id"])
        interface["properties"].pop("networkSecurityGroup", None)
        kept = {name: value for name, value in properties.items() if name not in _READ_ONLY}
        inside["properties"].setdefault("privateIPAddress", f"10.0.1.{self.number() % 250 + 4}")
        interface.update(location=body["location"], tags=body["tags"])
        interface["properties"].update(kept, provisioningState="Succeeded")
        interface["etag"] = self.etag()
        return (200 if there else 201), interface

    def connect(self, identity: str, inside: dict[str, Any]) -> None:
        """Check what an address of an interface refers to, and let the public one lead here."""
        self.known(inside["subnet"]["id"])
        for group in inside.get("applicationSecurityGroups") or ():
            self.known(group["id"])
        place = f"{identity}/ipConfigurations/primary"
        wanted = inside.get("publicIPAddress")
        for one in self.of("publicIPAddresses"):
            if one["properties"].get("ipConfiguration") == {"id": place}:
                del one["properties"]["ipConfiguration"]
        if wanted is None:
            return
        address = self.known(wanted["id"])
        if address["properties"]["provisioningState"] != "Succeeded":
            raise AzureRefusal(429, "ReferencedResourceNotProvisioned", f"{wanted['id']} is not in Succeeded state.")
        if address["properties"].get("ipConfiguration"):
            raise AzureRefusal(400, "PublicIPAddressInUse", f"{wanted['id']} is already allocated to another resource.")
        address["properties"]["ipConfiguration"] = {"id": place}

    def told(self, thing: dict[str, Any]) -> dict[str, Any]:
        """See `Manager.told`: of an interface without what was said of its public address, as Azure may tell it."""
        told = copy.deepcopy(super().told(thing))
        for inside in told["properties"].get("ipConfigurations", ()):
            if "publicIPAddress" in inside["properties"]:
                inside["properties"]["publicIPAddress"].pop("properties", None)
        return told

    # -- deleting

    def removed(self, thing: dict[str, Any]) -> bool:
        identity, kind = thing["id"].lower(), thing["type"].rpartition("/")[2]
        used = str([one for one in self.things.values() if one is not thing]).lower()
        if kind == "networkInterfaces" and thing["properties"].get("virtualMachine"):
            raise AzureRefusal(400, "NicInUse", f"Network Interface {identity} is used by existing resource.")
        if kind == "publicIPAddresses" and thing["properties"].get("ipConfiguration"):
            raise AzureRefusal(
                400, "PublicIPAddressCannotBeDeleted", f"Public IP address {identity} can not be deleted."
            )
        if kind == "networkSecurityGroups" and f"'{identity}'" in used:
            raise AzureRefusal(400, "InUseNetworkSecurityGroupCannotBeDeleted", f"{identity} is in use.")
        if kind == "applicationSecurityGroups" and f"'{identity}'" in used:
            raise AzureRefusal(400, "InUseApplicationSecurityGroupCannotBeDeleted", f"{identity} is in use.")
        if kind == "subnets" and any(f"'{identity}'" in str(one).lower() for one in self.of("networkInterfaces")):
            raise AzureRefusal(400, "InUseSubnetCannotBeDeleted", f"Subnet {thing['name']} is in use.")
        return True

    def gone(self, thing: dict[str, Any]) -> None:
        if thing["type"].endswith("/subnets"):
            inside = self.known(thing["id"].partition("/subnets/")[0])["properties"]
            inside["subnets"] = [one for one in inside["subnets"] if one["id"] != thing["id"]]
        if thing["type"].endswith("/virtualNetworks"):
            for key in [key for key in self.things if key.startswith(f"{thing['id'].lower()}/subnets/")]:
                del self.things[key]
        if thing["type"].endswith("/networkInterfaces"):
            for inside in thing["properties"]["ipConfigurations"]:
                self.release(inside["properties"].get("publicIPAddress") or {})

    def release(self, used: dict[str, Any]) -> None:
        """What becomes of a public address when its interface goes with the machine, or alone."""
        address = self.things.get(str(used.get("id", "")).lower())
        if address is not None:
            address["properties"].pop("ipConfiguration", None)
            if (used.get("properties") or {}).get("deleteOption") == "Delete":
                del self.things[address["id"].lower()]


def path(kind: str, name: str = "") -> str:
    """Where something is."""
    return f"{ROOT}/providers/{kind}/{name}".rstrip("/")
