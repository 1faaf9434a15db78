"""OpenStack Swift: proxy, account, container and object server with one disk, which is a folder.

Who calls isn't asked: any token will do.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs

from tests.servers.running import free_port, running

KINDS = ("account", "container", "object")
COMMON = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
workers = 1
disable_fallocate = true
fallocate_reserve = 0
log_level = NOTICE
"""
STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
"""


@attrs.frozen
class SwiftServer:
    """A server that runs. ``url`` is that of its only account."""

    url: str


def missing(folder: Path) -> str:
    """Why no server can be started here; '' if one can."""
    programs = ("swift-ring-builder", "swift-proxy-server", *(f"swift-{kind}-server" for kind in KINDS))
    if lacking := [name for name in programs if not shutil.which(name)]:
        packages = "swift-proxy, swift-account, swift-container and swift-object"
        return f"{', '.join(lacking)} not found: install {packages}"
    try:
        os.setxattr(folder, "user.orchestra", b"1")
    except OSError:
        return f"{folder} keeps no extended attributes, in which Swift keeps metadata"
    return ""


@contextlib.contextmanager
def swift_server(folder: Path) -> Iterator[SwiftServer]:
    """An empty server, with all that it keeps in ``folder``."""
    (folder / "devices" / "one").mkdir(parents=True)
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\nswift_hash_path_prefix = tests\n")
    ports = {kind: free_port() for kind in (*KINDS, "proxy")}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(ports)) as pool:
        list(pool.map(lambda kind: _ring(folder, kind, ports[kind]), KINDS))
        list(pool.map(stack.enter_context, (_program(folder, kind, port) for kind, port in ports.items())))
        yield SwiftServer(f"http://127.0.0.1:{ports['proxy']}/v1/AUTH_tests")


def _ring(folder: Path, kind: str, port: int) -> None:
    """Say where the things of a kind are: all on the one disk."""
    builder = f"{kind}.builder"
    for arguments in (
        [builder, "create", "4", "1", "0"],
        [builder, "add", f"r1z1-127.0.0.1:{port}/one", "1"],
        [builder, "rebalance"],
    ):
        subprocess.run(["swift-ring-builder", *arguments], cwd=folder, capture_output=True, check=True)


def _program(folder: Path, kind: str, port: int) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """The server of a kind, to be entered."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    rest = PROXY if kind == "proxy" else STORAGE.format(kind=kind)
    conf = folder / f"{kind}-server.conf"
    conf.write_text(COMMON.format(port=port, folder=folder, user=user) + rest)
    return running([f"swift-{kind}-server", str(conf), "-v"], folder, ready="Started child")
