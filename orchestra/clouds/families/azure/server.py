"""Servers: virtual machines, each with a network interface of its own.

https://learn.microsoft.com/en-us/rest/api/compute/virtual-machines
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.tolerance import tolerating
from orchestra.clouds.families.azure import choosing, gallery, interface, rest
from orchestra.clouds.families.azure.connecting import Drivers
from orchestra.clouds.families.azure.described import Described, state_of
from orchestra.clouds.families.azure.ids import name_in
from orchestra.clouds.families.azure.network import zone_of
from orchestra.clouds.families.azure.rest import Item
from orchestra.clouds.families.azure.tags import labels_in, owner_in, tags_in, tags_of
from orchestra.contracts import Inputs, Observation, Ownership, Refusal, Status, Update
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError
from orchestra.model.refs import Ref
from orchestra.model.values import Plain
from orchestra.resources.compute import CustomImage, Server

_USER: Final = "azureuser"
"""The first user, as Azure's own tools call it."""
_KEYS: Final = "/".join(("", "home", _USER, ".ssh", "authorized_keys"))
"""Where that user's keys are: the only place that Azure takes."""
_RESIZING: Final = "orchestra:resizing"
"""The tag of a machine that is stopped for another size: if that is broken off, it isn't taken for one that somebody
stopped on purpose, and is started again."""
_KEYLESS: Final = Refusal(
    why="Azure makes no Linux machine that nobody can sign in to, and none is given a password here",
    remedy="give it a key_pair=…",
)
_KEPT: Final = MappingProxyType(
    {
        name: Refusal(
            why=f"it is made from an image that has the users and keys of the server which that was made of, and Azure "
            f"takes no {what} for it",
            remedy=f"leave {name} out, and have it in the image",
        )
        for name, what in (("key_pair", "other key"), ("user_data", "user data"))
    }
)
"""What can't be given to a server that is made from a specialized image."""
_STOPPED: Final = "PowerState/deallocated"
_STOP_POLL: Final = 20.0
"""Seconds after which it is worth looking whether a machine has stopped; most take 30 to 120."""


class ServerCalls(Described):
    """A virtual machine. Its interface, its public address and its system disk are parts of it, and go with it.

    Its key, its user data and whether it was given a public address aren't told: Azure shows the one as text, the
    other not at all, and an address may be added or taken away later.
    """

    kind = "compute.Server"
    resource = Server
    azure_type = rest.MACHINE
    parts = (rest.ADDRESS, rest.INTERFACE)
    expanded = MappingProxyType({"$expand": "instanceView"})
    required = MappingProxyType({"subnet": "a virtual machine's network interface is made in one"})

    @staticmethod
    def refuse(inputs: Mapping[str, object]) -> Iterator[Refusal]:
        """See `Capabilities.refuse`. What an image that is named by its id is, only Azure knows."""
        image = inputs.get("image")
        if isinstance(image, CustomImage):
            yield from (_KEPT[name] for name in _KEPT if inputs.get(name) is not None)
        elif inputs.get("key_pair") is None and not (isinstance(image, (str, Ref)) and _may_be_specialized(image)):
            yield _KEYLESS

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the public address, the interface, the machine; each put under the same name.

        To put one a second time changes nothing, so what a death has left is gone over again.
        """
        firewalls, image = inputs.texts("firewalls"), gallery.source_of(driver, _chosen(inputs, "image"))
        interface.check_firewalls(firewalls)
        _check(image, inputs)
        tags = tags_of(owner, inputs.labels())
        found = self.made_before(driver, owner)
        if found is not None:
            return found
        name, subnet = self.name_for(owner), inputs.text("subnet")
        address = None
        if inputs.values.get("public_address") is not False:
            address = interface.make_address(driver, name, owner, self.kind, zone_of(subnet))
        part = tags_of(owner, part=self.kind)
        made = interface.make_interface(driver, name, part, subnet, firewalls, address)
        body = {
            "location": driver.region,
            "tags": tags,
            **({"zones": [zone]} if (zone := zone_of(subnet)) else {}),
            "properties": {
                "hardwareProfile": {"vmSize": _chosen(inputs, "size")},
                "storageProfile": _disks(name, image),
                **({} if image.is_specialized else {"osProfile": _system(driver, name, inputs)}),
                "networkProfile": {
                    "networkInterfaces": [{"id": made["id"], "properties": {"primary": True, "deleteOption": "Delete"}}]
                },
            },
        }
        item = driver.put(driver.ids.of(self.azure_type, name), body)
        return _placed(self.observe(driver, item), interface.place(driver, made, address))

    # -- reading

    def observe(self, driver: Drivers, item: Item) -> Observation:
        """See `Described.observe`; without what its interface tells."""
        status, word = state_of(item)
        properties, tags = item["properties"], tags_in(item)
        image = _image(driver, properties["storageProfile"].get("imageReference") or {})
        return Observation(
            external_id=driver.ids.told(item["id"]),
            status=status,
            inputs={
                **({"image": {"id": image}} if image else {}),
                # one that is stopped for it has no size yet: so an update that was broken off is sent again
                **({} if _RESIZING in tags else {"size": {"id": str(properties["hardwareProfile"]["vmSize"])}}),
                "labels": labels_in(item),
            },
            outputs={
                "private_ip": None,
                "public_ip": None,
                "zone": next(iter(item.get("zones") or ()), driver.region),
            },
            detail=_reason(item) if status is Status.FAILED else word,
            ownership=owner_in(item),
            name=str(item["name"]),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`: the interfaces and addresses of all of them are read together."""
        machines = list(items)
        places = interface.places(drivers, machines)
        for one in machines:
            found, place = self.observe(drivers, one), places.get(str(one["name"]).lower())
            yield _placed(found, place) if place else found

    # -- changing

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. A new size stops it first and starts it last, with a mark on it in between.

        While it is stopping, `InProgressError` says when to call again: the same call then goes on from there.
        """
        item = driver.get(external_id)
        self.relabel(driver, item, external_id, update.after)
        if "firewalls" in update.changed:
            interface.guard(driver, interface.of_machine(driver, item), update.after.texts("firewalls"))
        if "size" in update.changed:
            self._resize(driver, external_id, _chosen(update.after, "size"))
        return self.look_up(driver, external_id)

    def _resize(self, drivers: Drivers, external_id: str, size: str) -> None:
        """Stopped and released, for a machine that runs can be given only sizes that its host happens to have.

        https://learn.microsoft.com/en-us/azure/virtual-machines/sizes/resize-vm
        """
        item = drivers.get(external_id, self.expanded)
        if item["properties"]["hardwareProfile"]["vmSize"] != size:
            if not _is_stopped(item):
                if _RESIZING not in tags_in(item):
                    drivers.retag(external_id, {**tags_in(item), _RESIZING: size})
                drivers.act(external_id, "deallocate")
                item = drivers.get(external_id, self.expanded)
                if not _is_stopped(item):
                    raise InProgressError(
                        f"server {name_in(external_id)} is stopping: that comes to an end before its size is changed",
                        retry_after=_STOP_POLL,
                    )
            try:
                drivers.patch(external_id, {"properties": {"hardwareProfile": {"vmSize": size}}})
            except Exception:
                self._start(drivers, external_id)  # a size that can't be had must not leave it stopped
                raise
        self._start(drivers, external_id)

    def _start(self, drivers: Drivers, external_id: str) -> None:
        """Start it if it was stopped here, and take the mark away only then."""
        tags = dict(tags_in(drivers.get(external_id)))
        if tags.pop(_RESIZING, None) is not None:
            drivers.act(external_id, "start")
            drivers.retag(external_id, tags)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`. The address that it was made with goes first if it leads to it no longer."""
        if self.is_whole(external_id):
            with tolerating(NotFoundError):
                item = driver.get(external_id)
                if owner_in(item) is not None:
                    interface.drop_address(driver, driver.ids.of(rest.ADDRESS, str(item["name"])))
        super().delete(driver, external_id)

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: an id of the cloud's own is taken as it is."""
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        if name == "image":
            return choosing.image(driver, wanted)
        if name == "size":
            return choosing.size(driver, wanted)
        return super().choose(driver, name, wanted)


