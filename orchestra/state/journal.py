"""The journal: what was about to be called, and what came of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from orchestra.model.address import Address
from orchestra.model.values import Value

if TYPE_CHECKING:
    from orchestra.state.records import Record


class Operation(enum.Enum):
    """A call that changes a cloud or the state."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RECORD = "record"
    """The state alone changes: adopt, move, forget, take over what was observed."""


class Phase(enum.Enum):
    """What a journal entry tells."""

    BEGUN = "begun"
    ACCEPTED = "accepted"
    """The cloud accepted the call; the resource is not yet ready."""
    DONE = "done"
    FAILED = "failed"
    """The call certainly did not happen, or was refused."""
    UNKNOWN = "unknown"
    """Whether the call happened can't be told; settled by looking for the token."""


@attrs.frozen(kw_only=True)
class Intent:
    """A call about to be made, written down durably before it is made."""

    run: str
    address: Address
    operation: Operation
    kind: str
    cloud: str
    token: str
    """The idempotency token of a creation; of an update or deletion, the token of the record it changes."""
    at: float
    external_id: str = ""
    inputs: Mapping[str, Value] = attrs.field(factory=dict)
    """For a creation: its inputs with secrets sealed, so that a natural key can be looked for."""
    dependencies: tuple[Address, ...] = ()

    @property
    def key(self) -> tuple[Address, str, str]:
        """Identifies the call among the pending ones."""
        return self.address, self.operation.value, self.token


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of a call, with the records that it changes; written in one transaction.

    ``settles`` is the intent that it answers (None for one that had none): any phase but `Phase.UNKNOWN` takes
    the intent out of the pending ones. ``write`` records are inserted or overwritten by `Record.key`,
    ``remove`` are keys to delete.
    """

    run: str
    address: Address
    operation: Operation
    phase: Phase
    at: float
    settles: Intent | None = None
    write: tuple[Record, ...] = ()
    remove: tuple[tuple[Address, str], ...] = ()
    external_id: str = ""
    detail: str = ""
    """The error of a failure, without secrets."""


@attrs.frozen(kw_only=True)
class Entry:
    """One line of the journal as it is read back."""

    sequence: int
    run: str
    address: Address
    operation: Operation
    phase: Phase
    at: float
    token: str = ""
    external_id: str = ""
    detail: str = ""


class RunStatus(enum.Enum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@attrs.frozen(kw_only=True)
class RunRecord:
    """One run: an apply, a destroy, an adoption, a recovery."""

    id: str
    purpose: str
    started: float
    by: str
    plan_digest: str = ""
    ended: float | None = None
    status: RunStatus = RunStatus.RUNNING
    counts: Mapping[str, int] = attrs.field(factory=dict)
    durations: Mapping[str, Sequence[float]] = attrs.field(factory=dict)
    """How long steps take, by what all runs so far have taught; at first what those before it had."""


@attrs.frozen(kw_only=True)
class Holder:
    """Who holds a lease."""

    user: str
    host: str
    process: int
    since: float = 0.0
    purpose: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, process {self.process}" + (f" ({self.purpose})" if self.purpose else "")


@attrs.frozen(kw_only=True)
class Lease:
    """The right to write, until ``expires``. ``fence`` grows with every acquisition and goes with every write."""

    holder: Holder
    fence: int
    expires: float
