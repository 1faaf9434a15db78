"""Containers on Amazon ECS: tasks with one container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

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
from orchestra.clouds.families.libcloud.containers.limits import refuse_change
from orchestra.clouds.provider import Calls
from orchestra.clouds.translate import translate
from orchestra.contracts import FoundBy, Inputs, Observation, Ownership, Status, Update
from orchestra.errors import CloudError, InvalidRequestError, NotFoundError, TransientError

_DEFAULT: Final = "default"
"""The cluster that tasks run in unless it is said otherwise."""
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - the only address that ECS opens ports on
_STOPPED: Final = "STOPPED"
_ASKED: Final = frozenset({"UserInitiated", "TerminationNotice"})
"""Why a task stopped that somebody wanted gone."""


class TaskCalls(Calls[LibcloudDriver]):
    """A task. Its id is its ARN.

    It is made of a task definition, of a family that is named after the token. That is taken out of use as soon as the
    task is there: it goes on without, and nothing is left behind when it is gone.
    """

    kind = "containers.Container"
    page = DESCRIBED
    found_by = FoundBy.TAG
    found_key = "startedBy, with the token; beside it clientToken and tags"
    unsupported = MappingProxyType(
        {
            "mounts": "volumes of tasks are a matter of the machines of a cluster, or of services of their own",
            "network": "what network a task is in is said in options: run_task's networkConfiguration",
            "once": "ECS forgets a task an hour after it has ended: it would be run again",
        }
    )
    required = MappingProxyType({"memory_mib": "ECS makes no container without a limit of memory"})
    fixed = MappingProxyType(
        {
            "restart": ("no", "ECS doesn't start a task again"),
            "running": (True, "a task can't be stopped for a while, only ended"),
        }
    )

    def create(self, driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> Observation:
        """See `Calls.create`: definition, task, definition out of use. Broken off, it goes on where it was."""
        task = self._made(driver, owner, inputs)
        if task is None:
            task = _run(driver, _registered(driver, inputs, owner), inputs, owner)
        _retire(driver, task["taskDefinitionArn"])
        return _told(task)

    def read(self, driver: LibcloudDriver, ids: Sequence[str]) -> Iterator[Observation]:
        """See `Calls.read`: so many at once as belong to one cluster."""
        for cluster in sorted({_cluster(one) for one in ids}):
            here = [one for one in ids if _cluster(one) == cluster]
            yield from (_told(one) for one in _tasks(driver, cluster, here) if not _is_ended(one))

    def look_up(self, driver: LibcloudDriver, external_id: str) -> Observation:
        """See `Calls.look_up`."""
        return _told(self._one(driver, external_id))

    def search(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Observation | None:
        """See `Calls.search`: by what it was started by. Of one that has stopped ECS knows the client token."""
        task = self._made(driver, owner, inputs)
        return None if task is None else _told(task)

    def update(self, driver: LibcloudDriver, external_id: str, update: Update) -> Observation:
        """See `Calls.update`: nothing of a task is changed in place."""
        refuse_change(update, "ECS", external_id)
        return self.look_up(driver, external_id)

    def delete(self, driver: LibcloudDriver, external_id: str) -> None:
        """See `Calls.delete`."""
        task = self._one(driver, external_id)
        _retire(driver, task["taskDefinitionArn"])
        ask(driver, "StopTask", cluster=_cluster(external_id), task=external_id, reason="deleted by orchestra")

    def everything(self, driver: LibcloudDriver) -> Iterator[Observation]:
        """See `Calls.everything`: of every cluster. Tasks with several containers are somebody else's business."""
        for cluster in listed(driver, "ListClusters", "clusterArns"):
            arns = list(listed(driver, "ListTasks", "taskArns", cluster=cluster))
            for one in _tasks(driver, cluster, arns):
                if not _is_ended(one) and len(one["containers"]) == 1:
                    yield _told(one)

    def _made(self, driver: LibcloudDriver, owner: Ownership, inputs: Inputs) -> Item | None:
        cluster = inputs.text("cluster", _DEFAULT)
        arns = list(listed(driver, "ListTasks", "taskArns", cluster=cluster, startedBy=owner.token))
        return next((one for one in _tasks(driver, cluster, arns) if not _is_ended(one)), None)

    def _one(self, driver: LibcloudDriver, external_id: str) -> Item:
        for one in _tasks(driver, _cluster(external_id), [external_id]):
            if not _is_ended(one):
                return one
        raise NotFoundError(f"there is no task {external_id}")


# -- what is asked for


