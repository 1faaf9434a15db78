"""Images of servers: made by nova, kept by glance.

Nova gives an image the properties of the one that its server was made from, ours among them. So a property counts as
ours only while it names the image that it is on, and labels have a part of the token before them.

https://docs.openstack.org/api-ref/compute/#create-image-createimage-action, https://docs.openstack.org/api-ref/image/v2/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import attrs

from orchestra.clouds.families.openstack import rest
from orchestra.clouds.families.openstack.connecting import Drivers
from orchestra.clouds.families.openstack.described import Described, Listing, tolerating
from orchestra.clouds.families.openstack.rest import Item, Query
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, NotFoundError, TransientError
from orchestra.resources.compute import CustomImage

_GOING: Final = ("deleted", "pending_delete")
_STATUSES: Final = MappingProxyType(
    {
        "active": Status.READY,
        "deactivated": Status.READY,  # whoever did that did it on purpose: it isn't failed, and no reason to replace it
        "killed": Status.FAILED,
    }
)
"""All others are pending."""

_BEGUN: Final = "queued"
"""What glance says of an image that nothing was put into yet."""

_UNDER_WAY: Final = (_BEGUN, "saving")
_TURN: Final = 5.0
"""Seconds after which it is worth looking whether a server has been made another image of."""

_NAME: Final = "orchestra:name"
_SERVER: Final = "orchestra:server"
_DISKS: Final = "block_device_mapping"
"""Where nova says of which snapshots an image is made up whose server started from a volume."""


class CustomImageCalls(Described):
    """An image. The server goes on while it is made; on its disk is what it has written there by then."""

    kind = "compute.CustomImage"
    resource = CustomImage
    found_by = FoundBy.TAG
    found_key = "property orchestra:token, of the image of its name"
    listing: ClassVar[Listing] = Listing(service="image", path="/v2/images", many="images", one="")

    def own(self, drivers: Drivers) -> Query:
        """See `Described.own`: glance lists public images too."""
        return {"owner": drivers.project}

    def asked(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Query:
        """See `Described.asked`."""
        del driver
        return {"name": _name(owner, inputs)}

    def item(self, drivers: Drivers, external_id: str) -> Item:
        """See `Described.item`: glance puts nothing around it."""
        found = drivers.ask("image", "GET", f"{self.listing.path}/{external_id}").object
        if not isinstance(found, Mapping) or "status" not in found:
            raise TransientError(f"image {external_id}: what came back isn't glance's answer")
        return found

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`. An image takes no idempotency token, so what the token made is looked for first.

        Raises `InProgressError` while it can't be told whether that is under way.
        """
        name, server = _name(owner, inputs), inputs.text("server")
        found = self.search(driver, owner, inputs)
        if found is not None and found.status is not Status.FAILED:
            self._check_whose_turn(driver, found, server)
            return found
        if found is not None:
            with tolerating(NotFoundError):
                self.delete(driver, found.external_id)
        metadata = {
            **owner.tags(),
            _NAME: name,
            _SERVER: server,
            "description": inputs.text("description"),
            **_properties(owner.token, inputs.labels()),
        }
        asked = {"createImage": {"name": name, "metadata": metadata}}
        made = rest.document(driver.ask("compute", "POST", f"/servers/{server}/action", body=asked), "image_id")
        return Observation(
            external_id=str(made),
            status=Status.PENDING,
            outputs={"size_gib": None},
            detail="accepted",
            ownership=owner,
        )

    def observe(self, item: Item) -> Observation | None:
        """See `Described.observe`."""
        state = str(item["status"])
        if state in _GOING:
            return None
        owner = _owner_of(item)
        server = item.get(_SERVER if owner else "instance_uuid")
        return Observation(
            external_id=str(item["id"]),
            status=_STATUSES.get(state, Status.PENDING),
            inputs={
                **({"server": str(server)} if server else {}),
                "name": str(item["name"]),
                "description": str(item.get("description") or ""),
                "labels": _labels_in(item),
            },
            outputs={"size_gib": _size(item)},
            detail=state,
            ownership=owner,
            name=str(item["name"] or ""),
        )

    def observations(self, drivers: Drivers, items: Iterable[Item]) -> Iterator[Observation]:
        """See `Described.observations`. One that nova began and isn't at has failed.

        Nova makes one image of a server at a time. Asked for two at once it begins both, and leaves one as it is.
        """
        for item in items:
            found = self.observe(item)
            if found is not None and found.ownership is not None and found.detail == _BEGUN:
                found = self._unless_left(drivers, item)
            if found is not None:
                yield found

    def _unless_left(self, drivers: Drivers, item: Item) -> Observation | None:
        """What an image that is begun tells; looked at again after its server, which may have been at it until then."""
        is_busy = False
        with tolerating(NotFoundError):
            server = drivers.item("compute", f"/servers/{item.get('instance_uuid')}", "server")
            is_busy = bool(server.get("OS-EXT-STS:task_state"))
        if is_busy:
            return self.observe(item)
        found = None
        with tolerating(NotFoundError):
            found = self.observe(self.item(drivers, str(item["id"])))
        if found is not None and found.detail == _BEGUN:
            return attrs.evolve(found, status=Status.FAILED, detail="its server isn't at it")
        return found

    def _check_whose_turn(self, drivers: Drivers, found: Observation, server: str) -> None:
        """Raise `InProgressError` if ``found`` is but begun while another image is made of the server."""
        if found.detail != _BEGUN:
            return
        for other in self.listed(drivers, {"instance_uuid": server}):
            if other["id"] != found.external_id and other["status"] in _UNDER_WAY:
                raise InProgressError(
                    f"an image is being made of server {server}: whether this one is, shows when that is done",
                    code="IncorrectInstanceState",
                    retry_after=_TURN,
                )

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels, in one request."""
        item = self.item(driver, external_id)
        has, wanted = _labels_in(item), update.after.labels()
        if has != wanted:
            token = str(item.get("orchestra:token") or "")
            changes = _patch(_properties(token, has), _properties(token, wanted))
            driver.ask("image", "PATCH", f"{self.listing.path}/{external_id}", body=changes)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: first the snapshots that it is made up of, for nothing else tells of them."""
        for disk in _disks(self.item(driver, external_id)):
            if snapshot := disk.get("snapshot_id"):
                with tolerating(NotFoundError):
                    driver.ask("volume", "DELETE", f"/snapshots/{snapshot}")
        super().delete(driver, external_id)


