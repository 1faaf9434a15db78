"""What was measured, as a Markdown page and a picture."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence

import attrs
from measure import Figure, seconds


@attrs.frozen
class Row:
    """One piece of work: ours, Terraform's if it was run, and the ratio that is wanted (0: none)."""

    work: str
    ours: Figure
    theirs: Figure | None = None
    wanted: float = 0.0

    @property
    def ratio(self) -> float | None:
        """How many times faster."""
        return self.theirs.wall / self.ours.wall if self.theirs else None


@attrs.frozen
class Growth:
    """One piece of work for several numbers of resources."""

    work: str
    figures: tuple[tuple[int, Figure], ...]


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """What this was measured on."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors, load {load}"


def against(rows: Sequence[Row]) -> str:
    """The table of what both do."""
    shown = []
    for row in rows:
        ratio = f"{row.ratio:.0f} times faster" if row.ratio else "not installed"
        memory = f"1/{row.theirs.memory / row.ours.memory:.0f} of the memory" if row.theirs else ""
        wanted = f"{row.wanted:.0f}" if row.wanted else ""
        runs = f"{len(row.ours.runs)}, {len(row.theirs.runs) if row.theirs else 0}"
        shown.append((row.work, row.ours, row.theirs or "not installed", ratio, memory, wanted, runs))
    return table(("work", "orchestra", "Terraform", "ratio", "memory", "wanted", "runs"), shown)


def alone(rows: Sequence[tuple[str, Figure, str]]) -> str:
    """The table of what only we do, each with its limit."""
    return table(("work", "orchestra", "limit"), rows)


def growth(rows: Sequence[Growth]) -> str:
    """The table of time per resource."""
    counts = [count for count, _ in rows[0].figures]
    shown = []
    for row in rows:
        each = [figure.cpu / count for count, figure in row.figures]
        cells = [
            f"{seconds(figure.wall)}: {1e6 * one:.0f} µs" for one, (_, figure) in zip(each, row.figures, strict=True)
        ]
        shown.append((row.work, *cells, f"{max(each) / min(each):.2f}"))
    return table(("work", *(f"{count:,}" for count in counts), "slowest to fastest"), shown)


def picture(rows: Sequence[Row]) -> str:
    """How many times faster, as bars on a scale of powers of ten, in SVG."""
    compared = [row for row in rows if row.ratio]
    height = 30 + 34 * len(compared)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-family="sans-serif" '
        'font-size="13"><rect width="100%" height="100%" fill="white"/>'
    ]
    for power, x in ((0, 330), (1, 450), (2, 570)):
        parts.append(f'<line x1="{x}" x2="{x}" y1="22" y2="{height - 4}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{x}" y="16" text-anchor="middle" fill="#57606a">{10**power}</text>')
    for index, row in enumerate(compared):
        ratio, y = row.ratio or 1.0, 30 + 34 * index
        length = 120 * max(0.0, math.log10(ratio))
        parts.append(f'<text x="320" y="{y + 16}" text-anchor="end">{row.work}</text>')
        parts.append(f'<rect x="330" y="{y}" width="{length:.0f}" height="22" fill="#0969da"/>')
        parts.append(f'<text x="{338 + length:.0f}" y="{y + 16}">{ratio:.0f} times faster</text>')
    return "\n".join([*parts, "</svg>", ""])