def _registered(driver: LibcloudDriver, inputs: Inputs, owner: Ownership) -> str:
    """The ARN of the definition; that of one that was registered before, if nothing more was done then."""
    family = owner.name(255)
    known = next(listed(driver, "ListTaskDefinitions", "taskDefinitionArns", familyPrefix=family), None)
    if known is not None:
        return known
    more = dict(driver.settings.get("task_definition", {}))
    answer = ask(
        driver,
        "RegisterTaskDefinition",
        family=family,
        containerDefinitions=[_container(inputs, owner)],
        tags=tags_for(owner, inputs.labels()),
        **more,
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _run(driver: LibcloudDriver, definition: str, inputs: Inputs, owner: Ownership) -> Item:
    cluster = inputs.text("cluster", _DEFAULT)
    answer = ask(
        driver,
        "RunTask",
        cluster=cluster,
        taskDefinition=definition,
        count=1,
        startedBy=owner.token,
        clientToken=owner.token,
        tags=tags_for(owner, inputs.labels()),
        **driver.settings.get("run_task", {}),
    )
    if not answer["tasks"]:
        reasons = ", ".join(str(one.get("reason")) for one in answer.get("failures") or ())
        raise TransientError(f"ECS has no room for the task in cluster {cluster} now: {reasons}")
    task: Item = answer["tasks"][0]
    return task


def _retire(driver: LibcloudDriver, definition: str) -> None:
    """Take a definition out of use; one that is already is left alone."""
    try:
        ask(driver, "DeregisterTaskDefinition", taskDefinition=definition)
    except Exception as error:
        told: CloudError = translate(error)
        if not isinstance(told, (NotFoundError, InvalidRequestError)):
            raise


def _container(inputs: Inputs, owner: Ownership) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": inputs.optional_text("name") or owner.name(),
        "image": inputs.text("image"),
        "essential": True,
        "memory": inputs.integer("memory_mib"),
        "environment": [
            {"name": key, "value": str(value)} for key, value in sorted(inputs.mapping("environment").items())
        ],
        "portMappings": [_port(port) for port in inputs.mappings("ports")],
        "stopTimeout": inputs.integer("stop_seconds"),
    }
    if command := inputs.texts("command"):
        described["command"] = command
    if (cpus := inputs.values.get("cpus")) is not None:
        described["cpu"] = round(float(str(cpus)) * 1024)
    return described


def _port(port: Mapping[str, Any]) -> dict[str, Any]:
    if port["address"] != _EVERYWHERE:
        raise InvalidRequestError(
            f"a port that is open on {port['address']} alone can't be had: ECS opens it on all addresses",
            sent=False,
            remedy="leave the address out",
        )
    return {"containerPort": port["container"], "hostPort": port["host"], "protocol": port["protocol"]}


# -- what is told


def _cluster(arn: str) -> str:
    """The cluster in a task's ARN, ``…:task/cluster/id``; old ones have none, and were in the default one."""
    parts = arn.rpartition(":")[2].split("/")
    return parts[1] if len(parts) == 3 else _DEFAULT


def _tasks(driver: LibcloudDriver, cluster: str, arns: Sequence[str]) -> Iterator[Item]:
    return described(driver, "DescribeTasks", "tasks", arns, cluster=cluster)


def _is_ended(task: Item) -> bool:
    """Whether it was ended on purpose, or is about to be: that is gone. One that ended by itself has failed."""
    return task.get("desiredStatus") == _STOPPED and task.get("stopCode") in _ASKED


def _told(task: Item) -> Observation:
    container = task["containers"][0]
    arn, state = task["taskArn"], task["lastStatus"]
    cluster = _cluster(arn)
    status, detail = _progress(task)
    return Observation(
        external_id=arn,
        status=status,
        inputs={
            "name": container["name"],
            "labels": labels_of(task),
            **({"image": container["image"]} if container.get("image") else {}),
            **({"cluster": cluster} if cluster != _DEFAULT else {}),
        },
        outputs={"ip": _address(task), "state": state.lower()},
        detail=detail,
        ownership=Ownership.from_tags(tags_of(task)),
        name=container["name"],
    )


def _address(task: Item) -> str | None:
    interfaces = (one for container in task["containers"] for one in container.get("networkInterfaces") or ())
    return next((one["privateIpv4Address"] for one in interfaces if one.get("privateIpv4Address")), None)


def _progress(task: Item) -> tuple[Status, str]:
    if task["lastStatus"] == _STOPPED:
        codes = [one["exitCode"] for one in task["containers"] if one.get("exitCode") is not None]
        ended = f"it ended with code {codes[0]}" if codes else "it ended"
        return Status.FAILED, str(task.get("stoppedReason") or ended)
    if task["lastStatus"] == "RUNNING":
        return Status.READY, ""
    return Status.PENDING, str(task["lastStatus"])
