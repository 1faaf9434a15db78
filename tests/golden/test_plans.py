"""The text and the JSON of plans in situations that users meet, to the character."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestra.planning import text
from orchestra.planning.plan import Plan
from orchestra.planning.steps import expand
from tests.golden import kept
from tests.golden.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]


def as_json(plan: Plan) -> str:
    return json.dumps(plan.to_json(), indent=1, ensure_ascii=False) + "\n"


def as_text(plan: Plan) -> str:
    """What is printed, and after it the order in which it would be done."""
    order = "".join(f"  {step.id}\n" for step in expand(plan.changes))
    return f"{plan}\n\nIn this order:\n{order}" if order else f"{plan}\n"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_text_is_as_it_was_agreed(name: str) -> None:
    kept.check(f"{name}.txt", as_text(SCENARIOS[name]()))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_json_is_as_it_was_agreed(name: str) -> None:
    kept.check(f"{name}.json", as_json(SCENARIOS[name]()))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_saved_plan_says_the_same(name: str, tmp_path: Path) -> None:
    plan = SCENARIOS[name]()
    plan.save(tmp_path / "plan")
    read = Plan.load(tmp_path / "plan")
    assert read == plan
    assert (str(read), text.html(read)) == (str(plan), text.html(plan))


def test_every_kept_file_is_of_a_scenario() -> None:
    files = {path.name for path in kept.FOLDER.iterdir() if path.suffix in (".txt", ".json")}
    of_plans = {f"{name}{suffix}" for name in SCENARIOS for suffix in (".txt", ".json")}
    assert files == of_plans | {"decide.txt", "errors.txt"}


def test_no_kept_file_holds_a_secret() -> None:
    for path in kept.FOLDER.iterdir():
        if path.suffix in (".txt", ".json"):
            said = path.read_text(encoding="utf-8")
            assert "rotated" not in said
            assert "value of PASSWORD" not in said
            assert "token of database" not in said


def everything_said() -> str:
    """A digest of the text and JSON of every scenario."""
    said = "".join(as_text(make()) + as_json(make()) + text.html(make()) for make in SCENARIOS.values())
    return hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize("seed", ["0", "1", "42", "random"])
def test_the_bytes_are_the_same_under_any_hash_seed(seed: str) -> None:
    program = "from tests.golden.test_plans import everything_said; print(everything_said())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == everything_said()
