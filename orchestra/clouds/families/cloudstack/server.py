"""Servers: CloudStack's virtual machines."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from orchestra.clouds.families.cloudstack import choosing
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, chosen, labels_of, mark, title
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError
from orchestra.model.values import Plain

_GONE: Final = ("Destroyed", "Expunging")
_STATUSES: Final = MappingProxyType({"Running": Status.READY, "Stopped": Status.READY, "Error": Status.FAILED})
"""All others are pending."""

_RESIZING: Final = "orchestra:resizing"
"""The tag of a server that was stopped for another size: if that is broken off, it isn't taken for one that somebody
stopped on purpose, and is started again."""
_STOP_POLL: Final = 15.0
"""Seconds after which it is worth looking whether a server has stopped."""

_NO_GROUPS: Final = (
    "servers in a VPC share the network ACL list of their tier; in a zone that has security groups, "
    "cloudstack(security_groups=True) has firewalls"
)
_NO_SUBNET: Final = "a zone without security groups has no network that is for all"
_PUBLIC: Final = (False, "a server has no public address of its own here: lead a FloatingIp to it")


class ServerCalls(Described):
    """A virtual machine. Its user data isn't told."""

    kind = "compute.Server"
    found_key = "displayname, of the machine of its name"
    fixed = MappingProxyType({"public_address": _PUBLIC})
    listing: ClassVar[Listing] = Listing(
        command="listVirtualMachines",
        key="virtualmachine",
        remove="destroyVirtualMachine",
        marked="displayname",
        tagged="UserVm",
    )

    def __init__(self, *, security_groups: bool) -> None:
        self._guarded = security_groups
        if security_groups:
            self.unsupported = {}
        else:
            self.unsupported = {"firewalls": _NO_GROUPS}
            self.required = {"subnet": _NO_SUBNET}

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        del inputs
        return {"name": title(owner)}

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. CloudStack takes no idempotency token, so what the token made is looked for first."""
        item = self.made(driver, owner, inputs)
        if item is not None:
            self.relabel(driver, item, inputs)
            return self.look_up(driver, str(item["id"]))
        content = driver.do("deployVirtualMachine", **_launch(driver, inputs, owner))
        external_id = str(content["id"])
        driver.jobs.began(external_id, content)
        self.label(driver, external_id, inputs.labels())
        return _as_asked(driver, external_id, inputs, owner)

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`."""
        state = str(item["state"])
        if state in _GONE:
            return None
        is_resizing = _RESIZING in _tags(item)
        nic = _nic(item)
        return Observation(
            external_id=str(item["id"]),
            status=Status.PENDING if is_resizing else _STATUSES.get(state, Status.PENDING),
            inputs={
                "image": {"id": str(item["templateid"])},
                # until it runs again a new size doesn't count: so an update that was broken off is sent again
                **({} if is_resizing else {"size": {"id": str(item["serviceofferingname"])}}),
                **self._place(nic.get("networkid"), item),
                "key_pair": _key(item),
                "labels": {**labels_of(item)},
            },
            outputs={
                "private_ip": nic.get("ipaddress") or None,
                "public_ip": item.get("publicip") or None,
                "zone": str(item["zonename"]),
            },
            detail=state,
            ownership=self.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. A new size stops it first, and starts it again afterwards.

        While it is stopping, `InProgressError` says when to call again: the same call then goes on from there.
        """
        item = self.item(driver, external_id)
        if "firewalls" in update.changed:
            raise InvalidRequestError(
                f"CloudStack puts other security groups on server {external_id} only while it is stopped",
                sent=False,
                remedy="replace it with plan(replace=[…]), or change the rules of the firewalls that it has",
            )
        self.relabel(driver, item, update.after)
        if "size" in update.changed:
            self._resize(driver, item, chosen(update.after, "size"))
        return self.look_up(driver, external_id)

    def removal(self, drivers: Drivers) -> Mapping[str, object]:
        """See `Described.removal`. It is expunged at once where this account may do that, else when CloudStack does."""
        return {"expunge": True} if drivers.may_expunge else {}

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: an id of the cloud's own is taken as it is."""
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        if name == "image":
            return choosing.image(driver, wanted)
        if name == "size":
            return choosing.size(driver, wanted)
        return super().choose(driver, name, wanted)

    def _place(self, network: Any, item: Item) -> dict[str, Plain]:
        """Subnet and firewalls: a zone with security groups has a network for all, which nobody asks for."""
        if not self._guarded:
            return {"subnet": str(network) if network else None, "firewalls": []}
        groups = {str(one["id"]): str(one["name"]) for one in item.get("securitygroup") or ()}
        return {"firewalls": [] if list(groups.values()) == ["default"] else [*sorted(groups)]}

    # -- another size

    def _resize(self, drivers: Drivers, item: Item, size: str) -> None:
        external_id, is_ours = str(item["id"]), _RESIZING in _tags(item)
        if str(item["serviceofferingname"]) != size:
            if item["state"] == "Running":
                if not is_ours:
                    self.label(drivers, external_id, {_RESIZING: "1"})
                drivers.jobs.began(external_id, drivers.do("stopVirtualMachine", id=external_id))
                item, is_ours = self.item(drivers, external_id), True
            _stopped(item)
            self._offer(drivers, external_id, size, is_ours=is_ours)
        if is_ours:
            self._start(drivers, self.item(drivers, external_id))

    def _offer(self, drivers: Drivers, external_id: str, size: str, *, is_ours: bool) -> None:
        offering = drivers.sizes.get(size, size)
        try:
            drivers.do("changeServiceForVirtualMachine", id=external_id, serviceofferingid=offering)
        except Exception as error:
            if is_ours and isinstance(translate(error), (InvalidRequestError, NotFoundError)):
                self._start(drivers, self.item(drivers, external_id))  # a size that can't be had leaves it running
            raise

    def _start(self, drivers: Drivers, item: Item) -> None:
        """Start it, and take the mark away: from then on its state tells."""
        external_id = str(item["id"])
        if item["state"] not in ("Running", "Starting"):
            drivers.jobs.began(external_id, drivers.do("startVirtualMachine", id=_stopped(item)))
        keys = {"tags[0].key": _RESIZING}
        content = drivers.do("deleteTags", resourceids=external_id, resourcetype=self.listing.tagged, **keys)
        drivers.jobs.began(external_id, content, decides=False)


def _stopped(item: Item) -> str:
    """The id of a server that has stopped; `InProgressError` until it has."""
    if item["state"] != "Stopped":
        raise InProgressError(
            f"server {item['id']} is {item['state']}: it is given another size when it has stopped",
            retry_after=_STOP_POLL,
        )
    return str(item["id"])


def _launch(drivers: Drivers, inputs: Inputs, owner: Ownership) -> dict[str, object]:
    """What a server is made with."""
    size, script = chosen(inputs, "size"), inputs.optional_text("user_data")
    return {
        "name": title(owner),
        "displayname": mark(owner),
        "templateid": chosen(inputs, "image"),
        "serviceofferingid": drivers.sizes.get(size, size),
        "networkids": inputs.optional_text("subnet"),
        "securitygroupids": ",".join(sorted(inputs.texts("firewalls"))) or None,
        "keypair": inputs.optional_text("key_pair"),
        "userdata": base64.b64encode(script.encode()).decode() if script else None,
        **drivers.place,
    }


def _as_asked(drivers: Drivers, external_id: str, inputs: Inputs, owner: Ownership) -> Observation:
    """What is known of a server that was accepted a moment ago."""
    return Observation(
        external_id=external_id,
        status=Status.PENDING,
        inputs={
            "image": {"id": chosen(inputs, "image")},
            "size": {"id": chosen(inputs, "size")},
            "key_pair": inputs.optional_text("key_pair"),
            "labels": {**inputs.labels()},
        },
        outputs={"private_ip": None, "public_ip": None, "zone": drivers.zone_name},
        detail="accepted",
        ownership=owner,
    )


def _nic(item: Item) -> Item:
    """The default one of a server's network cards."""
    nics = sorted(item.get("nic") or (), key=lambda one: not one.get("isdefault"))
    return nics[0] if nics else {}


def _tags(item: Item) -> frozenset[str]:
    return frozenset(str(tag["key"]) for tag in item.get("tags") or ())


def _key(item: Item) -> str | None:
    """The key that a server was made with: ``keypair``, from CloudStack 4.17 on ``keypairs``."""
    told = item.get("keypair") or item.get("keypairs")
    return str(told) if told else None
