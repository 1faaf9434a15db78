"""User stacks under ``mypy --strict``: those in ``tests/typing/cases`` give exactly the errors that they expect.

A line that must be refused ends in ``# expect: code, code``; any other error, and any that doesn't come, fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final, TypeAlias

import pytest

pytest.importorskip("mypy")

ROOT: Final = Path(__file__).parents[2]
CASES: Final = tuple(sorted(path.name for path in (ROOT / "tests/typing/cases").glob("*.py")))

ERROR: Final = re.compile(r"(?:.*[/\\])?([^/\\:]+\.py):(\d+): error: .*\[([a-z-]+)\]$")
EXPECTED: Final = re.compile(r"# expect: ([a-z, -]+)$")

Errors: TypeAlias = "set[tuple[int, str]]"


def expected(source: str) -> Errors:
    """The line and code of each error that the source says it makes."""
    return {
        (number, code)
        for number, line in enumerate(source.splitlines(), 1)
        for found in EXPECTED.finditer(line)
        for code in found.group(1).split(", ")
    }


def check(*paths: Path, cache: Path) -> dict[str, Errors]:
    """What mypy finds in the files at ``paths``, by file name."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--python-version=3.10", "--config-file="),
            *("--no-pretty", "--no-error-summary", "--hide-error-context", "--show-error-codes"),
            *("--follow-imports=silent", f"--cache-dir={cache}", *map(str, paths)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    found: dict[str, Errors] = {path.name: set() for path in paths}
    for line in done.stdout.splitlines():
        if ": note: " not in line:
            error = ERROR.fullmatch(line)
            assert error, line
            found[error.group(1)].add((int(error.group(2)), error.group(3)))
    return found


@pytest.fixture(scope="module")
def cache(request: pytest.FixtureRequest) -> Path:
    kept: pytest.Cache = request.config.cache
    return kept.mkdir("mypy")


@pytest.fixture(scope="module")
def errors(cache: Path) -> dict[str, Errors]:
    return check(*(ROOT / "tests/typing/cases" / name for name in CASES), cache=cache)


@pytest.mark.parametrize("name", CASES)
def test_mypy_finds_exactly_what_is_expected(name: str, errors: dict[str, Errors]) -> None:
    source = (ROOT / "tests/typing/cases" / name).read_text(encoding="utf-8")
    missed = [f"{name}:{line}: not found: {code}" for line, code in sorted(expected(source) - errors[name])]
    found = [f"{name}:{line}: not expected: {code}" for line, code in sorted(errors[name] - expected(source))]
    assert not missed + found, "\n".join(missed + found)


@pytest.mark.parametrize("name", CASES)
def test_files_expect_what_their_names_say(name: str) -> None:
    source = (ROOT / "tests/typing/cases" / name).read_text(encoding="utf-8")
    assert bool(expected(source)) == name.endswith("_that_fail.py")
    assert name.endswith(("_that_fail.py", "_that_pass.py"))


def test_errors_that_are_not_expected_are_seen(tmp_path: Path, cache: Path) -> None:
    source = tmp_path / "sample.py"
    source.write_text('x: int = "a"\ny: int = 3  # expect: assignment\n', encoding="utf-8")
    assert check(source, cache=cache)["sample.py"] == {(1, "assignment")}
    assert expected(source.read_text(encoding="utf-8")) == {(2, "assignment")}


def test_several_codes_may_be_expected_on_a_line() -> None:
    assert expected("f(1)  # expect: arg-type, call-arg\nf(2)\n") == {(1, "arg-type"), (1, "call-arg")}
