"""The network interface of a server, and the public address that it was made with.

Both are made before the machine, under its name, and Azure deletes them with it:
https://learn.microsoft.com/en-us/azure/virtual-machines/delete
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import attrs

from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.families.azure import rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import is_part
from orchestra.clouds.families.azure.firewall import group_of
from orchestra.clouds.families.azure.ids import name_in
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import tags_of
from orchestra.contracts import Ownership
from orchestra.errors import InvalidRequestError, NotFoundError

_FEW: Final = 3
"""What belongs to up to so many machines is asked for one by one; beyond that, all of the group is read."""


@attrs.frozen
class Place:
    """Where a server is in its network."""

    subnet: str | None = None
    private: str | None = None
    firewalls: Sequence[str] = ()
    public: str | None = None


def make_address(drivers: Drivers, name: str, owner: Ownership, kind: str, zone: str | None) -> Item:
    """A public address for a server of ``kind``. Static, as all of the standard sort are."""
    body: dict[str, Any] = {
        **address_body(drivers),
        "tags": tags_of(owner, part=kind),
        **({"zones": [zone]} if zone else {}),
    }
    return drivers.put_part(drivers.ids.of(rest.ADDRESS, name), body)


def address_body(drivers: Drivers) -> dict[str, Any]:
    """What every public address is made with."""
    return {
        "location": drivers.region,
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
    }


def make_interface(
    drivers: Drivers, name: str, tags: Item, subnet: str, firewalls: Sequence[str], address: Item | None
) -> Item:
    """The interface of a server in ``subnet``."""
    inside: dict[str, Any] = {
        "primary": True,
        "privateIPAllocationMethod": "Dynamic",
        "subnet": {"id": subnet},
        **_grouped(drivers, firewalls),
    }
    if address is not None:
        inside["publicIPAddress"] = _with_server(str(address["id"]))
    body = {
        "location": drivers.region,
        "tags": tags,
        "properties": {"ipConfigurations": [{"name": "primary", "properties": inside}], **_guarded(firewalls)},
    }
    return drivers.put_part(drivers.ids.of(rest.INTERFACE, name), body)


def _with_server(address: str) -> Item:
    """A public address that goes with the server."""
    return {"id": address, "properties": {"deleteOption": "Delete"}}


def _guarded(firewalls: Sequence[str]) -> dict[str, Any]:
    """An interface can have one security group only."""
    if len(firewalls) > 1:
        raise InvalidRequestError(
            f"a server on Azure can have one firewall, not {len(firewalls)}",
            sent=False,
            remedy="put all rules for it into one oc.Firewall",
        )
    return {"networkSecurityGroup": {"id": firewalls[0]}} if firewalls else {}


def _grouped(drivers: Drivers, firewalls: Sequence[str]) -> dict[str, Any]:
    groups = [{"id": group_of(drivers, one)} for one in firewalls]
    return {"applicationSecurityGroups": groups} if groups else {}


def check_firewalls(firewalls: Sequence[str]) -> None:
    """Raise `InvalidRequestError` for more than a server can have."""
    _guarded(firewalls)


def of_machine(drivers: Drivers, machine: Item) -> str:
    """The id of a machine's first interface; raises `NotFoundError` if it has none."""
    interfaces = (machine["properties"].get("networkProfile") or {}).get("networkInterfaces") or ()
    first = sorted(interfaces, key=lambda one: not (one.get("properties") or {}).get("primary", False))
    for one in first:
        return drivers.ids.told(str(one["id"]))
    raise NotFoundError(f"server {machine['name']} has no network interface")


def primary(interface: Item) -> Item:
    """The first of an interface's addresses."""
    configurations: Sequence[Item] = interface["properties"].get("ipConfigurations") or ()
    first = sorted(configurations, key=lambda one: not one["properties"].get("primary", False))
    return first[0]["properties"] if first else {}


def edited(interface: Item, edit: Callable[[dict[str, Any]], None], **more: Any) -> Item:
    """What an interface is brought to by ``edit`` of its first address, and ``more`` of its properties.

    That the public address goes with the server is said again: whether Azure tells that it was said isn't documented.
    """
    properties = dict(interface["properties"])
    configurations = [{**one, "properties": dict(one["properties"])} for one in properties["ipConfigurations"]]
    first = sorted(configurations, key=lambda one: not one["properties"].get("primary", False))[0]
    edit(first["properties"])
    public = first["properties"].get("publicIPAddress")
    if public is not None and name_in(str(public["id"])).lower() == str(interface["name"]).lower():
        first["properties"]["publicIPAddress"] = _with_server(str(public["id"]))
    properties.update(ipConfigurations=configurations, **more)
    kept = {name: value for name, value in properties.items() if value is not None}
    return {"location": interface["location"], "tags": interface.get("tags") or {}, "properties": kept}


