"""Clusters on Amazon ECS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.families.libcloud.containers.ecs import (
    DESCRIBED,
    Item,
    ask,
    described,
    labels_of,
    listed,
    tags_for,
    tags_of,
)
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, NotFoundError

_GONE: Final = "INACTIVE"
_STATUSES: Final = MappingProxyType({"ACTIVE": Status.READY, "FAILED": Status.FAILED})


class ClusterCalls(Calls[LibcloudDriver]):
    """A cluster. Its id is its name, which an account has once in a region. ECS refuses to delete one with tasks."""

    kind = "containers.Cluster"
    page = DESCRIBED
    found_by = FoundBy.TAG
    found_key = "tag orchestra:token of the cluster that has the name, made from the token unless it is given"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: ECS answers a second creation of a name with the first, whosever that is."""
        name = _name(inputs, owner)
        if next(_there(driver, [name]), None) is None:
            ask(driver, "CreateCluster", clusterName=name, tags=tags_for(owner, inputs.labels()))
        found = self.look_up(driver, name)
        if found.ownership != owner:
            raise ConflictError(f"there is a cluster {name} already", remedy="choose another name, or adopt it")
        return found

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        return map(_told, _there(driver, ids))

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return _told(self._one(driver, external_id))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the name; only one with the tag is our own."""
        found = next(map(_told, _there(driver, [_name(inputs, owner)])), None)
        return found if found and found.ownership == owner else None

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels."""
        if "labels" in update.changed:
            there, wanted = self._one(driver, external_id), update.after.labels()
            gone = [key for key in labels_of(there) if key not in wanted]
            if gone:
                ask(driver, "UntagResource", resourceArn=there["clusterArn"], tagKeys=gone)
            if wanted:
                tags = [{"key": key, "value": value} for key, value in wanted.items()]
                ask(driver, "TagResource", resourceArn=there["clusterArn"], tags=tags)
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        ask(driver, "DeleteCluster", cluster=external_id)

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return map(_told, _there(driver, list(listed(driver, "ListClusters", "clusterArns"))))

    def _one(self, driver: LibcloudDriver, external_id: str) -> Item:
        for one in _there(driver, [external_id]):
            return one
        raise NotFoundError(f"there is no cluster {external_id}")


def _there(driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Item]:
    """Those that are there; a deleted one is told for some time, as inactive."""
    return (one for one in described(driver, "DescribeClusters", "clusters", ids) if one["status"] != _GONE)


def _name(inputs: Inputs, owner: Ownership) -> str:
    return inputs.optional_text("name") or owner.name()


def _told(item: Item) -> Observation:
    name, state = item["clusterName"], item["status"]
    return Observation(
        external_id=name,
        status=_STATUSES.get(state, Status.PENDING),
        inputs={"name": name, "labels": labels_of(item)},
        detail="" if state == "ACTIVE" else state,
        ownership=Ownership.from_tags(tags_of(item)),
        name=name,
    )
