"""Runs Python in a process of its own, and tells what it did there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import attrs

ROOT: Final = Path(__file__).parents[2]

_PROGRAM: Final = """
import json, sys, threading
sources, blocked = (".py", ".pyc", ".so", ".pyd"), {blocked!r}
seen = []

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith(sources):
        seen.append(f"open {{arguments[0]}}")
    elif event.partition(".")[0] in ("socket", "sqlite3", "subprocess", "ctypes") or event in (
        "os.system", "os.posix_spawn", "os.fork", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.putenv"
    ):
        seen.append(event)

sys.meta_path.insert(0, Missing())
sys.addaudithook(watch)
names = {{}}
exec({source!r}, names)
sys.stdout.write(json.dumps({{
    "modules": sorted(sys.modules),
    "threads": sorted(thread.name for thread in threading.enumerate()),
    "seen": seen,
    "names": sorted(names),
}}))
"""


@attrs.frozen(kw_only=True)
class Trace:
    """What a process did: modules loaded, threads alive at the end, files opened and calls made, names defined."""

    modules: frozenset[str]
    threads: list[str]
    seen: list[str]
    names: frozenset[str]


def trace(source: str, *, blocked: tuple[str, ...] = ()) -> Trace:
    """Run ``source``; packages named in ``blocked`` can't be imported there."""
    program = _PROGRAM.format(source=source, blocked=blocked)
    # a process that measures coverage opens files of its own
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Trace(
        modules=frozenset(told["modules"]),
        threads=told["threads"],
        seen=told["seen"],
        names=frozenset(told["names"]),
    )
