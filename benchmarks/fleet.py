"""Many servers of one deployment, planted: one is applied, the others are its twins in the cloud and in the state."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

import orchestra as oc
from orchestra.clouds.families.simulated.behaviour import Call
from orchestra.contracts import Cloud, Inputs, Observation, Ownership, Provider, fresh_token
from orchestra.model.address import Address
from orchestra.state.journal import Holder, Operation, Outcome, Phase, RunRecord
from orchestra.state.records import Record

NAME: Final = "fleet"


class Fleet(oc.Stack):
    """Servers in one subnet."""

    servers: int = oc.parameter(minimum=1)

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16")
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.0.0/16")
        image, size = oc.Image(os="debian", version="12"), oc.Size(cpus=1, memory_gib=1)
        self.fleet = [oc.Server(image=image, size=size, subnet=self.subnet) for _ in range(self.servers)]


class Counted:
    """`Faults` of the simulated cloud that count its calls by action, and the threads for calls that there are."""

    def __init__(self) -> None:
        self.calls: collections.Counter[str] = collections.Counter()
        self.threads = 0
        self._lock = threading.Lock()

    def before(self, call: Call) -> None:
        """See `Faults.before`."""
        there = sum(thread.name.startswith("orchestra-call") for thread in threading.enumerate())
        with self._lock:
            self.calls[call.action] += 1
            self.threads = max(self.threads, there)

    def after(self, call: Call) -> None:
        """See `Faults.after`."""


def deployment(folder: Path, servers: int, cloud: Cloud, *, width: int = 16) -> oc.Deployment:
    """The deployment of so many servers whose state is in ``folder``."""
    state = folder / "fleet.db"
    return oc.Deployment(Fleet(servers=servers), name=NAME, cloud=cloud, state=state, width=width, progress=False)


def servers_of(cloud: Cloud) -> Provider:
    """What makes servers on ``cloud``."""
    found = cloud.provider("compute.Server")
    if found is None:
        raise SystemExit(f"{cloud.name} has no servers")
    return found


def first(folder: Path, cloud: Cloud) -> Record:
    """The record of the first server, which is applied."""
    with deployment(folder, 1, cloud) as there:
        there.apply()
        return there.resources["fleet[0]"]


def twin(record: Record, cloud: Cloud, number: int) -> Observation:
    """Another server like that of ``record``, made as an apply makes it."""
    address = Address(f"fleet[{number}]")
    return servers_of(cloud).create(Inputs(record.inputs), Ownership(NAME, address, fresh_token(address)))


def enter(folder: Path, cloud: Cloud, record: Record, twins: Iterable[Observation]) -> None:
    """Write the twins of ``record`` into the state, the first of them as number 1."""
    records = tuple(
        attrs.evolve(
            record,
            address=Address(f"fleet[{number}]"),
            external_id=one.external_id,
            token=fresh_token(f"fleet[{number}]"),
            outputs={**one.outputs, "id": one.external_id},
        )
        for number, one in enumerate(twins, start=1)
    )
    planted = Outcome(
        run="planted", address=record.address, operation=Operation.RECORD, phase=Phase.DONE, at=0.0, write=records
    )
    with deployment(folder, len(records) + 1, cloud) as there:
        lease = there.store.acquire(Holder(user="bench", host="bench", process=1))
        there.store.start_run(lease, RunRecord(id="planted", purpose="bench", started=0.0, by="bench"))
        there.store.commit(lease, [planted])
        there.store.release(lease)
