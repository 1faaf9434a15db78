"""The whole way: what is there → a stack → typed, formatted → adopted → an empty plan → destroyed, nothing left."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import orchestra as oc
from orchestra.contracts import Cloud

ROOT = Path(__file__).parents[2]
SECRET = "hunter2hunter2"


def load(path: Path) -> ModuleType:
    """The module in a file that was generated."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def deployment(generated: oc.Generated, cloud: Cloud, folder: Path, *, name: str = "found") -> oc.Deployment:
    """The generated stack, written, read again, deployed with nothing in its state."""
    generated.write(folder / f"{name}.py")
    module = load(folder / f"{name}.py")
    assert dict(generated.adoptions) == module.ADOPT
    stack = getattr(module, generated.name)()
    return oc.Deployment(stack, name=name, cloud=cloud, state=folder / f"{name}.db", progress=False)


def take_over(generated: oc.Generated, cloud: Cloud, folder: Path, *, name: str = "found") -> oc.Deployment:
    """The deployment of the generated stack after adoption, of which the plan must be empty."""
    found = deployment(generated, cloud, folder, name=name)
    records = generated.adopt(found)
    assert {str(one.address): one.external_id for one in records} == dict(generated.adoptions)
    plan = found.plan()
    assert plan.is_empty, f"{plan}\n{generated.source}"
    assert plan.unchanged == len(generated.adoptions)
    assert SECRET not in generated.source + str(generated) + repr(generated)
    return found


def type_faults(paths: Sequence[Path], cache: Path) -> list[str]:
    """What ``mypy --strict`` says of the files, all together."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--python-version=3.10", "--config-file="),
            *("--no-error-summary", "--scripts-are-modules", "--follow-imports=silent", f"--cache-dir={cache}"),
            *map(str, paths),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [*checked.stdout.splitlines(), *checked.stderr.splitlines()]


def format_faults(folder: Path) -> list[str]:
    """What the formatter would change in the files of ``folder``, at its default width."""
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [*checked.stdout.splitlines(), *(checked.stderr.splitlines() if checked.returncode else [])]
