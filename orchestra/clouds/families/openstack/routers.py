"""The way from a network to the outside: a router of its own, named after the network, with a gateway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from orchestra.clouds.base.marks import owner_in
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import tolerating
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.errors import ConflictError, InUseError, NotFoundError

_ROUTERS: Final = "/v2.0/routers"
_SUBNETS: Final = "/v2.0/subnets"
_PORTS: Final = "/v2.0/ports"
_INTERFACES: Final = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)
"""What neutron says of the ports that routers have in a subnet, after how the router is made."""


def _name(network: str) -> str:
    return f"orchestra-{network}"


def with_internet(drivers: Drivers, networks: Sequence[str]) -> set[str]:
    """Those of ``networks`` that a router with a gateway belongs to or leads into.

    The one that belongs to a network must lead into every subnet that orchestra made in it, else the network isn't
    among them: whoever made such a subnet died before the second request, or somebody took the router out.
    """
    if not networks:
        return set()
    routers = drivers.items("network", _ROUTERS, "routers", {"project_id": drivers.project})
    outward = [one for one in routers if one.get("external_gateway_info")]
    named, ids = {str(one["name"]) for one in outward}, {str(one["id"]) for one in outward}
    owning = [one for one in networks if _name(one) in named]
    subnets = _to_be_entered(drivers, owning)  # before the ports: a subnet that is made meanwhile is no gap
    inside = list(_ports(drivers, {"network_id": list(networks), "device_owner": list(_INTERFACES)}))
    entered = {address["subnet_id"] for port in inside for address in port.get("fixed_ips") or ()}
    led = {str(port["network_id"]) for port in inside if port["device_id"] in ids}
    gaps = {str(one["network_id"]) for one in subnets if one["id"] not in entered}
    return (led | {*owning}) - gaps


def _to_be_entered(drivers: Drivers, networks: Sequence[str]) -> list[Item]:
    """The subnets of ``networks`` that their routers should lead into: of what others made in them nothing is asked."""
    if not networks:
        return []
    subnets = drivers.items("network", _SUBNETS, "subnets", {"network_id": list(networks)})
    return [one for one in subnets if one.get("gateway_ip") and owner_in(one.get("description")) is not None]


def own_router(drivers: Drivers, network: str) -> Item | None:
    """The router that was made for ``network``."""
    asked = {"name": _name(network), "project_id": drivers.project}
    return next(iter(drivers.items("network", _ROUTERS, "routers", asked)), None)


def open_way(drivers: Drivers, network: str, description: str) -> None:
    """Make, or finish, the way out: the router, its gateway, and its interfaces in all subnets that name a gateway."""
    router = own_router(drivers, network)
    if router is None:
        gateway = {"network_id": drivers.external_network}
        fields = {"name": _name(network), "description": description, "external_gateway_info": gateway}
        router = drivers.create("network", _ROUTERS, "router", fields)
    finish_way(drivers, network, router)


def finish_way(drivers: Drivers, network: str, router: Item) -> None:
    """Give the router of ``network`` what it lacks of gateway and interfaces."""
    if not router.get("external_gateway_info"):
        fields = {"external_gateway_info": {"network_id": drivers.external_network}}
        drivers.change("network", "PUT", f"{_ROUTERS}/{router['id']}", "router", fields)
    for subnet in drivers.items("network", _SUBNETS, "subnets", {"network_id": network}):
        if subnet.get("gateway_ip"):
            enter(drivers, str(router["id"]), str(subnet["id"]))


def close_way(drivers: Drivers, network: str) -> None:
    """Take the way out away: interfaces, then the router with its gateway. A router of somebody else's stays."""
    router = own_router(drivers, network)
    if router is None:
        return
    for port in _ports(drivers, {"device_id": str(router["id"]), "device_owner": list(_INTERFACES)}):
        for address in port.get("fixed_ips") or ():
            leave(drivers, str(router["id"]), str(address["subnet_id"]))
    with tolerating(NotFoundError):
        drivers.ask("network", "DELETE", f"{_ROUTERS}/{router['id']}")


def connect(drivers: Drivers, subnet: Item) -> None:
    """Let the router of its network, if there is one, into a subnet that names a gateway."""
    router = own_router(drivers, str(subnet["network_id"])) if subnet.get("gateway_ip") else None
    if router is not None:
        enter(drivers, str(router["id"]), str(subnet["id"]))


def enter(drivers: Drivers, router: str, subnet: str) -> None:
    """Give the router an interface in a subnet, unless it has one."""
    if not list(interfaces(drivers, subnet)):
        with tolerating(ConflictError, InUseError):  # somebody else's call was faster
            drivers.ask("network", "PUT", f"{_ROUTERS}/{router}/add_router_interface", body={"subnet_id": subnet})


def is_interface(port: Item) -> bool:
    """Whether a port is a router's, in a subnet that it leads into."""
    return port["device_owner"] in _INTERFACES


def interfaces(drivers: Drivers, subnet: str) -> Iterator[Item]:
    """The ports that routers have in a subnet."""
    return _ports(drivers, {"fixed_ips": f"subnet_id={subnet}", "device_owner": list(_INTERFACES)})


def leave(drivers: Drivers, router: str, subnet: str) -> None:
    """Take a router out of a subnet: that can't be deleted before."""
    with tolerating(NotFoundError):
        drivers.ask("network", "PUT", f"{_ROUTERS}/{router}/remove_router_interface", body={"subnet_id": subnet})


def _ports(drivers: Drivers, asked: Query) -> Iterator[Item]:
    return drivers.items("network", _PORTS, "ports", asked)
