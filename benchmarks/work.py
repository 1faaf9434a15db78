"""What is measured, one piece in a process of its own: ``python benchmarks/work.py WORK SHAPE COUNT FOLDER``.

Prints the seconds that the piece took and the processor's, as JSON; what goes before it is not in them. The memory
is that of the whole process, seen from outside.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final

from parts import PartCloud, Parts
from planted import DEPLOYMENT
from shapes import Shape

import orchestra as oc


def timed(work: Callable[[], object]) -> None:
    """Do ``work`` and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))


def deployment(stack: Parts, folder: Path, *, applied: bool = True) -> oc.Deployment:
    """A deployment of ``stack``: on what was planted in ``folder``, or on nothing."""
    cloud = PartCloud(folder / "cloud.parts" if applied else None)
    state = folder / ("state.db" if applied else "empty.db")
    return oc.Deployment(stack, name=DEPLOYMENT, cloud=cloud, state=state, progress=False)


def whole(stack: Callable[[], Parts], folder: Path) -> None:
    """Everything from the start of the process to the text of a plan in which nothing changes."""
    plan = deployment(stack(), folder).plan()
    _nothing_changes(plan)
    print(plan)


def build(stack: Callable[[], Parts], folder: Path) -> None:
    """The stack, and the deployment of it, in a process that has loaded what it takes."""
    deployment(Parts(count=1), folder)
    timed(lambda: deployment(stack(), folder))


def again(stack: Callable[[], Parts], folder: Path) -> None:
    """A plan in which nothing changes, in a process that has planned before."""
    there = deployment(stack(), folder)
    there.plan()
    timed(lambda: _nothing_changes(there.plan()))


def first(stack: Callable[[], Parts], folder: Path) -> None:
    """The plan of what isn't there yet."""
    there = deployment(stack(), folder, applied=False)
    timed(there.plan)


def first_whole(stack: Callable[[], Parts], folder: Path) -> None:
    """Everything from the start of the process to the text of a first plan."""
    print(deployment(stack(), folder, applied=False).plan())


def destroy(stack: Callable[[], Parts], folder: Path) -> None:
    """The plan to destroy all of it."""
    there = deployment(stack(), folder)
    timed(lambda: there.plan(destroy=True))


def apply(stack: Callable[[], Parts], folder: Path) -> None:
    """A first apply, every outcome durable."""
    (folder / "empty.db").unlink(missing_ok=True)
    there = deployment(stack(), folder, applied=False)
    plan = there.plan()
    timed(lambda: there.apply(plan))


def apply_whole(stack: Callable[[], Parts], folder: Path) -> None:
    """Everything from the start of the process to the end of a first apply."""
    (folder / "empty.db").unlink(missing_ok=True)
    deployment(stack(), folder, applied=False).apply()


def _nothing_changes(plan: oc.Plan) -> None:
    if not plan.is_empty or not plan.unchanged:
        raise SystemExit(f"something was to change: {plan!r}")


WORK: Final = MappingProxyType(
    {one.__name__: one for one in (whole, build, again, first, first_whole, destroy, apply, apply_whole)}
)


def main() -> None:
    """Do what the command line names."""
    name, shape, count, folder = sys.argv[1:]
    WORK[name](lambda: Parts(count=int(count), shape=Shape(shape)), Path(folder))


if __name__ == "__main__":
    main()
