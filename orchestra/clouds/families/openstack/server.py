"""Servers of nova's, each with a port of its own."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import attrs

from orchestra.clouds.base.marks import marked, owner_in
from orchestra.clouds.families.openstack import choosing, ports
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import Described, Listing
from orchestra.clouds.families.openstack.network import is_public
from orchestra.clouds.families.openstack.ownership import labels_in_metadata, metadata_of, relabelled
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError
from orchestra.model.values import Plain
from orchestra.resources.compute import Server

_PATH: Final = "/servers"
_GONE: Final = ("DELETED", "SOFT_DELETED")
_STATUSES: Final = MappingProxyType(
    {
        "BUILD": Status.PENDING,
        "REBUILD": Status.PENDING,
        "RESIZE": Status.PENDING,
        "VERIFY_RESIZE": Status.PENDING,
        "REVERT_RESIZE": Status.PENDING,
        "MIGRATING": Status.PENDING,
        "REBOOT": Status.PENDING,
        "HARD_REBOOT": Status.PENDING,
        "ERROR": Status.FAILED,
    }
)
"""All others are ready: whoever stopped, paused or shelved a server did so on purpose."""

_RESIZING: Final = ("RESIZE", "VERIFY_RESIZE")
_RESIZE_POLL: Final = 10.0
"""Seconds after which it is worth looking whether a server has its new size."""

_PORT: Final = "port:"
"""Begins the external id of a server of which only the port was made."""


class ServerCalls(Described):
    """A server.

    User data and whether it was given a public address aren't told: nova shows the one to administrators only, and
    the other can't be told from an address that was added or taken away later.
    """

    kind = "compute.Server"
    resource = Server
    found_by = FoundBy.TAG
    found_key = "metadata orchestra:token, of the server of its name; of a half-made one the port's description"
    required = MappingProxyType({"subnet": "a server's port is made in one"})
    listing: ClassVar[Listing] = Listing(
        service="compute", path=_PATH, detailed=f"{_PATH}/detail", many="servers", one="server"
    )

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`: nova takes names as regular expressions."""
        del driver, inputs
        return {"name": f"^{re.escape(owner.name())}$"}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the port, its public address, then the server, with its owner in each request.

        None of them takes an idempotency token. Without the port nothing was made before; with the server all was.
        """
        subnet = driver.item("network", f"/v2.0/subnets/{inputs.text('subnet')}", "subnet")
        port, left = ports.find_ports(driver, owner)
        for one in left:
            ports.remove(driver, one)
        there: list[str] = []
        if port is None:
            port = ports.make_port(driver, subnet, inputs, owner)
        elif made := next(self.listed(driver, self.asked(driver, owner, inputs)), None):
            return self.look_up(driver, str(made["id"]))
        else:
            there = [str(one["floating_ip_address"]) for one in ports.addresses_on(driver, [str(port["id"])])]
        public = there[0] if there else None
        explicit = inputs.values.get("public_address")
        if public is None and (explicit or (explicit is None and is_public(subnet))):
            public = ports.publish(driver, port, owner, needed=bool(explicit))
        made = driver.create("compute", _PATH, "server", _launch(driver, subnet, port, inputs, owner))
        return _as_asked(str(made["id"]), port, public, inputs, owner)

    def observe(self, item: Item) -> Observation | None:
        """See `Described.observe`; without what its port tells."""
        state, task = str(item["status"]), str(item.get("OS-EXT-STS:task_state") or "")
        if state in _GONE:
            return None
        metadata: Mapping[str, str] = item.get("metadata") or {}
        is_resizing = state in _RESIZING or task.startswith("resize")
        status = _STATUSES.get(state, Status.READY)
        return Observation(
            external_id=str(item["id"]),
            status=Status.PENDING if is_resizing or task == "deleting" else status,
            inputs={
                **({"image": {"id": str(item["image"]["id"])}} if item.get("image") else {}),
                # until it is confirmed a new size doesn't count: so an update that was broken off is sent again
                **({} if is_resizing else {"size": {"id": str(item["flavor"]["original_name"])}}),
                "key_pair": item.get("key_name"),
                "labels": labels_in_metadata(metadata),
            },
            outputs={
                "private_ip": None,
                "public_ip": None,
                "zone": item.get("OS-EXT-AZ:availability_zone") or None,
            },
            detail=_detail(item, state, task),
            ownership=Ownership.from_tags(metadata),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the ports and addresses of all of them are read together."""
        found = list(super().observations(drivers, items))
        places = ports.places(drivers, [one.external_id for one in found])
        for one in found:
            place = places.get(one.external_id)
            yield _placed(drivers, one, place) if place else one

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return super().read(driver, [one for one in ids if not one.startswith(_PORT)] or [""])

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        if external_id.startswith(_PORT):
            path = f"/v2.0/ports/{external_id.removeprefix(_PORT)}"
            return _half_made(driver.item("network", path, "port"))
        return super().look_up(driver, external_id)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. Of one that a crash left half-way, the port tells."""
        found = super().search(driver, owner, inputs)
        if found is None:
            port, _ = ports.find_ports(driver, owner)
            return _half_made(port) if port is not None else None
        return found

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. A new size is confirmed when nova has moved the server.

        Until then `InProgressError` says when to call again: the same call then goes on from there.
        """
        item = self.item(driver, external_id)
        if (metadata := relabelled(item.get("metadata") or {}, update.after)) is not None:
            driver.ask("compute", "PUT", f"{_PATH}/{external_id}/metadata", body={"metadata": metadata})
        if "firewalls" in update.changed:
            port = ports.port_of(driver, external_id)
            if port is None:
                raise InvalidRequestError(f"server {external_id} has no port that firewalls could be put on")
            ports.guard(driver, str(port["id"]), update.after.texts("firewalls"))
        if "size" in update.changed:
            self._resize(driver, item, _chosen(update.after, "size"))
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: address and port go first, for nothing else tells that they were made for it."""
        if external_id.startswith(_PORT):
            ports.remove(driver, driver.item("network", f"/v2.0/ports/{external_id.removeprefix(_PORT)}", "port"))
            return
        if self.item(driver, external_id).get("locked"):
            raise InvalidRequestError(f"server {external_id} is locked", remedy="unlock it, then run again")
        for port in list(ports.ports_of(driver, [external_id])):
            ports.remove(driver, port)
        super().delete(driver, external_id)

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`, with those of which only the port was made."""
        found = list(super().everything(driver))
        yield from found
        known = {one.ownership.token for one in found if one.ownership}
        for port in ports.unused_ports(driver):
            half = _half_made(port)
            if half.ownership is not None and half.ownership.token not in known:
                yield half

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: an id of the cloud's own is taken as it is."""
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        if name == "image":
            return choosing.image(driver, wanted)
        if name == "size":
            return choosing.size(driver, wanted)
        return super().choose(driver, name, wanted)

    def _resize(self, drivers: Drivers, item: Item, size: str) -> None:
        """Ask for another size, or confirm it; raises `InProgressError` while nova is at it."""
        external_id = str(item["id"])
        action = f"{_PATH}/{external_id}/action"
        if item["status"] != "VERIFY_RESIZE" and str(item["flavor"]["original_name"]) != size:
            if item["status"] != "RESIZE":
                drivers.ask(
                    "compute", "POST", action, body={"resize": {"flavorRef": choosing.flavor_id(drivers, size)}}
                )
            item = self.item(drivers, external_id)
        if item["status"] == "VERIFY_RESIZE":
            drivers.ask("compute", "POST", action, body={"confirmResize": None})
        elif item["status"] == "RESIZE" or str(item["flavor"]["original_name"]) != size:  # it tells the new one early
            raise InProgressError(
                f"server {external_id} is being given the size {size} ({item['status']}): that is confirmed when it is",
                code="IncorrectInstanceState",
                retry_after=_RESIZE_POLL,
            )


