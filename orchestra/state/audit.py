"""The audit record: who did what, when, and what it changed. Each line is chained to the one before it."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs

from orchestra.model.address import Address
from orchestra.state.codec import canonical, decode_record, decoded, digest
from orchestra.state.journal import Entry, Operation, Phase
from orchestra.state.records import Record

BEGINNING: Final = "0" * 32
"""What the first line is chained to."""

NOWHERE: Final = Address("")
"""The address of what is at no resource."""


class AuditEvent(enum.Enum):
    """What a line of the audit record tells of."""

    RUN_STARTED = "run started"
    """A run has the lease and begins: ``detail`` is what for, ``plan_digest`` which plan it carries out."""
    STEP = "step"
    """A call was begun, or something came of it."""
    RUN_FINISHED = "run finished"
    """A run has ended: ``detail`` says how."""
    APPROVED = "approved"
    """Somebody has approved the plan with ``plan_digest``."""
    LEASE_BROKEN = "lease broken"
    """The lease was taken away from whoever ``detail`` names."""
    KEY_ROTATED = "key rotated"
    """The deployment has another key."""
    UPGRADED = "upgraded"
    """The state was brought to a newer version; what it was before can't be told any more."""


NOTES: Final = frozenset({AuditEvent.APPROVED, AuditEvent.LEASE_BROKEN})
"""What is noted without a lease: it changes nothing that a plan is made from, so the serial stays."""


@attrs.frozen(kw_only=True)
class AuditEntry:
    """One line of the audit record; of a step it says what the journal says, and what the records were and became."""

    event: AuditEvent
    at: float
    """Seconds since 1970-01-01 UTC, by the clock of whoever wrote it."""
    sequence: int = 0
    """The number of the line, from 1; given by the store."""
    serial: int = 0
    """The serial of the state once the line was written; given by the store."""
    by: str = ""
    """Who: user, host, process. Of a step: who started its run."""
    run: str = ""
    plan_digest: str = ""
    address: Address = NOWHERE
    operation: Operation | None = None
    phase: Phase | None = None
    token: str = ""
    external_id: str = ""
    detail: str = ""
    before: str = ""
    """The digest of the records that it changed, as they were; '' if there were none."""
    after: str = ""
    """The digest of the same records as they became; '' if none is left."""
    digest: str = ""
    """Of this line and, through the line before it, of every line so far; given by the store."""

    @property
    def step(self) -> Entry | None:
        """The line of the journal that it is; None if it tells of no step."""
        if self.operation is None or self.phase is None:
            return None
        return Entry(
            sequence=self.sequence,
            run=self.run,
            address=self.address,
            operation=self.operation,
            phase=self.phase,
            at=self.at,
            token=self.token,
            external_id=self.external_id,
            detail=self.detail,
        )


_GIVEN: Final = frozenset({"sequence", "serial", "digest"})
"""What stands beside the payload of a line."""


def encode_audit(entry: AuditEntry) -> str:
    """What ``entry`` says, as canonical JSON; what is empty is left out."""
    fields = attrs.asdict(entry, filter=lambda field, value: field.name not in _GIVEN and value not in ("", None))
    return canonical({name: one.value if isinstance(one, enum.Enum) else one for name, one in fields.items()})


def decode_audit(text: str, *, sequence: int, serial: int, digest: str) -> AuditEntry:
    """The line that ``text`` holds; raises `CorruptStateError`."""
    entry = decoded("a line of the audit record", _audit, text)
    return attrs.evolve(entry, sequence=sequence, serial=serial, digest=digest)


def _audit(text: str) -> AuditEntry:
    fields = json.loads(text)
    fields["event"] = AuditEvent(fields["event"])
    if fields["event"] is AuditEvent.STEP:
        fields["operation"], fields["phase"] = Operation(fields["operation"]), Phase(fields["phase"])
    return AuditEntry(**fields)


def chained(previous: str, deployment: str, *columns: str | float) -> str:
    """The digest of a line: of what it holds, and of the digest of the line before it."""
    return digest("\x1f".join((previous, deployment, *map(str, columns))))


# -- what a line changed, so that the state at any serial can be told


_WHOLE: Final = '{"whole":true,'


def encode_written(removed: Sequence[tuple[Address, str]], written: Sequence[str], *, whole: bool = False) -> str:
    """The keys of records that were removed, and then the records, already encoded, that were written.

    ``whole``: these are all the records that there are. '' if nothing changed.
    """
    if not (removed or written or whole):
        return ""
    keys = canonical([list(key) for key in removed])
    start = _WHOLE if whole else "{"
    return f'{start}"removed":{keys},"written":[{",".join(written)}]}}'


def is_whole(text: str) -> bool:
    """Whether ``text`` tells all the records that there were."""
    return text.startswith(_WHOLE)


Records: TypeAlias = "dict[tuple[Address, str], Record]"
"""Records by their key."""


def replay(records: Records, text: str) -> None:
    """Do to ``records`` what ``text`` says was done; raises `CorruptStateError`."""
    if not text:
        return
    removed, written = decoded("what a line of the audit record wrote", _written, text)
    if is_whole(text):
        records.clear()
    for key in removed:
        records.pop(key, None)
    for record in written:
        records[record.key] = record


def _written(text: str) -> tuple[list[tuple[Address, str]], list[Record]]:
    fields = json.loads(text)
    removed = [(Address(address), token) for address, token in fields["removed"]]
    return removed, [decode_record(canonical(one)) for one in fields["written"]]
