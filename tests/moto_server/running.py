"""Starting the server in a process of its own, and talking to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import attrs

from tests.moto_server.messages import ACCESS_KEY, SECRET_KEY, Thing


@attrs.frozen
class MotoServer:
    """A running server. ``endpoint`` is its URL; the keys are the ones that it accepts; ``process`` is its number."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    process: int = attrs.field(default=0, kw_only=True)

    def reset(self) -> None:
        """Forget everything: resources, tokens, faults, counts, and keys other than the default pair."""
        self._post("/__reset", b"")
        self.accept({ACCESS_KEY: SECRET_KEY})

    def fault(self, **fault: Any) -> None:
        """Break calls that are still to come; the arguments are those of `faults.Fault`."""
        self._post("/__fault", json.dumps([fault]).encode())

    def stats(self) -> dict[str, int]:
        """How many calls of each action have come since the last reset."""
        with urlopen(f"{self.endpoint}/__stats", timeout=30) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def inventory(self) -> list[Thing]:
        """Everything that there is, by moto's own books; see `tests.moto_server.inventory`."""
        with urlopen(f"{self.endpoint}/__inventory", timeout=30) as answer:
            return [Thing(*fields) for fields in json.load(answer)]

    def wait_until_quiet(self) -> None:
        """Wait until all connections are closed: what their clients had sent before they died has been done."""
        self._post("/__quiet", b"")

    def branch(self) -> MotoServer:
        """Another server that begins with all that this one has; only while nobody is calling this one.

        Ends with this one, or by `end`.
        """
        with urlopen(Request(f"{self.endpoint}/__branch", data=b"", method="POST"), timeout=30) as answer:
            port, process = answer.read().split()
        return MotoServer(f"http://127.0.0.1:{int(port)}", process=int(process))

    def end(self) -> None:
        """Let a branch end, at once."""
        os.kill(self.process, signal.SIGKILL)

    def accept(self, pairs: Mapping[str, str]) -> None:
        """Accept these keys (access key → secret key) and no others."""
        self._post("/__credentials", json.dumps(dict(pairs)).encode())

    def _post(self, path: str, body: bytes) -> None:
        with urlopen(Request(f"{self.endpoint}{path}", data=body, method="POST"), timeout=30) as answer:
            answer.read()


@contextlib.contextmanager
def moto_server() -> Iterator[MotoServer]:
    """A server of one's own, on a free port of loopback, gone at the end of the block."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.moto_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        endpoint = process.stdout.readline().strip()
        if not endpoint:
            raise RuntimeError(f"the server ended with {process.wait()} before it was ready; its error is above")
        yield MotoServer(endpoint, process=process.pid)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