def _launch(drivers: Drivers, subnet: Item, port: Item, inputs: Inputs, owner: Ownership) -> dict[str, Any]:
    """What nova takes to make a server."""
    fields: dict[str, Any] = {
        "name": owner.name(),
        "imageRef": _chosen(inputs, "image"),
        "flavorRef": choosing.flavor_id(drivers, _chosen(inputs, "size")),
        "networks": [{"port": port["id"]}],
        "metadata": metadata_of(owner, inputs),
    }
    if zone := marked(subnet.get("description")).get("zone"):
        fields["availability_zone"] = zone
    if key := inputs.optional_text("key_pair"):
        fields["key_name"] = key
    if script := inputs.optional_text("user_data"):
        fields["user_data"] = base64.b64encode(script.encode()).decode()
    return fields


def _as_asked(external_id: str, port: Item, public: str | None, inputs: Inputs, owner: Ownership) -> Observation:
    """What is known of a server that was accepted a moment ago."""
    fixed: Item = next(iter(port.get("fixed_ips") or ()), {})
    return Observation(
        external_id=external_id,
        status=Status.PENDING,
        inputs={
            "image": {"id": _chosen(inputs, "image")},
            "size": {"id": _chosen(inputs, "size")},
            "subnet": inputs.text("subnet"),
            "firewalls": sorted(inputs.texts("firewalls")),
            "key_pair": inputs.optional_text("key_pair"),
            "labels": inputs.labels(),
        },
        outputs={"private_ip": fixed.get("ip_address"), "public_ip": public, "zone": None},
        detail="accepted",
        ownership=owner,
    )


def _placed(drivers: Drivers, found: Observation, place: ports.Place) -> Observation:
    """``found`` with what its port tells."""
    firewalls: list[Plain] = [*ports.told_firewalls(drivers, place.firewalls)]
    return attrs.evolve(
        found,
        inputs={**found.inputs, "subnet": place.subnet, "firewalls": firewalls},
        outputs={**found.outputs, "private_ip": place.private, "public_ip": place.public},
    )


def _half_made(port: Item) -> Observation:
    """A server of which only the port was made: nothing comes of it any more, and it is to be replaced.

    Raises `NotFoundError` for any other port.
    """
    owner = owner_in(port.get("description"))
    if owner is None or port["device_id"]:
        raise NotFoundError(f"port {port['id']} isn't that of a server that was left half-made")
    return Observation(
        external_id=f"{_PORT}{port['id']}",
        status=Status.FAILED,
        outputs={"private_ip": None, "public_ip": None, "zone": None},
        detail="only its port was made",
        ownership=owner,
    )


def _detail(item: Item, state: str, task: str) -> str:
    """Nova's own words: what went wrong, or what it is doing."""
    fault = item.get("fault")
    if state == "ERROR" and isinstance(fault, Mapping):
        return f"{state}: {fault.get('message')}"
    return f"{state}, {task}" if task else state


def _chosen(inputs: Inputs, name: str) -> str:
    """The id of a choice."""
    value = inputs.values.get(name)
    return str(value["id"]) if isinstance(value, Mapping) else inputs.text(name)
