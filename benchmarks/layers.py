"""What each layer of a no-op plan costs, beside the floor of plain Python: ``python benchmarks/layers.py [COUNT]``.

Processor seconds, the middle of five runs in one process: for what matters most, not for the last percent.
"""

from __future__ import annotations

import graphlib
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import attrs
from parts import PartCloud, Parts
from planted import DEPLOYMENT, plant
from report import table
from shapes import Shape

import orchestra as oc
from orchestra.engine.survey import survey
from orchestra.garbage import uncollected
from orchestra.model.declaration import collect
from orchestra.planning.options import Options
from orchestra.planning.planner import make_plan
from orchestra.state.codec import decode_records, encode_record

T = TypeVar("T")
RUNS: Final = 5


class Layers:
    """Measures one layer after another, and keeps what each took."""

    def __init__(self) -> None:
        self.took: dict[str, float] = {}

    def timed(self, name: str, work: Callable[[], T]) -> T:
        """What ``work`` answers; its time is kept under ``name``."""
        began = time.process_time()
        answer = work()
        self.took[name] = time.process_time() - began
        return answer


def plan_layers(count: int, folder: Path) -> Layers:
    """Every layer that a plan in which nothing changes goes through."""
    plant(folder, count, Shape.GROUPS)
    oc.Deployment  # noqa: B018 (loaded here, so that no layer pays for it)
    layers, cloud = Layers(), PartCloud(folder / "cloud.parts")
    stack = layers.timed("build the stack", lambda: Parts(count=count))
    layers.timed("collect it: addresses, expressions, edges", lambda: collect(stack))
    deployment = oc.Deployment(stack, name=DEPLOYMENT, cloud=cloud, state=folder / "state.db", progress=False)
    snapshot = layers.timed("load the state: read, check digests, decode", deployment.store.load)
    texts = [encode_record(record) for record in snapshot.records.values()]
    layers.timed("… of that, decode", uncollected()(lambda: decode_records(texts)))
    site = layers.timed("name the clouds", lambda: deployment._site(snapshot))
    cloud.parts()
    world = layers.timed("survey: support, observe, choices", lambda: survey(site, snapshot, Options(), refresh=True))
    plan = layers.timed("decide: evaluate, compare, decide", lambda: make_plan(world, Options(), "Parts"))
    layers.timed("show it", lambda: str(plan))
    if not plan.is_empty:
        raise SystemExit(f"something was to change: {plan!r}")
    deployment.close()
    return layers


@attrs.frozen(kw_only=True)
class Plain:
    """As much as a part holds."""

    name: str
    cidr: str
    size: str
    net: str


def floor(count: int, folder: Path) -> Layers:
    """What the same number of plain objects takes."""
    layers = Layers()
    made = layers.timed(
        "build attrs objects", lambda: [Plain(name=f"r{i}", cidr="10.0.0.0/16", size="s", net="") for i in range(count)]
    )
    plain = layers.timed("attrs.asdict", lambda: [attrs.asdict(one) for one in made])
    texts = layers.timed("encode as JSON", lambda: [json.dumps(one, sort_keys=True) for one in plain])
    layers.timed("decode", lambda: [json.loads(text) for text in texts])
    database = sqlite3.connect(folder / "floor.db")
    database.execute("CREATE TABLE t (name TEXT PRIMARY KEY, payload TEXT)")

    def write() -> None:
        with database:
            database.executemany("INSERT INTO t VALUES (?, ?)", [(f"r{i}", text) for i, text in enumerate(texts)])

    layers.timed("write to SQLite", write)
    layers.timed("read from SQLite", lambda: database.execute("SELECT * FROM t").fetchall())
    database.close()
    needs = {index: Shape.GROUPS.uses(index, count) for index in range(count)}
    layers.timed("sort in topological order", lambda: list(graphlib.TopologicalSorter(needs).static_order()))
    return layers


def measured(measure: Callable[[int, Path], Layers], count: int) -> str:
    """The table of what `measure` finds in the middle of several runs, each in a folder of its own."""
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(measure(count, Path(folder)).took)
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    rows = [(name, f"{took:.2f} s", f"{1e6 * took / count:.1f} µs") for name, took in middle.items()]
    return table((f"{count:,} resources", "processor", "each"), rows)


def main() -> None:
    """Print both tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(measured(plan_layers, count), end="\n\n")
    print(measured(floor, count))


if __name__ == "__main__":
    main()
