"""Images of servers: templates, each made of a snapshot of the disk that a server starts from.

CloudStack makes a template of a disk only while its server is stopped, and of a snapshot at any time. So there are two
things to make, one after the other: the snapshot has a name made from the token, and a tag that names its template.

https://cloudstack.apache.org/api/apidocs-4.19/apis/createTemplate.html, …/createSnapshot.html, …/deleteTemplate.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from orchestra.clouds.base.compute.marking import owner_in_name, owner_name
from orchestra.clouds.base.tolerance import if_there, tolerating
from orchestra.clouds.families.cloudstack.connecting import Drivers
from orchestra.clouds.families.cloudstack.described import Described, Listing, labels_of
from orchestra.clouds.families.cloudstack.rest import Item
from orchestra.clouds.families.cloudstack.volume import OF_IMAGE, SnapshotCalls
from orchestra.clouds.translate import translate
from orchestra.contracts import Inputs, Observation, Ownership, Status, Update
from orchestra.errors import InProgressError, InvalidRequestError, NotFoundError, NotReadyError

_GIB: Final = 2**30
_NAME: Final = 32
"""Characters in a template's name that every version takes; newer ones take 255."""
_STEM: Final = 255 - len(OF_IMAGE)
"""Characters of the text that tells whose it is, so that a snapshot's name has room for it."""
_TEXT: Final = re.compile(r"(\S+) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?: (.*))?", re.DOTALL)
"""The display text of a template of ours: whose it is, of which server, the description."""

_SNAPSHOT: Final = "snapshot:"
"""Begins the external id of an image of which only the snapshot was made."""
_TIE: Final = "orchestra:image:"
"""Begins the key of the tag of a snapshot that says which template was made of it."""
_WAIT: Final = 10.0
"""Seconds after which it is worth looking whether a snapshot is there."""
_OPERATORS: Final = ("SYSTEM", "BUILTIN", "ROUTING", "PERHOST")
"""Types of templates that no user made; an administrator's list has them too."""


