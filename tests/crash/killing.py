"""Processes that are forked off, killed, and followed by others that go on where they left off."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from tests.crash.boundaries import DeadlyCalls, DeadlyStore, Executioner, SharedClock
from tests.crash.stacks import SCENARIOS, Scenario, Shop
from tests.crash.verdict import Verdict, judge

NAME = "crash"
PATIENCE = 60
"""Seconds that a process may take before it counts as hung."""

RANDOM_MOMENT = "at a random moment"

WEATHERS: Mapping[str, oc.clouds.Behaviour] = MappingProxyType(
    {
        "prompt": oc.clouds.Behaviour(),
        "slow": oc.clouds.Behaviour(boot_seconds=1.0, shutdown_seconds=1.0),
        "lagging": oc.clouds.Behaviour(boot_seconds=1.0, consistency_seconds=2.0, look_up_seconds=1.0),
    }
)
"""How the cloud behaves."""


@attrs.frozen(kw_only=True)
class Case:
    """One crash.

    The first process dies at its boundary ``number``, or at a random moment if that is 0; the second one dies at its
    boundary ``second``, if that isn't 0. The one after them applies, or with ``then_destroy`` destroys.
    """

    scenario: Scenario
    weather: str = "prompt"
    width: int = 1
    number: int = 1
    second: int = 0
    then_destroy: bool = False


@attrs.frozen(kw_only=True)
class Crash:
    """What came of a case. ``boundaries``: where processes were killed; empty if the first one ended by itself."""

    case: Case
    boundaries: tuple[str, ...]
    verdict: Verdict


class Hung(Exception):
    """A process neither ended nor died."""


class Ground:
    """A folder in which cases are played; what they start from is deployed once and copied."""

    def __init__(self, folder: Path, clock: SharedClock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SharedClock()
        self._prepared: dict[tuple[str, str], float] = {}
        self._seconds: dict[str, float] = {}

    def play(self, case: Case, chance: random.Random) -> Crash:
        """Play one case."""
        place = self._laid_out(case)
        boundaries = []
        first = self._killed(case, place, case.number, chance)
        if first is not None:
            boundaries.append(first)
            if case.second and (second := self._killed(case, place, case.second, chance)):
                boundaries.append(f"again {second}")
        said = _forked(lambda say: say(self._settled(case, place).to_json()))
        if said.killed or said.failed:
            return Crash(case=case, boundaries=tuple(boundaries), verdict=Verdict(unsettled=(said.text or "hung",)))
        return Crash(case=case, boundaries=tuple(boundaries), verdict=Verdict.from_json(said.text))

    def _killed(self, case: Case, place: Path, number: int, chance: random.Random) -> str | None:
        """Run until it is killed; the boundary, or None if it came to its end."""
        executioner_number, delay = number, 0.0
        if number == 0:
            delay = chance.uniform(0.01, self._seconds.get(case.scenario.name, 0.5))
        began = time.perf_counter()
        said = _forked(lambda say: self._act(case, place, Executioner(executioner_number, say)), kill_after=delay)
        if said.failed:
            raise Hung(f"{case}: the first process failed by itself:\n{said.text}")
        if not said.killed:
            self._seconds[case.scenario.name] = time.perf_counter() - began
            return None
        return said.text or RANDOM_MOMENT

    def _act(self, case: Case, place: Path, executioner: Executioner) -> None:
        """What the process does that is to die: what the scenario says."""
        deployment = self._deployment(
            case, place, attrs.evolve(WEATHERS[case.weather], faults=DeadlyCalls(executioner))
        )
        deployment._store = DeadlyStore(deployment.store, executioner)  # type: ignore[assignment]
        if case.scenario.after is None:
            deployment.destroy()
        else:
            deployment.apply()

    def _settled(self, case: Case, place: Path) -> Verdict:
        """What the process does that comes after: apply or destroy, and compare."""
        deployment = self._deployment(case, place, WEATHERS[case.weather])
        destroys = case.then_destroy or case.scenario.after is None
        if destroys:
            deployment.destroy()
        else:
            deployment.apply()
        self._clock.sleep(60.0)  # whatever lags has caught up
        return judge(deployment, self._cloud(place, WEATHERS["prompt"]), destroys)

    def _deployment(
        self, case: Case, place: Path, behaviour: oc.clouds.Behaviour, *, before: bool = False
    ) -> oc.Deployment:
        parameters = case.scenario.before if before or case.scenario.after is None else case.scenario.after
        return oc.Deployment(
            Shop(**(parameters or {})),
            name=NAME,
            cloud=self._cloud(place, behaviour),
            state=place / "state.db",
            clock=self._clock,
            progress=False,
            width=case.width,
        )

    def _cloud(self, place: Path, behaviour: oc.clouds.Behaviour) -> SimulatedCloud:
        return oc.clouds.simulated(path=place / "cloud.db", behaviour=behaviour, clock=self._clock)

    def _laid_out(self, case: Case) -> Path:
        """A folder with what the scenario starts from."""
        key = (case.scenario.name, case.weather)
        template = self._folder / f"{SCENARIOS.index(case.scenario)}-{case.weather}"
        if key not in self._prepared:
            template.mkdir()
            if case.scenario.before is not None:
                said = _forked(lambda say: self._prepare(case, template))
                if said.failed or said.killed:
                    raise Hung(f"{case.scenario.name} could not be prepared:\n{said.text}")
            self._clock.sleep(60.0)
            self._prepared[key] = self._clock.now()
        place = self._folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place)
        self._clock.set(self._prepared[key])
        return place

    def _prepare(self, case: Case, template: Path) -> None:
        cloud = self._cloud(template, WEATHERS[case.weather])
        with self._deployment(case, template, WEATHERS[case.weather], before=True) as deployment:
            deployment.apply()
            cloud.close()


@attrs.frozen
class _Said:
    """How a process ended, and what it said."""

    text: str
    killed: bool
    failed: bool


def _forked(work: Callable[[Callable[[str], None]], None], *, kill_after: float = 0.0) -> _Said:
    """Do ``work`` in a process of its own, which may be killed ``kill_after`` seconds from now."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _child(work, writing)
    os.close(writing)
    if kill_after:
        threading.Event().wait(kill_after)
        os.kill(process, signal.SIGKILL)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        text = pipe.read()
    _, status = os.waitpid(process, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return _Said(text, killed, not killed and status != 0)


def _child(work: Callable[[Callable[[str], None]], None], writing: int) -> None:
    def say(text: str) -> None:
        os.write(writing, text.encode())

    code = 1
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        work(say)
        code = 0
    except BaseException:
        say(traceback.format_exc())
    finally:
        os._exit(code)


def warm_up() -> None:
    """Load in this process what every process that is forked off would have to load; leaves no thread behind."""
    cloud = oc.clouds.simulated(path=":memory:")
    with oc.Deployment(Shop(), name=NAME, cloud=cloud, state="sqlite://:memory:", progress=False) as deployment:
        deployment.apply()
        deployment.destroy()
    cloud.close()
    assert threading.active_count() == 1, "forking is safe in a process without threads only"


def exhaustively(ground: Ground, case: Case, chance: random.Random, *, step: int = 1) -> Iterator[Crash]:
    """``case`` with a death at the first boundary, the next, and so on until a run comes to its end."""
    for number in itertools.count(1, step):
        crash = ground.play(attrs.evolve(case, number=number), chance)
        yield crash
        if not crash.boundaries:
            return
