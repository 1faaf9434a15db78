"""Kill processes in the middle of deployments, go on in others, and count what is lost, doubled or orphaned.

``python -m tests.crash --kills 1000`` strikes every boundary of every scenario. A fifth of its crashes is drawn by
chance: at boundaries and at any moment, with several calls at once, some of them again during the recovery. It prints a
Markdown table: where processes were killed, how often, and what that left. ``--cloud aws`` does it on moto's AWS over
HTTP, where every request that changes something is a boundary, ``--cloud elbv2`` with load balancers of its newer API.
``--seed`` draws others; ``--short`` strikes a few boundaries of each scenario; ``--at LoadBalancer`` only those with
that pattern in their name.

``--stop`` doesn't kill: processes are stopped until their lease is over and another has done their work, and go on
then. They may make no call and write nothing. ``--state postgresql://…`` does it on a database, in schemas ``crash_…``
that are dropped first. ``--large 100000`` does something else: it kills one process in the middle of so many servers,
has one refused in the middle of the rest, and tells how long the runs that recover take, and with how much memory.

The exit status is 1 if a crash left anything other than it should be; each of those is
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

from tests.crash import large
from tests.crash.boundaries import SharedClock
from tests.crash.killing import Case, Crash, Ground, exhaustively, warm_up
from tests.crash.places import AwsPlace, Place, SimulatedPlace
from tests.crash.report import table, told
from tests.crash.stacks import SCENARIOS
from tests.crash.states import FileStates, PostgresStates
from tests.crash.stopping import exhaustively_stopped
from tests.moto_server import moto_server

FOLDER = next((folder for folder in ("/dev/shm",) if Path(folder).is_dir()), None)
"""Where state and cloud are kept: a killed process, unlike a power cut, needs no disk to lose nothing."""


WHERE = "on which cloud; elbv2: AWS with load balancers of its newer API (default: simulated)"
SHORT_STEP = {"simulated": 11, "aws": 31, "elbv2": 31, "stop": 27}
"""How far apart the boundaries are that ``--short`` strikes: AWS takes some hundred requests for each."""


def crashes(ground: Ground, chance: random.Random, step: int) -> Iterator[Crash]:
    """One crash after the other: at every boundary, with a fifth of them drawn by chance in between; then for ever.

    With a ``step`` above 1 only at every ``step``-th boundary of each scenario, and not by chance.
    """
    weathers = ground.place.weathers
    if step > 1:
        for number, scenario in enumerate(SCENARIOS):
            case = Case(scenario=scenario, weather=weathers[number % len(weathers)])
            yield from exhaustively(ground, case, chance, first=1 + 5 * number, step=step)
        return
    for weather in weathers:
        for scenario in SCENARIOS:
            for number, crash in enumerate(exhaustively(ground, Case(scenario=scenario, weather=weather), chance)):
                yield crash
                if number % 4 == 3:
                    yield ground.play(_drawn(chance, weathers), chance)
    while True:
        yield ground.play(_drawn(chance, weathers), chance)


def stops(ground: Ground, step: int) -> Iterator[Crash]:
    """A stop at every ``step``-th boundary of every scenario, in a weather in which there is something to wait for."""
    for number, scenario in enumerate(SCENARIOS):
        case = Case(scenario=scenario, weather="slow" if "slow" in ground.place.weathers else "prompt")
        yield from exhaustively_stopped(ground, case, first=1 if step == 1 else 3 + 5 * number, step=step)


@contextlib.contextmanager
def _place(cloud: str, clock: SharedClock) -> Iterator[Place]:
    if cloud == "simulated":
        yield SimulatedPlace(clock)
        return
    with moto_server() as server:
        yield AwsPlace(server, "elbv2" if cloud == "elbv2" else "elb")


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="how many processes to strike (default: 1000)")
    parser.add_argument("--cloud", choices=("simulated", "aws", "elbv2"), default="simulated", help=WHERE)
    parser.add_argument("--stop", action="store_true", help="stop processes and wake them up instead")
    parser.add_argument("--state", default="", help="a PostgreSQL database for the states (default: files)")
    parser.add_argument("--at", default="", help="a pattern: kill only at boundaries that have it in their name")
    parser.add_argument("--seed", type=int, default=1, help="which crashes are drawn (default: 1)")
    parser.add_argument("--short", action="store_true", help="a few boundaries of each scenario only")
    parser.add_argument("--large", type=int, default=0, help="so many servers, killed and refused in the middle")
    arguments = parser.parse_args()
    if arguments.large:
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            outcome = large.Ground(Path(folder), arguments.large).play()
        print(large.table(outcome))
        return 0 if outcome.is_good else 1
    chance = random.Random(arguments.seed)
    found: list[Crash] = []
    kills = 0
    step = SHORT_STEP["stop" if arguments.stop else arguments.cloud] if arguments.short else 1
    clock = SharedClock()
    states = PostgresStates(arguments.state) if arguments.state else FileStates()
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder, _place(arguments.cloud, clock) as place:
        warm_up(place, Path(folder, "warm"))
        ground = Ground(Path(folder), place, clock, states, arguments.at)
        for crash in stops(ground, step) if arguments.stop else crashes(ground, chance, step):
            found.append(crash)
            kills += len(crash.boundaries)
            if not crash.verdict.is_good:
                print(told(crash), file=sys.stderr, flush=True)
            if kills >= arguments.kills:
                break
    print(table(found, "stopped" if arguments.stop else "killed"))
    return 0 if all(crash.verdict.is_good for crash in found) else 1


if __name__ == "__main__":
    sys.exit(main())
