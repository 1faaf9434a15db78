"""Where a process can be killed: before and after each write of the state and each call that changes the cloud."""

from __future__ import annotations

import mmap
import re
import signal
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from requests import PreparedRequest, Response

from orchestra.clouds.connections import Connections
from orchestra.clouds.families.simulated.behaviour import Call
from orchestra.contracts import Store
from orchestra.state.journal import Holder, Intent, Lease, Outcome, RunRecord
from orchestra.testing.faults import READ_PREFIXES
from tests.moto_server.messages import Request

T = TypeVar("T")


class SharedClock:
    """A clock that only moves when somebody sleeps, the same in every process that is forked off."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._memory = mmap.mmap(-1, 8)
        self._lock = threading.Lock()
        self.set(start)

    def set(self, seconds: float) -> None:
        """Make it ``seconds`` since 1970."""
        self._memory[:8] = struct.pack("d", seconds)

    def now(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0])

    monotonic = now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.set(self.now() + seconds)


class DeadlyClock:
    """A clock at which the process may be struck while it waits."""

    def __init__(self, clock: SharedClock, executioner: Executioner) -> None:
        self._clock = clock
        self._executioner = executioner
        self.now = self.monotonic = clock.now

    def sleep(self, seconds: float) -> None:
        self._executioner.at("while waiting")
        self._clock.sleep(seconds)


class Executioner:
    """Kills this process at the ``number``-th boundary that it comes to; 0: never. ``say`` hears which that is.

    With ``by`` it gets another signal; with ``only``, a pattern, no boundary counts but those with it in their name.
    """

    def __init__(
        self, number: int, say: Callable[[str], None], by: signal.Signals = signal.SIGKILL, only: str = ""
    ) -> None:
        self._only = re.compile(only)
        self._number = number
        self._say = say
        self._by = by
        self._lock = threading.Lock()
        self._passed = 0
        self.later: list[str] = []
        """The boundaries that it came to after the signal."""

    def at(self, boundary: str) -> None:
        """The process is at ``boundary``."""
        if not self._only.search(boundary):
            return
        with self._lock:
            self._passed += 1
            if self._number and self._passed > self._number:
                self.later.append(boundary)
            if self._passed == self._number:
                self._say(boundary)
                signal.pthread_kill(threading.get_ident(), self._by)  # this thread must not go a step further


class DeadlyStore:
    """A store around whose writes the process may be killed."""

    def __init__(self, store: Store, executioner: Executioner) -> None:
        self._store = store
        self._executioner = executioner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def acquire(self, holder: Holder) -> Lease:
        return self._around("lease taken", lambda: self._store.acquire(holder))

    def release(self, lease: Lease) -> None:
        self._around("lease given back", lambda: self._store.release(lease))

    def start_run(self, lease: Lease, run: RunRecord) -> None:
        self._around("run started", lambda: self._store.start_run(lease, run))

    def finish_run(self, lease: Lease, run: RunRecord) -> int:
        return self._around("run finished", lambda: self._store.finish_run(lease, run))

    def begin(self, lease: Lease, intents: Sequence[Intent]) -> None:
        self._around("begin written", lambda: self._store.begin(lease, intents))

    def commit(self, lease: Lease, outcomes: Sequence[Outcome]) -> int:
        return self._around("outcome committed", lambda: self._store.commit(lease, outcomes))

    def enter(self, lease: Lease, outcomes: Sequence[Outcome], intents: Sequence[Intent]) -> int:
        return self._around("outcome and begin written", lambda: self._store.enter(lease, outcomes, intents))

    def _around(self, boundary: str, write: Callable[[], T]) -> T:
        self._executioner.at(f"before: {boundary}")
        result = write()
        self._executioner.at(f"after: {boundary}")
        return result


class DeadlyCalls:
    """`Faults` of the simulated cloud that kill the process that makes the call."""

    def __init__(self, executioner: Executioner) -> None:
        self._executioner = executioner

    def before(self, call: Call) -> None:
        if not call.action.startswith(READ_PREFIXES):
            self._executioner.at("before: call made")

    def after(self, call: Call) -> None:
        if not call.action.startswith(READ_PREFIXES):
            self._executioner.at("after: call made")


def strike_requests(executioner: Executioner) -> None:
    """From now on this process may be killed around each request over HTTP that changes something."""
    send = Connections.send

    def deadly(self: Connections, request: PreparedRequest, **named: Any) -> Response:
        action = _changing(request)
        if not action:
            return send(self, request, **named)
        executioner.at(f"before: {action} sent")
        answer = send(self, request, **named)
        executioner.at(f"after: {action} answered")
        return answer

    Connections.send = deadly  # type: ignore[method-assign]


def _changing(request: PreparedRequest) -> str:
    """What ``request`` changes; '' if it only reads."""
    path, _, query = request.path_url.partition("?")
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    body = request.body or b""
    asked = Request(
        request.method or "", path, query, headers, body.encode() if isinstance(body, str) else bytes(body), {}
    )
    return "" if asked.action.startswith(("Describe", "GET ", "HEAD ")) else asked.action
