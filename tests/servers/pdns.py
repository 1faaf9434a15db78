"""PowerDNS with an SQLite backend: its API over HTTP, its answers over DNS."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.servers.running import free_port, running

KEY = "a-made-up-api-key"
SCHEMA = Path("/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql")
NEEDED = ("pdns_server", "sqlite3", "dig")


@attrs.frozen
class PdnsServer:
    """A server that runs. ``endpoint`` is its API, ``port`` where it answers DNS."""

    endpoint: str
    port: int
    key: str = KEY

    def dig(self, name: str, kind: str) -> list[str]:
        """What DNS answers for a name and type, sorted."""
        asked = ["dig", "@127.0.0.1", "-p", str(self.port), "+short", "+time=5", "+tries=2", name, kind]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        return sorted(line for line in done.stdout.splitlines() if line)

    def zones(self) -> list[str]:
        """The zones that it has, by its own API."""
        asked = urllib.request.Request(
            f"{self.endpoint}/api/v1/servers/localhost/zones", headers={"X-API-Key": self.key}
        )
        with urllib.request.urlopen(asked) as answer:
            return sorted(one["name"] for one in json.load(answer))


def missing() -> str:
    """Why no server can be started here; '' if one can."""
    lacking = [name for name in NEEDED if not _program(name)]
    if not SCHEMA.exists():
        lacking.append(str(SCHEMA))
    packages = "pdns-server, pdns-backend-sqlite3, sqlite3 and dnsutils"
    return f"{', '.join(lacking)} not found: install {packages}" if lacking else ""


def _program(name: str) -> str | None:
    """Where a program is; servers are in folders that only root's path has."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def pdns_server(folder: Path) -> Iterator[PdnsServer]:
    """A server without any zone, with all that it keeps in ``folder``."""
    web, port = free_port(), free_port()
    database = folder / "zones.db"
    subprocess.run(
        ["sqlite3", str(database)], input=f"PRAGMA journal_mode=WAL;{SCHEMA.read_text()}", text=True, check=True
    )
    settings = {
        "launch": "gsqlite3",
        "gsqlite3-database": database,
        "gsqlite3-pragma-synchronous": 0,
        "api": "yes",
        "api-key": KEY,
        "webserver": "yes",
        "webserver-address": "127.0.0.1",
        "webserver-port": web,
        "local-address": "127.0.0.1",
        "local-port": port,
        "socket-dir": folder,
        "daemon": "no",
        "guardian": "no",
        "disable-syslog": "yes",
        "security-poll-suffix": "",
        "cache-ttl": 0,
        "negquery-cache-ttl": 0,
        "query-cache-ttl": 0,
        "zone-cache-refresh-interval": 0,
    }
    (folder / "pdns.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    program = _program("pdns_server")
    assert program is not None
    with running([program, f"--config-dir={folder}"], folder, ready="ready to distribute questions"):
        yield PdnsServer(f"http://127.0.0.1:{web}", port)
