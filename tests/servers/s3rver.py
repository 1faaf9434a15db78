"""S3rver: a server that speaks S3's API, written by others than AWS and than moto's authors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.servers.npm import installed
from tests.servers.running import free_port, running

VERSION = "3.7.1"


@attrs.frozen
class S3rver:
    """A server that runs. Its only account is fixed."""

    endpoint: str
    account: str = "S3RVER"
    key: str = "S3RVER"


@contextlib.contextmanager
def s3rver(folder: Path) -> Iterator[S3rver]:
    """An empty server, with all that it keeps in ``folder``; skips the test where node is absent."""
    port = free_port()
    program = installed("s3rver", VERSION, "bin/s3rver.js")
    command = [
        *program,
        "--directory",
        str(folder),
        "--address",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-vhost-buckets",
    ]
    with running(command, folder, ready="listening on"):
        yield S3rver(f"http://127.0.0.1:{port}")
