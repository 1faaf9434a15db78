"""The state of a stack as an apply leaves it, written at once: a no-op plan needs no hour of applying."""

from __future__ import annotations

import marshal
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from parts import CIDR, SIZE, Part
from shapes import Shape

from orchestra.contracts import fresh_token
from orchestra.engine.clock import SystemClock
from orchestra.model.address import Address
from orchestra.state.journal import Holder, Operation, Outcome, Phase, RunRecord
from orchestra.state.records import Condition, Record
from orchestra.stores import open_store

DEPLOYMENT: Final = "bench"


def external_id(index: int) -> str:
    """The id of part ``index``."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(index)))


def kept_inputs(index: int, count: int, shape: Shape) -> Mapping[str, str]:
    """The inputs of part ``index`` as an apply leaves them."""
    net = ",".join(external_id(used) for used in shape.uses(index, count))
    return {"name": f"r{index}", "cidr": CIDR, "size": SIZE, "net": net}


def plant(folder: Path, count: int, shape: Shape) -> None:
    """Write ``state.db`` and ``cloud.parts`` of ``count`` parts, applied, into ``folder``."""
    inputs = {external_id(index): kept_inputs(index, count, shape) for index in range(count)}
    (folder / "cloud.parts").write_bytes(marshal.dumps(inputs))
    records = tuple(
        Record(
            address=Address(f"parts[{index}]"),
            kind=Part.kind.name,
            cloud="bench",
            external_id=one,
            token=fresh_token(one),
            condition=Condition.READY,
            inputs=kept,
            outputs={"output": kept, "id": one},
            dependencies=tuple(Address(f"parts[{used}]") for used in sorted(shape.uses(index, count))),
        )
        for index, (one, kept) in enumerate(inputs.items())
    )
    store = open_store(folder / "state.db", deployment=DEPLOYMENT, clock=SystemClock())
    lease = store.acquire(Holder(user="bench", host="bench", process=1))
    store.start_run(lease, RunRecord(id="planted", purpose="bench", started=0.0, by="bench"))
    first = records[0]
    store.commit(
        lease,
        [
            Outcome(
                run="planted",
                address=first.address,
                operation=Operation.RECORD,
                phase=Phase.DONE,
                at=0.0,
                write=records,
            )
        ],
    )
    store.release(lease)
    store.close()
