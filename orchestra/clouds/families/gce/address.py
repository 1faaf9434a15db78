"""Floating addresses: static external addresses of the region."""

from __future__ import annotations

from typing import Final

from orchestra.clouds.families.gce import marks
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described, made_now
from orchestra.clouds.families.gce.rest import Item
from orchestra.clouds.families.gce.server import ACCESS
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InvalidRequestError
from orchestra.resources.compute import FloatingIp

_INSTANCES: Final = "/instances/"


class FloatingIpCalls(Described):
    """A static external address. A server has one public address: this one takes the place of that which it had."""

    kind = "compute.FloatingIp"
    resource = FloatingIp
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in the description; requestId"
    collection = "addresses"
    set_later = ("server", "labels")

    def home(self, drivers: Drivers) -> str:
        """See `Described.home`."""
        return f"regions/{drivers.region}/addresses"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the address, then its labels and where it leads to, which creation doesn't take."""
        labels = marks.labels_of(owner, inputs)
        body = {"description": marks.description(owner), "addressType": "EXTERNAL"}
        item = self.make(driver, self.home(driver), body, owner)
        with made_now(str(item["name"])):
            if (item.get("labels") or {}) != labels:
                fields = {"labels": labels, "labelFingerprint": item.get("labelFingerprint")}
                driver.change("POST", f"{self.home(driver)}/{item['name']}/setLabels", fields)
            return self._lead(driver, item, inputs)

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`. Addresses inside a network are none of these."""
        if item.get("addressType", "EXTERNAL") != "EXTERNAL":
            return None
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            status=Status.PENDING if item["status"] == "RESERVING" else Status.READY,
            inputs={"server": _server(drivers, item), "labels": {**marks.labels_in(item)}},
            outputs={"address": item.get("address")},
            detail=str(item["status"]),
            ownership=marks.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        item = self.item(driver, external_id)
        self.relabel(driver, item, update.after)
        return self._lead(driver, item, update.after)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: the server that it leads to goes without a public address from then on."""
        item = self.item(driver, external_id)
        if (server := _server(driver, item)) is not None:
            _withdraw(driver, driver.ask("GET", server), str(item["address"]))
        super().delete(driver, external_id)

    def _lead(self, drivers: Drivers, item: Item, inputs: Inputs) -> Observation:
        """Let it lead to the server in ``inputs``, or to none; the address that the server had goes."""
        address, now, wanted = str(item["address"]), _server(drivers, item), inputs.optional_text("server")
        wanted = drivers.places.place(wanted) if wanted else None
        if now is not None and now != wanted:
            _withdraw(drivers, drivers.ask("GET", now), address)
        if wanted is not None and now != wanted:
            server = drivers.ask("GET", wanted)
            _withdraw(drivers, server)
            named = {"networkInterface": _interface(server)["name"]}
            drivers.change("POST", f"{wanted}/addAccessConfig", {**ACCESS, "natIP": address}, named)
        return self.look_up(drivers, drivers.places.place(str(item["selfLink"])))


def _server(drivers: Drivers, item: Item) -> str | None:
    """The instance that an address leads to."""
    users = [drivers.places.place(str(one)) for one in item.get("users") or ()]
    return next((one for one in users if _INSTANCES in one), None)


def _interface(server: Item) -> Item:
    for found in server.get("networkInterfaces") or ():
        return dict(found)
    raise InvalidRequestError(f"server {server['name']} has no network interface")


def _withdraw(drivers: Drivers, server: Item, address: str | None = None) -> None:
    """Take ``address``, or whatever there is, away from a server."""
    interface = _interface(server)
    for one in interface.get("accessConfigs") or ():
        if address in (None, one.get("natIP")):
            named = {"accessConfig": str(one["name"]), "networkInterface": str(interface["name"])}
            drivers.change("POST", f"{drivers.places.place(server['selfLink'])}/deleteAccessConfig", query=named)
