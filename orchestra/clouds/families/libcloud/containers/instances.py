"""Containers on LXD."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.base.tolerance import if_there
from orchestra.clouds.families.libcloud.containers.instance_config import (
    MARK,
    described,
    id_of,
    is_fresh,
    limits_for,
    name_for,
    owner_of,
    refused,
    stop_seconds,
    told,
)
from orchestra.clouds.families.libcloud.containers.lxd import (
    INSTANCES,
    FailedOperationError,
    Item,
    an_instance,
    ask,
    done,
    settle,
)
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, InvalidRequestError, NotFoundError, TransientError
from orchestra.model.values import Plain

_UNTOLD: Final = "Error"
"""What LXD says of an instance on a machine that it can't reach."""


class InstanceCalls(Calls[LibcloudDriver]):
    """A container, which boots a system of its own. Its id is ``name/uuid``: another of the name is another thing."""

    kind = "containers.Container"
    page = None
    found_by = FoundBy.TAG
    found_key = f"{MARK}token in its configuration; a second one of the name is refused"
    refuse = staticmethod(refused)
    unsupported = MappingProxyType(
        {
            "cluster": "a container is on the server that is called",
            "command": "a container boots its image's own system: what that starts is the image's affair",
            "once": "LXD doesn't tell how a container's system has ended",
        }
    )
    fixed = MappingProxyType({"restart": ("no", "LXD doesn't start a container again whose system has ended")})

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a second one of the name is refused; what was made and not started is started."""
        name = name_for(inputs, owner)
        settle(driver, name)
        item = _there(driver, name) or _made(driver, described(name, inputs, owner))
        if owner_of(item) != owner:
            raise ConflictError(f"there is an instance {name} already", remedy="choose another name, or adopt it")
        return _started(driver, name) if inputs.flag("running") and is_fresh(item) else told(item)

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: one list, which LXD gives whole. What is adopted may go by its name alone."""
        wanted = frozenset(ids)
        for item in _listed(driver):
            for external_id in wanted.intersection((id_of(item), item["name"])):
                yield attrs.evolve(told(item), external_id=external_id)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return attrs.evolve(told(_one(driver, external_id)), external_id=external_id)

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the token, once what is being made is made. One that isn't started is pending."""
        settle(driver, name_for(inputs, owner))
        for item in _listed(driver):
            if owner_of(item) == owner:
                if is_fresh(item) and inputs.flag("running"):
                    return attrs.evolve(told(item), status=Status.PENDING, detail="it isn't started yet")
                return told(item)
        return None

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: limits, then whether it runs."""
        item = _one(driver, external_id)
        name = item["name"]
        if limits := limits_for(update.after, update.changed & {"memory_mib", "cpus"}):
            ask(driver, "PATCH", an_instance(name), {"config": limits})
        if not update.after.flag("running"):
            _stop(driver, item)
        elif item["status"] == "Frozen":
            _act(driver, name, "unfreeze")
        elif item["status"] != "Running":
            return attrs.evolve(_started(driver, name), external_id=external_id)
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`: only this very one. It is given its time to end, as LXD deletes none that runs."""
        item = _one(driver, external_id)
        _stop(driver, item)
        try:
            done(driver, "DELETE", an_instance(item["name"]))
        except FailedOperationError as error:
            _one(driver, external_id)  # another call may have deleted it
            raise TransientError(f"container {item['name']} can't be deleted: {error.message}") from error

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return map(told, _listed(driver))


def _listed(driver: LibcloudDriver) -> Iterator[Item]:
    """All containers that can be told of; virtual machines are another thing."""
    for item in ask(driver, "GET", INSTANCES, recursion="2"):
        if item["type"] == "container" and item["status"] != _UNTOLD:
            yield item


def _got(driver: LibcloudDriver, name: str) -> Item:
    item: Item = ask(driver, "GET", an_instance(name), recursion="1")
    if item["status"] == _UNTOLD:
        raise TransientError(f"LXD can't tell how container {name} is: its machine can't be reached")
    return item


def _there(driver: LibcloudDriver, name: str) -> Item | None:
    return if_there(lambda: _got(driver, name))


def _one(driver: LibcloudDriver, external_id: str) -> Item:
    """The very one of this id, not another of the name; one that is adopted may go by its name alone."""
    name, _, uuid = external_id.partition("/")
    item = _got(driver, name)
    if uuid and uuid != item["config"]["volatile.uuid"]:
        raise NotFoundError(f"container {external_id} isn't there any more")
    return item


def _made(driver: LibcloudDriver, body: dict[str, Any]) -> Item:
    """The instance, made now or by another call at the same moment; LXD's own text if it can't be made."""
    if profiles := driver.settings.get("profiles"):
        body["profiles"] = [profiles] if isinstance(profiles, str) else list(profiles)
    try:
        done(driver, "POST", INSTANCES, body)
    except Exception as error:
        why = translate(error)
        if not isinstance(why, (FailedOperationError, NotFoundError)):
            raise
        if (there := _there(driver, body["name"])) is not None:
            return there
        raise InvalidRequestError(
            f"it can't be made: {why.message}",
            remedy="correct what the message names; an image is brought there by a ContainerImage",
        ) from error
    return _got(driver, body["name"])


def _started(driver: LibcloudDriver, name: str) -> Observation:
    """Start it. LXD doesn't keep why one can't be started, so that is told here."""
    why = "its system ended as soon as it was started"
    try:
        _act(driver, name, "start")
    except FailedOperationError as error:
        why = f"it can't be started: {error.message}"
    now = told(_got(driver, name))
    return attrs.evolve(now, status=Status.FAILED, detail=why) if now.outputs["state"] == "stopped" else now


def _stop(driver: LibcloudDriver, item: Item) -> None:
    """Stop it, if it runs: it is given its time to end by itself."""
    name, seconds = item["name"], stop_seconds(item)
    if item["status"] == "Frozen":
        _act(driver, name, "unfreeze")
    if item["status"] != "Stopped" and seconds:
        try:
            _act(driver, name, "stop", timeout=seconds, force=False)
        except FailedOperationError:  # it didn't end in time, or has ended meanwhile
            item = _got(driver, name)
        else:
            return
    if item["status"] != "Stopped":
        _act(driver, name, "stop", force=True)


def _act(driver: LibcloudDriver, name: str, action: str, **more: Plain) -> None:
    done(driver, "PUT", f"{an_instance(name)}/state", {"action": action, **more})
