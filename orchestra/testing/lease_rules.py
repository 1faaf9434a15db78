"""The rules of the store contract on leases, one function each: who may write, and for how long."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from orchestra.contracts import Store
from orchestra.errors import InternalError, LeaseLostError, LockedError
from orchestra.state.journal import Holder, Lease
from orchestra.testing.contract import FoundWrongError, Rule
from orchestra.testing.samples import ELSEWHERE, outcome, run_record, this_process
from orchestra.testing.store_bench import DEPLOYMENT, StoreBench, check_same, claims, refused, writes


def taken(bench: StoreBench, store: Store, holder: Holder) -> Lease:
    """The lease, which must be free, with what a lease must tell."""
    before = bench.clock.now()
    try:
        lease = store.acquire(holder)
    except LockedError as error:
        raise FoundWrongError(f"acquire() of a lease that is free raised LockedError: {error.message}") from error
    after = bench.clock.now()
    if not before <= lease.holder.since <= after:
        raise FoundWrongError(f"acquire() tells since={lease.holder.since!r}, the clock shows {after!r}")
    check_same("the holder from acquire()", attrs.evolve(lease.holder, since=holder.since), holder)
    if not before + bench.lease_seconds <= lease.expires <= after + bench.lease_seconds:
        raise FoundWrongError(
            f"acquire() tells expires={lease.expires!r}, the clock shows {after!r} "
            f"and a lease lasts {bench.lease_seconds:g} s"
        )
    return lease


def check_held(store: Store, lease: Lease, what: str) -> None:
    """Nobody else may get the lease, and the error must say who has it."""
    error = refused(lambda: store.acquire(this_process()), LockedError, f"acquire() {what}")
    holder = lease.holder
    if holder.user not in error.holder or holder.host not in error.holder:
        raise FoundWrongError(f"LockedError.holder is {error.holder!r}, {holder} holds the lease")
    try:
        since = datetime.fromisoformat(error.since.replace("Z", "+00:00")).timestamp()
    except ValueError as fault:
        raise FoundWrongError(f"LockedError.since is {error.since!r}: UTC in ISO 8601 is needed") from fault
    if abs(since - holder.since) > 1.0:
        raise FoundWrongError(f"LockedError.since is {error.since!r}, the lease was taken at {holder.since!r}")
    if DEPLOYMENT not in error.message:
        raise FoundWrongError(f"LockedError doesn't name the deployment {DEPLOYMENT!r}: {error.message}")


def check_lost(store: Store, lease: Lease, why: str) -> None:
    """Whatever only the holder may do must be refused, and change nothing."""
    before = store.load().serial
    for what, claim in claims(store, lease):
        refused(claim, LeaseLostError, f"{what} under a lease that {why}")
    check_same(f"load().serial after writes under a lease that {why}", store.load().serial, before)


def _keeps_out(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = taken(bench, store, ELSEWHERE)
    check_held(store, lease, "of a lease that another holds")
    bench.wait(0.75)
    check_held(store, lease, "of a lease that another holds")


def _living(bench: StoreBench) -> None:
    store = bench.fresh()
    check_held(store, taken(bench, store, this_process()), "of a lease that this very process holds")


def _taken_over(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = taken(bench, store, ELSEWHERE)
    bench.wait(1.0)
    second = taken(bench, store, this_process())
    check_lost(store, lease, "expired and was taken")
    store.release(lease)
    check_held(store, second, "after the loser of the lease gave it back")
    for _, write in writes(store, second):
        write()
    check_same("load().serial", store.load().serial, 6)
    store.release(second)
    check_lost(store, lease, "expired, was taken and given back")


def _not_taken(bench: StoreBench) -> None:
    for number in range(1, len(claims(bench.fresh(), Lease(holder=ELSEWHERE, fence=0, expires=0.0)))):
        store = bench.fresh()
        lease = taken(bench, store, ELSEWHERE)
        store.start_run(lease, run_record())
        bench.wait(10.0)
        what, claim = claims(store, lease)[number]
        try:
            claim()
        except LeaseLostError as error:
            raise FoundWrongError(
                f"{what} under a lease that expired and nobody took was refused: {error.message}"
            ) from error
        bench.wait(0.75)
        check_held(store, lease, f"after {what}, which prolongs the lease")
        bench.wait(0.25)
        taken(bench, store, this_process())


def _prolongs(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = taken(bench, store, ELSEWHERE)
    for what, write in writes(store, lease):
        bench.wait(0.5)
        write()
        bench.wait(0.75)
        check_held(store, lease, f"after {what}, which prolongs the lease")
        store.renew(lease)
    bench.wait(0.75)
    refused(lambda: store.start_run(lease, run_record()), InternalError, "start_run() of a run that was started")
    bench.wait(0.5)
    taken(bench, store, this_process())  # what was refused prolonged nothing


def _renewed(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = taken(bench, store, ELSEWHERE)
    for _ in range(4):
        bench.wait(0.75)
        store.renew(lease)
        check_held(store, lease, "of a lease that was renewed")
    check_same("the serial from commit()", store.commit(lease, [outcome()]), 1)


def _released(bench: StoreBench) -> None:
    store = bench.fresh()
    fences = []
    for _ in range(3):
        lease = taken(bench, store, ELSEWHERE)
        fences.append(lease.fence)
        store.release(lease)
        store.release(lease)
        check_lost(store, lease, "was given back")
    if sorted(set(fences)) != fences:
        raise FoundWrongError(f"three leases, one after the other, got the fences {fences}")


def _broken(bench: StoreBench) -> None:
    store = bench.fresh()
    check_same("break_lease() while nobody holds it", store.break_lease(ELSEWHERE), None)
    lease = taken(bench, store, ELSEWHERE)
    check_same("break_lease()", store.break_lease(ELSEWHERE), lease.holder)
    check_same("break_lease() again", store.break_lease(ELSEWHERE), None)
    check_lost(store, lease, "was taken away")
    second = taken(bench, store, this_process())
    if second.fence <= lease.fence:
        raise FoundWrongError(
            f"after break_lease() the fence {second.fence} was given out, it was {lease.fence} before"
        )
    check_lost(store, lease, "was taken away and is held by another")


RULES: Final[tuple[Rule[StoreBench], ...]] = (
    Rule("lease", "while one holds the lease no other gets it, and is told who has it since when", _keeps_out),
    Rule("own lease", "a process that holds the lease doesn't get it once more", _living),
    Rule("fence", "an expired lease may be taken; its loser writes no more, and frees nothing", _taken_over),
    Rule("expired is held", "an expired lease that nobody took is still held, and any write prolongs it", _not_taken),
    Rule("writes prolong", "every write prolongs the lease; one that is refused doesn't", _prolongs),
    Rule("renewed", "a lease that is renewed lasts", _renewed),
    Rule("released", "a lease that is given back is free and writes no more; fences only grow", _released),
    Rule("lease broken", "break_lease() tells who held the lease, who then writes no more", _broken),
)
"""The rules on leases, in the order in which they are checked."""
