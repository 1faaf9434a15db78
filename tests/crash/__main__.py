"""Kill processes in the middle of deployments, go on in others, and count what is lost, doubled or orphaned.

``python -m tests.crash --kills 1000`` strikes every boundary of every scenario, and then draws crashes by chance: at
boundaries and at any moment, with several calls at once, some of them again during the recovery. It prints a Markdown
table: where processes were killed, how often, and what that left. ``--seed`` draws others; ``--short`` strikes a few
boundaries of each scenario. The exit status is 1 if a crash left anything other than it should be; each of those is
told, with how to repeat it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.crash.killing import WEATHERS, Case, Crash, Ground, exhaustively, warm_up
from tests.crash.report import table, told
from tests.crash.stacks import SCENARIOS

FOLDER = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
"""Where state and cloud are kept: a killed process, unlike a power cut, needs no disk to lose nothing."""


def crashes(ground: Ground, chance: random.Random, short: bool) -> Iterator[Crash]:
    """One crash after the other: at every boundary first, then by chance, for ever; ``short``: at every seventh."""
    weathers = list(WEATHERS)
    if short:
        for number, scenario in enumerate(SCENARIOS):
            case = Case(scenario=scenario, weather=weathers[number % len(weathers)])
            yield from exhaustively(ground, case, chance, step=7)
        return
    for weather in weathers:
        for scenario in SCENARIOS:
            yield from exhaustively(ground, Case(scenario=scenario, weather=weather), chance)
    while True:
        yield ground.play(_drawn(chance), chance)


def _drawn(chance: random.Random) -> Case:
    """A crash at any boundary, or at any moment; a third of them crash once more while they recover."""
    return Case(
        scenario=chance.choice(SCENARIOS),
        weather=chance.choice(list(WEATHERS)),
        width=chance.choice((1, 4, 16)),
        number=chance.choice((0, chance.randint(1, 150))),
        second=chance.choice((0, 0, chance.randint(1, 60))),
        then_destroy=chance.random() < 0.25,
    )


def main() -> int:
    """Kill, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many processes to kill (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, help="which crashes are drawn (default: 1)")
    parser.add_argument("--short", action="store_true", help="a few boundaries of each scenario only")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    found: list[Crash] = []
    kills = 0
    warm_up()
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        for crash in crashes(Ground(Path(folder)), chance, arguments.short):
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
