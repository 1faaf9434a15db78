"""How the simulated cloud behaves: how slow, how consistent, how strict; and the seam where faults go in."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import attrs

from orchestra.clouds.families.simulated.kinds import KIND_NAMES
from orchestra.clouds.families.simulated.refusals import refusal
from orchestra.contracts import Clock
from orchestra.errors import DefinitionError


@attrs.frozen(kw_only=True)
class Call:
    """One call of a driver, as the simulated cloud sees it arrive.

    ``service`` is ``network``, ``compute``, ``balancing``, ``dns``, ``storage`` or ``containers``; ``action`` is the
    name of the driver's method, such as ``create_node``; ``id`` is what it is about, '' for lists and creations;
    ``token`` is the idempotency token of a creation, '' otherwise. A list of several pages is several calls.
    """

    service: str
    action: str
    id: str = ""
    token: str = ""


class Faults(Protocol):
    """What may go wrong with a call. What it raises reaches the caller as if the cloud or the network had."""

    def before(self, call: Call) -> None:
        """Raise here, and the call never happens."""
        ...

    def after(self, call: Call) -> None:
        """Raise here, and the call has happened, but its answer is lost."""
        ...


@attrs.frozen(kw_only=True)
class Fate:
    """What becomes of something that takes time to become ready."""

    late: float = 0.0
    """How many seconds more it takes."""
    failed: bool = False
    """Whether it then fails for good, although it was accepted."""


@runtime_checkable
class Distortions(Faults, Protocol):
    """`Faults` that also bend what a call does. Each is asked between `before` and `after` of the call, or just after.

    Faults without these methods break calls only.
    """

    def delay(self, call: Call) -> float:
        """How many seconds the call takes beside `Behaviour.latency`."""
        ...

    def fate(self, call: Call) -> Fate:
        """What becomes of what the call sets going. Asked only where something takes time to become ready."""
        ...

    def shown(self, call: Call, number: int) -> int:
        """How many of the ``number`` things on this page of a list are told; with fewer the list ends there."""
        ...

    def repeats(self, action: str) -> bool:
        """Whether the request that was just answered arrives a second time. The caller gets the second answer."""
        ...


@attrs.frozen(kw_only=True)
class Behaviour:
    """How the simulated cloud behaves. The default is fast, consistent and without limits.

    It belongs to who calls, not to the file: two processes may see the same world through different behaviours.
    Raises `DefinitionError` for values that make no sense.
    """

    latency: float = 0.0
    """Seconds that every call takes."""
    boot_seconds: float = 0.0
    """Seconds from pending to running of servers, images, volumes, snapshots, balancers and containers; stopping a
    server takes as long."""
    shutdown_seconds: float = 0.0
    """Seconds for which a destroyed server is still there, shutting down and using its subnet and firewalls."""
    consistency_seconds: float = 0.0
    """Seconds for which lists and searches still tell what was before a write: eventual consistency."""
    look_up_seconds: float = 0.0
    """The same for look-ups by id. Creations, changes and deletions always see what really is."""
    quotas: Mapping[str, int] = attrs.field(factory=dict)
    """How many of a kind one region may hold, such as ``{"compute.Server": 20}``. A kind left out has no limit."""
    requests_per_second: float | None = None
    """Calls above this rate, after a burst of one second's worth, are refused as throttled. None: no limit.

    Counted for each cloud object, not over processes.
    """
    page_size: int = 500
    """How many things one call lists; longer lists take more calls."""
    faults: Faults | None = None
    """What goes wrong with calls: `Faults`, or `Distortions`. None: nothing."""

    def __attrs_post_init__(self) -> None:
        faults = [
            f"{name}={value}: zero or more is needed"
            for name, value in (
                ("latency", self.latency),
                ("boot_seconds", self.boot_seconds),
                ("shutdown_seconds", self.shutdown_seconds),
                ("consistency_seconds", self.consistency_seconds),
                ("look_up_seconds", self.look_up_seconds),
                *((f"quotas[{kind!r}]", limit) for kind, limit in self.quotas.items()),
            )
            if value < 0
        ]
        faults += [f"quotas[{kind!r}]: no such kind" for kind in self.quotas if kind not in KIND_NAMES]
        if self.requests_per_second is not None and self.requests_per_second <= 0:
            faults.append(f"requests_per_second={self.requests_per_second}: more than zero is needed")
        if self.page_size < 1:
            faults.append(f"page_size={self.page_size}: one or more is needed")
        if faults:
            raise DefinitionError("Behaviour: " + "; ".join(faults), faults=faults)

    @property
    def lag(self) -> float:
        """The longest time in seconds for which anyone may still be told what was before a write."""
        return max(self.consistency_seconds, self.look_up_seconds)


class SystemClock:
    """The time of this machine: a `contracts.Clock`."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        threading.Event().wait(seconds)


class TokenBucket:
    """Lets through ``rate`` calls a second, and at first a burst of one second's worth. Safe for several threads."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._left = max(rate, 1.0)
        self._at = clock.monotonic()

    def take(self) -> None:
        """Count one call, or refuse it as real clouds do."""
        with self._lock:
            now = self._clock.monotonic()
            self._left = min(max(self._rate, 1.0), self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1.0:
                raise refusal("RequestLimitExceeded", f"more than {self._rate:g} requests per second", status=503)
            self._left -= 1.0
