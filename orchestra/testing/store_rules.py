"""The rules of the store contract on what is written and told, one function each.

A rule returns if it holds, else it raises what was found. To add one, write its function and enter it in ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import attrs

from orchestra.contracts import Store
from orchestra.errors import InternalError
from orchestra.model.address import Address
from orchestra.model.values import UNKNOWN, Revealed, Sealed, Value
from orchestra.state.journal import Lease, Outcome, Phase
from orchestra.state.records import Condition, Record
from orchestra.testing.contract import FoundWrongError, Rule
from orchestra.testing.samples import intent, key_rotated, outcome, record, run_record, this_process, token
from orchestra.testing.store_bench import (
    DEPLOYMENT,
    StoreBench,
    check_as_secret,
    check_pending,
    check_records,
    check_same,
    refused,
)

PLAIN: Final = "hunter2"
"""A secret that may stand in no message."""
SALT_BYTES: Final = 32
ROUNDS: Final = 10
"""How often each thread writes."""
TWIN: Final = 1000
"""What the number of a record and that of the one written with it differ by."""


# -- a new state


def _empty(bench: StoreBench) -> None:
    store = bench.fresh()
    found = store.load()
    check_same("load().deployment", found.deployment, DEPLOYMENT)
    check_same("load().serial", found.serial, 0)
    check_records(found, [])
    check_pending(found, [])
    check_same("runs()", list(store.runs()), [])
    check_same("journal()", list(store.journal()), [])
    store.close()


def _identity(bench: StoreBench) -> None:
    store, other = bench.fresh(), bench.fresh()
    found = store.load()
    if not found.lineage:
        raise FoundWrongError("load().lineage is empty")
    check_same("the length of load().salt", len(found.salt), SALT_BYTES)
    again = store.load()
    check_same("load().lineage, asked for again", again.lineage, found.lineage)
    check_as_secret("load().salt, asked for again", again.salt, found.salt)
    if other.load().lineage == found.lineage or other.load().salt == found.salt:
        raise FoundWrongError("two states have one lineage or one salt")


# -- records


def _records(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    wild: dict[str, Value] = {
        "text": "a'b\"c\\d\x00\n%s ☃ 𝄞",
        "$orchestra": "sealed",
        "nested": [{"a": [None, True, -1, 2.5, 2**70]}, Sealed("d1"), UNKNOWN],
    }
    awkward = attrs.evolve(record(), address=Address('shards["eu"].subject[10]'), inputs=wild, outputs=wild)
    for one in (record(), attrs.evolve(record(), external_id="i-9", condition=Condition.TAINTED, protect=True)):
        store.commit(lease, [outcome(write=(one,))])
        check_records(store.load(), [one])
    store.commit(lease, [outcome(write=(awkward,), remove=(record().key,))])
    check_records(store.load(), [awkward])
    told = store.load().records[awkward.address]
    check_same("the types in load().records", _types([told.inputs, told.outputs]), _types([wild, wild]))


def _types(value: object) -> object:
    """The types of all that is in ``value``: 1, 1.0 and True are equal."""
    if isinstance(value, Mapping):
        return {name: _types(item) for name, item in value.items()}
    return [_types(item) for item in value] if isinstance(value, (list, tuple)) else type(value).__name__


def _order(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    store.commit(lease, [outcome(write=tuple(record(number) for number in (3, 1, 2)))])
    check_records(store.load(), [record(1), record(2), record(3)])


def _deposed(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    old, new = record(), attrs.evolve(record(), token=token(9), external_id="i-9")
    deposed = attrs.evolve(old, condition=Condition.DEPOSED)
    store.commit(lease, [outcome(write=(old,))])
    store.commit(lease, [outcome(remove=(old.key,), write=(deposed,))])
    check_records(store.load(), [], [deposed])
    store.commit(lease, [outcome(write=(new,))])
    check_records(store.load(), [new], [deposed])
    store.commit(lease, [outcome(remove=(deposed.key,))])
    check_records(store.load(), [new])


def _removal(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    store.commit(lease, [outcome(write=(record(),), remove=(record().key, (Address("nothing"), "")))])
    check_records(store.load(), [record()])


# -- calls under way


def _settles(bench: StoreBench) -> None:
    for phase in (Phase.ACCEPTED, Phase.DONE, Phase.FAILED):
        store = bench.fresh()
        lease = store.acquire(this_process())
        store.begin(lease, [intent(1), intent(0)])
        check_pending(store.load(), [intent(1), intent(0)])
        for _ in range(2):  # what is settled already may be settled again
            store.commit(lease, [outcome(1, phase=phase, settles=intent(1))])
            check_pending(store.load(), [intent(0)])


def _unknown(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    store.begin(lease, [intent(0), intent(1)])
    store.commit(lease, [outcome(0, phase=Phase.UNKNOWN, settles=intent(0))])
    check_pending(store.load(), [intent(0), intent(1)])


def _begun_again(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    again = attrs.evolve(intent(0), at=99.0)
    store.begin(lease, [intent(0), intent(1)])
    store.begin(lease, [again])
    check_pending(store.load(), [intent(1), again])
    check_same("the sequence of journal()", [entry.sequence for entry in store.journal()], [1, 2, 3])


# -- what a write counts for


def _serial(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    store.start_run(lease, run_record())
    store.begin(lease, [intent(number) for number in range(5)])
    batch = [outcome(number, settles=intent(number), write=(record(number),)) for number in range(5)]
    check_same("the serial from commit()", store.commit(lease, batch), 3)
    store.renew(lease)
    check_same("the serial from commit() of nothing", store.commit(lease, []), 3)
    check_same("the serial from enter()", store.enter(lease, [outcome(7, write=(record(7),))], [intent(8)]), 4)
    ended = attrs.evolve(run_record(), ended=9.0)
    check_same("the serial from finish_run()", store.finish_run(lease, ended), 5)
    store.release(lease)
    found = store.load()
    check_same("load().serial", found.serial, 5)
    check_pending(found, [intent(8)])
    check_records(found, [record(number) for number in (0, 1, 2, 3, 4, 7)])


def _secrets(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    plain: dict[str, Value] = {"keys": [{"private": Revealed(PLAIN)}]}
    for leaking in (attrs.evolve(record(1), inputs=plain), attrs.evolve(record(1), outputs=plain)):
        batch = [outcome(0, write=(record(0),)), outcome(1, write=(leaking,))]
        error = refused(partial(store.commit, lease, batch), InternalError, "commit() of a secret in plain")
        if PLAIN in str(error):
            raise FoundWrongError("the secret stands in the message of the error that refuses it")
        if not str(error.address or "").startswith("web[1]"):
            raise FoundWrongError(f"the error that refuses a secret names the address {error.address!r}, it is web[1]")
    bad = attrs.evolve(intent(1), inputs={"password": Revealed(PLAIN)})
    refused(lambda: store.begin(lease, [intent(0), bad]), InternalError, "begin() with a secret in plain")
    both = partial(store.enter, lease, [outcome(0, write=(record(0),))], [bad])
    refused(both, InternalError, "enter() with a secret in plain")
    found = store.load()
    check_same("load().serial after writes that were refused", found.serial, 0)
    check_records(found, [])
    check_pending(found, [])
    check_same("journal() after writes that were refused", list(store.journal()), [])


# -- who else has it


def _nobody_elses(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    given: dict[str, Value] = {"a": [1]}
    counts = {"create": 1}
    store.begin(lease, [attrs.evolve(intent(1), inputs=given)])
    store.commit(lease, [outcome(write=(attrs.evolve(record(), inputs=given),))])
    store.start_run(lease, attrs.evolve(run_record(), counts=counts))
    given["a"], counts["create"] = [2], 2
    kept: dict[str, Value] = {"a": [1]}
    for _ in range(2):
        found, [run] = store.load(), store.runs()
        check_records(found, [attrs.evolve(record(), inputs=kept)])
        check_pending(found, [attrs.evolve(intent(1), inputs=kept)])
        check_same("the counts of a run", run.counts, {"create": 1})
        for told in (found.records[record().address].inputs, found.pending[0].inputs, run.counts):
            if isinstance(told, dict):  # a mapping that can't be changed is as good
                told.clear()


def _threads(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    with ThreadPoolExecutor(max_workers=bench.threads) as pool:
        list(pool.map(lambda first: _write_twins(store, lease, first), range(0, bench.threads * ROUNDS, ROUNDS)))
    count = bench.threads * ROUNDS
    found = store.load()
    check_same("load().serial", found.serial, 2 * count)
    check_same("the number of records", len(found.records), 2 * count)
    check_pending(found, [])
    told = [entry.sequence for entry in store.journal()]
    check_same("the sequence of journal()", told, list(range(1, 3 * count + 1)))


def _write_twins(store: Store, lease: Lease, first: int) -> None:
    """Write two records at a time, and see that none is ever told without the other."""
    for number in range(first, first + ROUNDS):
        twins = (record(number), record(number + TWIN))
        store.begin(lease, [intent(number)])
        store.commit(lease, [_first_of(twins), outcome(number, settles=intent(number), write=twins[1:])])
        told = {int(one.external_id[2:]) for one in store.load().records.values()}
        for one in sorted(told):
            if (one + TWIN if one < TWIN else one - TWIN) not in told:
                raise FoundWrongError(f"load() tells of web[{one}] alone, it was committed together with another one")


def _first_of(twins: tuple[Record, ...]) -> Outcome:
    return outcome(int(twins[0].external_id[2:]), write=twins[:1])


def _version(bench: StoreBench) -> None:
    store = bench.fresh()
    lease = store.acquire(this_process())
    seen = [store.version()]
    writes: tuple[Callable[[], object], ...] = (
        lambda: store.begin(lease, [intent(1)]),
        lambda: store.commit(lease, [outcome(1, settles=intent(1), write=(record(1),))]),
        lambda: store.commit(lease, [outcome(1, write=(record(1, text="changed"),))]),
        lambda: store.commit(lease, [outcome(1, remove=(record(1).key,))]),
        lambda: store.rekey(lease, "wrapped", [], key_rotated()),
    )
    for write in writes:
        write()
        found = store.load()
        check_same("load().version", found.version, store.version())
        seen.append(found.version)
    if len(set(seen)) < len(seen):
        raise FoundWrongError("version() is the same after a write")
    if bench.fresh().version() in seen:
        raise FoundWrongError("version() is that of another state")


RULES: Final[tuple[Rule[StoreBench], ...]] = (
    Rule("empty at first", "a new state has serial 0 and nothing in it", _empty),
    Rule("identity", "each state has a lineage and a salt of 32 bytes of its own, which stay", _identity),
    Rule("records", "a record is told as it was written last, whatever its values are", _records),
    Rule("order", "records are told in the order of their addresses", _order),
    Rule("deposed", "deposed records stand beside their successor, told apart by their token", _deposed),
    Rule("removal first", "what an outcome removes goes before what it writes comes", _removal),
    Rule("pending", "a call that was begun is pending until an outcome settles it", _settles),
    Rule("unknown stays pending", "an outcome that is Phase.UNKNOWN settles nothing", _unknown),
    Rule("begun again", "a call that is begun again is pending once, as the last", _begun_again),
    Rule("one serial", "each write, of however much, raises the serial by one; a lease alone doesn't", _serial),
    Rule("version", "what tells a state from every other changes with each write, and is told by a load", _version),
    Rule("secrets", "a secret in plain is refused, and nothing of the write it stands in is kept", _secrets),
    Rule("nobody else's", "what is kept doesn't change with what the caller gave or got", _nobody_elses),
    Rule("many threads", "threads may write and load at once; a commit is told as a whole or not at all", _threads),
)
"""The rules on what is written and told, in the order in which they are checked."""
