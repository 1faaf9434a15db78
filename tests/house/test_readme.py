"""README's two commands: what CI runs is what a reader is told to run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"^```(?:bash|console|sh|shell)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The shell blocks of README that set up an environment, each on one line."""
    blocks = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [" ".join(block.replace("\\\n", " ").replace("$ ", "").split()) for block in blocks]
    return [line for line in lines if line.startswith("python3 -m venv")]


def test_readme_has_two_commands() -> None:
    assert len(commands()) == 2


def test_first_command_runs_an_example_that_exists() -> None:
    script = re.search(r"examples/\w+\.py", commands()[0])
    assert script is not None
    assert (ROOT / script.group()).is_file()
    assert script.group() in (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_second_command_is_what_ci_runs() -> None:
    assert commands()[1] == (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1]


def test_ci_is_executable() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
