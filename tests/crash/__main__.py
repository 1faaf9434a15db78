"""Kill processes in the middle of deployments, go on in others, and count what is lost, doubled or orphaned.

``python -m tests.crash --kills 1000`` strikes every boundary of every scenario, and then draws crashes by chance: at
boundaries and at any moment, with several calls at once, some of them again during the recovery. It prints a Markdown
table: where processes were killed, how often, and what that left. ``--cloud aws`` does it on moto's AWS over HTTP,
where every request that changes something is a boundary. ``--seed`` draws others; ``--short`` strikes a few
boundaries of each scenario. The exit status is 1 if a crash left anything other than it should be; each of those is
told, with how to repeat it.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.crash.boundaries import SharedClock
from tests.crash.killing import Case, Crash, Ground, exhaustively, warm_up
from tests.crash.places import AwsPlace, Place, SimulatedPlace
from tests.crash.report import table, told
from tests.crash.stacks import SCENARIOS
from tests.moto_server import moto_server

FOLDER = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
"""Where state and cloud are kept: a killed process, unlike a power cut, needs no disk to lose nothing."""


SHORT_STEP = {"simulated": 7, "aws": 29}
"""How far apart the boundaries are that ``--short`` strikes: AWS takes some hundred requests for each."""


def crashes(ground: Ground, chance: random.Random, step: int) -> Iterator[Crash]:
    """One crash after the other: at every boundary first, then by chance, for ever.

    With a ``step`` above 1 only at every ``step``-th boundary of each scenario, and not by chance.
    """
    weathers = ground.place.weathers
    if step > 1:
        for number, scenario in enumerate(SCENARIOS):
            case = Case(scenario=scenario, weather=weathers[number % len(weathers)])
            yield from exhaustively(ground, case, chance, first=1 + 4 * number, step=step)
        return
    for weather in weathers:
        for scenario in SCENARIOS:
            yield from exhaustively(ground, Case(scenario=scenario, weather=weather), chance)
    while True:
        yield ground.play(_drawn(chance, weathers), chance)


@contextlib.contextmanager
def _place(cloud: str, clock: SharedClock) -> Iterator[Place]:
    if cloud == "simulated":
        yield SimulatedPlace(clock)
        return
    with moto_server() as server:
        yield AwsPlace(server)


def _drawn(chance: random.Random, weathers: Sequence[str]) -> Case:
    """A crash at any boundary, or at any moment; a third of them crash once more while they recover."""
    return Case(
        scenario=chance.choice(SCENARIOS),
        weather=chance.choice(weathers),
        width=chance.choice((1, 4, 16)),
        number=chance.choice((0, chance.randint(1, 150))),
        second=chance.choice((0, 0, chance.randint(1, 60))),
        then_destroy=chance.random() < 0.25,
    )


def main() -> int:
    """Kill, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many processes to kill (default: 1000)")
    parser.add_argument("--cloud", choices=list(SHORT_STEP), default="simulated", help="where (default: simulated)")
    parser.add_argument("--seed", type=int, default=1, help="which crashes are drawn (default: 1)")
    parser.add_argument("--short", action="store_true", help="a few boundaries of each scenario only")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    found: list[Crash] = []
    kills = 0
    step = SHORT_STEP[arguments.cloud] if arguments.short else 1
    clock = SharedClock()
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder, _place(arguments.cloud, clock) as place:
        warm_up(place, Path(folder, "warm"))
        for crash in crashes(Ground(Path(folder), place, clock), chance, step):
            found.append(crash)
            kills += len(crash.boundaries)
            if not crash.verdict.is_good:
                print(told(crash), file=sys.stderr, flush=True)
            if kills >= arguments.kills:
                break
    print(table(found))
    return 0 if all(crash.verdict.is_good for crash in found) else 1


if __name__ == "__main__":
    sys.exit(main())