def is_made_of_a_server(item: Item) -> bool:
    """Whether an image was made of a server: it says of which system it is, and has more on it."""
    return item.get("image_type") == "snapshot" or _DISKS in item or "orchestra:token" in item


def _name(owner: Ownership, inputs: Inputs) -> str:
    return inputs.optional_text("name") or owner.name(255)


def _owner_of(item: Item) -> Ownership | None:
    """Whose it is, unless that was said of the image that its server was made from."""
    return Ownership.from_tags(item) if item.get(_NAME) == item["name"] else None


def _stem(token: str) -> str:
    return f"orchestra:{token[:8]}:"


def _properties(token: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels as properties: under names of ours, for some names mean something to glance, such as ``owner``."""
    return {f"{_stem(token)}{key}": value for key, value in labels.items()}


def _labels_in(item: Item) -> dict[str, str]:
    stem = _stem(str(item.get("orchestra:token") or ""))
    found = {key.removeprefix(stem): str(value) for key, value in item.items() if key.startswith(stem)}
    return dict(sorted(found.items()))


def _patch(has: Mapping[str, str], wanted: Mapping[str, str]) -> list[dict[str, str]]:
    """What makes ``wanted`` of ``has``, as a JSON patch."""
    changes = [
        {"op": "replace" if key in has else "add", "path": _pointer(key), "value": value}
        for key, value in wanted.items()
        if has.get(key) != value
    ]
    return changes + [{"op": "remove", "path": _pointer(key)} for key in has if key not in wanted]


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _disks(item: Item) -> Sequence[Mapping[str, Any]]:
    """The disks that it is made up of; none if it is all in one file."""
    try:
        found = json.loads(str(item.get(_DISKS) or "[]"))
    except ValueError:
        return []
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _size(item: Item) -> int | None:
    """What glance says that a disk must have; of an image made up of disks, the size of the first one."""
    first = next((one.get("volume_size") for one in _disks(item) if one.get("boot_index") == 0), None)
    return int(item.get("min_disk") or first or 0) or None
