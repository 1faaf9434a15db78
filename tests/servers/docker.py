"""A Docker engine of the tests' own, and a registry for it, on this machine's sockets and free ports of loopback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APPLETS = ("cat", "echo", "false", "httpd", "sh", "sleep", "true")
LONGEST_START = 60.0


class CannotStartError(Exception):
    """Why there is no such server here: for a skip."""


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        found: int = free.getsockname()[1]
        return found


class Server:
    """A program that is started, says when it is ready, and is stopped."""

    def __init__(self, command: list[str], ready: list[str], name: str) -> None:
        self._said: list[str] = []
        self._ready = threading.Event()
        self._left = list(ready)
        self._running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(LONGEST_START) or self._left:
            self.stop()
            raise CannotStartError(f"{name} can't start here: {''.join(self._said[-3:]).strip()}")

    def _read(self) -> None:
        assert self._running.stderr is not None
        for line in self._running.stderr:
            self._said.append(line)
            self._left = [words for words in self._left if words not in line]
            if not self._left:
                self._ready.set()
        self._ready.set()

    def stop(self) -> None:
        """End it, and wait for that."""
        self._running.terminate()
        self._running.wait()
        self._reader.join()
        assert self._running.stderr is not None
        self._running.stderr.close()


class DockerEngine:
    """An engine without a bridge and without rules for the firewall: networks are ``none`` and ``host``."""

    def __init__(self, folder: Path, *, certificates: Path | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.socket = folder / "docker.sock"
        self.endpoint = f"unix://{self.socket}"
        flags = ["--tls=false"]
        if certificates is not None:
            names = {"--tlscacert": "ca.pem", "--tlscert": "server-cert.pem", "--tlskey": "server-key.pem"}
            flags = ["--tlsverify", *(f"{flag}={certificates / name}" for flag, name in names.items())]
        self._server = Server(
            [
                "dockerd", "-H", self.endpoint, "-H", f"tcp://127.0.0.1:{self.port}", *flags,
                "--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs",
                f"--data-root={folder / 'data'}", f"--exec-root={folder / 'exec'}", f"--pidfile={folder / 'pid'}",
            ],
            [f"API listen on {self.socket}", f"API listen on 127.0.0.1:{self.port}"],
            "dockerd",
        )  # fmt: skip

    def run(self, *arguments: str, stdin: bytes | None = None) -> str:
        """What the client ``docker`` prints: a second opinion on what the engine holds."""
        done = subprocess.run(
            ["docker", "-H", self.endpoint, *arguments], input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def inspect(self, what: str) -> dict[str, Any]:
        """All that the engine tells of a container or an image."""
        found: dict[str, Any] = json.loads(self.run("inspect", what))[0]
        return found

    def containers(self) -> list[str]:
        """The names of all containers, also of those that don't run."""
        return self.run("ps", "--all", "--format", "{{.Names}}").split()

    def images(self) -> list[str]:
        """The names of all images."""
        return self.run("images", "--format", "{{.Repository}}:{{.Tag}}").split()

    def make_image(self, name: str, *, mark: str = "") -> str:
        """An image of busybox under ``name``, another one for each ``mark``; returns its id."""
        return self.run("import", "-", name, stdin=_busybox(mark))

    def clear(self) -> None:
        """Take away every container and image."""
        if found := self.run("ps", "--all", "--quiet").split():
            self.run("rm", "--force", "--volumes", *found)
        if found := self.run("images", "--quiet").split():
            self.run("rmi", "--force", *dict.fromkeys(found))

    def stop(self) -> None:
        """End it and take away what it leaves mounted."""
        self._server.stop()
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            place = line.split(" ")[1]
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", place], check=False, capture_output=True)


def _busybox(mark: str) -> bytes:
    """The file system of an image: busybox, and links to it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        program = tarfile.TarInfo("bin/busybox")
        content = Path(str(shutil.which("busybox"))).resolve().read_bytes()
        program.size, program.mode = len(content), 0o755
        archive.addfile(program, io.BytesIO(content))
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name, text in (("www/index.html", "hello\n"), ("mark", mark)):
            file = tarfile.TarInfo(name)
            file.size, file.mode = len(text.encode()), 0o644
            archive.addfile(file, io.BytesIO(text.encode()))
    return packed.getvalue()


@contextlib.contextmanager
def docker_engine(*, certificates: Path | None = None) -> Iterator[DockerEngine]:
    """An engine while the context lasts. Raises `CannotStartError` where there can't be one."""
    for program, package in (("dockerd", "docker.io"), ("docker", "docker.io"), ("busybox", "busybox-static")):
        if shutil.which(program) is None:
            raise CannotStartError(f"{program} is not installed (Debian's package {package})")
    if os.geteuid() != 0:
        raise CannotStartError("dockerd runs as root only")
    folder = Path(tempfile.mkdtemp(prefix="orchestra-docker-"))
    try:
        engine = DockerEngine(folder, certificates=certificates)
        try:
            yield engine
        finally:
            engine.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


USER, PASSWORD = "ann", "S3CR3T-of-the-registry"
_PASSWORDS = f"{USER}:$2b$04$t/Q82E35by6cm2n/qBadhOsrwb.vLHf4Te4XAfwprNINJyW0pp066\n"
"""Who may use a registry that wants to know, as Apache's htpasswd writes it."""


@contextlib.contextmanager
def registry(*, guarded: bool = False) -> Iterator[str]:
    """A registry of images while the context lasts, as ``host:port``; ``guarded``: for `USER` only.

    Raises `CannotStartError` where there can't be one.
    """
    if shutil.which("docker-registry") is None:
        raise CannotStartError("docker-registry is not installed (Debian's package of that name)")
    with tempfile.TemporaryDirectory(prefix="orchestra-registry-") as folder:
        address = f"127.0.0.1:{free_port()}"
        settings = Path(folder) / "config.json"
        who: dict[str, Any] = {}
        if guarded:
            passwords = Path(folder) / "htpasswd"
            passwords.write_text(_PASSWORDS)
            who = {"auth": {"htpasswd": {"realm": "tests", "path": str(passwords)}}}
        storage = {"filesystem": {"rootdirectory": f"{folder}/images"}, "delete": {"enabled": True}}
        settings.write_text(json.dumps({"version": 0.1, "storage": storage, "http": {"addr": address}, **who}))
        server = Server(["docker-registry", "serve", str(settings)], [f"listening on {address}"], "docker-registry")
        try:
            yield address
        finally:
            server.stop()
