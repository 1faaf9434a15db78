"""Programs that run while a test needs them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path


def free_port() -> int:
    """A port of loopback that nobody listens on, for TCP and UDP."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as packets:
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            with contextlib.suppress(OSError):
                packets.bind(("127.0.0.1", port))
                return port


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, *, ready: str) -> Iterator[subprocess.Popen[str]]:
    """A program, from when it has written a line with ``ready`` in it until it is stopped."""
    program = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    readers: list[threading.Thread] = []
    try:
        assert program.stdout is not None
        written = []
        for line in program.stdout:
            written.append(line)
            if ready in line:
                break
        else:
            raise AssertionError(f"{command[0]} didn't start: {''.join(written)}")
        readers.append(threading.Thread(target=program.stdout.read))  # else it would wait for room in the pipe
        readers[0].start()
        yield program
    finally:
        program.terminate()
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        for thread in readers:
            thread.join()
        if program.stdout is not None:
            program.stdout.close()
