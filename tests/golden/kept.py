"""Texts that are kept and compared exactly.

To take over what the code says now, after reading the difference: ``UPDATE_GOLDEN=1 pytest tests/golden
tests/planning``. Then read what git shows before committing it.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(__file__).parent
SWITCH: Final = "UPDATE_GOLDEN"


def check(name: str, text: str) -> None:
    """``text`` must be what the file ``name`` holds, to the character."""
    path = FOLDER / name
    if os.environ.get(SWITCH):
        path.write_text(text, encoding="utf-8")
        return
    if not path.exists():
        pytest.fail(f"{path.name} is missing: {SWITCH}=1 writes it", pytrace=False)
    kept = path.read_text(encoding="utf-8")
    if kept != text:
        difference = difflib.unified_diff(
            kept.splitlines(keepends=True), text.splitlines(keepends=True), f"kept {name}", "said now"
        )
        pytest.fail("".join(difference) + f"\n{SWITCH}=1 takes it over", pytrace=False)
