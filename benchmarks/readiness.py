"""How many calls, threads and seconds waiting for many servers takes: ``python benchmarks/readiness.py [COUNT]``.

The servers of the simulated cloud boot for ten seconds and each of its calls takes 20 ms. None can be made before its
turn comes among those that are made at once, and the last one boots as long as the first.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
from fleet import Counted, deployment
from report import table

import orchestra as oc
from orchestra.clouds.families.simulated.behaviour import Behaviour

COUNT: Final = 1_000
BOOT: Final = 10.0
LATENCY: Final = 0.02
WIDTHS: Final = (16, 64)
SAID: Final = f"""A first apply on the simulated cloud, where each call takes {LATENCY * 1000:.0f} ms and a server boots
for {BOOT:.0f} s. Each list tells of all that are being waited for."""
"""What stands above the table."""


@attrs.frozen(kw_only=True)
class Wait:
    """One apply. ``threads`` are those that make calls; ``made`` is when the last creation was answered, in seconds."""

    width: int
    servers: int
    polls: int
    calls: int
    threads: int
    made: float
    seconds: float


def waited(folder: Path, count: int, width: int) -> Wait:
    """Make ``count`` servers, and wait until they are ready."""
    counted = Counted()
    cloud = oc.clouds.simulated(
        folder / "cloud.db", behaviour=Behaviour(boot_seconds=BOOT, latency=LATENCY, page_size=count, faults=counted)
    )
    with deployment(folder, count, cloud) as there:
        plan = there.plan()
        counted.calls.clear()
        began = time.perf_counter()
        run = there.apply(plan, width=width)
        seconds = time.perf_counter() - began
        created = max(one.started for one in run.steps)
    cloud.close()
    return Wait(
        width=width,
        servers=count,
        polls=counted.calls["list_nodes"],
        calls=counted.calls.total(),
        threads=counted.threads,
        made=created,
        seconds=seconds,
    )


def measured(count: int, widths: Sequence[int] = WIDTHS) -> Iterator[Wait]:
    """One width after the other, each in a folder of its own."""
    for width in widths:
        with tempfile.TemporaryDirectory() as folder:
            yield waited(Path(folder), count, width)


def shown(rows: Iterable[Wait]) -> str:
    """The table."""
    cells = [
        (
            f"{one.servers:,}",
            one.width,
            one.threads,
            one.polls,
            f"{one.calls:,}",
            f"{one.made:.1f} s",
            f"{one.seconds:.1f} s",
        )
        for one in rows
    ]
    headings = ("servers", "width", "threads", "lists while waiting", "calls in all", "last one begun", "all ready")
    return table(headings, cells)


def main() -> None:
    """Print the table."""
    print(shown(measured(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)))


if __name__ == "__main__":
    main()
