"""Floating addresses: public addresses of the standard sort.

https://learn.microsoft.com/en-us/rest/api/virtualnetwork/public-ip-addresses
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from orchestra.clouds.families.azure import interface, rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described, is_part, state_of
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import labels_in, owner_in, tags_of
from orchestra.contracts import Inputs, Observation, Ownership, Update
from orchestra.resources.compute import FloatingIp

_INSIDE = "/ipConfigurations/"


class FloatingIpCalls(Described):
    """A public address. One that a server was made with is told to come with it, and to belong to nobody else."""

    kind = "compute.FloatingIp"
    resource = FloatingIp
    azure_type = rest.ADDRESS

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the address, then the interface of the server that it leads to."""
        found = self.made_before(driver, owner)
        if found is None:
            body = {**interface.address_body(driver), "tags": tags_of(owner, inputs.labels())}
            item = driver.put_part(driver.ids.of(self.azure_type, self.name_for(owner)), body)
        else:
            item = driver.get(found.external_id)
        return self._bring_to(driver, item, inputs)

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`; without the server."""
        status, word = state_of(item)
        return Observation(
            external_id=driver.ids.told(item["id"]),
            status=status,
            inputs={"server": None, "labels": labels_in(item)},
            outputs={"address": item["properties"].get("ipAddress")},
            detail=word,
            ownership=None if is_part(item) else owner_in(item),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the interfaces that all of them lead to are read together."""
        told = list(items)
        machines = interface.machines_behind(drivers, [one for item in told if (one := _interface(drivers, item))])
        for item in told:
            found, server = self.observe(drivers, item), machines.get(_interface(drivers, item).lower())
            maker = server if server and is_part(item) else ""
            yield attrs.evolve(found, inputs={**found.inputs, "server": server}, comes_with=maker)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        item = driver.get(external_id)
        self.relabel(driver, item, external_id, update.after)
        return self._bring_to(driver, item, update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: one that leads somewhere is taken from there first, else Azure keeps it."""
        self._assert_kind(driver, external_id)
        if now := _interface(driver, driver.get(external_id)):
            interface.lead(driver, now, None, instead_of=external_id)
        super().delete(driver, external_id)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        """Let it lead to the server in ``inputs``, or to none; the address that the server was made with goes."""
        external_id, server = drivers.ids.told(item["id"]), inputs.optional_text("server")
        now = _interface(drivers, item)
        wanted = interface.of_machine(drivers, drivers.get(server)) if server else ""
        if now and now.lower() != wanted.lower():
            interface.lead(drivers, now, None, instead_of=external_id)
        if wanted:
            interface.lead(drivers, wanted, external_id)
        return self.look_up(drivers, external_id)


def _interface(drivers: Drivers, item: Item) -> str:
    """The id of the interface that an address leads to, '' for none, or for something else than an interface."""
    used = drivers.ids.told(str((item["properties"].get("ipConfiguration") or {}).get("id") or ""))
    head, found, _ = used.partition(_INSIDE)
    return head if found and f"/{rest.INTERFACE.name}/" in head else ""
