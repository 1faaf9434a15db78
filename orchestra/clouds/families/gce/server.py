"""Servers: instances, each with a boot disk that goes with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.families.gce import choosing, keypair, marks
from orchestra.clouds.families.gce.connecting import Drivers
from orchestra.clouds.families.gce.described import Described
from orchestra.clouds.families.gce.firewall import firewalls_of, tag_of
from orchestra.clouds.families.gce.network import is_public, zone_for
from orchestra.clouds.families.gce.rest import Item, last, zone_of
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, InvalidRequestError
from orchestra.model.values import Plain
from orchestra.resources.compute import Server

ACCESS: Final = MappingProxyType({"type": "ONE_TO_ONE_NAT", "name": "External NAT"})
"""What gives an instance a public address."""

_KEYS: Final = "ssh-keys"
_STATUSES: Final = MappingProxyType(
    {
        "PROVISIONING": Status.PENDING,
        "STAGING": Status.PENDING,
        "STOPPING": Status.PENDING,
        "SUSPENDING": Status.PENDING,
        "REPAIRING": Status.PENDING,
        "DEPROVISIONING": Status.PENDING,
        "PENDING_STOP": Status.PENDING,
    }
)
"""All others are ready: whoever stopped or suspended an instance did so on purpose."""

_STOPPED: Final = "TERMINATED"
"""The API's word for stopped: one that is gone isn't told any more."""

_STOP_POLL: Final = 10.0
"""Seconds after which it is worth looking whether an instance has stopped."""


class ServerCalls(Described):
    """An instance, in the zone of its subnet.

    User data and whether it was given a public address aren't told: the one may be a secret, and the other can't be
    told from an address that was added or taken away later. The image is told as it was chosen.
    """

    kind = "compute.Server"
    resource = Server
    required = MappingProxyType({"subnet": "an instance is put into a subnet, which says what zone it runs in"})
    found_by = FoundBy.NAME
    found_key = "name made from the token, with the token in description and label; requestId"
    collection = "instances"

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: one request, with labels, tags and description in it."""
        subnet = driver.ask("GET", inputs.text("subnet"))
        zone = zone_for(driver, subnet)
        return self.observe(
            driver, self.make(driver, f"zones/{zone}/instances", _launch(driver, subnet, zone, inputs, owner), owner)
        )

    def observe(self, drivers: Drivers, item: Item) -> Observation:
        """See `Described.observe`."""
        state, told = str(item["status"]), marks.marked(item)
        interface: Item = next(iter(item.get("networkInterfaces") or ()), {})
        is_resizing = _is_marked(item)
        firewalls: list[Plain] = [*firewalls_of((item.get("tags") or {}).get("items") or ())]
        return Observation(
            external_id=drivers.places.place(str(item["selfLink"])),
            status=Status.PENDING if is_resizing else _STATUSES.get(state, Status.READY),
            inputs={
                **({"image": {"id": told["image"]}} if "image" in told else {}),
                # until it runs again a new size doesn't count: so an update that was broken off is sent again
                **({} if is_resizing else {"size": {"id": last(str(item["machineType"]))}}),
                "subnet": drivers.places.place(str(interface.get("subnetwork") or "")) or None,
                "firewalls": firewalls,
                "key_pair": _key_pair(item, told),
                "labels": {**marks.labels_in(item)},
            },
            outputs={
                "private_ip": interface.get("networkIP"),
                "public_ip": public_address(interface),
                "zone": zone_of(str(item["selfLink"])),
            },
            detail=f"{state}: {item['statusMessage']}" if item.get("statusMessage") else state,
            ownership=marks.owner_of(item),
            name=str(item["name"]),
        )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`. A new size stops it first and starts it last, with a mark on it in between."""
        item = self.item(driver, external_id)
        self.relabel(driver, item, update.after)
        tags = item.get("tags") or {}
        wanted = sorted(tag_of(one) for one in update.after.texts("firewalls"))
        if sorted(tags.get("items") or ()) != wanted:
            driver.change("POST", f"{external_id}/setTags", {"items": wanted, "fingerprint": tags.get("fingerprint")})
        if "size" in update.changed:
            self._resize(driver, external_id, choosing.chosen(update.after, "size"))
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: not waited for, since shutting down takes a while."""
        driver.ask("DELETE", external_id)

    def choose(self, driver: Drivers, name: str, wanted: Mapping[str, Plain]) -> str:
        """See `Calls.choose`: an id of Google's own is taken as it is."""
        if isinstance(wanted.get("id"), str):
            return str(wanted["id"])
        if name == "image":
            return choosing.image(driver, wanted)
        if name == "size":
            return choosing.size(driver, wanted)
        return super().choose(driver, name, wanted)

    def _resize(self, drivers: Drivers, external_id: str, size: str) -> None:
        item = self.item(drivers, external_id)
        if last(str(item["machineType"])) != size:
            if item["status"] != _STOPPED:
                _mark(drivers, external_id, item, resizing=True)
                drivers.change("POST", f"{external_id}/stop")
                item = self.item(drivers, external_id)
            if item["status"] != _STOPPED:
                raise InProgressError(
                    f"server {external_id} is being stopped for the size {size} ({item['status']})",
                    retry_after=_STOP_POLL,
                )
            self._set_size(drivers, external_id, item, size)
        if _is_marked(item):
            self._start(drivers, external_id)

    def _set_size(self, drivers: Drivers, external_id: str, item: Item, size: str) -> None:
        kind = {"machineType": f"zones/{zone_of(external_id)}/machineTypes/{size}"}
        try:
            drivers.change("POST", f"{external_id}/setMachineType", kind)
        except Exception as error:
            if _is_marked(item) and not translate(error).retryable:
                self._start(drivers, external_id)  # a size that can't be had must not leave it stopped
            raise

    def _start(self, drivers: Drivers, external_id: str) -> None:
        """Start it, and take the mark away only then."""
        drivers.change("POST", f"{external_id}/start")
        _mark(drivers, external_id, self.item(drivers, external_id), resizing=False)


def public_address(interface: Item) -> str | None:
    """The public address of a network interface."""
    return next((str(one["natIP"]) for one in interface.get("accessConfigs") or () if one.get("natIP")), None)


def _is_marked(item: Item) -> bool:
    return marks.RESIZING in (item.get("labels") or {})


def _mark(drivers: Drivers, external_id: str, item: Item, *, resizing: bool) -> None:
    """Put on, or take away, the label of a server that is stopped for another size."""
    labels = {key: value for key, value in (item.get("labels") or {}).items() if key != marks.RESIZING}
    if resizing:
        labels[marks.RESIZING] = "1"
    if labels != (item.get("labels") or {}):
        fields = {"labels": labels, "labelFingerprint": item.get("labelFingerprint")}
        drivers.change("POST", f"{external_id}/setLabels", fields)


def _launch(drivers: Drivers, subnet: Item, zone: str, inputs: Inputs, owner: Ownership) -> dict[str, Any]:
    """What the API takes to make an instance."""
    image, labels = choosing.chosen(inputs, "image"), marks.labels_of(owner, inputs)
    interface: dict[str, Any] = {"subnetwork": drivers.url(str(subnet["selfLink"]))}
    wish = inputs.values.get("public_address")
    if wish or (wish is None and is_public(subnet)):
        interface["accessConfigs"] = [dict(ACCESS)]
    disk = {
        "boot": True,
        "autoDelete": True,
        "initializeParams": {"sourceImage": drivers.url(image), "labels": labels},
    }
    said = _said(drivers, inputs)
    metadata = [{"key": key, "value": value} for key, value in said.items()]
    return {
        "description": marks.description(
            owner, image=drivers.places.place(image), **_key_mark(inputs, said.get(_KEYS, ""))
        ),
        "machineType": f"zones/{zone}/machineTypes/{choosing.chosen(inputs, 'size')}",
        "disks": [disk],
        "networkInterfaces": [interface],
        "tags": {"items": sorted(tag_of(one) for one in inputs.texts("firewalls"))},
        "labels": labels,
        **({"metadata": {"items": metadata}} if metadata else {}),
    }


def _said(drivers: Drivers, inputs: Inputs) -> dict[str, str]:
    """What an instance is told in its metadata.

    A script is what Google's own agent runs, which all public images have; other user data is for cloud-init. See
    https://cloud.google.com/compute/docs/instances/startup-scripts/linux.
    """
    said = {}
    if script := inputs.optional_text("user_data"):
        said["startup-script" if script.startswith("#!") else "user-data"] = script
    if key := inputs.optional_text("key_pair"):
        if key.startswith(keypair.HOME):
            key = keypair.instance_key(drivers, key)
        _refuse_plain_key(key)
        said[_KEYS] = key
    return said


def _key_mark(inputs: Inputs, text: str) -> dict[str, str]:
    """What the description tells of a key pair that the instance got: which one, and what its text was."""
    key = inputs.optional_text("key_pair")
    return {"key_pair": key, "key": _digest(text)} if key is not None and key.startswith(keypair.HOME) else {}


def _key_pair(item: Item, told: Mapping[str, str]) -> str | None:
    """The key pair that an instance got, as long as its keys are what they were then; its keys as they are else."""
    text = _metadata(item).get(_KEYS)
    return told["key_pair"] if text is not None and "key" in told and _digest(text) == told["key"] else text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _refuse_plain_key(key: str) -> None:
    """Raise `InvalidRequestError` unless ``key`` says whose it is: Google's agent makes a user for each key."""
    user, colon, _ = key.partition(":")
    if not colon or " " in user or not user:
        raise InvalidRequestError(
            "key_pair: a server takes a KeyPair, or a user and a public key",
            sent=False,
            remedy="give a KeyPair, or key_pair='admin:ssh-ed25519 AAAA… comment'",
        )


def _metadata(item: Item) -> dict[str, str]:
    return {str(one["key"]): str(one["value"]) for one in (item.get("metadata") or {}).get("items") or ()}
