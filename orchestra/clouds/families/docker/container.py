"""Containers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import attrs

from orchestra.clouds.families.docker.engine import Engine, filters
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update, is_ownership_tag
from orchestra.errors import CloudError, ConflictError, InvalidRequestError, NotFoundError, TransientError

_ONCE: Final = "orchestra:once"
"""The label of a container that runs to its end once."""

_EXITED: Final = re.compile(r"Exited \((\d+)\)")
_BY_SIGNAL: Final = 128
"""Codes from here on say that a signal ended it, as somebody does who stops a container."""

_SHORT_LIFE: Final = 1.0
"""Seconds that a container must run for to count as started."""

_STARTING: Final = MappingProxyType(
    {
        "Up Less than a second": "it has just been started",
        "(health: starting)": "its health check has not answered yet",
        "(unhealthy)": "its health check says that it is not well",
    }
)
"""What the engine says of a container that runs and isn't ready, and what that means."""


class ContainerCalls(Calls[Engine]):
    """A container. What it is made of can't be changed in an engine, so only what can be is compared."""

    kind = "containers.Container"
    found_by = FoundBy.TAG
    found_key = "label orchestra:token; a second one of the name is refused"
    unsupported = MappingProxyType({"cluster": "an engine is one machine, which has none"})
    page = None

    def create(self, driver: Engine, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: the name is refused a second time; what was made and not started is started."""
        made = self._made(driver, inputs, owner)
        if inputs.flag("running") and made.outputs["state"] == "created" and made.status is not Status.FAILED:
            return self._started(driver, made.external_id)
        return made

    def read(self, driver: Engine, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: one list, with those that are stopped."""
        wanted = set(ids)
        return (_told(driver, item) for item in _listed(driver) if item["Id"] in wanted)

    def look_up(self, driver: Engine, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        known = driver.ask("GET", "containers", external_id, "json")["Id"]
        for item in _listed(driver, id=known):
            return attrs.evolve(_told(driver, item), external_id=external_id)
        raise TransientError(f"container {external_id} is there, and the list of containers doesn't tell it")

    def search(self, driver: Engine, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the token's label. What was made and not started is pending."""
        for item in _listed(driver, label=f"orchestra:token={owner.token}"):
            found = _told(driver, item)
            if found.outputs["state"] == "created" and found.status is Status.READY and inputs.flag("running"):
                return attrs.evolve(found, status=Status.PENDING, detail="it isn't started yet")
            return found
        return None

    def update(self, driver: Engine, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: limits and the rule for restarts, then whether it runs."""
        if update.changed & {"restart", "memory_mib", "cpus"}:
            driver.ask("POST", "containers", external_id, "update", body=_changeable(update.after))
        if not update.after.flag("running"):
            driver.ask("POST", "containers", external_id, "stop")
            return self.look_up(driver, external_id)
        now = self.look_up(driver, external_id)
        if now.outputs["state"] == "paused":
            driver.ask("POST", "containers", external_id, "unpause")
        elif "running" in update.changed or not now.inputs["running"]:
            return self._started(driver, external_id)
        return self.look_up(driver, external_id)

    def delete(self, driver: Engine, external_id: str) -> None:
        """See `Calls.delete`: it is given its time to end. Volumes without a name go with it."""
        driver.ask("POST", "containers", external_id, "stop")
        try:
            driver.ask("DELETE", "containers", external_id, query={"force": "1", "v": "1"})
        except Exception as error:
            if not isinstance(translate(error), ConflictError):  # that is: its removal is under way already
                raise

    def everything(self, driver: Engine) -> Iterator[Observation]:
        """See `Calls.everything`."""
        return (_told(driver, item) for item in _listed(driver))

    def _made(self, driver: Engine, inputs: Inputs, owner: Ownership) -> Observation:
        """The container of ``owner``, made now or before."""
        name = inputs.optional_text("name") or owner.name()
        try:
            answer = driver.ask("POST", "containers", "create", query={"name": name}, body=_description(inputs, owner))
        except Exception as error:
            told = translate(error)
            if isinstance(told, NotFoundError):
                raise InvalidRequestError(
                    f"it can't be made: {told.message}",
                    code=told.code,
                    remedy="have the image pulled with a ContainerImage, or build it there first",
                ) from error
            found = self.search(driver, owner, inputs) if isinstance(told, ConflictError) else None
            if found is None:
                raise
            return attrs.evolve(found, status=Status.READY if found.status is Status.PENDING else found.status)
        return self.look_up(driver, answer["Id"])

    def _started(self, driver: Engine, external_id: str) -> Observation:
        """Start it. That it can't be started is then told of it, as of one that has failed later."""
        try:
            driver.ask("POST", "containers", external_id, "start")
        except Exception as error:
            now = self.look_up(driver, external_id)
            if now.status is not Status.FAILED:
                raise _not_started(external_id, translate(error)) from error
            return now
        return self.look_up(driver, external_id)


def _not_started(external_id: str, error: CloudError) -> CloudError:
    """Retryable: the container is there, and is looked for and started again."""
    return TransientError(f"container {external_id[:12]} was made and can't be started: {error.message}")


def _listed(driver: Engine, **wanted: str) -> Iterator[Mapping[str, Any]]:
    """The items of the list, also of containers that don't run."""
    items: list[Mapping[str, Any]] = driver.ask(
        "GET", "containers", "json", query={"all": "1", **(filters(**wanted) if wanted else {})}
    )
    return iter(items)


def _description(inputs: Inputs, owner: Ownership) -> dict[str, Any]:
    """What a creation asks for: with whose it is, in the same request."""
    ports = inputs.mappings("ports")
    once = {_ONCE: "yes"} if inputs.flag("once") else {}
    described: dict[str, Any] = {
        "Image": inputs.text("image"),
        "Env": [f"{name}={value}" for name, value in sorted(inputs.mapping("environment").items())],
        "ExposedPorts": {_port(port): {} for port in ports},
        "StopTimeout": inputs.integer("stop_seconds"),
        "Labels": {**inputs.labels(), **owner.tags(), **once},
        "HostConfig": {
            **_changeable(inputs),
            "NetworkMode": inputs.text("network", "default"),
            "PortBindings": _bindings(ports),
            "Binds": [
                f"{mount['source']}:{mount['target']}:{'ro' if mount['read_only'] else 'rw'}"
                for mount in inputs.mappings("mounts")
            ],
        },
    }
    if command := inputs.texts("command"):
        described["Cmd"] = command
    return described


def _port(port: Mapping[str, Any]) -> str:
    return f"{port['container']}/{port['protocol']}"


def _bindings(ports: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """Where each port of the container leads to from; one may have several."""
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        binding = {"HostIp": str(port["address"]), "HostPort": str(port["host"])}
        found.setdefault(_port(port), []).append(binding)
    return found


def _changeable(inputs: Inputs) -> dict[str, Any]:
    """What an engine changes in place: the rule for restarts, and the limits that are set."""
    wanted: dict[str, Any] = {"RestartPolicy": {"Name": inputs.text("restart")}}
    if inputs.values.get("memory_mib") is not None:
        wanted["Memory"] = inputs.integer("memory_mib") * 2**20
        wanted["MemorySwap"] = wanted["Memory"] * 2
    if (cpus := inputs.values.get("cpus")) is not None:
        wanted["NanoCpus"] = round(float(str(cpus)) * 1e9)
    return wanted


def _told(driver: Engine, item: Mapping[str, Any]) -> Observation:
    """What an item of the list tells. Of one that has ended more is asked where the list doesn't say enough."""
    labels, state = item.get("Labels") or {}, str(item["State"])
    once = _ONCE in labels
    status, detail = _progress(driver, item, once)
    name = str(item["Names"][0]).removeprefix("/")
    inputs = {
        "image": item["Image"],
        "network": item["HostConfig"]["NetworkMode"],
        "name": name,
        "labels": {key: value for key, value in sorted(labels.items()) if not is_ownership_tag(key)},
        "once": once,
        "running": state in ("running", "restarting") or (once and state != "created"),
    }
    return Observation(
        external_id=item["Id"],
        status=status,
        inputs=inputs,
        outputs={"ip": _address(item), "state": state},
        detail=detail,
        ownership=Ownership.from_tags(labels),
        name=name,
    )


def _address(item: Mapping[str, Any]) -> str | None:
    networks = (item.get("NetworkSettings") or {}).get("Networks") or {}
    return next((one["IPAddress"] for _, one in sorted(networks.items()) if one.get("IPAddress")), None)


def _progress(driver: Engine, item: Mapping[str, Any], once: bool) -> tuple[Status, str]:
    """How far a container is, and in words why it isn't ready."""
    state, said = item["State"], item["Status"]
    if state == "running":
        why = next((meaning for words, meaning in _STARTING.items() if words in said), "")
        why = "it runs" if once else why
        return (Status.PENDING if why else Status.READY), why
    if state in ("restarting", "removing"):
        return Status.PENDING, said
    if state == "dead":
        return Status.FAILED, "the engine could not remove it"
    if state == "created":
        fault = driver.ask("GET", "containers", item["Id"], "json")["State"]["Error"]
        return (Status.FAILED, f"it can't be started: {fault}") if fault else (Status.READY, "")
    return _ending(driver, item, once) if state == "exited" else (Status.READY, "")


def _ending(driver: Engine, item: Mapping[str, Any], once: bool) -> tuple[Status, str]:
    """Whether a container that has ended has failed: with an error, or before it was ever ready.

    One that was stopped later is as it should be: it is told as not running.
    """
    found = _EXITED.match(item["Status"])
    code = int(found[1]) if found else -1
    if once:
        return (Status.READY, "") if code == 0 else (Status.FAILED, f"it ended with code {code}")
    if 0 < code < _BY_SIGNAL:
        return Status.FAILED, f"it ended with code {code}"
    if _lifetime(driver.ask("GET", "containers", item["Id"], "json")["State"]) < _SHORT_LIFE:
        return Status.FAILED, f"it ended within a second of its start, with code {code}"
    return Status.READY, ""


def _lifetime(state: Mapping[str, Any]) -> float:
    """Seconds from the last start to the end."""
    started, ended = (datetime.fromisoformat(_microseconds(state[name])) for name in ("StartedAt", "FinishedAt"))
    return (ended - started).total_seconds()


def _microseconds(time: str) -> str:
    """``time`` as Python 3.10 reads it: the engine tells nanoseconds, and Z."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{(fraction + '000000')[:6]}+00:00"
