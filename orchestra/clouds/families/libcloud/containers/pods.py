"""Containers on Kubernetes: pods with one container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from orchestra.clouds.base.driver import LibcloudDriver
from orchestra.clouds.families.libcloud.containers.kubernetes import (
    ONCE,
    TOKEN,
    Item,
    a_pod,
    ask,
    created,
    is_going,
    labels_of,
    marked,
    owner_of,
    pages,
    pods_in,
)
from orchestra.clouds.families.libcloud.containers.limits import refuse_change
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import ConflictError, InvalidRequestError, NotFoundError

_DEFAULT: Final = "default"
"""The namespace that every cluster has."""
_RESTART: Final = MappingProxyType({"no": "Never", "on-failure": "OnFailure", "always": "Always"})
_HOPELESS: Final = frozenset({"InvalidImageName", "CreateContainerConfigError"})
"""Why a container waits for what won't come by itself."""
_GOING: Final = 2.0
"""Seconds after which it is worth looking whether a pod of the name is gone."""


class PodCalls(Calls[LibcloudDriver]):
    """A pod. Its id is ``namespace/name/uid``: another pod of the same name is another thing."""

    kind = "containers.Container"
    page = None
    found_by = FoundBy.TAG
    found_key = f"label {TOKEN}; a second one of the name is refused"
    unsupported = MappingProxyType(
        {
            "mounts": "a pod sees volumes of its cluster, which Libcloud's driver has no calls for",
            "network": "all pods are in their cluster's network",
        }
    )
    fixed = MappingProxyType({"running": (True, "a pod can't be stopped, only deleted")})

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: a second pod of a name is refused, so that one that was made is found."""
        within = pods_in(inputs.text("cluster", _DEFAULT))
        return _told(created(driver, within, _described(inputs, owner), owner, going=_GOING))

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: those with our label, in the namespaces of those that are asked for."""
        wanted = frozenset(ids)
        for namespace in sorted({one.partition("/")[0] for one in wanted}):
            for item in pages(driver, pods_in(namespace), TOKEN):
                if not is_going(item) and _id(item) in wanted:
                    yield _told(item)

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        namespace, name, uid = _parts(external_id)
        item = ask(driver, "GET", a_pod(namespace, name))
        if is_going(item) or uid not in ("", item["metadata"]["uid"]):
            raise NotFoundError(f"pod {external_id} isn't there any more")
        return _told(item)

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by the label."""
        found = pages(driver, pods_in(inputs.text("cluster", _DEFAULT)), f"{TOKEN}={owner.token}")
        return next((_told(item) for item in found if not is_going(item)), None)

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: nothing of a pod is changed in place here."""
        refuse_change(update, "Kubernetes", external_id)
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`: only this very pod, which is given its time to end."""
        namespace, name, uid = _parts(external_id)
        body = {"preconditions": {"uid": uid}} if uid else None
        try:
            ask(driver, "DELETE", a_pod(namespace, name), body)
        except Exception as error:
            if not isinstance(translate(error), ConflictError):
                raise
            self.look_up(driver, external_id)  # another pod has the name: this one is gone
            raise

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`: pods with several containers are somebody else's business."""
        for item in pages(driver, "/api/v1/pods"):
            if not is_going(item) and len(item["spec"]["containers"]) == 1:
                yield _told(item)


def _id(item: Item) -> str:
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}/{metadata['uid']}"


def _parts(external_id: str) -> tuple[str, str, str]:
    """Namespace, name and uid; the last is '' for one that is adopted by its name."""
    namespace, slash, rest = external_id.partition("/")
    name, _, uid = rest.partition("/")
    return (namespace, name, uid) if slash else (_DEFAULT, namespace, "")


# -- what is asked for


def _described(inputs: Inputs, owner: Ownership) -> dict[str, Any]:
    name = inputs.optional_text("name") or owner.name()
    restart = inputs.text("restart")
    if restart not in _RESTART:
        raise InvalidRequestError(
            f"restart={restart!r}: Kubernetes knows no such rule",
            sent=False,
            remedy=f"use one of {', '.join(_RESTART)}",
        )
    container: dict[str, Any] = {"name": name, "image": inputs.text("image")}
    if command := inputs.texts("command"):
        container["args"] = command
    if environment := inputs.mapping("environment"):
        container["env"] = [{"name": key, "value": str(value)} for key, value in sorted(environment.items())]
    if ports := inputs.mappings("ports"):
        container["ports"] = [_port(port) for port in ports]
    if limits := _limits(inputs):
        container["resources"] = {"limits": limits}
    once = {"once": "yes"} if inputs.flag("once") else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": marked(name, owner, inputs.labels(), **once),
        "spec": {
            "containers": [container],
            "restartPolicy": _RESTART[restart],
            "terminationGracePeriodSeconds": inputs.integer("stop_seconds"),
        },
    }


def _port(port: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "containerPort": port["container"],
        "hostPort": port["host"],
        "protocol": str(port["protocol"]).upper(),
        "hostIP": port["address"],
    }


def _limits(inputs: Inputs) -> dict[str, str]:
    limits = {}
    if inputs.values.get("memory_mib") is not None:
        limits["memory"] = f"{inputs.integer('memory_mib')}Mi"
    if (cpus := inputs.values.get("cpus")) is not None:
        limits["cpu"] = f"{round(float(str(cpus)) * 1000)}m"
    return limits


# -- what is told


def _told(item: Item) -> Observation:
    metadata, container = item["metadata"], item["spec"]["containers"][0]
    is_once = ONCE in (metadata.get("annotations") or {})
    status, detail = _progress(item, is_once)
    namespace = metadata["namespace"]
    return Observation(
        external_id=_id(item),
        status=status,
        inputs={
            "image": container["image"],
            "name": metadata["name"],
            "labels": labels_of(item),
            "once": is_once,
            **({"cluster": namespace} if namespace != _DEFAULT else {}),
        },
        outputs={"ip": item["status"].get("podIP"), "state": _phase(item)},
        detail=detail,
        ownership=owner_of(item),
        name=metadata["name"],
    )


def _phase(item: Item) -> str:
    return str(item["status"].get("phase") or "Pending").lower()


def _progress(item: Item, is_once: bool) -> tuple[Status, str]:
    """How far a pod is, and in words why it isn't ready."""
    phase = _phase(item)
    states = item["status"].get("containerStatuses") or []
    if phase == "failed":
        return Status.FAILED, str(item["status"].get("message") or _ending(states))
    if phase == "succeeded":
        return (Status.READY, "") if is_once else (Status.FAILED, _ending(states))
    waiting = next((one["state"]["waiting"] for one in states if "waiting" in (one.get("state") or {})), None)
    if waiting is not None:
        reason = str(waiting.get("reason") or phase)
        return (Status.FAILED if reason in _HOPELESS else Status.PENDING), str(waiting.get("message") or reason)
    if phase == "running" and states and all(one.get("ready") for one in states):
        return (Status.PENDING, "it runs") if is_once else (Status.READY, "")
    return Status.PENDING, phase


def _ending(states: Sequence[Item]) -> str:
    """How its container ended."""
    ends = (one["state"]["terminated"] for one in states if "terminated" in (one.get("state") or {}))
    return next((f"it ended with code {end.get('exitCode')}" for end in ends), "it ended")
