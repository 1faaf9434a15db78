"""The benchmarks: ``python benchmarks/run.py`` prints Markdown tables; ``--quick`` does fewer runs of less."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from measure import Figure, block, processes, python, table
from stacks import Groups

import orchestra as oc

IMPORT_LIMIT = 2.0
"""How many times longer than ``import attrs, cattrs`` importing orchestra may take."""


def imports(runs: int) -> tuple[str, bool]:
    """Importing, against importing the two libraries that it is built on."""
    bare, peer, ours = processes([python("pass"), python("import attrs, cattrs"), python("import orchestra")], runs)
    rows = [
        ("bare interpreter", bare, ""),
        ("import attrs, cattrs", peer, "1.00"),
        ("import orchestra", ours, f"{ours.median / peer.median:.2f}"),
    ]
    holds = ours.median < IMPORT_LIMIT * peer.median
    verdict = f"limit {IMPORT_LIMIT}: {'holds' if holds else 'BROKEN'}"
    return table(("whole process", "median, peak memory", "ratio"), rows) + f"\n\n{verdict}", holds


def work(count: int, runs: int) -> list[tuple[str, Figure]]:
    """Planning and applying ``count`` resources on the simulated cloud, every outcome durable."""
    first, apply, again, destroy = [], [], [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            cloud = oc.clouds.simulated(path=Path(folder) / "cloud.db")
            stack = Groups(count=count)
            state = Path(folder) / "state.db"
            with oc.Deployment(stack, name="bench", cloud=cloud, state=state, progress=False) as deployment:
                first += block(deployment.plan, 1).seconds
                plan = deployment.plan()
                apply += block(lambda plan=plan, run=deployment.apply: run(plan), 1).seconds
                again += block(deployment.plan, 1).seconds
                destroy += block(deployment.destroy, 1).seconds
            if cloud.inventory():
                raise SystemExit(f"left behind: {cloud.inventory()}")
    named = {"first plan": first, "apply": apply, "no-op plan, observed": again, "plan and destroy": destroy}
    return [(name, Figure(tuple(seconds))) for name, seconds in named.items()]


def terraform(count: int, runs: int) -> list[tuple[str, Figure]] | None:
    """The same number of ``terraform_data`` resources in groups of ten, or None where Terraform isn't installed."""
    program = shutil.which("terraform")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        blocks = []
        for index in range(count):
            uses = "" if index % 10 == 0 else f"terraform_data.r{index - index % 10}.id"
            value = json.dumps({"name": f"r{index}", "cidr": "10.0.0.0/16"})[:-1]
            blocks.append(
                f'resource "terraform_data" "r{index}" {{\n  input = {value}, "net": join(",", [{uses}])}}\n}}\n'
            )
        (Path(folder) / "main.tf").write_text("".join(blocks))
        processes([[program, "init", "-no-color"]], 1, folder)
        plan = [program, "plan", "-no-color", "-input=false"]
        (first,) = processes([plan], runs, folder)
        (apply,) = processes([[program, "apply", "-auto-approve", "-no-color"]], 1, folder)
        (again,) = processes([plan], runs, folder)
        (destroy,) = processes([[program, "destroy", "-auto-approve", "-no-color"]], 1, folder)
    return [("first plan", first), ("apply", apply), ("no-op plan, observed", again), ("plan and destroy", destroy)]


def main() -> int:
    """Run and print everything; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs of less")
    parser.add_argument("--count", type=int, help="how many resources")
    arguments = parser.parse_args()
    runs = 3 if arguments.quick else 7
    count = arguments.count or (200 if arguments.quick else 1000)
    text, holds = imports(runs)
    print(f"## Importing\n\n{text}\n", flush=True)
    ours, peer = work(count, min(runs, 5)), terraform(count, min(runs, 5))
    print(f"## {count} resources in groups of ten\n")
    if peer is None:
        print("Terraform is not installed: no comparison.\n")
        print(table(("work", "orchestra, in process"), ours))
    else:
        rows = [
            (name, figure, other, f"{other.median / figure.median:.1f} times faster")
            for (name, figure), (_, other) in zip(ours, peer, strict=True)
        ]
        print(table(("work", "orchestra, in process", "terraform_data, whole process", "ratio"), rows))
        print("\norchestra's calls go to the simulated cloud, which keeps a file; terraform_data calls nothing.")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
