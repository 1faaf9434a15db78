"""Processes killed at some boundaries of every scenario; ``python -m tests.crash`` does it at all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked off")
def test_a_killed_process_loses_doubles_and_orphans_nothing() -> None:
    # a process of its own: this one may have threads, and then must not fork
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--short"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    header, _, *rows = (line for line in done.stdout.splitlines() if line.startswith("|"))
    assert header == "| killed | kills | lost | doubled | orphaned | unsettled |"
    boundaries = {row.split("|")[1].strip(): int(row.split("|")[2].strip(" *")) for row in rows}
    assert {"before: call made", "after: call made", "after: begin written", "before: outcome committed"} < set(
        boundaries
    )
    assert boundaries["**all**"] >= 30
