"""Processes that are stopped until their lease is over, overtaken by others, and woken up."""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

import orchestra as oc
from orchestra.engine.office import HEARTBEAT
from tests.crash.boundaries import Executioner
from tests.crash.killing import Case, Crash, Ground
from tests.crash.processes import Broken, Say, Sleeper, told
from tests.crash.verdict import Verdict, judge

LONG: Final = HEARTBEAT * 4 + 1.0
"""Seconds after which a lease is over that nobody renewed."""

NOT_YET: Final = "before: lease taken"
"""Whoever is stopped here holds no lease, and does nothing wrong when it takes it later."""


@attrs.frozen
class Awake:
    """What a process tells that was stopped: where, the boundaries it came to later, and how it ended."""

    boundary: str
    later: list[str]
    errors: list[str]
    """The types of what it raised, an `ApplyError` by its causes."""
    message: str

    @property
    def went_on(self) -> Iterator[str]:
        """What it may not have done, in words."""
        for one in self.later:
            if one.startswith("after: ") and one.endswith(("call made", "answered")):
                yield f"the one that was stopped {self.boundary} made a call later"
        if set(self.errors) - {"LeaseLostError", "StalePlanError" if self.boundary == "after: lease taken" else ""}:
            yield f"the one that was stopped ended with {', '.join(self.errors)}: {self.message}"
        if "LeaseLostError" in self.errors and not ("lease" in self.message and "run again" in self.message):
            yield f"the one that was stopped doesn't say what to do: {self.message}"


def stopped(ground: Ground, case: Case) -> Crash:
    """Stop the first process at its boundary ``case.number``, let another overtake it, wake it up, and compare."""
    here, _ = ground.laid_out(case)
    sleeper = Sleeper(lambda say: _sleep(ground, case, here, say))
    if not sleeper.is_asleep:
        said = sleeper.woken()
        wrong = (said.text,) if said.failed else ()
        return Crash(case=case, boundaries=(), verdict=Verdict(unsettled=wrong))
    ground.clock.sleep(LONG)
    try:
        there_was_more = told(lambda: _overtaken(ground, case, here), "the one that overtook")
        before = told(lambda: _written(ground, case, here), "the one that reads")
    except Broken as error:
        where = json.loads(sleeper.woken().text)[0]
        return Crash(case=case, boundaries=(where,), verdict=Verdict(unsettled=(str(error),)))
    said = sleeper.woken()
    if said.failed or said.killed:
        verdict = Verdict(unsettled=(f"the one that was stopped ended badly: {said.text or 'hung'}",))
        return Crash(case=case, boundaries=("somewhere",), verdict=verdict)
    awake = Awake(*json.loads(said.text))
    verdict = Verdict.from_json(told(lambda: _judged(ground, case, here).to_json(), "the one that compares"))
    wrong = tuple(awake.went_on) if awake.boundary != NOT_YET else ()
    if awake.boundary != NOT_YET:
        if told(lambda: _written(ground, case, here), "the one that reads") != before:
            wrong += (f"the one that was stopped {awake.boundary} wrote to the state later",)
        if there_was_more and not awake.errors:
            wrong += (f"the one that was stopped {awake.boundary} doesn't know that it was overtaken",)
    verdict = attrs.evolve(verdict, unsettled=(*verdict.unsettled, *wrong))
    return Crash(case=case, boundaries=(awake.boundary,), verdict=verdict)


def exhaustively_stopped(ground: Ground, case: Case, *, first: int = 1, step: int = 1) -> Iterator[Crash]:
    """``case`` with a stop at the boundary ``first``, then every ``step``-th until a run comes to its end."""
    for number in itertools.count(first, step):
        crash = stopped(ground, attrs.evolve(case, number=number))
        yield crash
        if not crash.boundaries:
            return


def _sleep(ground: Ground, case: Case, here: Path, say: Say) -> None:
    """What the process does that is stopped."""
    where: list[str] = []
    executioner = Executioner(case.number, where.append, signal.SIGSTOP)
    deployment = ground.deployment(case, here, executioner)
    errors: list[BaseException] = []
    try:
        ground.act(case, deployment)
    except oc.ApplyError as error:
        errors.extend(error.exceptions)
    except oc.OrchestraError as error:
        errors.append(error)
    message = "; ".join(str(error) for error in errors)
    say(json.dumps([where and where[0], executioner.later, [type(error).__name__ for error in errors], message]))


def _overtaken(ground: Ground, case: Case, here: Path) -> str:
    """Do what the other didn't finish; '' if that was nothing."""
    deployment = ground.deployment(case, here)
    run = ground.act(case, deployment)
    return "more" if run.steps else ""


def _written(ground: Ground, case: Case, here: Path) -> str:
    """All that the state says."""
    store = ground.deployment(case, here).store
    return repr((store.load(), store.runs(), store.journal()))


def _judged(ground: Ground, case: Case, here: Path) -> Verdict:
    ground.clock.sleep(LONG)
    deployment = ground.deployment(case, here)
    return judge(deployment, ground.place.world(here), destroyed=case.scenario.after is None)
