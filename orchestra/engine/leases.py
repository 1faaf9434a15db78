"""Holding the lease while a run goes on."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
from collections.abc import Iterator

from orchestra.contracts import Store
from orchestra.errors import StateError
from orchestra.state.journal import Holder, Lease


def this_process(purpose: str, now: float) -> Holder:
    """Who we are, for others to read while we hold the lease."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    return Holder(user=user, host=socket.gethostname(), process=os.getpid(), since=now, purpose=purpose)


@contextlib.contextmanager
def held(store: Store, holder: Holder, heartbeat: float) -> Iterator[Lease]:
    """Take the lease, renew it every ``heartbeat`` seconds from a thread of its own, give it back at the end.

    A renewal that fails ends the heartbeat; the next write then says that the lease is lost.
    """
    lease = store.acquire(holder)
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(heartbeat):
            try:
                store.renew(lease)
            except StateError:
                return

    thread = threading.Thread(target=beat, name="orchestra-heartbeat", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        stopped.set()
        thread.join()
        store.release(lease)
