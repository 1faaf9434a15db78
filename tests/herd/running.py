"""Many processes that apply one deployment at the same time, forked off a process that has loaded everything."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.families.simulated.behaviour import Call

PATIENCE = 500
"""Seconds that a process may take before it counts as hung."""


class Shop(oc.Stack):
    """A network with some servers."""

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", internet=True)
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")
        self.web = [
            oc.Server(image=oc.Image(os="debian", version="12"), size=oc.Size(cpus=2, memory_gib=4), subnet=self.subnet)
            for _ in range(4)
        ]


WANTED = {"network.Network": 1, "network.Gateway": 1, "network.Subnet": 1, "compute.Server": 4}


@attrs.frozen(kw_only=True)
class Ground:
    """Where it takes place: the deployment, its state, and the file of the cloud."""

    name: str
    state: str
    cloud: Path

    def deployment(self, cloud: SimulatedCloud | None = None, lock_timeout: float = 0.0) -> oc.Deployment:
        cloud = cloud or oc.clouds.simulated(path=self.cloud)
        return oc.Deployment(
            Shop(), name=self.name, cloud=cloud, state=self.state, progress=False, lock_timeout=lock_timeout
        )


class Gate:
    """Holds back the first call that changes the cloud until somebody opens it."""

    def __init__(self, opened: int) -> None:
        self._opened = opened

    def before(self, call: Call) -> None:
        if call.token:
            os.read(self._opened, 1)  # returns when the other end is closed

    def after(self, call: Call) -> None:
        pass


@attrs.frozen(kw_only=True)
class Result:
    """How the processes of one herd ended: ``done`` well, ``locked`` out, or ``failed``; and what they left."""

    done: int
    locked: tuple[str, ...]
    failed: tuple[str, ...]
    faults: tuple[str, ...]
    """What is wrong with state and cloud afterwards; nothing should be."""
    seconds: float


def herd(ground: Ground, number: int, *, lock_timeout: float) -> Result:
    """Have ``number`` processes apply at once.

    Without a ``lock_timeout`` the one that gets the lease is held back until all others were refused.
    """
    reading, writing = os.pipe()
    started, start = os.pipe()
    opened, opener = os.pipe()
    began = time.perf_counter()

    def work(say: Callable[[str, str], None]) -> None:
        os.close(start)
        os.close(opener)
        os.read(started, 1)
        faults = None if lock_timeout else Gate(opened)
        cloud = oc.clouds.simulated(path=ground.cloud, behaviour=oc.clouds.Behaviour(faults=faults))
        with ground.deployment(cloud, lock_timeout) as deployment:
            try:
                deployment.apply()
            except oc.LockedError as error:
                say("locked", str(error))
            else:
                say("done", "")

    children = [forked(work, writing) for _ in range(number)]
    os.close(writing)
    os.close(start)
    said: dict[str, list[str]] = {"done": [], "locked": [], "failed": []}
    with os.fdopen(reading, encoding="utf-8") as lines:
        for heard, line in enumerate(lines, start=1):
            outcome, text = json.loads(line)
            said[outcome].append(text)
            if heard == number - 1 and opener:
                os.close(opener)
                opener = 0
    for child in children:
        os.waitpid(child, 0)
    for end in (started, opened, *([opener] if opener else [])):
        os.close(end)
    return Result(
        done=len(said["done"]),
        locked=tuple(said["locked"]),
        failed=tuple(said["failed"]),
        faults=judged(ground, number if lock_timeout else 1),
        seconds=time.perf_counter() - began,
    )


def judged(ground: Ground, runs: int) -> tuple[str, ...]:
    """What is wrong, found by a process of its own: every run is told, and one of them made everything, once."""
    reading, writing = os.pipe()

    def work(say: Callable[[str, str], None]) -> None:
        cloud = oc.clouds.simulated(path=ground.cloud)
        with ground.deployment(cloud) as deployment:
            snapshot = deployment.store.load()  # checks every digest
            history = deployment.history()
            made = [past.run for past in history if past.run.counts.get("create")]
            found: Mapping[str, bool] = {
                f"the cloud holds {cloud.inventory()}": cloud.inventory() == WANTED,
                f"the state knows {sorted(snapshot.records)}": len(snapshot.records) == 6,
                f"calls are open: {snapshot.pending}": not snapshot.pending and not snapshot.deposed,
                f"{len(made)} runs made something": len(made) == 1,
                f"{len(history)} runs are told": len(history) == runs,
                "a run has not ended well": all(past.run.status.value == "succeeded" for past in history),
                "the next plan is not empty": deployment.plan().is_empty,
            }
        for fault, is_well in found.items():
            if not is_well:
                say("fault", fault)

    child = forked(work, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        faults = tuple(json.loads(line)[1] for line in lines)
    os.waitpid(child, 0)
    return faults


def forked(work: Callable[[Callable[[str, str], None]], None], writing: int) -> int:
    """Do ``work`` in a process of its own, which may say things; its number."""
    child = os.fork()
    if child:
        return child

    def say(outcome: str, text: str) -> None:
        # one write of less than 4096 bytes arrives in one piece
        os.write(writing, (json.dumps([outcome, text[-3000:]]) + "\n").encode())

    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        work(say)
        code = 0
    except BaseException:
        say("failed", traceback.format_exc())
    finally:
        os._exit(code)


def warm_up() -> None:
    """Load in this process what every process that is forked off would have to load; leaves no thread behind."""
    cloud = oc.clouds.simulated(path=":memory:")
    with oc.Deployment(Shop(), name="warm", cloud=cloud, state="sqlite://:memory:", progress=False) as deployment:
        deployment.apply()
    cloud.close()
    with contextlib.suppress(ImportError):
        import orchestra.stores.postgresql  # noqa: F401
    assert threading.active_count() == 1, "forking is safe in a process without threads only"
