"""The tools that guard the code find nothing: linter, formatter, type checker, import contracts."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


def check(*command: str) -> None:
    """Run a tool that must be content, and show what it says if it isn't."""
    program = shutil.which(command[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{command[0]} is not installed: pip install '.[lint,typing]'")
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}", pytrace=False)


def test_linter_finds_nothing() -> None:
    check("ruff", "check", "--output-format=concise", ".")


def test_code_is_formatted() -> None:
    check("ruff", "format", "--check", "--quiet", ".")


def test_types_are_right() -> None:
    check("mypy")


def test_imports_keep_the_layers() -> None:
    check("lint-imports", "--no-cache")


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import os\n", "F401"),
        ("def f(x: list = []) -> None: ...\n", "B006"),
        ('from __future__ import annotations\n\nprint("x")\n', "T201"),
        ("import time\n\ntime.sleep(1)\n", "TID251"),
        ("from . import errors\n", "TID252"),
        (f"def f(x: int) -> int:\n{''.join(f'    if x == {n}: return {n}{chr(10)}' for n in range(11))}", "C901"),
        ("class Public: ...\n", "D101"),
    ],
)
def test_linter_sees(source: str, rule: str) -> None:
    program = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("ruff is not installed: pip install '.[lint]'")
    done = subprocess.run(
        [program, "check", "--no-cache", "--output-format=concise", "--stdin-filename=orchestra/sample.py", "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f" {rule} " in done.stdout


def test_import_contracts_see_what_points_up(tmp_path: Path) -> None:
    if importlib.util.find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed: pip install '.[lint]'")
    shutil.copytree(ROOT / "orchestra", tmp_path / "orchestra", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    wrong = {
        "events.py": "import orchestra.model",
        "graph.py": "import orchestra.diff",
        "planning/sample.py": "import requests",
        "engine/sample.py": "import orchestra.display",
        "resources/sample.py": "import sqlite3",
    }
    for name, line in wrong.items():
        with (tmp_path / "orchestra" / name).open("a", encoding="utf-8") as module:
            module.write(f"\n{line}\n")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    for told in (
        "orchestra.events -> orchestra.model",
        "orchestra.graph -> orchestra.diff",
        "orchestra.planning.sample -> requests",
        "orchestra.engine.sample -> orchestra.display",
        "orchestra.resources.sample -> sqlite3",
    ):
        assert told in done.stdout
