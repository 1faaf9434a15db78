"""Processes that are killed, and followed by others that go on where they left off."""

from __future__ import annotations

import gc
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

import orchestra as oc
from tests.crash.boundaries import DeadlyClock, DeadlyStore, Executioner, SharedClock
from tests.crash.places import Place
from tests.crash.processes import Broken, Say, forked, told
from tests.crash.stacks import SCENARIOS, Scenario, Shop
from tests.crash.states import FileStates, States
from tests.crash.verdict import Key, Verdict, judge

NAME: Final = "crash"
RANDOM_MOMENT: Final = "at a random moment"

CATCHING_UP: Final = 60.0
"""Seconds after which whatever lags has caught up."""


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


class Ground:
    """A folder in which cases are played; what they start from is deployed once and copied.

    ``only``: see `Executioner`.
    """

    def __init__(
        self, folder: Path, place: Place, clock: SharedClock, states: States | None = None, only: str = ""
    ) -> None:
        self._only = only
        self.place = place
        self.clock = clock
        self._folder = folder
        self._states = states or FileStates()
        self._prepared: dict[tuple[str, str], tuple[float, frozenset[Key]]] = {}
        self._seconds: dict[str, float] = {}

    def play(self, case: Case, chance: random.Random) -> Crash:
        """Play one case."""
        here, there_before = self.laid_out(case)
        boundaries: list[str] = []
        made: set[Key] = set()
        for number in (case.number, case.second):
            if number == 0 and boundaries:
                break
            boundary = self._killed(case, here, number, chance)
            if boundary is None:
                break
            self.place.settle(here)
            made |= self._there(here) - there_before
            boundaries.append(f"again {boundary}" if boundaries else boundary)
        try:
            text = told(lambda: self._settled(case, here, frozenset(made)).to_json(), "the process that came after")
        except Broken as error:
            return Crash(case=case, boundaries=tuple(boundaries), verdict=Verdict(unsettled=(str(error),)))
        return Crash(case=case, boundaries=tuple(boundaries), verdict=Verdict.from_json(text))

    def deployment(
        self, case: Case, folder: Path, executioner: Executioner | None = None, *, before: bool = False
    ) -> oc.Deployment:
        """The deployment of ``case`` that is in ``folder``; ``before``: what the scenario starts from."""
        parameters = case.scenario.before if before or case.scenario.after is None else case.scenario.after
        made = oc.Deployment(
            Shop(**(parameters or {}), zones=self.place.zones),
            name=NAME,
            cloud=self.place.cloud(folder, case.weather, executioner),
            state=self._states.url(folder),
            clock=DeadlyClock(self.clock, executioner) if executioner is not None else self.clock,
            progress=False,
            width=case.width,
        )
        if executioner is not None:
            made._store = DeadlyStore(made.store, executioner)  # type: ignore[assignment]
        return made

    def act(self, case: Case, deployment: oc.Deployment) -> oc.Run:
        """Do what the scenario says."""
        if case.scenario.back:
            return deployment.apply(deployment.rollback(to=deployment.history()[0].serial))
        return deployment.destroy() if case.scenario.after is None else deployment.apply()

    def _killed(self, case: Case, here: Path, number: int, chance: random.Random) -> str | None:
        """Run until it is killed; the boundary, or None if it came to its end."""
        delay = 0.0
        if number == 0:
            delay = chance.uniform(0.01, self._seconds.get(case.scenario.name, 0.5))

        def work(say: Say) -> None:
            deployment = self.deployment(case, here, Executioner(number, say, only=self._only))
            self.act(case, deployment)

        began = time.perf_counter()
        said = forked(work, kill_after=delay)
        if said.failed:
            raise Broken(f"{case}: the first process failed by itself:\n{said.text}")
        if not said.killed:
            self._seconds[case.scenario.name] = time.perf_counter() - began
            return None
        return said.text or RANDOM_MOMENT

    def _there(self, folder: Path) -> frozenset[Key]:
        """Everything that there is."""
        listed = told(lambda: json.dumps(list(self.place.world(folder).things)), "the one that looks")
        return frozenset((kind, external_id) for kind, external_id in json.loads(listed))

    def _settled(self, case: Case, here: Path, made: frozenset[Key]) -> Verdict:
        """What the process does that comes after: apply or destroy, and compare."""
        deployment = self.deployment(case, here)
        destroys = case.then_destroy or case.scenario.after is None
        if destroys:
            deployment.destroy()
        else:
            deployment.apply()
        self.clock.sleep(CATCHING_UP)
        return judge(deployment, self.place.world(here), destroyed=destroys, made=made)

    def laid_out(self, case: Case) -> tuple[Path, frozenset[Key]]:
        """A folder with what the scenario starts from, and all that there is."""
        key = (case.scenario.name, case.weather)
        template = self._folder / f"{SCENARIOS.index(case.scenario)}-{case.weather}"
        if key not in self._prepared:
            self.place.found(template)
            self._states.found(template)
            if case.scenario.before is not None:
                told(lambda: self._prepare(case, template), f"{case.scenario.name} could not be prepared")
            self.clock.sleep(CATCHING_UP)
            self._prepared[key] = self.clock.now(), self._there(template)
        now, there = self._prepared[key]
        here = self._folder / "case"
        self.place.copy(template, here)
        self._states.copy(template, here)
        self.clock.set(now)
        return here, there

    def _prepare(self, case: Case, template: Path) -> str:
        for before in (False, True) if case.scenario.back else (True,):
            with self.deployment(case, template, before=before) as deployment:
                deployment.apply()
        return ""


def warm_up(place: Place, folder: Path) -> None:
    """Load in this process what every process that is forked off would have to load; leaves no thread behind."""
    place.found(folder)
    cloud = place.cloud(folder, place.weathers[0])
    with oc.Deployment(
        Shop(zones=place.zones), name=NAME, cloud=cloud, state="sqlite://:memory:", progress=False
    ) as deployment:
        deployment.apply()
        deployment.destroy()
    place.world(folder)
    del cloud, deployment
    gc.collect()  # what is still open is closed here, not in every process that is forked off
    assert threading.active_count() == 1, "forking is safe in a process without threads only"


def exhaustively(
    ground: Ground, case: Case, chance: random.Random, *, first: int = 1, step: int = 1
) -> Iterator[Crash]:
    """``case`` with a death at the boundary ``first``, then every ``step``-th until a run comes to its end."""
    for number in itertools.count(first, step):
        crash = ground.play(attrs.evolve(case, number=number), chance)
        yield crash
        if not crash.boundaries:
            return
