"""Who may write: the rules of the lease, for every store alike."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from pathlib import Path

import attrs

from orchestra.errors import LeaseLostError, LockedError
from orchestra.state.journal import Holder, Lease


@attrs.frozen(kw_only=True)
class Tenure:
    """How the lease of a deployment stands, as its store remembers it. ``holder`` is None while nobody holds it."""

    fence: int = 0
    holder: Holder | None = None
    machine: str = ""
    """Which machine the holder runs on, as `this_machine` told there."""
    expires: float = 0.0

    @property
    def free(self) -> Tenure:
        """The same with nobody holding it; the fence stays, for it may never be given out twice."""
        return Tenure(fence=self.fence)

    def taken(self, holder: Holder, *, now: float, seconds: float, deployment: str, where: str) -> Tenure:
        """The lease taken by ``holder`` for ``seconds``; raises `LockedError` if somebody else holds it.

        One that has expired may be taken, and so may one whose holder was a process of this machine that is gone.
        """
        machine = this_machine()
        if self.holder is not None and now < self.expires and not self._abandoned(holder, machine):
            raise self._locked(self.holder, deployment, where)
        return Tenure(
            fence=self.fence + 1,
            holder=attrs.evolve(holder, since=float(now)),
            machine=machine,
            expires=float(now + seconds),
        )

    def renewed(self, lease: Lease, *, now: float, seconds: float, deployment: str) -> Tenure:
        """The lease prolonged to ``seconds`` from now; raises `LeaseLostError` unless it is still the last given out.

        That it has expired doesn't matter as long as nobody took it, so that a laptop which slept goes on. It is safe:
        the store looks at the fence and writes in one transaction, and whoever takes the lease raises the fence first.

        Every write prolongs it, not the heartbeat alone: whoever begins a call then has the whole of the lease before
        it, and nobody can take an expired one between the beginning and the call.
        """
        if not self.held_by(lease):
            raise self._lost(lease, deployment)
        return attrs.evolve(self, expires=float(now + seconds))

    def held_by(self, lease: Lease) -> bool:
        """Whether ``lease`` is the one that was given out last and not given back, expired or not."""
        return self.holder is not None and self.fence == lease.fence

    def _lost(self, lease: Lease, deployment: str) -> LeaseLostError:
        if self.holder is not None:
            why = f"{self.holder} has held it since {utc(self.holder.since)}"
        elif self.fence > lease.fence:
            why = "another process took it and has given it back"
        else:
            why = "it was given back or taken away"
        return LeaseLostError(
            f"the lease on the state of {deployment!r} is lost: {why}; nothing was written",
            remedy="run again: calls whose outcome was not written are in the journal, and are settled first",
        )

    def _abandoned(self, newcomer: Holder, machine: str) -> bool:
        # the same host name isn't enough: containers that share one see different processes under a number
        return (
            self.holder is not None
            and (self.holder.host, self.machine) == (newcomer.host, machine)
            and is_gone(self.holder.process)
        )

    def _locked(self, holder: Holder, deployment: str, where: str) -> LockedError:
        since = utc(holder.since)
        return LockedError(
            f"the state of {deployment!r} in {where} is held by {holder}, since {since}",
            holder=str(holder),
            since=since,
            remedy=(
                "wait for it to finish, as Deployment(lock_timeout=…) does; if it has died, the lease runs out at "
                f"{utc(self.expires)}, "
                "or take it away: Deployment.break_lease()"
            ),
        )


def utc(at: float) -> str:
    """``at``, in seconds since 1970, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def this_machine() -> str:
    """Tells apart machines, boots and containers: two processes that get the same see each other by number."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux, or no /proc: the host name has to do
        return platform.node()


def is_gone(process: int) -> bool:
    """Whether it is certain that no process of this machine has the number ``process``."""
    if os.name != "posix" or process <= 0:
        return False
    try:
        os.kill(process, 0)  # signal 0 only asks
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # somebody else's process, or a number that can't be one
        return False
    return False
