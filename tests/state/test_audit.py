"""Lines of the audit record: their form, their chain, and what replaying them gives."""

from __future__ import annotations

import json

import attrs
import pytest

from orchestra.errors import CorruptStateError
from orchestra.model.address import Address
from orchestra.state import audit
from orchestra.state.audit import AuditEntry, AuditEvent, Records
from orchestra.state.codec import encode_record
from orchestra.state.journal import Operation, Phase
from orchestra.state.records import Condition, Record

STEP = AuditEntry(
    event=AuditEvent.STEP,
    at=12.5,
    sequence=3,
    serial=2,
    run="r-1",
    address=Address("web[0]"),
    operation=Operation.CREATE,
    phase=Phase.DONE,
    token="t",
    external_id="i-1",
    before="b" * 32,
    after="a" * 32,
    digest="d" * 32,
)


def record(address: str = "web[0]", token: str = "t", condition: Condition = Condition.READY) -> Record:
    return Record(
        address=Address(address),
        kind="compute.Server",
        cloud="simulated",
        external_id="i-1",
        token=token,
        condition=condition,
        inputs={"name": 'a "quoted" name'},
    )


@pytest.mark.parametrize(
    "entry",
    [STEP, AuditEntry(event=AuditEvent.APPROVED, at=1.0, by="ann@build-7, process 1", plan_digest="p", detail="CHG-1")],
)
def test_a_line_comes_back(entry: AuditEntry) -> None:
    text = audit.encode_audit(entry)
    assert audit.decode_audit(text, sequence=entry.sequence, serial=entry.serial, digest=entry.digest) == entry


def test_what_is_empty_takes_no_room() -> None:
    assert audit.encode_audit(AuditEntry(event=AuditEvent.RUN_STARTED, at=1.0)) == '{"at":1.0,"event":"run started"}'


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"at":1.0,"event":"party"}', '{"at":1.0,"event":"step","phase":"x"}']
)
def test_texts_that_are_no_line_are_refused(text: str) -> None:
    with pytest.raises(CorruptStateError, match="a line of the audit record"):
        audit.decode_audit(text, sequence=1, serial=1, digest="")


def test_a_line_of_a_step_is_one_of_the_journal() -> None:
    step = STEP.step
    assert step is not None
    assert (step.sequence, step.address, step.operation, step.phase) == (3, "web[0]", Operation.CREATE, Phase.DONE)
    assert attrs.evolve(STEP, operation=None, phase=None, event=AuditEvent.RUN_FINISHED).step is None


def test_a_digest_hangs_on_every_line_before() -> None:
    first = audit.chained(audit.BEGINNING, "site", 1, 1, "", "{}")
    other = audit.chained(audit.BEGINNING, "site", 1, 2, "", "{}")
    assert first != other
    assert audit.chained(first, "site", 2, 2, "", "{}") != audit.chained(other, "site", 2, 2, "", "{}")


def test_replaying_gives_what_was_written() -> None:
    old, new = record(), record(token="u")
    deposed = attrs.evolve(old, condition=Condition.DEPOSED)
    records: Records = {}
    audit.replay(records, audit.encode_written((), [encode_record(old)]))
    assert records == {old.key: old}
    audit.replay(records, audit.encode_written((), [encode_record(deposed), encode_record(new)]))
    assert records == {new.key: new, deposed.key: deposed}
    audit.replay(records, audit.encode_written([deposed.key, (Address("nothing"), "")], []))
    assert records == {new.key: new}
    audit.replay(records, "")
    assert records == {new.key: new}
    audit.replay(records, audit.encode_written((), [encode_record(old)], whole=True))
    assert records == {old.key: old}


def test_an_address_can_not_pass_for_a_whole() -> None:
    text = audit.encode_written([(Address('a["whole":true,]'), "")], [])
    assert not audit.is_whole(text)
    assert json.loads(text)["removed"] == [['a["whole":true,]', ""]]


@pytest.mark.parametrize("text", ["x", "{}", '{"removed":[],"written":[{}]}', '{"removed":[1],"written":[]}'])
def test_what_can_not_be_replayed_is_refused(text: str) -> None:
    with pytest.raises(CorruptStateError):
        audit.replay({}, text)
