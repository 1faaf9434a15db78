"""What the tests of containers start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestra.contracts import Cloud, Inputs, Observation, Ownership, Provider, Status, Update, fresh_token
from orchestra.engine.clock import SystemClock

CONTAINER: Mapping[str, Any] = {
    "image": "busybox:1",
    "command": ["sleep", "1000"],
    "environment": {},
    "ports": [],
    "mounts": [],
    "network": "none",
    "restart": "no",
    "memory_mib": None,
    "cpus": None,
    "stop_seconds": 0,
    "once": False,
    "running": True,
    "name": None,
    "labels": {},
}
"""The inputs of a container that does nothing."""


def owner(address: str = "web", deployment: str = "shop") -> Ownership:
    return Ownership(deployment, address, fresh_token(f"{deployment}/{address}"))


def served(cloud: Cloud, kind: str) -> Provider:
    provider = cloud.provider(kind)
    assert provider is not None
    return provider


def create(cloud: Cloud, address: str = "web", **inputs: Any) -> Observation:
    """Create a container under a token that belongs to ``address``."""
    return served(cloud, "containers.Container").create(Inputs({**CONTAINER, **inputs}), owner(address))


def observe(cloud: Cloud, external_id: str) -> Observation:
    return served(cloud, "containers.Container").observe([external_id]).found[external_id]


def update(cloud: Cloud, external_id: str, before: Mapping[str, Any], **after: Any) -> Observation:
    was = {**CONTAINER, **before}
    wanted = Update(before=Inputs(was), after=Inputs({**was, **after}), changed=frozenset(after))
    return served(cloud, "containers.Container").update(external_id, wanted)


def settled(cloud: Cloud, external_id: str) -> Observation:
    """It, once it isn't pending any more: an engine takes a moment of real time."""
    clock = SystemClock()
    while (found := observe(cloud, external_id)).status is Status.PENDING:
        clock.sleep(0.1)
    return found
