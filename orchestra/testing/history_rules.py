"""The rules of the store contract on what is told of the past, one function each: journal, runs, audit record."""

from __future__ import annotations

from functools import partial
from typing import Final

import attrs

from orchestra.contracts import Store
from orchestra.errors import InternalError, StateError
from orchestra.model.values import Revealed
from orchestra.state.audit import AuditEntry, AuditEvent
from orchestra.state.journal import Lease, Phase, RunStatus
from orchestra.state.records import Condition
from orchestra.testing.contract import FoundWrongError, Rule
from orchestra.testing.samples import ELSEWHERE, intent, key_rotated, outcome, record, run_record, this_process, token
from orchestra.testing.store_bench import StoreBench, check_pending, check_records, check_same, refused


def _journal(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    store.begin(lease, [intent(0), intent(1, run="run-2")])
    store.commit(lease, [outcome(0, phase=Phase.FAILED, settles=intent(0)), outcome(7)])
    told = [
        (one.sequence, one.run, str(one.address), one.phase, one.at, one.token, one.external_id, one.detail)
        for one in store.journal()
    ]
    right = [
        (1, "run-1", "web[0]", Phase.BEGUN, 10.0, token(0), "", ""),
        (2, "run-2", "web[1]", Phase.BEGUN, 11.0, token(1), "", ""),
        (3, "run-1", "web[0]", Phase.FAILED, 20.0, token(0), "i-0", "the quota is used up"),
        (4, "run-1", "web[7]", Phase.DONE, 27.0, "", "i-7", ""),
    ]
    check_same("journal()", told, right)
    for run, sequence in (("run-1", [1, 3, 4]), ("run-9", [])):
        check_same(f"the sequence of journal({run!r})", [entry.sequence for entry in store.journal(run)], sequence)


def _runs(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    check_same("last_run() before there was any", store.last_run(), None)
    for number in (3, 1, 2):
        store.start_run(lease, run_record(number))
    ended = attrs.evolve(
        run_record(1),
        ended=9.0,
        status=RunStatus.SUCCEEDED,
        counts={"create": 2},
        durations={"one compute.Server create": [41.5, 40.0, 2.25]},
    )
    store.finish_run(lease, ended)
    check_same("runs()", list(store.runs()), [run_record(3), ended, run_record(2)])
    check_same("last_run()", store.last_run(), run_record(2))
    refused(lambda: store.start_run(lease, run_record(1)), InternalError, "start_run() of a run that was started")
    refused(lambda: store.finish_run(lease, run_record(4)), InternalError, "finish_run() of one that never was")
    check_same("runs() after writes that were refused", list(store.runs()), [run_record(3), ended, run_record(2)])
    check_same("load().serial after writes that were refused", store.load().serial, 4)


# -- the audit record


def _audit(bench: StoreBench) -> None:
    store = bench.fresh()
    _live(store, store.acquire(this_process()))
    told = [(one.sequence, one.serial, one.event, one.run, str(one.address), one.phase) for one in store.audit()]
    right = [
        (1, 1, AuditEvent.RUN_STARTED, "run-1", "", None),
        (2, 2, AuditEvent.STEP, "run-1", "web[0]", Phase.BEGUN),
        (3, 2, AuditEvent.STEP, "run-1", "web[1]", Phase.BEGUN),
        (4, 3, AuditEvent.STEP, "run-1", "web[0]", Phase.DONE),
        (5, 4, AuditEvent.RUN_FINISHED, "run-1", "", None),
    ]
    check_same("audit()", told, right)
    steps = [one.step for one in store.audit() if one.step is not None]
    check_same("journal(), the steps in audit()", list(store.journal()), steps)


def _live(store: Store, lease: Lease, run_by: str = "ann") -> None:
    """Begin a run, make two calls of which one ends, and end it."""
    run = attrs.evolve(run_record(), by=run_by)
    store.start_run(lease, run)
    store.begin(lease, [intent(0), intent(1)])
    store.commit(lease, [outcome(0, settles=intent(0), write=(record(0),))])
    store.finish_run(lease, attrs.evolve(run, ended=9.0, status=RunStatus.SUCCEEDED))


def _chain(bench: StoreBench) -> None:
    store, other = bench.fresh(), bench.fresh()
    lease, its_lease = (one.acquire(this_process()) for one in (store, other))
    _live(store, lease)
    _live(other, its_lease, run_by="bob")
    digests = [one.digest for one in store.audit()]
    if len(set(digests)) != len(digests) or not all(digests):
        raise FoundWrongError(f"the digests in audit() are not all different: {digests}")
    if same := [number for number, one in enumerate(other.audit(), 1) if one.digest in digests]:
        raise FoundWrongError(f"line {same[0]} of audit() has the same digest, whatever the first line says")
    store.commit(lease, [outcome(2)])
    check_same("the digests in audit(), after another write", [one.digest for one in store.audit()][:-1], digests)


def _notes(bench: StoreBench) -> None:
    store = bench.fresh()
    approval = AuditEntry(event=AuditEvent.APPROVED, at=7.0, by="bob", plan_digest="d" * 32, detail="CHG-1")
    store.note(approval)
    store.break_lease(ELSEWHERE)  # nobody holds it: there is nothing to tell
    holder = store.acquire(this_process()).holder
    store.break_lease(ELSEWHERE)
    check_same("load().serial after notes", store.load().serial, 0)
    told = list(store.audit())
    check_same("the length of audit()", len(told), 2)
    check_same("audit()[0]", attrs.evolve(told[0], sequence=0, digest=""), approval)
    check_same("audit()[1].event", told[1].event, AuditEvent.LEASE_BROKEN)
    check_same("audit()[1].detail", told[1].detail, str(holder))
    if str(ELSEWHERE) not in told[1].by:
        raise FoundWrongError(f"audit()[1].by is {told[1].by!r}, {ELSEWHERE} broke the lease")


# -- the state as it was


def _serials(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    past = [store.load()]
    deposed = attrs.evolve(record(0), condition=Condition.DEPOSED)
    for write in (
        outcome(0, write=(record(0), record(1))),
        outcome(0, write=(attrs.evolve(record(1), external_id="i-9"),)),
        outcome(0, remove=(record(0).key,), write=(deposed,)),
        outcome(1, remove=(record(1).key, deposed.key)),
    ):
        store.begin(lease, [intent(2)])
        past.append(store.load())
        store.commit(lease, [write])
        past.append(store.load())
    for wanted in past:
        found = store.load_at(wanted.serial)
        check_pending(found, [], of=f"load_at({wanted.serial})")
        check_same(f"load_at({wanted.serial}).serial", found.serial, wanted.serial)
        check_records(found, list(wanted.records.values()), wanted.deposed, of=f"load_at({wanted.serial})")
    for serial in (-1, len(past)):
        refused(partial(store.load_at, serial), StateError, f"load_at({serial}) of a state at {len(past) - 1}")


def _rekey(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    store.commit(lease, [outcome(write=(record(),))])
    changed = attrs.evolve(record(), external_id="i-9")
    leaking = attrs.evolve(record(1), inputs={"password": Revealed("hunter2")})
    refused(
        lambda: store.rekey(lease, "another", [outcome(write=(changed,)), outcome(1, write=(leaking,))], key_rotated()),
        InternalError,
        "rekey() with a secret in plain",
    )
    check_same("load().wrapped_root after rekey() was refused", store.load().wrapped_root, "")
    check_same("the serial from rekey()", store.rekey(lease, "wrapped", [outcome(write=(changed,))], key_rotated()), 2)
    found = store.load()
    check_same("load().wrapped_root", found.wrapped_root, "wrapped")
    check_records(found, [changed])
    check_same("the last line of audit()", store.audit()[-1].event, AuditEvent.KEY_ROTATED)


RULES: Final[tuple[Rule[StoreBench], ...]] = (
    Rule("journal", "the journal tells every intent and outcome, oldest first, of one run or of all", _journal),
    Rule("runs", "runs are told oldest first, as they stand, or the last; each is started once, before it ends", _runs),
    Rule("audit", "each write leaves its lines, with number and serial; the journal is the steps in it", _audit),
    Rule("audit chain", "each line's digest depends on every line before it, and stays", _chain),
    Rule("notes", "a note needs no lease and leaves the serial; a lease broken is noted, with by whom", _notes),
    Rule("past serials", "load_at() tells the records as they were; StateError if the serial never was", _serials),
    Rule("rekey", "the root, the records and the line of a new key are written together or not at all", _rekey),
)
"""The rules on what is told of the past, in the order in which they are checked."""
