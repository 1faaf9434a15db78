"""Floating addresses of neutron's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import attrs

from orchestra.clouds.base.marks import owner_in
from orchestra.clouds.families.openstack import ports
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import Listing, Networked, chunks
from orchestra.clouds.families.openstack.ownership import labels_in_tags, mark
from orchestra.clouds.families.openstack.rest import Item
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import NotFoundError
from orchestra.resources.compute import FloatingIp


class FloatingIpCalls(Networked):
    """A floating address. One that goes with its server is told to come with it, and to belong to nobody else."""

    kind = "compute.FloatingIp"
    resource = FloatingIp
    found_by = FoundBy.TAG
    found_key = "description"
    set_later = ("server", "labels")
    listing: ClassVar[Listing] = Listing(
        service="network", path="/v2.0/floatingips", many="floatingips", one="floatingip"
    )

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. An address takes no idempotency token, so what the token made is looked for first."""
        item = next(self.listed(driver, self.asked(driver, owner, inputs)), None)
        if item is None:
            fields = {"floating_network_id": driver.external_network, "description": mark(owner)}
            item = driver.create("network", self.listing.path, "floatingip", fields)
        return self._bring_to(driver, item, inputs)

    def observe(self, item: Item) -> Observation:
        """See `Described.observe`; without the server that its port belongs to."""
        return Observation(
            external_id=str(item["id"]),
            status=Status.FAILED if item["status"] == "ERROR" else Status.READY,
            inputs={"server": None, "labels": labels_in_tags(item)},
            outputs={"address": str(item["floating_ip_address"])},
            detail=str(item["status"]),
            ownership=None if ports.goes_with_server(item) else owner_in(item.get("description")),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the ports that all of them lead to are read together."""
        for chunk in chunks(items):
            used = [str(item["port_id"]) for item in chunk if item["port_id"]]
            servers = {}
            if used:
                read = drivers.items("network", "/v2.0/ports", "ports", {"id": used})
                servers = {str(port["id"]): str(port["device_id"]) or None for port in read}
            for item in chunk:
                found, server = self.observe(item), servers.get(str(item["port_id"]))
                maker = server if server and ports.goes_with_server(item) else ""
                yield attrs.evolve(found, inputs={**found.inputs, "server": server}, comes_with=maker)

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        return self._bring_to(driver, self.item(driver, external_id), update.after)

    def _bring_to(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        """Let it lead to the server in ``inputs``, or to none; the address that the server was made with goes."""
        self.relabel(drivers, item, inputs)
        server = inputs.optional_text("server")
        port = self._port(drivers, server) if server else None
        if port != item["port_id"]:
            if port is not None:
                ports.withdraw(drivers, port)
            drivers.change("network", "PUT", f"{self.listing.path}/{item['id']}", "floatingip", {"port_id": port})
        return self.look_up(drivers, str(item["id"]))

    def _port(self, drivers: Drivers, server: str) -> str:
        port = ports.port_of(drivers, server)
        if port is None:
            raise NotFoundError(f"server {server} has no port that an address could lead to")
        return str(port["id"])
