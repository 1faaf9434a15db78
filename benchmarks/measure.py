"""Measuring processes from outside: seconds, the processor's seconds, and the highest memory."""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

HERE = Path(__file__).parent


@attrs.frozen
class Run:
    """One run. ``cpu`` is user and system time; ``memory`` the peak of the whole process, in bytes."""

    wall: float
    cpu: float
    memory: int


@attrs.frozen
class Figure:
    """Several runs of one thing."""

    runs: tuple[Run, ...]

    @property
    def wall(self) -> float:
        """The median, in seconds."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        """The median of the processor's seconds."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def memory(self) -> int:
        """The highest, in bytes."""
        return max(run.memory for run in self.runs)

    def __str__(self) -> str:
        return f"{seconds(self.wall)} (processor {seconds(self.cpu)}), {self.memory / 2**20:.0f} MiB"


def seconds(value: float) -> str:
    """As people read it."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def compile_all() -> None:
    """Leave what is measured as an installation does: with its bytecode beside it, so that no run has to make it."""
    for folder in (HERE.parent / "orchestra", HERE):
        compileall.compile_dir(folder, quiet=2)


def _environment() -> dict[str, str]:
    """The environment of this process, without what would keep the bytecode from being found or written."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def one_run(command: Sequence[str], cwd: Path | None = None) -> Run:
    """``command`` as a whole process; where it prints ``[wall, cpu]``, these count instead of the process's."""
    with tempfile.TemporaryFile("w+") as printed:
        began = time.perf_counter()
        running = subprocess.Popen(command, cwd=cwd, stdout=printed, stderr=subprocess.PIPE, env=_environment())
        _, status, usage = os.wait4(running.pid, 0)
        wall, cpu = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
        running.returncode = os.waitstatus_to_exitcode(status)
        told = running.stderr.read().decode() if running.stderr else ""
        if running.stderr:
            running.stderr.close()
        if running.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{told}")
        printed.seek(0)
        text = printed.read(100)
    if text.startswith("["):
        wall, cpu = json.loads(text)
    return Run(wall, cpu, usage.ru_maxrss * 1024)


def side_by_side(*commands: tuple[Sequence[str], Path | None, int]) -> list[Figure]:
    """Commands with their folder and number of runs, taking turns, so that a busy machine slows all alike."""
    found: list[list[Run]] = [[] for _ in commands]
    for turn in range(max(count for _, _, count in commands)):
        for runs, (command, cwd, count) in zip(found, commands, strict=True):
            if turn < count:
                runs.append(one_run(command, cwd))
    return [Figure(tuple(runs)) for runs in found]


def work(name: str, shape: str, count: int, folder: Path) -> list[str]:
    """The command for a piece of ``work.py``."""
    return [sys.executable, str(HERE / "work.py"), name, shape, str(count), str(folder)]


def python(code: str) -> list[str]:
    """The command that runs ``code`` with this interpreter."""
    return [sys.executable, "-c", code]
