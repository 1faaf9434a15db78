"""The audit record of a deployment: who did what, and that nothing in it can be changed unseen."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import orchestra as oc
from orchestra.clouds.families.simulated import SimulatedCloud
from orchestra.state.audit import AuditEvent
from orchestra.state.codec import encode_record
from orchestra.state.journal import Holder, Operation, Phase
from orchestra.stores.schema import RECORDS
from orchestra.stores.sql import SqlStore
from orchestra.testing import VirtualClock

ELSEWHERE = Holder(user="ann", host="build-7", process=4711, purpose="apply")


class Site(oc.Stack):
    motto: str = "hello"

    def build(self) -> None:
        self.network = oc.Network(cidr="10.0.0.0/16", labels={"motto": self.motto})
        self.subnet = oc.Subnet(network=self.network, cidr="10.0.1.0/24")


@pytest.fixture
def cloud() -> Iterator[SimulatedCloud]:
    made = oc.clouds.simulated(":memory:", clock=VirtualClock())
    yield made
    made.close()


def deploy(stack: oc.Stack, cloud: SimulatedCloud, folder: Path) -> oc.Deployment:
    return oc.Deployment(
        stack, name="site", cloud=cloud, state=folder / "state.db", clock=VirtualClock(), progress=False
    )


def test_it_tells_who_did_what_and_what_it_changed(cloud: SimulatedCloud, tmp_path: Path) -> None:
    with deploy(Site(), cloud, tmp_path) as deployment:
        plan = deployment.plan()
        deployment.approve(plan, by="bob", note="CHG-1")
        run = deployment.apply(plan)
        records = deployment.resources
        entries = list(deployment.audit)
    me = f"{getpass.getuser()}@{platform.node()}, process {os.getpid()}"
    assert [(one.event, one.detail) for one in entries if one.event is not AuditEvent.STEP] == [
        (AuditEvent.APPROVED, "CHG-1"),
        (AuditEvent.RUN_STARTED, "apply"),
        (AuditEvent.RUN_FINISHED, "succeeded"),
    ]
    assert {one.plan_digest for one in entries if one.event is not AuditEvent.STEP} == {plan.digest}
    assert entries[0].by == f"bob by way of {me} (approve)"
    assert {one.by for one in entries[1:]} == {f"{me} (apply)"}
    assert {one.run for one in entries[1:]} == {run.id}
    steps = [(one.address, one.operation, one.phase) for one in entries if one.event is AuditEvent.STEP]
    assert steps == [
        (address, Operation.CREATE, phase) for address in ("network", "subnet") for phase in (Phase.BEGUN, Phase.DONE)
    ]
    assert [one.sequence for one in entries] == list(range(1, len(entries) + 1))
    done = [one for one in entries if one.phase is Phase.DONE]
    assert all(one.before == "" and len(one.after) == 32 for one in done)
    assert {one.external_id for one in done} == {record.external_id for record in records.values()}


def test_a_change_tells_what_was_there_before_it(cloud: SimulatedCloud, tmp_path: Path) -> None:
    with deploy(Site(), cloud, tmp_path) as deployment:
        deployment.apply()
    with deploy(Site(motto="welcome"), cloud, tmp_path) as deployment:
        deployment.apply()
        deployment.destroy()
        done = [one for one in deployment.audit if one.phase is Phase.DONE and one.address == "network"]
        deployment.audit.verify()
    assert [one.operation for one in done] == [Operation.CREATE, Operation.UPDATE, Operation.DELETE]
    made, changed, deleted = done
    assert (made.before, made.after, changed.after, deleted.after) == (
        "",
        changed.before,
        deleted.before,
        "",
    )


def test_a_broken_lease_is_told_with_who_broke_whose(cloud: SimulatedCloud, tmp_path: Path) -> None:
    with deploy(Site(), cloud, tmp_path) as deployment:
        assert deployment.break_lease() is None
        deployment.store.acquire(ELSEWHERE)
        serial = deployment.store.load().serial
        deployment.break_lease()
        assert deployment.store.load().serial == serial
        (entry,) = deployment.audit
    assert entry.event is AuditEvent.LEASE_BROKEN
    assert entry.detail == "ann@build-7, process 4711 (apply)"
    assert f"process {os.getpid()} (break_lease)" in entry.by


def test_a_recovery_is_told(cloud: SimulatedCloud, tmp_path: Path) -> None:
    behaviour = oc.clouds.Behaviour(faults=_Deaf())
    deaf = oc.clouds.simulated(":memory:", clock=VirtualClock(), behaviour=behaviour)
    with deploy(Site(), deaf, tmp_path) as deployment:
        with pytest.raises(SystemExit):
            deployment.apply()
        deployment.recover()
        entries = [one for one in deployment.audit if "(recover)" in one.by]
        deployment.audit.verify()
    deaf.close()
    assert [one.event for one in entries] == [AuditEvent.RUN_STARTED, AuditEvent.STEP, AuditEvent.RUN_FINISHED]
    assert entries[1].phase is Phase.DONE
    assert entries[1].detail == "found by its token after an interruption"


class _Deaf:
    """Ends the program once a network was made, before that is told."""

    def before(self, call: object) -> None:
        """Nothing goes wrong before a call."""

    def after(self, call: object) -> None:
        if getattr(call, "action", "") == "ex_create_network":
            raise SystemExit(3)


def test_approving_a_stale_plan_is_refused(cloud: SimulatedCloud, tmp_path: Path) -> None:
    with deploy(Site(), cloud, tmp_path) as deployment:
        plan = deployment.plan()
        deployment.approve(plan)
        deployment.apply(plan)  # an approval leaves the plan fresh
        with pytest.raises(oc.StalePlanError):
            deployment.approve(plan)


@pytest.fixture
def applied(cloud: SimulatedCloud, tmp_path: Path) -> Iterator[oc.Deployment]:
    with deploy(Site(), cloud, tmp_path) as deployment:
        deployment.approve(deployment.plan(), note="CHG-1")
        deployment.apply()
        yield deployment


CHANGES = [
    ("UPDATE orchestra_journal SET payload = replace(payload, 'CHG-1', 'CHG-2') WHERE sequence = 1", "line 1 of"),
    ("UPDATE orchestra_journal SET records = '' WHERE sequence = 4", "line 4 of"),
    ("UPDATE orchestra_journal SET serial = 1 WHERE sequence = 4", "line 4 of"),
    ("DELETE FROM orchestra_journal WHERE sequence = 1", "line 1 of"),
    ("DELETE FROM orchestra_journal WHERE sequence = 3", "line 3 of"),
    ("DELETE FROM orchestra_journal WHERE sequence = 7", "ends after line 6, and had 7 lines"),
    ("DELETE FROM orchestra_journal", "ends after line 0, and had 7 lines"),
    (
        "UPDATE orchestra_journal SET sequence = CASE sequence WHEN 3 THEN -4 ELSE -3 END WHERE sequence IN (3, 4); "
        "UPDATE orchestra_journal SET sequence = -sequence WHERE sequence < 0",
        "line 3 of",
    ),
    (
        "INSERT INTO orchestra_journal SELECT deployment, 8, serial, records, payload, digest FROM orchestra_journal "
        "WHERE sequence = 7",
        "line 8 of",
    ),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_is_changed_dropped_or_reordered_is_found(
    change: str, told: str, applied: oc.Deployment, tmp_path: Path
) -> None:
    assert applied.audit.verify().lines == 7
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as connection:
        connection.executescript(change)
    with pytest.raises(oc.CorruptStateError, match=told) as caught:
        applied.audit.verify()
    assert "restore a copy" in str(caught.value)


def test_an_anchor_shows_that_nothing_was_written_anew(applied: oc.Deployment, tmp_path: Path) -> None:
    anchor = applied.audit.verify()
    assert anchor.digest == list(applied.audit)[-1].digest
    applied.destroy()
    assert applied.audit.verify(since=anchor).lines > anchor.lines
    other = oc.clouds.simulated(":memory:", clock=VirtualClock())
    (tmp_path / "other").mkdir()
    with deploy(Site(), other, tmp_path / "other") as anew:
        anew.apply()
        with pytest.raises(oc.CorruptStateError, match="it was written anew"):
            anew.audit.verify(since=anchor)
        anew.destroy()
        with pytest.raises(oc.CorruptStateError, match="it was written anew"):
            anew.audit.verify(since=anchor)
    other.close()


def test_records_that_nobody_wrote_are_found(applied: oc.Deployment) -> None:
    """Somebody who knows the digests changes a record, and leaves the audit record alone."""
    store = applied.store
    assert isinstance(store, SqlStore)
    forged = attrs.evolve(applied.resources["subnet"], external_id="subnet-of-mallory")

    def forge(_: object) -> None:
        rows = store._rows()
        rows.put(RECORDS, forged.key, encode_record(forged))
        rows.save()

    store._transactions.run(forge, writes=True)
    assert applied.resources["subnet"].external_id == "subnet-of-mallory"
    with pytest.raises(oc.CorruptStateError, match="not what the audit record says") as caught:
        applied.audit.verify()
    assert caught.value.address == "subnet"
