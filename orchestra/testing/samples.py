"""Records, intents and the rest that stores are tried with."""

from __future__ import annotations

import os
import platform
from typing import Final

from orchestra.contracts import Store
from orchestra.model.address import Address
from orchestra.model.values import UNKNOWN, Sealed
from orchestra.state.audit import AuditEntry, AuditEvent
from orchestra.state.journal import Holder, Intent, Lease, Operation, Outcome, Phase, RunRecord
from orchestra.state.records import Condition, Record, Snapshot

ELSEWHERE: Final = Holder(user="ann", host="build-7", process=4711, purpose="apply")
"""A process of another machine: whether it lives can't be told."""


def this_process(purpose: str = "apply") -> Holder:
    """This process, of which a store may see that it lives."""
    return Holder(user="ann", host=platform.node(), process=os.getpid(), purpose=purpose)


def token(number: int) -> str:
    """The ``number``-th token."""
    return f"{number:032x}"


def record(number: int = 0, *, condition: Condition = Condition.READY, text: str = "hello") -> Record:
    """A record at ``web[number]`` with a value of every sort in it."""
    return Record(
        address=Address(f"web[{number}]"),
        kind="compute.Server",
        cloud="simulated",
        external_id=f"i-{number}",
        token=token(number),
        condition=condition,
        inputs={"image": {"id": "ami-1", "os": "debian"}, "user_data": text, "password": Sealed("d1"), "size": None},
        outputs={"private_ip": f"10.0.0.{number}", "ports": [1, 2.5, True], "later": UNKNOWN},
        dependencies=(Address("network"), Address("subnet")),
        triggers=["v1", None],
        create_before_delete=False,
        delete_timeout=30.0,
    )


def intent(number: int = 0, operation: Operation = Operation.CREATE, run: str = "run-1") -> Intent:
    """What is written down before the call for ``web[number]``."""
    return Intent(
        run=run,
        address=Address(f"web[{number}]"),
        operation=operation,
        kind="compute.Server",
        cloud="simulated",
        token=token(number),
        at=10.0 + number,
        inputs={"name": "a", "password": Sealed("d1")},
        dependencies=(Address("network"),),
    )


def outcome(
    number: int = 0,
    *,
    phase: Phase = Phase.DONE,
    settles: Intent | None = None,
    write: tuple[Record, ...] = (),
    remove: tuple[tuple[Address, str], ...] = (),
) -> Outcome:
    """What came of the call for ``web[number]``."""
    return Outcome(
        run="run-1",
        address=Address(f"web[{number}]"),
        operation=Operation.CREATE,
        phase=phase,
        at=20.0 + number,
        settles=settles,
        write=write,
        remove=remove,
        external_id=f"i-{number}",
        detail="the quota is used up" if phase is Phase.FAILED else "",
    )


def run_record(number: int = 1) -> RunRecord:
    """The run ``run-number``, under way."""
    return RunRecord(id=f"run-{number}", purpose="apply", started=5.0, by="ann", plan_digest="d" * 32)


def key_rotated() -> AuditEntry:
    """The line that says that the key was changed."""
    return AuditEntry(event=AuditEvent.KEY_ROTATED, at=30.0, by="ann", detail="another key")


def fill(store: Store, count: int) -> Lease:
    """``count`` created records, one deposed, and a call that is pending, each in a write of its own."""
    lease = store.acquire(this_process())
    store.start_run(lease, run_record())
    for number in range(count):
        store.begin(lease, [intent(number)])
        store.commit(lease, [outcome(number, settles=intent(number), write=(record(number),))])
    deposed = record(0, condition=Condition.DEPOSED)
    store.commit(lease, [outcome(0, write=(deposed,))])
    store.begin(lease, [intent(count)])
    return lease


def without_identity(snapshot: Snapshot) -> tuple[object, ...]:
    """All of a snapshot that two stores which were written alike must agree on."""
    return (
        snapshot.deployment,
        snapshot.serial,
        list(snapshot.records.items()),
        snapshot.deposed,
        snapshot.pending,
    )
