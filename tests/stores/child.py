"""A process of its own that uses a state: ``python -m tests.stores.child ACTION PATH PURPOSE``.

It says each thing that it has done on a line, and waits for a line, or the end of its input, before it goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import MappingProxyType

from orchestra.contracts import Store
from orchestra.engine.clock import SystemClock
from orchestra.errors import LockedError
from orchestra.stores import open_store
from orchestra.testing import VirtualClock
from orchestra.testing.samples import intent, outcome, record, run_record, this_process


def say(text: str) -> None:
    print(text, flush=True)


def begin(store: Store, purpose: str) -> None:
    """Begin a call and say so before its outcome is written."""
    lease = store.acquire(this_process(purpose))
    store.start_run(lease, run_record())
    store.begin(lease, [intent(0)])
    say("begun")
    sys.stdin.readline()
    store.commit(lease, [outcome(0, settles=intent(0), write=(record(0),))])


def race(store: Store, purpose: str) -> None:
    """Wait for the word, then try to take the lease; keep it if it was got."""
    say("ready")
    sys.stdin.readline()
    try:
        store.acquire(this_process(purpose))
        say("won")
    except LockedError as error:
        say(f"lost to {error.holder}")
    sys.stdin.readline()


def write(store: Store, purpose: str) -> None:
    """Write without end, and say each serial once it is written."""
    lease = store.acquire(this_process(purpose))
    number = 0
    while True:
        store.begin(lease, [intent(number)])
        say(str(store.commit(lease, [outcome(number, settles=intent(number), write=(record(number),))])))
        number += 1


ACTIONS: MappingProxyType[str, Callable[[Store, str], None]] = MappingProxyType(
    {"begin": begin, "race": race, "write": write}
)

if __name__ == "__main__":
    action, path, purpose = sys.argv[1:]
    clock = SystemClock() if action == "write" else VirtualClock()  # one that writes on and on lives through outages
    ACTIONS[action](open_store(path, deployment="production", clock=clock), purpose)
