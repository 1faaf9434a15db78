"""A large deployment whose process is killed in the middle, whose next run has one creation refused, and what is left.

Four processes, one after the other, on one state and one simulated cloud: the first is killed while half of the servers
are there, by the call that has just made one; the second goes on, and is refused one server in the middle of the rest;
the third makes what is missing; the last compares cloud, state and stack.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.clouds.families.simulated.behaviour import Behaviour, Call
from orchestra.clouds.families.simulated.refusals import refusal
from tests.crash.processes import Broken, Say, ended_well, forked
from tests.crash.verdict import Verdict, judge, simulated_world

NAME: Final = "large"
IN_A_SUBNET: Final = 1000
MEMORY_LIMIT: Final = 2**30
"""Bytes that a process which plans and applies may take."""

PATIENCE: Final = 3 * 3600
"""Seconds that one process may take before it counts as hung."""


class Fleet(oc.Stack):
    """Servers, a thousand in each subnet."""

    servers: int = oc.parameter(minimum=2)

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/8")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.subnets = [
            oc.Subnet(network=self.network, cidr=f"10.{number // 64}.{number % 64 * 4}.0/22")
            for number in range((self.servers + IN_A_SUBNET - 1) // IN_A_SUBNET)
        ]
        self.fleet = [
            oc.Server(image=image, size=size, subnet=self.subnets[number // IN_A_SUBNET])
            for number in range(self.servers)
        ]


class Mishaps:
    """`Faults` of the simulated cloud: at the ``nth`` creation of a server this process is killed, or is refused it."""

    def __init__(self, *, killed: int = 0, refused: int = 0) -> None:
        self._killed = killed
        self._refused = refused
        self._lock = threading.Lock()
        self.creations = 0

    def before(self, call: Call) -> None:
        if call.action != "create_node":
            return
        with self._lock:
            self.creations += 1
            nth = self.creations
        if nth == self._refused:
            raise refusal("UnauthorizedOperation", "this is not permitted, on purpose", status=403)

    def after(self, call: Call) -> None:
        if call.action == "create_node" and self._killed and self.creations >= self._killed:
            os.kill(os.getpid(), signal.SIGKILL)


@attrs.frozen(kw_only=True)
class Stage:
    """What one process did. ``servers`` are there at its end; of them it made about ``made``. ``memory`` in bytes."""

    name: str
    seconds: float
    memory: int
    made: int
    servers: int


@attrs.frozen(kw_only=True)
class Outcome:
    """What all of it came to; ``faults`` is whatever went otherwise than it should, in words."""

    stages: tuple[Stage, ...]
    verdict: Verdict
    faults: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return self.verdict.is_good and not self.faults


class Ground:
    """A folder with the state and the cloud of ``count`` servers."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._there = 0
        self._stages: list[Stage] = []

    def play(self) -> Outcome:
        """Let the four processes live; raises `Broken` if one ends otherwise than it should."""
        half, rest = self._count // 2, self._count - self._count // 2
        self._stage("killed in the middle", self._applies(Mishaps(killed=half)), is_killed=True)
        refused = self._stage("one refused in the middle", self._applies(Mishaps(refused=max(1, rest // 2))))
        missing = self._count - self._there
        last = self._stage("the missing one", self._applies(Mishaps()))
        verdict = Verdict.from_json(self._stage("compare all", self._judges))
        faults = [
            *(["nothing was refused"] if json.loads(refused) != ["CredentialsError"] else []),
            *([f"{missing} were missing after one was refused"] if missing != 1 else []),
            *([f"the last run failed: {last}"] if json.loads(last) else []),
            *([f"it made {self._stages[2].made} of 1"] if self._stages[2].made != 1 else []),
            *(
                f"{one.name}: {one.memory / 2**20:.0f} MiB"
                for one in self._stages[:3]
                if one.memory > MEMORY_LIMIT
            ),
        ]  # fmt: skip
        return Outcome(stages=tuple(self._stages), verdict=verdict, faults=tuple(faults))

    def _stage(self, name: str, work: Callable[[Say], None], *, is_killed: bool = False) -> str:
        """Do ``work`` in a process of its own, note what it took, and return what it said."""
        began = time.perf_counter()
        said = forked(work, patience=PATIENCE)
        seconds = time.perf_counter() - began
        if not is_killed:
            ended_well(said, name)
        elif not said.killed:
            raise Broken(f"{name}: it was not killed:\n{said.text}")
        before, self._there = self._there, int(ended_well(forked(self._counts), "the one that counts").text)
        stage = Stage(
            name=name, seconds=seconds, memory=said.memory, made=self._there - before, servers=self._there
        )  # fmt: skip
        self._stages.append(stage)
        return said.text

    def _cloud(self, mishaps: Mishaps | None = None) -> SimulatedCloud:
        return oc.clouds.simulated(self._folder / "cloud.db", behaviour=Behaviour(faults=mishaps))

    def _deployment(self, cloud: SimulatedCloud) -> oc.Deployment:
        state = self._folder / "state.db"
        return oc.Deployment(
            Fleet(servers=self._count), name=NAME, cloud=cloud, state=state, progress=False, lock_timeout=180.0
        )

    def _applies(self, mishaps: Mishaps) -> Callable[[Say], None]:
        def work(say: Say) -> None:
            errors: list[str] = []
            with self._deployment(self._cloud(mishaps)) as deployment:
                try:
                    deployment.apply()
                except oc.ApplyError as error:
                    errors = [type(cause).__name__ for cause in error.exceptions]
            say(json.dumps(errors))

        return work

    def _counts(self, say: Say) -> None:
        say(str(self._cloud().inventory().get("compute.Server", 0)))

    def _judges(self, say: Say) -> None:
        cloud = self._cloud()
        with self._deployment(cloud) as deployment:
            say(judge(deployment, simulated_world(cloud)).to_json())


def table(outcome: Outcome) -> str:
    """A Markdown table of what each process did, and below it what is wrong."""
    lines = ["| process | seconds | MiB | servers made | servers there |", "| --- |" + " ---: |" * 4]
    lines += [
        f"| {one.name} | {one.seconds:.1f} | {one.memory / 2**20:.0f} | {one.made} | {one.servers} |"
        for one in outcome.stages
    ]
    wrong = [f"{name}: {one}" for name, ones in attrs.asdict(outcome.verdict).items() for one in ones]
    return "\n".join([*lines, "", *(wrong + list(outcome.faults) or ["Cloud, stack and state agree."])])
