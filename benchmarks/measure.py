"""Measuring whole processes and blocks of code: medians, peaks, and a table of ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import attrs


@attrs.frozen
class Figure:
    """Seconds of several runs, and the highest memory of any in bytes (0: not measured)."""

    seconds: tuple[float, ...]
    memory: int = 0

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        text = f"{self.median * 1000:.0f} ms" if self.median < 1 else f"{self.median:.2f} s"
        return text + (f", {self.memory / 2**20:.0f} MiB" if self.memory else "")


def processes(commands: Sequence[Sequence[str]], runs: int, cwd: str | None = None) -> list[Figure]:
    """Each command ``runs`` times as a whole process, taking turns, so that a busy machine slows all alike."""
    seconds: list[list[float]] = [[] for _ in commands]
    peaks = [0] * len(commands)
    for _ in range(runs):
        for index, command in enumerate(commands):
            took, peak = _one(command, cwd)
            seconds[index].append(took)
            peaks[index] = max(peaks[index], peak)
    return [Figure(tuple(taken), peak) for taken, peak in zip(seconds, peaks, strict=True)]


def _one(command: Sequence[str], cwd: str | None) -> tuple[float, int]:
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        text = process.stderr.read().decode() if process.stderr else ""
        raise SystemExit(f"{' '.join(command)} failed:\n{text}")
    return took, usage.ru_maxrss * 1024


def python(code: str) -> list[str]:
    """The command that runs ``code`` with this interpreter."""
    return [sys.executable, "-c", code]


def block(work: Callable[[], object], runs: int) -> Figure:
    """``work`` ``runs`` times inside this process."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return Figure(tuple(taken))


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
