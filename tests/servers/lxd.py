"""LXD itself, on a free port of loopback, with all that it keeps in a folder, and images of busybox for it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import http.server
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.certificates import write_certificates
from tests.servers.docker import CannotStartError, free_port

APPLETS = ("cat", "echo", "httpd", "sh", "sleep")
SYSTEM = """#!/bin/sh
trap 'exit 0' PWR
busybox ip link set lo up
busybox ip link add eth0 type bridge && busybox ip addr add 10.0.3.7/24 dev eth0 && busybox ip link set eth0 up
[ -d /www ] && httpd -p 80 -h /www
[ -d /out ] && echo "$GREETING" > /out/greeting
while true; do sleep 0.2; done
"""
"""What a container boots: it serves /www, writes what it was told to /out, and ends when it is asked to."""
METADATA = "architecture: {machine}\ncreation_date: 1600000000\nproperties:\n  description: {mark}\n"
LONGEST_WAIT = 60


class _Local(http.client.HTTPConnection):
    """A connection to a socket of this machine."""

    def __init__(self, path: Path) -> None:
        super().__init__("lxd", timeout=LONGEST_WAIT)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LONGEST_WAIT)
        self.sock.connect(self._path)


class LxdServer:
    """A server that runs. It is asked through its own socket too: a second opinion on what it holds."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.endpoint = f"https://127.0.0.1:{port}"
        self.options = {name: str(folder / file) for name, file in _FILES.items()}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers, once it is done."""
        connection = _Local(self.folder / "lxd" / "unix.socket")
        try:
            raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
            connection.request(method, path, raw)
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["type"] != "error", answer["error"]
        if answer["type"] == "async":
            done = self.ask("GET", f"{answer['operation']}/wait")
            assert done["status"] == "Success", done["err"]
            return done["metadata"]
        return answer["metadata"]

    def make_image(self, *names: str, mark: str = "", public: bool = False) -> str:
        """An image of busybox under ``names``, another one for each ``mark``; returns its fingerprint."""
        made = self.ask("POST", "/1.0/images", packed_image(mark))
        fingerprint: str = made["fingerprint"]
        for name in names:
            self.ask("POST", "/1.0/images/aliases", {"name": name, "target": fingerprint})
        if public:
            self.ask("PATCH", f"/1.0/images/{fingerprint}", {"public": True})
        return fingerprint

    def clear(self) -> None:
        """Take away every instance and image."""
        for one in self.ask("GET", "/1.0/instances?recursion=1"):
            if one["status"] != "Stopped":
                self.ask("PUT", f"/1.0/instances/{one['name']}/state", {"action": "stop", "force": True})
            self.ask("DELETE", f"/1.0/instances/{one['name']}")
        for one in self.ask("GET", "/1.0/images?recursion=1"):
            self.ask("DELETE", f"/1.0/images/{one['fingerprint']}")


_FILES = {"ca_cert": "ca.pem", "cert_file": "cert.pem", "key_file": "key.pem"}


def packed_image(mark: str = "") -> bytes:
    """An image as LXD takes it: busybox, links to it, and what a container boots."""
    found = shutil.which("busybox")
    assert found is not None
    files = {"metadata.yaml": METADATA.format(machine=os.uname().machine, mark=mark or "busybox").encode()}
    files |= {"rootfs/bin/busybox": Path(found).resolve().read_bytes(), "rootfs/sbin/init": SYSTEM.encode()}
    files |= {"rootfs/etc/passwd": b"root:x:0:0:root:/:/bin/sh\n", "rootfs/mark": mark.encode()}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            one = tarfile.TarInfo(name)
            one.size, one.mode = len(content), 0o755
            archive.addfile(one, io.BytesIO(content))
        for name in ("dev", "proc", "sys", "tmp", "run"):
            place = tarfile.TarInfo(f"rootfs/{name}")
            place.type, place.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(place)
        for applet in APPLETS:
            link = tarfile.TarInfo(f"rootfs/bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
            archive.addfile(link)
    return packed.getvalue()


@contextlib.contextmanager
def lxd_server(trusting: LxdServer | None = None) -> Iterator[LxdServer]:
    """An empty server while the context lasts, ``trusting`` another one as a server of images.

    Raises `CannotStartError` where there can't be one.
    """
    for program, package in (("lxd", "lxd"), ("busybox", "busybox-static")):
        if shutil.which(program) is None:
            raise CannotStartError(f"{program} is not installed (Debian's package {package})")
    if os.geteuid() != 0:
        raise CannotStartError("lxd runs as root only")
    folder = Path(tempfile.mkdtemp(prefix="orchestra-lxd-"))
    home = folder / "lxd"
    try:
        write_certificates(folder)
        home.mkdir(mode=0o711)
        folder.chmod(0o711)  # containers have users of their own, who must get through to what is theirs
        shutil.copy(folder / "server-cert.pem", home / "server.crt")
        shutil.copy(folder / "server-key.pem", home / "server.key")
        one = LxdServer(folder, free_port())
        environment = {**os.environ, "LXD_DIR": str(home), "SSL_CERT_FILE": str((trusting or one).folder / "ca.pem")}
        with (folder / "log").open("wb") as log:
            program = subprocess.Popen(["lxd"], env=environment, stdout=log, stderr=log)
        try:
            wait = ["lxd", "waitready", f"--timeout={LONGEST_WAIT}"]
            if subprocess.run(wait, env=environment, check=False, capture_output=True).returncode or program.poll():
                raise CannotStartError(f"lxd can't start here: {(folder / 'log').read_text()[-600:]}")
            _set_up(one)
            yield one
            one.clear()
        finally:
            program.terminate()
            program.wait(LONGEST_WAIT)
    finally:
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def image_by_url(mark: str) -> Iterator[str]:
    """The URL of an image while the context lasts: it tells where the image is, and its digest."""
    image = packed_image(mark)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *said: Any) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            content = image if self.path == "/image.tar" else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            if not content:
                self.send_header("LXD-Image-Hash", hashlib.sha256(image).hexdigest())
                self.send_header("LXD-Image-URL", f"{url}/image.tar")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - so the base class names them

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"{url}/busybox"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _set_up(server: LxdServer) -> None:
    """A port, a place for what is kept, and a client that is trusted."""
    server.ask("PUT", "/1.0", {"config": {"core.https_address": f"127.0.0.1:{server.port}"}})
    server.ask("POST", "/1.0/storage-pools", {"name": "default", "driver": "dir"})
    disk = {"type": "disk", "path": "/", "pool": "default"}
    server.ask("PATCH", "/1.0/profiles/default", {"devices": {"root": disk}})
    certificate = ssl.PEM_cert_to_DER_cert((server.folder / "cert.pem").read_text())
    trusted = {"name": "tests", "type": "client", "certificate": base64.b64encode(certificate).decode()}
    server.ask("POST", "/1.0/certificates", trusted)


def _unmount(folder: Path) -> None:
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        place = line.split(" ")[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", place], check=False, capture_output=True)
