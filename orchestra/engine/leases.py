"""Holding the lease while a run goes on, and knowing until when it surely lasts."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import random
import threading
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from orchestra.contracts import Clock, Store
from orchestra.errors import LeaseLostError, LockedError, OrchestraError, StateError
from orchestra.state.journal import Holder, Lease


def this_process(purpose: str, now: float) -> Holder:
    """Who we are, for others to read while we hold the lease."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    return Holder(user=user, host=platform.node(), process=os.getpid(), since=now, purpose=purpose)


FIRST_PAUSE: Final = 0.25
"""Seconds that the first pause may last at most while a lease is waited for; each further one twice as long."""
LONGEST_PAUSE: Final = 4.0
"""Seconds that any such pause may last at most."""
LONGEST_SLEEP: Final = 0.5
"""Seconds that it sleeps at once meanwhile: so long it may be deaf to an interrupt."""
RESERVE: Final = 0.25
"""The last part of a lease in which nothing is sent before it is renewed: a request takes time to arrive, and the clock
of whoever takes the lease over may be ahead."""


class Tenancy:
    """A lease that is held, and until when that is certain.

    Each write under the lease prolongs it in the store; from when the write began, it lasts as long as it was given
    for. That is counted on the monotonic clock, which nobody sets, and on the wall clock, which goes on while the
    machine is suspended; the stricter counts. Safe for several threads.
    """

    def __init__(self, store: Store, clock: Clock, lease: Lease) -> None:
        self.lease = lease
        self._store = store
        self._clock = clock
        self._seconds = max(0.0, lease.expires - clock.now())
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._since = (clock.monotonic(), clock.now())
        self._lost: LeaseLostError | None = None

    @contextlib.contextmanager
    def prolonging(self) -> Iterator[None]:
        """Inside, a write is made that prolongs the lease."""
        began = (self._clock.monotonic(), self._clock.now())
        try:
            yield
        except LeaseLostError as error:
            self._lost = error
            raise
        with self._lock:
            self._since = max(self._since, began)

    def renew(self) -> None:
        """Prolong the lease; raises `LeaseLostError` if it is another's by now."""
        with self.prolonging():
            self._store.renew(self.lease)

    def check(self) -> None:
        """Return if a request may leave now. If the lease may have run out it is renewed first.

        Raises `LeaseLostError` if it is lost, and `StateError` if the store can't be asked.
        """
        if not self._is_certain:
            with self._renewing:
                if not self._is_certain:
                    self.renew()
        if self._lost is not None:
            raise LeaseLostError(self._lost.message, remedy=self._lost.remedy) from self._lost

    @property
    def _is_certain(self) -> bool:
        """Whether nobody else can have taken the lease; True also once it is known to be lost."""
        with self._lock:
            steady, wall = self._since
        passed = max(self._clock.monotonic() - steady, self._clock.now() - wall)
        return self._lost is not None or passed < self._seconds * (1.0 - RESERVE)


@attrs.frozen(kw_only=True, eq=False)
class Waiting:
    """For how many ``seconds`` to wait for a lease that another holds; ``stop`` tells that nobody waits any more."""

    seconds: float = 0.0
    stop: Callable[[], bool] = lambda: False
    chance: random.Random = attrs.field(factory=random.Random)


def acquired(store: Store, holder: Holder, clock: Clock, waiting: Waiting) -> Lease:
    """The lease, once it is free. Raises `LockedError` if another still holds it when the time is over.

    It is asked for again and again, with full jitter between, so that many who wait don't come all at once.
    """
    ends, longest = clock.monotonic() + waiting.seconds, FIRST_PAUSE
    while True:
        try:
            return store.acquire(holder)
        except LockedError:
            now = clock.monotonic()
            if now >= ends or waiting.stop():
                raise
        _pause(clock, min(ends, now + waiting.chance.uniform(0.0, longest)), waiting.stop)
        longest = min(LONGEST_PAUSE, longest * 2.0)


def _pause(clock: Clock, until: float, stop: Callable[[], bool]) -> None:
    while (left := until - clock.monotonic()) > 0.0 and not stop():
        clock.sleep(min(left, LONGEST_SLEEP))


@contextlib.contextmanager
def held(store: Store, holder: Holder, clock: Clock, heartbeat: float, waiting: Waiting) -> Iterator[Tenancy]:
    """Take the lease, renew it every ``heartbeat`` seconds from a thread of its own, give it back at the end.

    ``waiting`` says how long to wait for it. A store that can't be reached is tried again at the next beat. A lease
    that is lost ends the heartbeat; the next write then says so. That it can't be given back is raised only if nothing
    else is.
    """
    tenancy = Tenancy(store, clock, acquired(store, holder, clock, waiting))
    stopped = threading.Event()
    thread = threading.Thread(target=_beat, args=(tenancy, heartbeat, stopped), name="orchestra-heartbeat", daemon=True)
    thread.start()
    try:
        yield tenancy
    except BaseException:
        with contextlib.suppress(StateError):
            _give_back(store, tenancy.lease, thread, stopped)
        raise
    _give_back(store, tenancy.lease, thread, stopped)


def _beat(tenancy: Tenancy, heartbeat: float, stopped: threading.Event) -> None:
    while not stopped.wait(heartbeat):
        try:
            tenancy.renew()
        except LeaseLostError:
            return
        except OrchestraError:
            continue


def _give_back(store: Store, lease: Lease, thread: threading.Thread, stopped: threading.Event) -> None:
    stopped.set()
    thread.join()
    store.release(lease)
