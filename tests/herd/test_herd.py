"""Twenty processes, or as many as ORCHESTRA_TEST_HERD says, that apply one deployment at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBER = int(os.environ.get("ORCHESTRA_TEST_HERD", "20"))


@pytest.mark.timeout(600)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked off")
def test_of_many_processes_one_makes_everything_and_the_others_are_refused_or_wait() -> None:
    # a process of its own: this one may have threads, and then must not fork
    done = subprocess.run(
        [sys.executable, "-m", "tests.herd", "--processes", str(NUMBER)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    header, _, *rows = (line for line in done.stdout.splitlines() if line.startswith("|"))
    assert header.startswith("| store | processes | asked to wait | applied | refused |")
    told = [[cell.strip() for cell in row.split("|")[1:6]] for row in rows]
    stores = ["SQLite", "PostgreSQL"] if "PostgreSQL is not installed" not in done.stderr else ["SQLite"]
    expected = [("no", 1, NUMBER - 1), ("yes", NUMBER, 0)]
    assert told == [[store, str(NUMBER), *map(str, line)] for store in stores for line in expected]
    assert "is held by" in done.stderr
    assert "(apply), since" in done.stderr
