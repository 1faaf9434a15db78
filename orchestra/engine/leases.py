"""Holding the lease while a run goes on."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
from collections.abc import Iterator

from orchestra.contracts import Store
from orchestra.errors import LeaseLostError, OrchestraError, StateError
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

    A store that can't be reached is tried again at the next beat. A lease that is lost ends the heartbeat; the next
    write then says so. That it can't be given back is raised only if nothing else is.
    """
    lease = store.acquire(holder)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(store, lease, heartbeat, stopped), name="orchestra-heartbeat", daemon=True
    )
    thread.start()
    try:
        yield lease
    except BaseException:
        with contextlib.suppress(StateError):
            _give_back(store, lease, thread, stopped)
        raise
    _give_back(store, lease, thread, stopped)


def _beat(store: Store, lease: Lease, heartbeat: float, stopped: threading.Event) -> None:
    while not stopped.wait(heartbeat):
        try:
            store.renew(lease)
        except LeaseLostError:
            return
        except OrchestraError:
            continue


def _give_back(store: Store, lease: Lease, thread: threading.Thread, stopped: threading.Event) -> None:
    stopped.set()
    thread.join()
    store.release(lease)
