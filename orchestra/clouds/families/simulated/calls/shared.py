"""What the calls of all kinds on the simulated drivers have in common."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize, StorageVolume, VolumeSnapshot
from libcloud.compute.types import NodeState

from orchestra.clouds.families.simulated.compute import SimulatedNodeDriver
from orchestra.clouds.families.simulated.kinds import FAILED
from orchestra.clouds.families.simulated.tagging import Tagging
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update, is_ownership_tag
from orchestra.model.resource import Resource
from orchestra.model.values import Plain

D = TypeVar("D")
T = TypeVar("T")

_NAME: Final = "Name"


class SimulatedCalls(Calls[D], Generic[D, T]):
    """The calls of one kind, over what the driver calls a ``T``."""

    page = 500
    found_by = FoundBy.CLIENT_TOKEN
    found_key = "token of the creating call"
    resource: ClassVar[type[Resource]]

    @abc.abstractmethod
    def listed(self, driver: D, ids: Sequence[str] | None = None, token: str | None = None) -> Iterable[T]:
        """All there are, or those with the ids, or with the token."""

    @abc.abstractmethod
    def one(self, driver: D, external_id: str) -> T:
        """The one with the id; the driver's not-found error without it."""

    @abc.abstractmethod
    def tell(self, one: T) -> Observation:
        """What there is to say about one."""

    def read(self, driver: D, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return map(self.tell, self.listed(driver, ids=ids))

    def look_up(self, driver: D, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return self.tell(self.one(driver, external_id))

    def search(self, driver: D, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`."""
        return next((self.tell(one) for one in self.listed(driver, token=owner.token)), None)

    def everything(self, driver: D) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return map(self.tell, self.listed(driver))

    def update(self, driver: D, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: a kind of which nothing can be changed in place only tells what it is."""
        return self.look_up(driver, external_id)

    def observation(
        self,
        external_id: str,
        inputs: Mapping[str, Plain],
        outputs: Mapping[str, Plain] | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        status: Status = Status.READY,
        detail: str = "",
        name: str = "",
    ) -> Observation:
        """What the driver told, in the form of the kind's inputs. A tag ``Name`` is what people call it, no label."""
        specs = self.resource.kind.inputs
        told = dict(inputs)
        if "labels" in specs:
            told["labels"] = {key: value for key, value in sorted((tags or {}).items()) if _is_label(key)}
        for key, value in told.items():
            normalize: Any = specs[key].normalize  # what goes in plain comes out plain
            if normalize is not None:
                told[key] = normalize(value)
        return Observation(
            external_id=external_id,
            status=status,
            inputs=told,
            outputs=outputs or {},
            detail=detail,
            ownership=Ownership.from_tags(tags or {}),
            name=(tags or {}).get(_NAME, name),
        )


def _is_label(key: str) -> bool:
    return not is_ownership_tag(key) and key != _NAME


def progress(state: str, *ready: str) -> tuple[Status, str]:
    """How far something is that is in ``state``, and the cloud's own word for it if it isn't ``ready``."""
    if state in ready:
        return Status.READY, ""
    return (Status.FAILED if state == FAILED else Status.PENDING), state


def tags_of(inputs: Inputs, owner: Ownership) -> dict[str, str]:
    """The tags that go with a creation: the user's labels, and whose it is."""
    return {**inputs.labels(), **owner.tags()}


def relabel(driver: Tagging, resource_id: str, tags: Mapping[str, str], update: Update) -> Mapping[str, str]:
    """Bring the labels among ``tags`` to what ``update`` wants, and nothing else; the tags after that."""
    if "labels" not in update.changed:
        return tags
    wanted = update.after.labels()
    known = [key for key in {**tags, **update.before.labels()} if _is_label(key)]
    if gone := [key for key in known if key not in wanted]:
        tags = driver.ex_delete_tags(resource_id, gone)
    if new := {key: value for key, value in wanted.items() if tags.get(key) != value}:
        tags = driver.ex_create_tags(resource_id, new)
    return tags


# Libcloud's calls take objects of which only the id matters here


def node(driver: SimulatedNodeDriver, id_: str) -> Node:
    """Stands for the server ``id_``."""
    return Node(id_, "", NodeState.UNKNOWN, [], [], driver)


def size(driver: SimulatedNodeDriver, id_: str) -> NodeSize:
    """Stands for the size ``id_``."""
    return NodeSize(id_, id_, 0, 0, None, 0.0, driver)


def image(driver: SimulatedNodeDriver, id_: str) -> NodeImage:
    """Stands for the image ``id_``."""
    return NodeImage(id_, id_, driver)


def location(driver: SimulatedNodeDriver, zone: str) -> NodeLocation:
    """Stands for the zone ``zone``."""
    return NodeLocation(zone, zone, "", driver)


def volume(driver: SimulatedNodeDriver, id_: str) -> StorageVolume:
    """Stands for the volume ``id_``."""
    return StorageVolume(id_, "", 0, driver)


def snapshot(driver: SimulatedNodeDriver, id_: str) -> VolumeSnapshot:
    """Stands for the snapshot ``id_``."""
    return VolumeSnapshot(id_, driver)