class CustomImageCalls(Described):
    """A template, and the snapshot that it was made of: that goes with it. The server goes on meanwhile."""

    kind = "compute.CustomImage"
    found_key = "display text, of the template of its name; until there is one, the name of its snapshot"
    listing: ClassVar[Listing] = Listing(
        command="listTemplates",
        key="template",
        remove="deleteTemplate",
        marked="displaytext",
        tagged="Template",
        more=MappingProxyType({"templatefilter": "self"}),
        zoned=False,  # of no zone is one whose job hasn't begun yet
    )

    def asked(self, owner: Ownership, inputs: Inputs) -> Mapping[str, object]:
        """See `Described.asked`."""
        return {"name": _name(owner, inputs)}

    def made(self, drivers: Drivers, owner: Ownership, inputs: Inputs) -> Item | None:
        """See `Described.made`."""
        for item in self.listed(drivers, **self.asked(owner, inputs)):
            if _told(item)[0] == _stem(owner) and self.observe(drivers, item) is not None:
                return item
        return None

    def owner_of(self, item: Item) -> Ownership | None:
        """See `Described.owner_of`."""
        return owner_in_name(_told(item)[0])

    def create(self, driver: Drivers, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the snapshot, then the template. What the token began is gone on with.

        `InProgressError` says when to call again while the snapshot is under way.
        """
        item = self.made(driver, owner, inputs)
        if item is not None:
            external_id = str(item["id"])
            self._tie(driver, owner, external_id)
            self.relabel(driver, item, inputs)
            return self.look_up(driver, external_id)
        server = inputs.text("server")
        content = driver.do(
            "createTemplate",
            name=_name(owner, inputs),
            displaytext=" ".join(filter(None, (_stem(owner), server, inputs.text("description")))),
            ostypeid=_system(driver, server),
            snapshotid=_copied(driver, server, owner),
            projectid=driver.project,
        )
        external_id = str(content["id"])
        driver.jobs.began(external_id, content)
        self._tie(driver, owner, external_id)
        self.label(driver, external_id, inputs.labels())
        return Observation(
            external_id=external_id,
            status=Status.PENDING,
            inputs={"server": server, "labels": {**inputs.labels()}},
            outputs={"size_gib": None},
            detail="accepted",
            ownership=owner,
        )

    def observe(self, drivers: Drivers, item: Item) -> Observation | None:
        """See `Described.observe`. What isn't of this zone, or wasn't made of a server, is none of these."""
        mark, server, description = _told(item)
        elsewhere = item.get("zoneid") not in (None, drivers.zone_id)
        if elsewhere or item.get("templatetype") in _OPERATORS or not (mark or item.get("sourcetemplateid")):
            return None
        return Observation(
            external_id=str(item["id"]),
            status=Status.READY if item.get("isready") else Status.PENDING,
            inputs={
                **({"server": server} if server else {}),
                "name": str(item["name"]),
                "description": description,
                "labels": {**labels_of(item)},
            },
            outputs={"size_gib": -(-int(item["size"]) // _GIB) if item.get("size") else None},
            detail=str(item.get("status") or ""),
            ownership=self.owner_of(item),
            name=str(item["name"]),
        )

    def read(self, driver: Drivers, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return super().read(driver, [one for one in ids if not one.startswith(_SNAPSHOT)] or [""])

    def look_up(self, driver: Drivers, external_id: str) -> Observation:
        """See `Calls.look_up`. It isn't gone while its snapshot is left.

        CloudStack drops a template that it can't make: only who deletes it then takes the snapshot away.
        """
        if not external_id.startswith(_SNAPSHOT):
            try:
                return super().look_up(driver, external_id)
            except Exception as error:
                if not isinstance(translate(error), NotFoundError):
                    raise
                for snapshot in _tied(driver, external_id):
                    return attrs.evolve(_half_made(snapshot), external_id=external_id)
                raise
        snapshot = SnapshotCalls().item(driver, external_id.removeprefix(_SNAPSHOT))
        if not str(snapshot["name"]).endswith(OF_IMAGE):
            raise NotFoundError(f"snapshot {snapshot['id']} isn't that of an image that was left half-made")
        return _half_made(snapshot)

    def search(self, driver: Drivers, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`. One of which a crash left only the snapshot, or that isn't tied to it, is pending."""
        found, snapshot = super().search(driver, owner, inputs), _snapshot(driver, owner)
        if snapshot is None:
            return found
        if found is None:
            return attrs.evolve(_half_made(snapshot), status=Status.PENDING, ownership=owner)
        if found.external_id not in _ties(snapshot):
            return attrs.evolve(found, status=Status.PENDING, detail="its snapshot doesn't name it yet")
        return found

    def update(self, driver: Drivers, external_id: str, update: Update) -> Observation:
        """See `Calls.update`."""
        self.relabel(driver, self.item(driver, external_id), update.after)
        return self.look_up(driver, external_id)

    def delete(self, driver: Drivers, external_id: str) -> None:
        """See `Calls.delete`: first the snapshot, for nothing tells of it once the template is gone."""
        if external_id.startswith(_SNAPSHOT):
            SnapshotCalls().delete(driver, external_id.removeprefix(_SNAPSHOT))
            return
        snapshots = {str(one["id"]) for one in _tied(driver, external_id)}
        item = if_there(lambda: self.item(driver, external_id))
        if item is not None and (mark := _told(item)[0]):
            snapshots |= {str(one["id"]) for one in _named(driver, mark)}
        for snapshot in sorted(snapshots):
            with tolerating(NotFoundError):
                SnapshotCalls().delete(driver, snapshot)
        super().delete(driver, external_id)

    def removal(self, drivers: Drivers) -> Mapping[str, object]:
        """See `Described.removal`: also while servers are there that were made from it, for they have their own copy.

        CloudStack counts those too that were deleted and aren't expunged yet.
        """
        del drivers
        return {"forced": True}

    def everything(self, driver: Drivers) -> Iterator[Observation]:
        """See `Calls.everything`, with those of which only the snapshot was made, or is left."""
        templates = set()
        for item in self.listed(driver):
            templates.add(str(item["id"]))
            yield from self.observations(driver, [item])
        for snapshot in SnapshotCalls().listed(driver):
            if str(snapshot["name"]).endswith(OF_IMAGE) and not templates & _ties(snapshot):
                yield _half_made(snapshot)

    def _tie(self, drivers: Drivers, owner: Ownership, external_id: str) -> None:
        """Write down on the snapshot which template was made of it."""
        snapshot = _snapshot(drivers, owner)
        if snapshot is not None and external_id not in _ties(snapshot):
            SnapshotCalls().label(drivers, str(snapshot["id"]), {f"{_TIE}{external_id}": "1"})


def _name(owner: Ownership, inputs: Inputs) -> str:
    return inputs.optional_text("name") or owner.name(_NAME)


def _stem(owner: Ownership) -> str:
    return owner_name(owner, _STEM)


def _told(item: Item) -> tuple[str, str, str]:
    """What a template's display text tells: whose it is, of which server, the description."""
    text = str(item.get("displaytext") or "")
    found = _TEXT.fullmatch(text)
    return (found[1], found[2], found[3] or "") if found else ("", "", text)


def _snapshot(drivers: Drivers, owner: Ownership) -> Item | None:
    """The snapshot that was made for ``owner``; None if there is none."""
    return next(_named(drivers, _stem(owner)), None)


def _named(drivers: Drivers, stem: str) -> Iterator[Item]:
    """The snapshots that were made for whoever ``stem`` tells of."""
    calls, name = SnapshotCalls(), f"{stem}{OF_IMAGE}"
    there = calls.listed(drivers, name=name)
    return (one for one in there if one["name"] == name and calls.observe(drivers, one) is not None)


def _tied(drivers: Drivers, external_id: str) -> Iterator[Item]:
    """The snapshots that say that this template was made of them."""
    calls, tie = SnapshotCalls(), {"tags[0].key": f"{_TIE}{external_id}", "tags[0].value": "1"}
    there = calls.listed(drivers, **tie)
    return (one for one in there if external_id in _ties(one) and calls.observe(drivers, one) is not None)


def _ties(snapshot: Item) -> frozenset[str]:
    """The ids of the templates that were made of a snapshot."""
    keys = (str(tag["key"]) for tag in snapshot.get("tags") or ())
    return frozenset(key.removeprefix(_TIE) for key in keys if key.startswith(_TIE))


def _copied(drivers: Drivers, server: str, owner: Ownership) -> str:
    """The id of a snapshot that is there as a whole. Raises `InProgressError` until it is, `NotReadyError` if it fails.

    One that failed is taken away, so that the next call begins with another.
    """
    item = _snapshot(drivers, owner)
    external_id = str(item["id"]) if item is not None else _begun(drivers, server, owner)
    calls = SnapshotCalls()
    told = calls.look_up(drivers, external_id)
    if told.status is Status.FAILED:
        if _snapshot(drivers, owner) is not None:
            calls.delete(drivers, external_id)
        raise NotReadyError(f"the snapshot of server {server} failed: {told.detail}")
    if told.status is not Status.READY:
        raise InProgressError(f"server {server}: its disk is being copied ({told.detail})", retry_after=_WAIT)
    return external_id


def _begun(drivers: Drivers, server: str, owner: Ownership) -> str:
    """Begin the snapshot of the disk that a server starts from, and return its id."""
    for disk in drivers.items("listVolumes", "volume", virtualmachineid=server, type="ROOT"):
        content = drivers.do("createSnapshot", name=f"{_stem(owner)}{OF_IMAGE}", volumeid=disk["id"])
        drivers.jobs.began(str(content["id"]), content)
        return str(content["id"])
    raise InvalidRequestError(f"server {server} has no disk of its own that it starts from")


def _system(drivers: Drivers, server: str) -> str:
    """The kind of operating system that a server has: a template doesn't take it over by itself."""
    for item in drivers.items("listVirtualMachines", "virtualmachine", id=server):
        return str(item["guestosid"])
    raise NotFoundError(f"server {server} isn't there")


def _half_made(snapshot: Item) -> Observation:
    """An image of which only the snapshot is there: what is recorded as such is replaced."""
    return Observation(
        external_id=min(_ties(snapshot), default=f"{_SNAPSHOT}{snapshot['id']}"),
        status=Status.FAILED,
        outputs={"size_gib": None},
        detail="only its snapshot is there",
        ownership=owner_in_name(str(snapshot["name"]).removesuffix(OF_IMAGE)),
    )
