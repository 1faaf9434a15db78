"""Processes of their own that tests start, listen to and kill."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Child:
    """A running ``tests.stores.child``, or another module that is called alike."""

    def __init__(self, action: str, path: str, purpose: str, module: str) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", module, action, path, purpose],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> str:
        """The next line that it says."""
        assert self.running.stdout is not None
        return self.running.stdout.readline().strip()

    def tell(self) -> None:
        """Let it go on."""
        assert self.running.stdin is not None
        self.running.stdin.write("\n")
        self.running.stdin.flush()

    def kill(self) -> None:
        """Kill it at once, and wait until it is gone."""
        self.running.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Close its input and wait for it."""
        assert self.running.stdin is not None
        assert self.running.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.running.stdin.close()
        self.running.wait()
        self.running.stdout.close()


@contextlib.contextmanager
def child(action: str, path: str, purpose: str = "apply", module: str = "tests.stores.child") -> Iterator[Child]:
    """A child that is gone at the end."""
    started = Child(action, path, purpose, module)
    try:
        yield started
    finally:
        started.running.kill()
        started.end()
