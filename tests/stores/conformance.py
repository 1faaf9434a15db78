"""What every store must do: the contract `orchestra.contracts.Store` as checks.

A factory makes a store of a deployment that has nothing in it yet. ``CHECKS`` are to be run one by one, each with a
factory; `check_same_results` drives two stores through the same operations and compares what they tell.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import attrs
import pytest

from orchestra.contracts import Clock, Store
from orchestra.errors import InternalError, LeaseLostError, LockedError
from orchestra.model.address import Address
from orchestra.model.values import Revealed, Value
from orchestra.state.journal import Lease, Phase, RunStatus
from orchestra.state.records import Condition
from tests.stores.samples import (
    ELSEWHERE,
    ManualClock,
    intent,
    outcome,
    record,
    run_record,
    this_process,
    token,
)


class StoreFactory(Protocol):
    """Makes an empty store."""

    def __call__(self, *, deployment: str, clock: Clock, lease_seconds: float) -> Store: ...


def _fresh(factory: StoreFactory) -> tuple[Store, ManualClock]:
    clock = ManualClock()
    return factory(deployment="production", clock=clock, lease_seconds=60.0), clock


def check_new_state_is_empty(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    found = store.load()
    assert (found.deployment, found.serial, found.records, found.deposed, found.pending) == (
        "production",
        0,
        {},
        (),
        (),
    )
    assert len(found.salt) == 32
    assert found.lineage
    assert (found.lineage, found.salt) == (store.load().lineage, store.load().salt)
    assert list(store.runs()) == []
    assert list(store.journal()) == []
    store.close()


def check_two_states_have_two_identities(factory: StoreFactory) -> None:
    first, _ = _fresh(factory)
    second, _ = _fresh(factory)
    assert first.load().lineage != second.load().lineage
    assert first.load().salt != second.load().salt
    first.close()
    second.close()


def check_record_comes_back_as_it_was(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    assert store.commit(lease, [outcome(write=(record(),))]) == 1
    assert store.load().records == {record().address: record()}
    changed = attrs.evolve(record(), external_id="i-9", condition=Condition.TAINTED, protect=True)
    assert store.commit(lease, [outcome(write=(changed,))]) == 2
    assert store.load().records == {record().address: changed}
    store.close()


def check_records_are_in_order_of_address(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    store.commit(lease, [outcome(write=tuple(record(number) for number in (3, 1, 2)))])
    assert [str(address) for address in store.load().records] == ["web[1]", "web[2]", "web[3]"]
    store.close()


def check_deposed_stand_beside_their_successor(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    old, new = record(), attrs.evolve(record(), token=token(9), external_id="i-9")
    store.commit(lease, [outcome(write=(old,))])
    deposed = attrs.evolve(old, condition=Condition.DEPOSED)
    store.commit(lease, [outcome(remove=(old.key,), write=(deposed,))])
    assert (store.load().records, store.load().deposed) == ({}, (deposed,))
    store.commit(lease, [outcome(write=(new,))])
    assert (store.load().records, store.load().deposed) == ({new.address: new}, (deposed,))
    store.commit(lease, [outcome(remove=(deposed.key,))])
    assert (store.load().records, store.load().deposed) == ({new.address: new}, ())
    store.close()


def check_removal_goes_before_writing(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    store.commit(lease, [outcome(write=(record(),), remove=(record().key, (Address("nothing"), "")))])
    assert store.load().records == {record().address: record()}
    store.close()


def check_intent_is_pending_until_it_is_settled(factory: StoreFactory) -> None:
    for phase in Phase:
        if phase is Phase.BEGUN:
            continue
        store, _ = _fresh(factory)
        lease = store.acquire(this_process())
        store.begin(lease, [intent(1), intent(0)])
        assert store.load().pending == (intent(1), intent(0))
        store.commit(lease, [outcome(1, phase=phase, settles=intent(1))])
        settled = phase is not Phase.UNKNOWN
        assert store.load().pending == ((intent(0),) if settled else (intent(1), intent(0)))
        store.commit(lease, [outcome(1, phase=phase, settles=intent(1))])
        store.close()


def check_intent_begun_again_is_pending_once(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    store.begin(lease, [intent(0), intent(1)])
    again = attrs.evolve(intent(0), at=99.0)
    store.begin(lease, [again])
    assert store.load().pending == (intent(1), again)
    assert [entry.sequence for entry in store.journal()] == [1, 2, 3]
    store.close()


def check_every_write_is_one_serial(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    assert store.load().serial == 0
    store.start_run(lease, run_record())
    store.begin(lease, [intent(number) for number in range(5)])
    assert store.commit(lease, [outcome(number, settles=intent(number)) for number in range(5)]) == 3
    store.renew(lease)
    assert store.commit(lease, []) == 3
    store.finish_run(lease, attrs.evolve(run_record(), ended=9.0))
    store.release(lease)
    assert store.load().serial == 4
    store.close()


def check_journal_tells_what_happened(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    store.begin(lease, [intent(0), intent(1, run="run-2")])
    store.commit(lease, [outcome(0, phase=Phase.FAILED, settles=intent(0)), outcome(7)])
    found = [(one.sequence, one.run, one.address, one.phase, one.token, one.detail) for one in store.journal()]
    assert found == [
        (1, "run-1", "web[0]", Phase.BEGUN, token(0), ""),
        (2, "run-2", "web[1]", Phase.BEGUN, token(1), ""),
        (3, "run-1", "web[0]", Phase.FAILED, token(0), "the quota is used up"),
        (4, "run-1", "web[7]", Phase.DONE, "", ""),
    ]
    assert [entry.sequence for entry in store.journal("run-1")] == [1, 3, 4]
    assert list(store.journal("run-9")) == []
    store.close()


def check_runs_are_told_oldest_first(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    for number in (3, 1, 2):
        store.start_run(lease, run_record(number))
    ended = attrs.evolve(run_record(1), ended=9.0, status=RunStatus.SUCCEEDED, counts={"create": 2})
    store.finish_run(lease, ended)
    assert list(store.runs()) == [run_record(3), ended, run_record(2)]
    with pytest.raises(InternalError, match="started twice"):
        store.start_run(lease, run_record(1))
    with pytest.raises(InternalError, match="never started"):
        store.finish_run(lease, run_record(4))
    assert len(store.runs()) == 3
    store.close()


def check_secret_in_plain_is_refused(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    leaking = attrs.evolve(record(1), outputs={"keys": [{"private": Revealed("hunter2")}]})
    with pytest.raises(InternalError) as caught:
        store.commit(lease, [outcome(0, write=(record(0),)), outcome(1, write=(leaking,))])
    assert caught.value.address == "web[1].keys"
    assert "hunter2" not in str(caught.value)
    with pytest.raises(InternalError):
        store.begin(lease, [attrs.evolve(intent(1), inputs={"password": Revealed("hunter2")})])
    assert (store.load().serial, store.load().records, list(store.journal())) == (0, {}, [])
    store.close()


def check_what_is_loaded_is_nobody_elses(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    shared: dict[str, Value] = {"a": [1]}
    store.commit(lease, [outcome(write=(attrs.evolve(record(), inputs=shared),))])
    shared["a"] = [2]
    loaded = store.load().records[record().address].inputs
    assert loaded == {"a": [1]}
    assert isinstance(loaded, dict)
    loaded["a"] = [3]
    assert store.load().records[record().address].inputs == {"a": [1]}
    store.close()


def check_lease_keeps_others_out(factory: StoreFactory) -> None:
    store, clock = _fresh(factory)
    lease = store.acquire(ELSEWHERE)
    assert (lease.fence, lease.expires, lease.holder.since) == (1, clock.time + 60.0, clock.time)
    clock.sleep(59.0)
    with pytest.raises(LockedError) as caught:
        store.acquire(this_process())
    assert caught.value.holder == "ann@build-7, process 4711 (apply)"
    assert caught.value.since == "2023-11-14T22:13:20Z"
    assert "production" in caught.value.message
    assert "2023-11-14T22:14:20Z" in (caught.value.remedy or "")
    store.close()


def check_living_process_keeps_its_lease(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    store.acquire(this_process())
    with pytest.raises(LockedError):
        store.acquire(this_process())
    store.close()


def check_expired_lease_that_nobody_took_is_still_held(factory: StoreFactory) -> None:
    for number in range(5):
        store, clock = _fresh(factory)
        lease = store.acquire(ELSEWHERE)
        store.start_run(lease, run_record())
        clock.sleep(600.0)
        _claims(store, lease)[1:][number]()
        clock.sleep(59.0)
        with pytest.raises(LockedError, match="since 2023-11-14T22:13:20Z"):  # the write prolonged it
            store.acquire(this_process())
        clock.sleep(1.0)
        assert store.acquire(this_process()).fence == 2
        store.close()


def check_expired_lease_may_be_taken_and_writes_no_more(factory: StoreFactory) -> None:
    store, clock = _fresh(factory)
    lease = store.acquire(ELSEWHERE)
    clock.sleep(60.0)
    second = store.acquire(this_process())
    assert second.fence == 2
    for write in _claims(store, lease):
        with pytest.raises(LeaseLostError, match="has held it since 2023-11-14T22:14:20Z"):
            write()
    store.release(lease)
    assert store.load().serial == 0
    for write in _writes(store, second):
        write()
    store.release(second)
    for write in _claims(store, lease):
        with pytest.raises(LeaseLostError, match="took it and has given it back"):
            write()
    assert store.load().serial == 4
    store.close()


def check_every_write_prolongs_the_lease(factory: StoreFactory) -> None:
    store, clock = _fresh(factory)
    lease = store.acquire(ELSEWHERE)
    for write in _writes(store, lease):
        clock.sleep(50.0)
        write()
    clock.sleep(50.0)
    with pytest.raises(InternalError):
        store.start_run(lease, run_record())
    clock.sleep(10.0)  # what was refused prolonged nothing
    assert store.acquire(this_process()).fence == 2
    store.close()


def check_renewed_lease_lasts(factory: StoreFactory) -> None:
    store, clock = _fresh(factory)
    lease = store.acquire(ELSEWHERE)
    for _ in range(5):
        clock.sleep(50.0)
        store.renew(lease)
    assert store.commit(lease, [outcome()]) == 1
    with pytest.raises(LockedError):
        store.acquire(this_process())
    store.close()


def check_released_lease_is_free_and_fences_grow(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    for fence in range(1, 4):
        lease = store.acquire(ELSEWHERE)
        assert lease.fence == fence
        store.release(lease)
        store.release(lease)
        with pytest.raises(LeaseLostError, match="given back"):
            store.commit(lease, [])
    store.close()


def check_broken_lease_writes_no_more(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    assert store.break_lease(ELSEWHERE) is None
    lease = store.acquire(ELSEWHERE)
    assert store.break_lease(ELSEWHERE) == lease.holder
    assert store.break_lease(ELSEWHERE) is None
    with pytest.raises(LeaseLostError, match="taken away"):
        store.commit(lease, [outcome()])
    assert store.acquire(this_process()).fence == 2
    store.close()


def check_threads_lose_no_write(factory: StoreFactory) -> None:
    store, _ = _fresh(factory)
    lease = store.acquire(this_process())
    failures: list[BaseException] = []

    def write(first: int) -> None:
        try:
            for number in range(first, first + 10):
                store.begin(lease, [intent(number)])
                store.commit(lease, [outcome(number, settles=intent(number), write=(record(number),))])
                store.load()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(10 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = store.load()
    assert (found.serial, len(found.records), found.pending) == (80, 40, ())
    assert [entry.sequence for entry in store.journal()] == list(range(1, 81))
    store.close()


def _writes(store: Store, lease: Lease) -> tuple[Callable[[], object], ...]:
    return (
        lambda: store.start_run(lease, run_record()),
        lambda: store.begin(lease, [intent()]),
        lambda: store.commit(lease, [outcome()]),
        lambda: store.commit(lease, []),
        lambda: store.finish_run(lease, run_record()),
    )


def _claims(store: Store, lease: Lease) -> tuple[Callable[[], object], ...]:
    """Everything that only the holder may do."""
    return *_writes(store, lease), lambda: store.renew(lease)


CHECKS = (
    check_new_state_is_empty,
    check_two_states_have_two_identities,
    check_record_comes_back_as_it_was,
    check_records_are_in_order_of_address,
    check_deposed_stand_beside_their_successor,
    check_removal_goes_before_writing,
    check_intent_is_pending_until_it_is_settled,
    check_intent_begun_again_is_pending_once,
    check_every_write_is_one_serial,
    check_journal_tells_what_happened,
    check_runs_are_told_oldest_first,
    check_secret_in_plain_is_refused,
    check_what_is_loaded_is_nobody_elses,
    check_lease_keeps_others_out,
    check_living_process_keeps_its_lease,
    check_expired_lease_that_nobody_took_is_still_held,
    check_expired_lease_may_be_taken_and_writes_no_more,
    check_every_write_prolongs_the_lease,
    check_renewed_lease_lasts,
    check_released_lease_is_free_and_fences_grow,
    check_broken_lease_writes_no_more,
    check_threads_lose_no_write,
)
