"""Clusters on Kubernetes: namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.families.libcloud.containers.kubernetes import (
    NAMESPACES,
    TOKEN,
    Item,
    a_namespace,
    ask,
    created,
    is_going,
    labels_of,
    marked,
    owner_of,
    pages,
    pods_in,
)
from orchestra.clouds.provider import Calls
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Update
from orchestra.errors import InUseError, NotFoundError

_GOING: Final = 5.0
"""Seconds after which it is worth looking whether a namespace of the name is gone."""


class NamespaceCalls(Calls[LibcloudDriver]):
    """A namespace. Kubernetes deletes what is in one along with it: one with pods or claimed volumes isn't deleted."""

    kind = "containers.Cluster"
    page = None
    found_by = FoundBy.TAG
    found_key = f"label {TOKEN}; a second one of the name is refused"

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a second namespace of a name is refused, so that one that was made is found."""
        name = inputs.optional_text("name") or owner.name()
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": marked(name, owner, inputs.labels())}
        return _told(created(driver, NAMESPACES, body, owner, going=_GOING))

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`."""
        wanted = frozenset(ids)
        return (found for found in self.everything(driver) if found.external_id in wanted)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        item = ask(driver, "GET", a_namespace(external_id))
        if is_going(item):
            raise NotFoundError(f"namespace {external_id} isn't there any more")
        return _told(item)

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the label."""
        del inputs
        found = pages(driver, NAMESPACES, f"{TOKEN}={owner.token}")
        return next((_told(item) for item in found if not is_going(item)), None)

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: the labels."""
        if "labels" in update.changed:
            wanted: dict[str, Any] = dict(update.after.labels())
            there = labels_of(ask(driver, "GET", a_namespace(external_id)))
            patch = {"metadata": {"labels": {**dict.fromkeys(there), **wanted}}}
            ask(driver, "PATCH", a_namespace(external_id), patch, kind="application/merge-patch+json")
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        for what in (pods_in(external_id), f"{a_namespace(external_id)}/persistentvolumeclaims"):
            used = sorted(one["metadata"]["name"] for one in pages(driver, what) if not is_going(one))
            if used:
                raise InUseError(
                    f"namespace {external_id} has {what.rpartition('/')[2]} in it: {', '.join(used[:3])}",
                    remedy="delete them first, or take the namespace out of the stack's care: lifecycle retain",
                )
        ask(driver, "DELETE", a_namespace(external_id))

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return (_told(item) for item in pages(driver, NAMESPACES) if not is_going(item))


def _told(item: Item) -> Observation:
    name = item["metadata"]["name"]
    return Observation(
        external_id=name, inputs={"name": name, "labels": labels_of(item)}, ownership=owner_of(item), name=name
    )
