"""Telling what crashes came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import attrs

from tests.crash.killing import Crash
from tests.crash.verdict import Verdict


def table(crashes: Iterable[Crash], struck: str = "killed") -> str:
    """A Markdown table: boundary, how many were ``struck`` there, and what that left.

    A crash of two kills counts at both of its boundaries.
    """
    kills: Counter[str] = Counter()
    left: dict[str, Counter[str]] = {}
    ended = 0
    for crash in crashes:
        ended += not crash.boundaries
        for boundary in crash.boundaries:
            kills[boundary] += 1
            counts = left.setdefault(boundary, Counter())
            counts.update({name: len(found) for name, found in attrs.asdict(crash.verdict).items()})
    names = [field.name for field in attrs.fields(Verdict)]
    lines = [f"| {struck} | times | {' | '.join(names)} |", "| --- |" + " ---: |" * (1 + len(names))]
    total: Counter[str] = Counter()
    for boundary in sorted(kills):
        total.update(left[boundary])
        lines.append(f"| {boundary} | {kills[boundary]} | {' | '.join(str(left[boundary][name]) for name in names)} |")
    lines.append(f"| **all** | **{sum(kills.values())}** | {' | '.join(f'**{total[name]}**' for name in names)} |")
    return "\n".join([*lines, "", f"{ended} runs came to their end before they were to be {struck}."])


def told(crash: Crash) -> str:
    """One crash with everything that is wrong after it."""
    wrong = [f"  {name}: {one}" for name, ones in attrs.asdict(crash.verdict).items() for one in ones]
    return "\n".join([f"{crash.case} killed {', '.join(crash.boundaries) or 'never'}", *wrong])