def guard(drivers: Drivers, interface: str, firewalls: Sequence[str]) -> None:
    """Put ``firewalls`` on an interface."""
    groups = _grouped(drivers, firewalls)
    guarded = _guarded(firewalls)

    def edit(inside: dict[str, Any]) -> None:
        inside.pop("applicationSecurityGroups", None)
        inside.update(groups)

    drivers.change(interface, lambda item: edited(item, edit, **{"networkSecurityGroup": None, **guarded}))


def lead(drivers: Drivers, interface: str, address: str | None, instead_of: str | None = None) -> None:
    """Let a public address lead to an interface; with None, the one ``instead_of`` which it has no longer."""
    before: list[str] = []

    def change(item: Item) -> Item | None:
        now = drivers.ids.told(str((primary(item).get("publicIPAddress") or {}).get("id") or ""))
        before[:] = [now]
        if now == (address or "") or (address is None and now != instead_of):
            return None
        return edited(item, edit)

    def edit(inside: dict[str, Any]) -> None:
        inside.pop("publicIPAddress", None)
        if address is not None:
            inside["publicIPAddress"] = {"id": address}

    drivers.change(interface, change)
    for one in before:
        if one and one != address:
            drop_address(drivers, one)


def drop_address(drivers: Drivers, address: str) -> None:
    """Delete a public address that a server was made with and that leads to it no longer; no other."""
    with tolerating(NotFoundError):
        item = drivers.get(address)
        if is_part(item) and not item["properties"].get("ipConfiguration"):
            drivers.delete(address)


# -- reading


def places(drivers: Drivers, machines: Sequence[Item]) -> dict[str, Place]:
    """Where each of ``machines`` is, by its name in lower case: what they have is read together if they are many."""
    wanted: dict[str, str] = {}
    for one in machines:
        with tolerating(NotFoundError):
            wanted[str(one["name"]).lower()] = of_machine(drivers, one)
    interfaces = _read(drivers, rest.INTERFACE, wanted.values())
    used = filter(None, map(_public, interfaces.values()))
    addresses = _read(drivers, rest.ADDRESS, used)
    found = {name: interfaces[one.lower()] for name, one in wanted.items() if one.lower() in interfaces}
    return {
        name: place(drivers, item, addresses.get(drivers.ids.told(_public(item)).lower()))
        for name, item in found.items()
    }


def _read(drivers: Drivers, kind: rest.Type, ids: Iterable[str]) -> dict[str, Item]:
    """Those of ``ids`` that are there, by id in lower case; one that isn't in the list may be of another group."""
    wanted = {drivers.ids.told(one) for one in ids}
    found: dict[str, Item] = {}
    if len(wanted) > _FEW:
        found = {drivers.ids.told(str(one["id"])).lower(): one for one in drivers.listed(kind)}
    for one in sorted(wanted):
        if one.lower() not in found:
            with tolerating(NotFoundError):
                found[one.lower()] = drivers.get(one)
    return found


def _public(interface: Item) -> str:
    return str((primary(interface).get("publicIPAddress") or {}).get("id") or "")


def place(drivers: Drivers, interface: Item, address: Item | None) -> Place:
    """Where the server is that has an interface, and a public address or none."""
    inside = primary(interface)
    guarding = interface["properties"].get("networkSecurityGroup") or {}
    subnet = inside.get("subnet") or {}
    return Place(
        subnet=drivers.ids.told(str(subnet["id"])) if subnet else None,
        private=inside.get("privateIPAddress"),
        firewalls=[drivers.ids.told(str(guarding["id"]))] if guarding else [],
        public=address["properties"].get("ipAddress") if address else None,
    )


def machines_behind(drivers: Drivers, interfaces: Iterable[str]) -> dict[str, str]:
    """The ids of the machines that have ``interfaces``, by the id of the interface in lower case."""
    found = {}
    for one, item in _read(drivers, rest.INTERFACE, interfaces).items():
        machine = item["properties"].get("virtualMachine") or {}
        if machine.get("id"):
            found[one] = drivers.ids.told(str(machine["id"]))
    return found
