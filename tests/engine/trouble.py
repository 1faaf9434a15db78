"""Scripted trouble for tests of the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable

from memory_cloud import MemoryCloud

import orchestra as oc

Hook = Callable[[str, str, str], None]


class Killed(BaseException):
    """Stands for the end of the process: what raises it leaves nothing behind but what is written by then."""


def raising(*script: tuple[str, str, BaseException]) -> Hook:
    """Raises each error once, when its (operation, address) comes up."""
    left = list(script)
    lock = threading.Lock()

    def hook(operation: str, kind: str, what: str) -> None:
        with lock:
            for one in left:
                if one[0] == operation and one[1] == what:
                    left.remove(one)
                    raise one[2]

    return hook


def always(operation: str, address: str, error: Callable[[], BaseException]) -> Hook:
    """Raises a new error whenever (operation, address) comes up."""

    def hook(now: str, kind: str, what: str) -> None:
        if (now, what) == (operation, address):
            raise error()

    return hook


def quiet(operation: str, kind: str, what: str) -> None:
    """No trouble at all."""


def killed_before(cloud: MemoryCloud, deployment: oc.Deployment, operation: str, address: str) -> None:
    """Apply until the process dies ahead of a call: it is begun, and never happened."""
    _killed(cloud, deployment, "before", raising((operation, address, Killed())))


def killed_after(cloud: MemoryCloud, deployment: oc.Deployment, operation: str, address: str) -> None:
    """Apply until the process dies before it can write down the answer to a call."""
    _killed(cloud, deployment, "after", raising((operation, address, Killed())))


def _killed(cloud: MemoryCloud, deployment: oc.Deployment, when: str, hook: Hook) -> None:
    setattr(cloud, when, hook)
    try:
        deployment.apply()
    except Killed:
        setattr(cloud, when, quiet)
        return
    raise AssertionError("the process was not killed")


def causes(error: oc.ApplyError) -> dict[str | None, type[BaseException]]:
    """The root causes by address."""
    return {getattr(cause, "address", None): type(cause) for cause in error.exceptions}
