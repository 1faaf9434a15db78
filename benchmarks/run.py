"""The benchmarks: ``python benchmarks/run.py`` measures, side by side with Terraform where it is installed.

Prints the tables, and with ``--write`` puts them into ``docs/benchmarks.md`` with a picture. ``--quick`` does fewer
runs of less.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import makespan
import readiness
import refresh
import report
import terraform
import throttled
from measure import HERE, Figure, compile_all, python, seconds, side_by_side, work
from planted import plant
from report import Growth, Row
from shapes import Shape

DOCS = HERE.parent / "docs"
ORDER = """How many times the lower bound an apply takes: the longest chain of steps, or all calls shared among the
width, whichever is larger. The sharper bound takes in what goes before the calls that are shared and what comes after
them. `benchmarks/makespan.py` tells what is made, and how its time passes: each figure is the same in every run."""
PERMITTED = """How much of what the simulated cloud permits goes into an apply, and how many calls it refuses for each
that is to be made; beside it as many calls at once all the time, each of which pauses ever longer when it is refused.
At one call a second the bucket holds one call only, so that every pause that is too long is lost."""
GROWN = "The processor's time per resource. An apply of 100,000 is made once only."
LONG = ("apply", 100_000)
"""What is run once only: it takes minutes."""
IMPORT_LIMIT = 0.060
"""Seconds that importing orchestra may take beyond ``import attrs, cattrs``."""


class Bench:
    """The measurements, of sizes that ``quick`` makes small, in folders under ``root``."""

    def __init__(self, root: Path, *, quick: bool, runs: int, alone: bool) -> None:
        self._root = root
        self._terraform = None if alone else terraform.program()
        self.scale = 10 if quick else 1
        self.runs = runs

    def say(self, what: str) -> None:
        """Tell on standard error what comes now: the tables come last."""
        print(f"… {what}", file=sys.stderr, flush=True)

    def planted(self, shape: Shape, count: int) -> Path:
        """The folder with the state of ``count`` parts."""
        folder = self._root / f"{shape.value}-{count}"
        if not folder.exists():
            folder.mkdir()
            plant(folder, count, shape)
        return folder

    def compare(self, name: str, shape: Shape, count: int, *, applied: bool, wanted: float) -> Row:
        """One piece of work of whole processes, beside Terraform."""
        count //= self.scale
        self.say(f"{name}, {shape.value}, {count}")
        folder = self.planted(shape, count)
        what = f"{'no-op' if applied else 'first'} plan, {shape.value} of {count:,}"
        ours = (work(name, shape.value, count, folder), None, self.runs)
        if self._terraform is None:
            return Row(what, *side_by_side(ours))
        place = self._root / f"terraform-{shape.value}-{count}-{applied}"
        terraform.write(self._terraform, place, count, shape, applied=applied)
        theirs = (terraform.plan(self._terraform), place, self.runs)
        return Row(what, *side_by_side(ours, theirs), wanted)

    def compare_apply(self, count: int, applies: int, *, wanted: float) -> Row:
        """A first apply, every outcome durable, beside ``applies`` runs of Terraform, which take long."""
        count //= self.scale
        self.say(f"apply, {count}")
        what = f"first apply, groups of {count:,}"
        ours = (work("apply_whole", Shape.GROUPS.value, count, self.planted(Shape.GROUPS, count)), None, self.runs)
        if self._terraform is None:
            return Row(what, *side_by_side(ours))
        place = self._root / f"terraform-apply-{count}"
        terraform.write(self._terraform, place, count, Shape.GROUPS, applied=False)
        return Row(what, *side_by_side(ours, (terraform.apply(self._terraform), place, applies)), wanted)

    def inside(self, name: str, shape: Shape, count: int, runs: int) -> Figure:
        """One piece of work inside a process."""
        self.say(f"{name}, {shape.value}, {count}, inside a process")
        return side_by_side((work(name, shape.value, count, self.planted(shape, count)), None, runs))[0]

    def against(self, applies: int) -> list[Row]:
        """What both do; Terraform's apply ``applies`` times."""
        groups = self.compare("whole", Shape.GROUPS, 10_000, applied=True, wanted=25)
        inside = self.inside("again", Shape.GROUPS, 10_000 // self.scale, self.runs)
        return [
            groups,
            Row(f"{groups.work}, inside a process", inside, groups.theirs, 40 if groups.theirs else 0),
            self.compare("whole", Shape.CHAIN, 3_000, applied=True, wanted=100),
            self.compare("whole", Shape.DENSE, 3_000, applied=True, wanted=30),
            self.compare("whole", Shape.FAN, 5_000, applied=True, wanted=0),
            self.compare("first_whole", Shape.GROUPS, 5_000, applied=False, wanted=0),
            self.compare_apply(5_000, applies, wanted=100),
        ]

    def large(self) -> list[tuple[str, Figure, str]]:
        """What 100,000 resources take."""
        count = 100_000 // self.scale
        names = {"build": "build", "first": "first plan", "again": "no-op plan", "destroy": "destroy plan"}
        return [
            (f"{label} of {count:,}", self.inside(name, Shape.GROUPS, count, self.runs), "10 s, 1,024 MiB")
            for name, label in names.items()
        ]

    def growth(self) -> list[Growth]:
        """Time per resource as they grow more, all sizes in turn."""
        counts = [count // self.scale for count in (1_000, 10_000, 100_000)]
        names = {"build": "build", "first": "first plan", "again": "no-op plan", "apply": "apply"}
        found = []
        for name, label in names.items():
            self.say(f"{name}, {', '.join(map(str, counts))}, inside a process")
            pieces = []
            for count in counts:
                runs = 1 if (name, count) == LONG else self.runs
                pieces.append((work(name, "groups", count, self.planted(Shape.GROUPS, count)), None, runs))
            found.append(Growth(label, tuple(zip(counts, side_by_side(*pieces), strict=True))))
        return found

    def refreshing(self) -> str:
        """What reading many servers takes."""
        self.say("refreshing many servers")
        return refresh.scaled(self.scale)

    def waiting(self) -> str:
        """What waiting until many are ready takes."""
        self.say("waiting for many servers")
        return readiness.shown(readiness.measured(readiness.COUNT // self.scale))

    def order(self) -> str:
        """How close applies come to the shortest time in which they can be done."""
        self.say("applies beside their lower bound")
        widths, seeds = ((4, 16), (1,)) if self.scale > 1 else (makespan.WIDTHS, makespan.SEEDS)
        return makespan.tables(list(makespan.measured(widths, seeds)))

    def permitted(self) -> str:
        """How much of what a cloud permits is used."""
        self.say("applies on a cloud that throttles")
        return throttled.tables(list(throttled.measured(throttled.SECONDS / (4 if self.scale > 1 else 1))))

    def start(self) -> tuple[list[tuple[str, Figure, str]], bool]:
        """What it takes to begin at all; False if importing takes longer than it may."""
        self.say("importing")
        bare, peer, ours = side_by_side(
            *((python(code), None, max(self.runs, 5)) for code in ("pass", "import attrs, cattrs", "import orchestra"))
        )
        text = (HERE.parent / "README.md").read_text(encoding="utf-8")
        example = text.split("```python\n")[1].split("    deployment.apply")[0]
        with tempfile.TemporaryDirectory() as folder:
            (readme,) = side_by_side((python(example), Path(folder), self.runs))
        extra = ours.cpu - peer.cpu
        rows = [
            ("an interpreter that does nothing", bare, ""),
            ("import attrs, cattrs", peer, ""),
            ("import orchestra", ours, f"{seconds(IMPORT_LIMIT)} above attrs and cattrs; found: {seconds(extra)}"),
            ("first plan of README's example", readme, "600 ms"),
        ]
        return rows, extra < IMPORT_LIMIT


def page(parts: dict[str, str], note: str) -> str:
    """The text of the page in the docs."""
    shown = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in parts.items())
    return f"""# Benchmarks

`nox -s bench -- --write` writes this page. Seconds are medians; the processor's seconds, user and system, stand in
brackets: on a busy machine they are the better measure. Memory is the peak of the whole process. Each piece of work has
a process of its own. {note}

A part costs its cloud nothing, and neither does Terraform's `terraform_data`: what is measured is the tool itself. Both
plan against the state of an apply, written beforehand; both read every resource. Of the very slow runs of Terraform
there are fewer: the last column tells how many there were of each; `--applies 5` makes more.

{shown}
"""


def main() -> int:
    """Measure, print, and write; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs of a tenth of the resources")
    parser.add_argument("--runs", type=int, help="how many runs of each (5; quick: 3)")
    parser.add_argument("--alone", action="store_true", help="leave Terraform out")
    parser.add_argument("--applies", type=int, default=1, help="runs of Terraform's apply (1: it takes long)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its picture")
    given = parser.parse_args()
    compile_all()
    with tempfile.TemporaryDirectory() as root:
        bench = Bench(Path(root), quick=given.quick, runs=given.runs or (3 if given.quick else 5), alone=given.alone)
        start, holds = bench.start()
        rows = bench.against(given.applies)
        parts = {
            "Against Terraform": report.against(rows),
            "Starting": report.alone(start),
            "Large stacks": report.alone(bench.large()),
            "Growth": f"{GROWN}\n\n{report.growth(bench.growth())}",
            "Reading the clouds": f"{refresh.SAID}\n\n{bench.refreshing()}",
            "Waiting until many are ready": f"{readiness.SAID}\n\n{bench.waiting()}",
            "In which order": f"{ORDER}\n\n{bench.order()}",
            "How many at once": f"{PERMITTED}\n\n{bench.permitted()}",
        }
    program = terraform.program()
    note = f"{report.machine()}; {terraform.version(program) if program else 'Terraform is not installed'}."
    if given.write:
        pictured = {"Against Terraform": "![How many times faster than Terraform](_static/benchmarks.svg)\n\n"}
        text = page({heading: pictured.get(heading, "") + part for heading, part in parts.items()}, note)
        (DOCS / "benchmarks.md").write_text(text, encoding="utf-8")
        (DOCS / "_static").mkdir(exist_ok=True)
        (DOCS / "_static" / "benchmarks.svg").write_text(report.picture(rows), encoding="utf-8")
    print(page(parts, note))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
