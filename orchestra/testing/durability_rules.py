"""The rules of the store contract that take a state which can be opened again, one function each.

A second opening beside the first sees what another process would after this one was killed: nothing that a store
keeps back until it is closed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

import attrs

from orchestra.contracts import Store
from orchestra.errors import LockedError
from orchestra.state.audit import AuditEntry
from orchestra.state.journal import RunRecord, RunStatus
from orchestra.state.records import Snapshot
from orchestra.testing.contract import FoundWrongError, Rule
from orchestra.testing.lease_rules import check_held, check_lost, taken
from orchestra.testing.samples import (
    ELSEWHERE,
    fill,
    intent,
    outcome,
    record,
    run_record,
    this_process,
)
from orchestra.testing.store_bench import StoreBench, check_as_secret, check_same, writes

_Past: TypeAlias = tuple[list[RunRecord], list[AuditEntry]]


def _past(store: Store) -> _Past:
    """What ``store`` tells of the past: the journal is in the audit record."""
    return list(store.runs()), list(store.audit())


def _check_alike(found: Store, wanted: Store, when: str) -> None:
    """Two openings of one state must tell the same."""
    _check_kept(found, wanted.load(), _past(wanted), when)


def _check_kept(found: Store, wanted: Snapshot, past: _Past, when: str) -> None:
    told = found.load()
    check_as_secret(f"{when}, load().salt", told.salt, wanted.salt)
    check_same(f"{when}, load()", attrs.evolve(told, salt=b""), attrs.evolve(wanted, salt=b""))
    check_same(f"{when}, runs() and audit()", _past(found), past)


def _durable(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    batch = [outcome(number, settles=intent(number), write=(record(number),)) for number in range(2)]
    ended = attrs.evolve(run_record(), ended=9.0, status=RunStatus.SUCCEEDED)
    store.start_run(lease, run_record())
    _check_alike(bench.again(store), store, "in another opening after start_run() returned")
    store.begin(lease, [intent(0), intent(1), intent(2)])
    _check_alike(bench.again(store), store, "in another opening after begin() returned")
    store.commit(lease, batch)
    _check_alike(bench.again(store), store, "in another opening after commit() returned")
    store.finish_run(lease, ended)
    _check_alike(bench.again(store), store, "in another opening after finish_run() returned")


def _closed(bench: StoreBench) -> None:
    store = bench.fresh()
    fill(store, 3)
    wanted, past = store.load(), _past(store)
    _check_kept(bench.reopened(store), wanted, past, "closed and opened again")


def _lease_stays(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = taken(bench, store, ELSEWHERE)
    store = bench.reopened(store)
    check_held(store, lease, "after it was closed and opened again")
    for _, write in writes(store, lease):
        write()
    store.release(lease)
    store = bench.reopened(store)
    check_lost(store, lease, "was given back before it was closed and opened again")
    second = taken(bench, store, ELSEWHERE)
    if second.fence <= lease.fence:
        raise FoundWrongError(f"opened again it gave out the fence {second.fence}, after {lease.fence}")
    check_lost(store, lease, "was given back, and taken after it was opened again")


def _two_openings(bench: StoreBench) -> None:
    first = bench.fresh()
    second = bench.again(first)
    lease = taken(bench, first, ELSEWHERE)
    check_held(second, lease, "in another opening")
    bench.wait(1.0)
    other = taken(bench, second, this_process())
    check_lost(first, lease, "was taken in another opening")
    second.commit(other, [outcome(write=(record(),))])
    _check_alike(first, second, "after another opening wrote")
    check_same("break_lease() in another opening", first.break_lease(ELSEWHERE), other.holder)
    check_lost(second, other, "was taken away in another opening")


def _one_of_many(bench: StoreBench) -> None:
    first = bench.fresh()
    stores = [first, *(bench.again(first) for _ in range(bench.threads - 1))]
    with ThreadPoolExecutor(max_workers=len(stores)) as pool:
        got = list(pool.map(_got, stores))
    if sum(got) != 1:
        raise FoundWrongError(
            f"of {len(stores)} that asked for the lease at once, each by its own opening, {sum(got)} got it"
        )


def _got(store: Store) -> bool:
    """Whether ``store`` gave out the lease."""
    try:
        store.acquire(this_process())
    except LockedError:
        return False
    return True


RULES: Final[tuple[Rule[StoreBench], ...]] = (
    Rule("durable", "what a write returned from is there for others, though it isn't closed", _durable, "reopen"),
    Rule("closed", "all is there after it is closed and opened again", _closed, "reopen"),
    Rule("lease stays", "the lease outlives who opened it, and no fence is given out twice", _lease_stays, "reopen"),
    Rule(
        "two openings", "the lease and its fence hold between openings; each sees all writes", _two_openings, "reopen"
    ),
    Rule("one of many", "of many that ask for the lease at once, one gets it", _one_of_many, "reopen"),
)
"""The rules on states that can be opened again, in the order in which they are checked."""