def _placed(found: Observation, place: interface.Place) -> Observation:
    """``found`` with what its interface tells."""
    firewalls: list[Plain] = [*sorted(place.firewalls)]
    return attrs.evolve(
        found,
        inputs={**found.inputs, "subnet": place.subnet, "firewalls": firewalls},
        outputs={**found.outputs, "private_ip": place.private, "public_ip": place.public},
    )


def _may_be_specialized(image: str | Ref[str]) -> bool:
    """Whether an image may be one that takes no key: what a reference stands for isn't known yet."""
    return isinstance(image, Ref) or gallery.is_versioned(image)


def _check(image: gallery.Source, inputs: Inputs) -> None:
    """Raise `InvalidRequestError` for what a server can't be given, or must be given, with its image."""
    given = [name for name in _KEPT if inputs.optional_text(name) is not None]
    wrong = [_KEPT[name] for name in given] if image.is_specialized else [] if "key_pair" in given else [_KEYLESS]
    for refusal in wrong:
        raise InvalidRequestError(refusal.why, sent=False, remedy=refusal.remedy)


def _disks(name: str, image: gallery.Source) -> dict[str, Any]:
    """The disks of a machine: what is in the image beside its system goes with it, too."""
    more = [gallery.disk(f"{name}-{lun}", lun=lun) for lun in image.disks]
    return {
        "imageReference": dict(image.reference),
        "osDisk": gallery.disk(name),
        **({"dataDisks": more} if more else {}),
    }


def _system(drivers: Drivers, name: str, inputs: Inputs) -> dict[str, Any]:
    key = str(drivers.get(inputs.text("key_pair"))["properties"]["publicKey"]).strip()
    user_data = inputs.optional_text("user_data")
    return {
        "computerName": name,
        "adminUsername": _USER,
        "linuxConfiguration": {
            "disablePasswordAuthentication": True,
            "ssh": {"publicKeys": [{"path": _KEYS, "keyData": key}]},
        },
        **({"customData": base64.b64encode(user_data.encode()).decode()} if user_data else {}),
    }


def _image(drivers: Drivers, told: Item) -> str:
    """The image as it is chosen; the version that stood for ``latest`` is told apart."""
    if told.get("id"):
        return drivers.ids.told(str(told["id"]))
    version = told.get("exactVersion") or told.get("version")
    return f"{told['publisher']}:{told['offer']}:{told['sku']}:{version}" if told.get("publisher") else ""


def _statuses(item: Item) -> Iterator[Item]:
    yield from (item["properties"].get("instanceView") or {}).get("statuses") or ()


def _is_stopped(item: Item) -> bool:
    return any(one.get("code") == _STOPPED for one in _statuses(item))


def _reason(item: Item) -> str:
    """Why it failed, where that is told."""
    words = [str(one["message"]) for one in _statuses(item) if one.get("level") == "Error" and one.get("message")]
    return "; ".join(words) or str(item["properties"]["provisioningState"])


def _chosen(inputs: Inputs, name: str) -> str:
    """The id of a choice."""
    value = inputs.values.get(name)
    return str(value["id"]) if isinstance(value, Mapping) else inputs.text(name)
