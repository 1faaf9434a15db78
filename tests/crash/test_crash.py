"""Processes killed, and stopped, at some boundaries of every scenario; ``python -m tests.crash`` does it at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.server import PostgresServer, programs

ROOT = Path(__file__).parents[2]
HEADER = "times | lost | doubled | orphaned | remade | unsettled |"

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked off"),
    pytest.mark.timeout(300),  # half a minute each, where nothing else runs
]


def struck(*arguments: str, short: bool = True) -> dict[str, list[int]]:
    """The rows of the table that ``python -m tests.crash`` prints; it must find nothing wrong."""
    # a process of its own: this one may have threads, and then must not fork
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", *(["--short"] if short else []), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    header, _, *rows = (line for line in done.stdout.splitlines() if line.startswith("|"))
    assert header.endswith(HEADER)
    cells = [[cell.strip(" *") for cell in row.strip("|").split("|")] for row in rows]
    return {boundary: [int(number) for number in numbers] for boundary, *numbers in cells}


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: no initdb on the path, nor in /usr/lib/postgresql/*/bin")
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_killed_process_loses_doubles_and_orphans_nothing() -> None:
    rows = struck()
    assert {"before: call made", "after: call made", "after: begin written", "before: outcome committed"} < set(rows)
    assert rows["all"][0] >= 20
    assert not any(rows["all"][1:])


def test_a_process_killed_between_requests_to_aws_loses_doubles_and_orphans_nothing() -> None:
    rows = struck("--cloud", "aws", "--kills", "9")
    assert [one for one in rows if one.endswith(("sent", "answered"))]
    assert rows["all"][0] == 9
    assert not any(rows["all"][1:])


def test_a_balancer_of_several_parts_is_lost_doubled_and_orphaned_by_no_kill() -> None:
    parts = ("CreateLoadBalancer", "CreateTargetGroup", "CreateListener", "RegisterTargets")
    rows = struck("--cloud", "elbv2", "--at", "|".join(parts), "--kills", "8", short=False)
    assert {f"after: {action} answered" for action in parts} <= set(rows)
    assert not any(rows["all"][1:])


def test_a_stopped_process_that_is_overtaken_writes_nothing_and_makes_no_call() -> None:
    rows = struck("--stop")
    assert {"after: begin written", "before: call made", "before: outcome committed", "while waiting"} < set(rows)
    assert rows["all"][0] >= 10
    assert not any(rows["all"][1:])


def test_a_stopped_process_is_kept_out_of_postgresql_as_well(postgres: PostgresServer) -> None:
    rows = struck("--stop", "--state", postgres.url().partition("?")[0])
    assert rows["all"][0] >= 10
    assert not any(rows["all"][1:])


def test_a_large_deployment_goes_on_after_a_kill_and_a_refusal_in_the_middle() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--large", "2000"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    _, _, *rows = (line for line in done.stdout.splitlines() if line.startswith("|"))
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    made, there = [int(row[3]) for row in cells], [int(row[4]) for row in cells]
    assert 900 <= made[0] <= 1100
    assert made[2:] == [1, 0]
    assert there[1:] == [1999, 2000, 2000]
