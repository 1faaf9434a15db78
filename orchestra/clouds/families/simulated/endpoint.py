"""Where calls of the drivers arrive: throttled, delayed, failed on purpose, and then done in the world."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from libcloud.common.base import Connection, ConnectionKey

from orchestra import permit
from orchestra.clouds.families.simulated import catalogue
from orchestra.clouds.families.simulated.behaviour import (
    Behaviour,
    Call,
    Distortions,
    Fate,
    SystemClock,
    TokenBucket,
)
from orchestra.clouds.families.simulated.kinds import FAILED, B, Kind, States
from orchestra.clouds.families.simulated.listing import Filter, page, told
from orchestra.clouds.families.simulated.rows import Row, Rows, count_everything
from orchestra.clouds.families.simulated.world import World
from orchestra.contracts import Clock
from orchestra.errors import InvalidRequestError


class Endpoint:
    """One region of one simulated cloud, as its drivers reach it. Safe for several threads.

    ``path``: the file of the world, None for one in memory only. Raises `InvalidRequestError` for an unknown region.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        region: str = catalogue.DEFAULT_REGION,
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
    ) -> None:
        if region not in catalogue.REGIONS:
            raise InvalidRequestError(
                f"the simulated cloud has no region {region!r}",
                sent=False,
                remedy=f"take one of {', '.join(catalogue.REGIONS)}",
            )
        self.region = region
        self.zones = catalogue.REGIONS[region]
        self.behaviour = behaviour or Behaviour()
        self.clock: Clock = clock or SystemClock()
        self.world = World(path)
        rate = self.behaviour.requests_per_second
        self._bucket = TokenBucket(rate, self.clock) if rate is not None else None
        faults = self.behaviour.faults
        self.distortions = faults if isinstance(faults, Distortions) else None
        self._writing: Call | None = None

    @contextlib.contextmanager
    def write(self, call: Call) -> Iterator[Rows]:
        """The rows for a call that changes something: all of it, or nothing if it raises."""
        self._arrive(call)
        with self.world.writing() as connection:
            self._writing = call  # by this thread alone: it has the world to itself
            yield Rows(connection, self.region, self.clock.now(), self.behaviour)
        self._leave(call)

    @contextlib.contextmanager
    def read(self, call: Call) -> Iterator[Rows]:
        """The rows for a call that changes nothing."""
        self._arrive(call)
        with self.world.reading() as connection:
            yield Rows(connection, self.region, self.clock.now(), self.behaviour)
        self._leave(call)

    def list(self, call: Call, kind: Kind[B], wanted: Filter) -> Iterator[Row[B]]:
        """Things of ``kind`` in order of creation; each page is a call of its own."""
        size = self.behaviour.page_size
        for part in wanted.pages(size):
            after: int | None = 0
            while after is not None:
                with self.read(call) as rows:
                    found = page(rows, kind, part, after, size)
                    shown = told(rows, kind, found.records, self.behaviour.consistency_seconds)
                    kept = self.distortions.shown(call, len(shown)) if self.distortions else len(shown)
                yield from shown[:kept]
                if kept < len(shown):
                    return
                after = found.after

    def passing(self, states: Sequence[str]) -> States:
        """``states`` one after the other from now on, each but the last for as long as a boot takes.

        For what the call being written sets going; its faults may have it come late, or fail.
        """
        fate = self.distortions.fate(self._writing) if self.distortions and self._writing else Fate()
        now, boot = self.clock.now(), self.behaviour.boot_seconds
        passed = [(now + step * boot + (fate.late if step else 0.0), state) for step, state in enumerate(states)]
        return [*passed[:-1], (passed[-1][0], FAILED)] if fate.failed else passed

    def inventory(self) -> dict[str, int]:
        """How many there really are of each kind; no call, so nothing delays or fails it."""
        with self.world.reading() as connection:
            return count_everything(connection, self.region, self.clock.now())

    def _arrive(self, call: Call) -> None:
        if self._bucket is not None:
            self._bucket.take()
        if self.behaviour.latency:
            self.clock.sleep(self.behaviour.latency)
        if self.behaviour.faults is not None:
            self.behaviour.faults.before(call)
        if self.distortions is not None and (delay := self.distortions.delay(call)):
            self.clock.sleep(delay)
        permit.ask()  # last: by then a process may have been stopped for a long time

    def _leave(self, call: Call) -> None:
        if self.behaviour.faults is not None:
            self.behaviour.faults.after(call)


class NoConnection(ConnectionKey):
    """What Libcloud's drivers want as a connection: there is none, the world is in this process."""

    def connect(self, host: object = None, port: object = None, base_url: object = None, **_: object) -> None:
        """Connect to nothing."""


Tags: TypeAlias = "Mapping[str, str] | None"
"""Tags that go with a creation. None: none."""

WEBSITE: Final = "https://orchestra.example/simulated"


class InProcess:
    """What every driver of the simulated cloud starts with: its endpoint. Goes before Libcloud's base class."""

    connectionCls: type[Connection] = NoConnection  # noqa: N815 - Libcloud's name
    service = ""
    endpoint: Endpoint

    def __init__(self, endpoint: Endpoint) -> None:
        construct: Callable[..., None] = super().__init__  # Libcloud's constructors have no types
        construct("simulated", region=endpoint.region)
        self.endpoint = endpoint

    def _write(
        self,
        action: str,
        about: str | None = None,
        *,
        token: str | None = None,
        service: str = "",
    ) -> contextlib.AbstractContextManager[Rows]:
        call = Call(service=service or self.service, action=action, id=about or "", token=token or "")
        return self.endpoint.write(call)

    def _read(
        self, action: str, about: str | None = None, *, service: str = ""
    ) -> contextlib.AbstractContextManager[Rows]:
        return self.endpoint.read(Call(service=service or self.service, action=action, id=about or ""))

    def _list(self, action: str, kind: Kind[B], wanted: Filter | None = None) -> Iterator[Row[B]]:
        call = Call(service=kind.name.partition(".")[0], action=action)
        return self.endpoint.list(call, kind, wanted or Filter())

    def _passing(self, *states: str) -> States:
        """See `Endpoint.passing`."""
        return self.endpoint.passing(states)

    def _now(self) -> float:
        return self.endpoint.clock.now()
