"""Makes the shared test modules importable, and what benchmarks let time pass with."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent

for folder in (TESTS.parent / "benchmarks", Path(__file__).parent, TESTS):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
