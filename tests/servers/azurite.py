"""Azurite: Microsoft's own server that speaks Azure Blob Storage's API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.servers.npm import installed
from tests.servers.running import free_port, running

VERSION = "3.37.0"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every Azurite has; its key is in Microsoft's documentation."""


@attrs.frozen
class Azurite:
    """A server that runs."""

    endpoint: str
    account: str = ACCOUNT
    key: str = KEY


@contextlib.contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """An empty server, with all that it keeps in ``folder``; skips the test where node is absent."""
    port = free_port()
    command = [
        *installed("azurite", VERSION, "dist/src/blob/main.js"),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder)),
        *("--skipApiVersionCheck", "--disableTelemetry"),
    ]
    with running(command, folder, ready="successfully listens"):
        yield Azurite(f"http://127.0.0.1:{port}")
