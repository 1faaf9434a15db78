"""A PostgreSQL server of the tests' own, on a free port of loopback, that they may kill."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.parse
from pathlib import Path

import psycopg

USER = "orchestra"
PASSWORD = "pass/word:@?%-S3CR3T"
"""It has every character that matters in a URL."""

SECRET = "S3CR3T"
"""The part of the password that no encoding changes."""


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, None if there is none."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


def unprivileged() -> str | None:
    """The user to run the server as, None for the one that runs the tests: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


class PostgresServer:
    """One server with a data folder of its own, as durable as any: fsync is on."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        self._user = unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="orchestra-postgres-"))  # under tmp_path others may not look
        self._data = self._folder / "data"
        self._running: subprocess.Popen[str] | None = None
        self._schemas = itertools.count(1)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            shutil.chown(self._folder, self._user)
            shutil.chown(password, self._user)
        self._call(
            "initdb", "--no-sync", "--auth=scram-sha-256", f"--pwfile={password}", f"--username={USER}",
            "--encoding=UTF8", "--locale=C", f"--pgdata={self._data}",
        )  # fmt: skip

    def _call(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self._folder,
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def is_running(self) -> bool:
        """Whether it was started and not ended since."""
        return self._running is not None

    def start(self) -> None:
        """Start it, and return once it takes connections."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on",
            "max_connections": "130",
            "shared_buffers": "16MB",
        }
        self._running = subprocess.Popen(
            [self._bin / "postgres", "-D", self._data, *(f"--{name}={value}" for name, value in settings.items())],
            cwd=self._folder,
            user=self._user,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._running.stderr is not None
        said = []
        for line in self._running.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                break
        else:
            raise AssertionError("".join(said))
        # what it says from now on is read away, lest it wait for us
        self._reading = threading.Thread(target=self._running.stderr.read)
        self._reading.start()

    def kill(self) -> None:
        """Kill every process of it at once, and return when they are gone."""
        assert self._running is not None
        postmaster = self._running.pid
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        watched = []
        for pid in map(int, children):
            with contextlib.suppress(ProcessLookupError):
                watched.append((pid, os.pidfd_open(pid)))
        self._running.kill()
        for pid, descriptor in watched:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            select.select([descriptor], [], [])
            os.close(descriptor)
        self._end()

    def _end(self) -> None:
        assert self._running is not None
        assert self._running.stderr is not None
        self._running.wait()
        self._reading.join()
        self._running.stderr.close()
        self._running = None

    def remove(self) -> None:
        """Stop it without ceremony, and delete its folder."""
        if self._running is not None:
            self._running.send_signal(signal.SIGQUIT)
            self._end()
        shutil.rmtree(self._folder)

    def url(self, schema: str = "public", **options: str) -> str:
        """The URL of a schema; ``options`` are settings of the session."""
        password = urllib.parse.quote(PASSWORD, safe="")
        settings = " ".join(f"-c{name}={value}" for name, value in {"search_path": schema, **options}.items())
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/postgres?options={urllib.parse.quote(settings)}"

    def new_schema(self) -> str:
        """The name of a schema with nothing in it."""
        schema = f"state_{next(self._schemas)}"
        with self.connected() as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        return schema

    def new_url(self, **options: str) -> str:
        """The URL of a schema with nothing in it."""
        return self.url(self.new_schema(), **options)

    def connected(self, url: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the tests' own, to be used in ``with``."""
        return psycopg.connect(url or self.url(), autocommit=True)

    def dump(self) -> str:
        """Everything that is in it, as pg_dump tells."""
        return self._call("pg_dump", "--inserts", f"--dbname={self.url()}")
