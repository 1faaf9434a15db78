"""The ports of servers, and the public addresses on them.

A server's port is made before it, because nova can't be told which of a network's subnets to use. It carries the
owner of the server in its description, and goes with the server. If somebody else deletes the server, nova leaves the
port: it goes when a server is made for the same address, or with its subnet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from orchestra.clouds.base.marks import marked, owner_in
from orchestra.clouds.families.openstack import routers
from orchestra.clouds.families.openstack.connecting import NO_OUTSIDE, Drivers
from orchestra.clouds.families.openstack.described import tolerating
from orchestra.clouds.families.openstack.ownership import mark, title
from orchestra.clouds.families.openstack.rest import Item
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Ownership
from orchestra.errors import NotFoundError

_PORTS: Final = "/v2.0/ports"
_ADDRESSES: Final = "/v2.0/floatingips"
_FEW: Final = 100
"""What belongs to up to so many is asked for by their ids; beyond that, all of the project is read."""
_NO_GATEWAY: Final = "ExternalGatewayForFloatingIPNotFound"


@attrs.frozen
class Place:
    """Where a server is in its network: port, subnet, addresses, and what guards it."""

    port: str
    subnet: str
    private: str | None
    firewalls: Sequence[str]
    public: str | None


def find_ports(drivers: Drivers, owner: Ownership) -> tuple[Item | None, list[Item]]:
    """The port that was made for the server of ``owner``, and those that earlier ones of its address left behind."""
    own, left = None, []
    for port in drivers.items("network", _PORTS, "ports", {"name": title(owner), "project_id": drivers.project}):
        found = owner_in(port.get("description"))
        if found == owner:
            own = port
        elif is_left(port) and found is not None and (found.deployment, found.address) == _place_of(owner):
            left.append(port)
    return own, left


def is_left(port: Item) -> bool:
    """Whether a port was made for a server and belongs to none."""
    return owner_in(port.get("description")) is not None and not port["device_id"]


def _place_of(owner: Ownership) -> tuple[str, str]:
    return owner.deployment, owner.address


def make_port(drivers: Drivers, subnet: Item, inputs: Inputs, owner: Ownership) -> Item:
    """A port in ``subnet`` for a server. Without firewalls neutron puts its default group on it."""
    groups = inputs.texts("firewalls")
    fields = {
        "network_id": subnet["network_id"],
        "fixed_ips": [{"subnet_id": subnet["id"]}],
        "name": title(owner),
        "description": mark(owner),
        **({"security_groups": groups} if groups else {}),
    }
    return drivers.create("network", _PORTS, "port", fields)


def guard(drivers: Drivers, port: str, firewalls: Sequence[str]) -> None:
    """Put ``firewalls`` on a port; the default group if there are none."""
    groups = list(firewalls) or [drivers.default_firewall]
    drivers.change("network", "PUT", f"{_PORTS}/{port}", "port", {"security_groups": groups})


def told_firewalls(drivers: Drivers, groups: Sequence[str]) -> list[str]:
    """The groups of a port as the kind has them: none if it is but the default one, which is put on what has none."""
    return [] if list(groups) == [drivers.default_firewall] else sorted(groups)


def publish(drivers: Drivers, port: Item, owner: Ownership, *, needed: bool) -> str | None:
    """Give a port a public address that goes with its server, and return it.

    Where no way leads out there is none, which is an error only if it is ``needed``. One that should be there and
    isn't whole is finished first: else a server would go without its address for good.
    """
    try:
        return _publish(drivers, port, owner)
    except Exception as error:
        code = translate(error).code
        network = str(port["network_id"])
        router = routers.own_router(drivers, network) if code == _NO_GATEWAY else None
        if router is None:
            if needed or code not in (_NO_GATEWAY, NO_OUTSIDE):
                raise
            return None
    routers.finish_way(drivers, network, router)
    return _publish(drivers, port, owner)


def _publish(drivers: Drivers, port: Item, owner: Ownership) -> str:
    outside = drivers.external_network
    fields = {"port_id": port["id"], "description": mark(owner, role="server"), "floating_network_id": outside}
    return str(drivers.create("network", _ADDRESSES, "floatingip", fields)["floating_ip_address"])


def addresses_on(drivers: Drivers, ports: Sequence[str]) -> Iterator[Item]:
    """The floating addresses that lead to ``ports``."""
    asked = {"port_id": list(ports)} if len(ports) <= _FEW else {"project_id": drivers.project}
    wanted = frozenset(ports)
    found = drivers.items("network", _ADDRESSES, "floatingips", asked) if ports else iter(())
    return (one for one in found if one["port_id"] in wanted)


def goes_with_server(address: Item) -> bool:
    """Whether a floating address was made with a server, and isn't one of the user's own."""
    return "role" in marked(address.get("description"))


def withdraw(drivers: Drivers, port: str) -> None:
    """Take away the public address that a port's server was made with."""
    for address in addresses_on(drivers, [port]):
        if goes_with_server(address):
            with tolerating(NotFoundError):
                drivers.ask("network", "DELETE", f"{_ADDRESSES}/{address['id']}")


def remove(drivers: Drivers, port: Item) -> None:
    """Take away a port that was made for a server, and the public address on it; neutron lets go of the user's."""
    withdraw(drivers, str(port["id"]))
    if owner_in(port.get("description")) is not None:
        with tolerating(NotFoundError):
            drivers.ask("network", "DELETE", f"{_PORTS}/{port['id']}")


def ports_of(drivers: Drivers, servers: Sequence[str]) -> Iterator[Item]:
    """The ports of ``servers``."""
    asked = {"device_id": list(servers)} if len(servers) <= _FEW else {"project_id": drivers.project}
    wanted = frozenset(servers)
    return (port for port in drivers.items("network", _PORTS, "ports", asked) if port["device_id"] in wanted)


def unused_ports(drivers: Drivers) -> Iterator[Item]:
    """The ports that were made for servers and belong to none."""
    asked = {"project_id": drivers.project, "device_id": ""}
    return (port for port in drivers.items("network", _PORTS, "ports", asked) if is_left(port))


def port_of(drivers: Drivers, server: str) -> Item | None:
    """The port of ``server`` that was made for it, else its first."""
    found = sorted(ports_of(drivers, [server]), key=_made_first)
    return found[0] if found else None


def places(drivers: Drivers, servers: Sequence[str]) -> dict[str, Place]:
    """Where each of ``servers`` is; those without a port are left out."""
    if not servers:
        return {}
    ports: dict[str, Item] = {}
    for port in sorted(ports_of(drivers, servers), key=_made_first):
        ports.setdefault(str(port["device_id"]), port)
    public = {
        str(one["port_id"]): str(one["floating_ip_address"])
        for one in addresses_on(drivers, [str(port["id"]) for port in ports.values()])
    }
    return {server: _place(port, public) for server, port in ports.items()}


def _place(port: Item, public: dict[str, str]) -> Place:
    fixed: Item = next(iter(port.get("fixed_ips") or ()), {})
    return Place(
        port=str(port["id"]),
        subnet=str(fixed.get("subnet_id", "")),
        private=fixed.get("ip_address"),
        firewalls=[str(group) for group in port.get("security_groups") or ()],
        public=public.get(str(port["id"])),
    )


def _made_first(port: Item) -> tuple[bool, str]:
    return owner_in(port.get("description")) is None, str(port["id"])
