"""Programs from npm, of a pinned version, installed once for all test runs of this machine."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def installed(name: str, version: str, program: str) -> list[str]:
    """The command that runs ``program`` of a package; skips the test where it can't be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"node and npm not found: they run {name}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "orchestra-tests" / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "node_modules" / name / program
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # processes of one test run install it once
        if not script.exists():
            flags = ["--no-fund", "--no-audit", "--ignore-scripts", "--loglevel=error"]
            command = [npm, "install", *flags, "--prefix", str(folder), f"{name}@{version}"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0 or not script.exists():
                pytest.skip(f"{name} {version} can't be installed from npm: {done.stderr.strip()[-200:]}")
    return [node, str(script)]
